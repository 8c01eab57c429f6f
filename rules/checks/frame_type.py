"""Frame Type (0008,9007): in its functional group for every frame, and in agreement with Image Type (PS3.3 C.8.16.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.checks.image_type import PM, Seen, judge
from rules.header import Header
from rules.image_types import TypeFacts
from rules.iods import iods
from rules.model import Example, Finding, Problem, Severity, Undecided
from rules.registry import run, table_rule
from rules.wording import shown

SHARED = "SharedFunctionalGroupsSequence"
PER_FRAME = "PerFrameFunctionalGroupsSequence"


@dataclass(frozen=True, slots=True)
class Frames:
    """Where the frames of an instance have their Frame Type.

    `types` holds each distinct Frame Type once. `absent`, `repeated`, `missing` and `empty` are the frames, counted
    from 1, whose functional group is absent, has not one Item, or lacks Frame Type or its value; frame 0 stands for
    the Shared Functional Groups. `both` are frames that repeat a shared group.
    """

    facts: TypeFacts
    sequence: str
    types: tuple[Seen, ...]
    absent: Sequence[int]
    repeated: Sequence[int]
    missing: Sequence[int]
    empty: Sequence[int]
    both: Sequence[int]

    def problem(self, frames: Sequence[int], message: str, last: str = "") -> Problem:
        """A Problem of the group, or of an Attribute in it, in these frames."""
        paths = [_path(number, self.sequence, last) for number in (frames[0], frames[-1])]
        several = len(frames) > 1
        return Problem(
            paths[0],
            message,
            section=self.facts.section,
            count=len(frames),
            first=paths[0] if several else None,
            last=paths[1] if several else None,
        )


def frame_types(header: Header, images: TypeFacts) -> Iterator[Finding | Undecided]:
    """Judge the Frame Types of an instance of this IOD; nothing where the IOD has none."""
    if images.frames is None:
        return
    frames = _frames(header, images.frames.types, images.frames.sequence)
    yield from run(GROUP_MISSING, frames)
    yield from run(GROUP_TWICE, frames)
    yield from run(GROUP_ITEMS, frames)
    yield from run(MISSING, frames)
    yield from run(EMPTY, frames)
    for seen in frames.types:
        yield from judge(seen)
    if images.agreement is None or not frames.types or not header.texts("ImageType"):
        return
    if header.has("ConcatenationUID"):
        # MIXED speaks of all frames of the Concatenation, and only some of them are here.
        yield Undecided("ImageType", "whether the frames of the whole Concatenation agree")
        return
    values = tuple(each.strip(" ") for each in header.texts("ImageType"))
    seen = Seen(header, images, "ImageType", values, b"")
    yield from run(AGREEMENT, seen, frames.types)
    yield from run(MIXED_UNIFORM, seen, frames.types)


def _frames(header: Header, facts: TypeFacts, sequence: str) -> Frames:
    numbers: dict[bytes, list[int]] = {}
    absent: list[int] = []
    repeated: list[int] = []
    missing: list[int] = []
    empty: list[int] = []
    both: list[int] = []

    def look(place: Header, column: dict[bytes, list[int]] | None, frames: Sequence[int]) -> None:
        items = place.items(sequence)
        if len(items) != 1:
            repeated.extend(frames)
        elif column is None:
            missing.extend(frames)
        else:
            for raw, where in column.items():
                (numbers.setdefault(raw, []) if raw.strip(b" \0") else empty).extend(where)

    shared = next((each for each in header.items(SHARED) if each.has(sequence)), None)
    if shared is not None:
        items = shared.items(sequence)
        raw = items[0].raw("FrameType") if items and items[0].has("FrameType") else None
        look(shared, None if raw is None else {raw: [0]}, [0])
    stencils = header.stencils(PER_FRAME)
    for stencil in stencils:
        if stencil.exemplar.has(sequence):
            look(stencil.exemplar, stencil.column(sequence, "FrameType"), stencil.numbers)
            if shared is not None:
                both.extend(stencil.numbers)
        elif shared is None:
            absent.extend(stencil.numbers)
    if shared is None and not stencils:
        absent.append(0)
    types = tuple(_seen(header, facts, sequence, raw, sorted(where)) for raw, where in numbers.items())
    return Frames(facts, sequence, types, *map(sorted, (absent, repeated, missing, empty, both)))


def _seen(header: Header, facts: TypeFacts, sequence: str, raw: bytes, frames: list[int]) -> Seen:
    values = tuple(each.strip(" \0") for each in raw.decode("ascii", "replace").split("\\"))
    paths = [_path(number, sequence, "FrameType") for number in (frames[0], frames[-1])]
    if len(frames) == 1:
        return Seen(header, facts, paths[0], values, raw)
    return Seen(header, facts, paths[0], values, raw, len(frames), paths[0], paths[1])


def _path(frame: int, sequence: str, last: str) -> str:
    group = f"{PER_FRAME}[{frame}].{sequence}" if frame else f"{SHARED}[1].{sequence}"
    return f"{group}[1].{last}" if last else group


def _map(shared: Example | None, *per_frame: Example, image: tuple[str, ...] = ()) -> Example:
    example: dict[str, object] = {"SOPClassUID": iods()[PM].sop_class_uids[0]}
    if image:
        example["ImageType"] = list(image)
    if shared is not None:
        example[SHARED] = [shared]
    if per_frame:
        example[PER_FRAME] = list(per_frame)
    return example


def _group(*value_4: str) -> Example:
    items = [{"FrameType": ["DERIVED", "PRIMARY", "VOLUME", each]} for each in value_4]
    return {"ParametricMapFrameTypeSequence": items}


_MEAN = ("DERIVED", "PRIMARY", "VOLUME", "MEAN")
_MIXED = ("DERIVED", "PRIMARY", "VOLUME", "MIXED")


def _group_missing(frames: Frames) -> Iterator[Problem]:
    """The functional group that holds Frame Type is absent for some or all frames.

    The IOD makes it mandatory, in the Shared Functional Groups or in those of every frame.
    """
    if frames.absent:
        # Frame 0 stands for an instance without any functional groups of frames.
        everywhere = not frames.types and not frames.repeated and not frames.missing and not frames.empty
        where = [0] if everywhere else frames.absent
        yield frames.problem(where, "is absent, neither shared nor " + ("in any frame" if everywhere else "here"))


GROUP_MISSING = table_rule(
    "frame-type-group-missing",
    section="C.7.6.16",
    severity=Severity.ERROR,
    good=[_map(_group("MEAN"), {}, {}), _map({}, _group("MEAN"), _group("MEAN"))],
    bad=[_map({}, {}, {}), _map({}, _group("MEAN"), {})],
)(_group_missing)


def _group_twice(frames: Frames) -> Iterator[Problem]:
    """The functional group that holds Frame Type is both shared and in a frame.

    A functional group is either shared or per frame; a reader cannot know which of the two counts.
    """
    if frames.both:
        yield frames.problem(frames.both, "is here and in the Shared Functional Groups")


GROUP_TWICE = table_rule(
    "frame-type-group-twice",
    section="C.7.6.16",
    severity=Severity.ERROR,
    good=[_map(_group("MEAN"), {})],
    bad=[_map(_group("MEAN"), _group("MEAN"))],
)(_group_twice)


def _group_items(frames: Frames) -> Iterator[Problem]:
    """The functional group that holds Frame Type has not exactly one Item.

    A frame has one type; with several nobody knows which.
    """
    if frames.repeated:
        yield frames.problem(frames.repeated, "has not exactly one Item")


GROUP_ITEMS = table_rule(
    "frame-type-group-items",
    section="C.7.6.16",
    severity=Severity.ERROR,
    good=[_map(_group("MEAN"), {})],
    bad=[_map(_group("MEAN", "MEAN"), {}), _map(_group(), {})],
)(_group_items)


def _missing(frames: Frames) -> Iterator[Problem]:
    """Frame Type, Type 1, is absent from its functional group.

    Without it nothing tells derived frames from acquired ones.
    """
    if frames.missing:
        yield frames.problem(frames.missing, "is absent, Type 1", "FrameType")


MISSING = table_rule(
    "frame-type-missing",
    section="C.8.16.1",
    severity=Severity.ERROR,
    good=[_map(_group("MEAN"), {})],
    bad=[_map({"ParametricMapFrameTypeSequence": [{}]}, {})],
)(_missing)


def _empty(frames: Frames) -> Iterator[Problem]:
    """Frame Type, Type 1, has no value.

    It says as little as an absent one.
    """
    if frames.empty:
        yield frames.problem(frames.empty, "has no value, Type 1", "FrameType")


EMPTY = table_rule(
    "frame-type-empty",
    section="C.8.16.1",
    severity=Severity.ERROR,
    good=[_map(_group("MEAN"), {})],
    bad=[_map({"ParametricMapFrameTypeSequence": [{"FrameType": None}]}, {})],
)(_empty)


def _agreement(seen: Seen, types: Sequence[Seen]) -> Iterator[Problem]:
    """A value of Image Type is neither what all frames have nor, where they differ, MIXED.

    Image Type sums up the frames: values 1 and 4 are those of the frames where all agree, and MIXED where they do
    not. Receivers choose by Image Type and never look at the frames.
    """
    for number in (1, 4):
        facts = seen.facts.value(number)
        here = _nth(seen, number)
        there = {_nth(each, number) for each in types}
        if facts is None or here in (None, "") or "" in there or None in there or here == "MIXED" or there == {here}:
            continue
        if facts.enumerated and ("MIXED" not in facts.enumerated or here not in facts.enumerated):
            # Whichever of them is outside the Enumerated Values has its own finding.
            continue
        wanted = shown(there.copy().pop() or "") if len(there) == 1 else "MIXED since frames differ"
        yield Problem(
            seen.path,
            f"is {shown(here or '')}, wanted {wanted}, as Frame Type says",
            value_number=number,
            severity=seen.facts.agreement,
            section="C.8.16.1" if seen.facts.agreement is Severity.ERROR else seen.facts.section,
        )


AGREEMENT = table_rule(
    "image-type-frames-differ",
    section="C.8.16.1",
    severity=Severity.ERROR,
    good=[_map(_group("MEAN"), {}, image=_MEAN), _map({}, _group("MEAN"), _group("MAXIMUM"), image=_MIXED)],
    bad=[_map(_group("MAXIMUM"), {}, image=_MEAN), _map({}, _group("MEAN"), _group("MAXIMUM"), image=_MEAN)],
)(_agreement)


def _mixed_uniform(seen: Seen, types: Sequence[Seen]) -> Iterator[Problem]:
    """A value of Image Type is MIXED although all frames have the same.

    MIXED makes readers look into every frame for differences that are not there.
    """
    for number in (1, 4):
        facts = seen.facts.value(number)
        there = {_nth(each, number) for each in types}
        if facts is None or _nth(seen, number) != "MIXED" or len(there) != 1 or "MIXED" in there or None in there:
            continue
        if facts.enumerated and "MIXED" not in facts.enumerated:
            continue
        yield seen.problem(f"is MIXED, though every frame has {shown(there.pop() or '')}", facts, section=facts.ground)


MIXED_UNIFORM = table_rule(
    "image-type-mixed-uniform",
    section="C.8.16.1",
    severity=Severity.ERROR,
    good=[_map({}, _group("MEAN"), _group("MAXIMUM"), image=_MIXED)],
    bad=[_map(_group("MEAN"), {}, image=_MIXED)],
)(_mixed_uniform)


def _nth(seen: Seen, number: int) -> str | None:
    return seen.values[number - 1] if number <= len(seen.values) else None
