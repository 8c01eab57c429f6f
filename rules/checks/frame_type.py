"""Frame Type (0008,9007): in its functional group for every frame, and as Image Type sums it up (PS3.3 C.8.16.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rules.frames import PER_FRAME, SHARED
from rules.header import Header
from rules.image_types import TypeFacts
from rules.iods import iods
from rules.model import Example, Finding, Problem, Severity, Undecided
from rules.registry import run, table_rule
from rules.type_rules import EMR, PM, Seen, code_strings, judge
from rules.wording import shown

MOST_TYPES = 100
"""Different Frame Types that are judged in one instance: no instance needs more, and each may draw findings."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Where the frames of an instance have their Frame Type.

    `types` holds each distinct Frame Type once. `absent`, `repeated`, `missing` and `empty` are the frames, counted
    from 1, whose functional group is absent, has not one Item, or lacks Frame Type or its value; frame 0 stands for
    the Shared Functional Groups. `both` are frames that repeat a shared group, `calculated` those that are ORIGINAL
    although they name a calculation.
    """

    facts: TypeFacts
    sequence: str
    types: tuple[Seen, ...]
    absent: Sequence[int]
    repeated: Sequence[int]
    missing: Sequence[int]
    empty: Sequence[int]
    both: Sequence[int]
    calculated: Sequence[int]

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
    yield from run(ORIGINAL_VOLUME, frames)
    for seen in frames.types[:MOST_TYPES]:
        yield from judge(seen)
    for seen in frames.types[MOST_TYPES:]:
        yield Undecided(seen.path, "one Frame Type too many")
    if images.agreement is None or not frames.types or header.empty("ImageType"):
        return
    if header.has("ConcatenationUID"):
        # MIXED speaks of all frames of the Concatenation, and only some of them are here.
        yield Undecided("ImageType", "whether the frames of the whole Concatenation agree")
        return
    raw = header.raw("ImageType") or b""
    seen = Seen(header, images, "ImageType", code_strings(raw), raw)
    yield from run(AGREEMENT, seen, frames.types)
    yield from run(MIXED_UNIFORM, seen, frames.types)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Functional groups of the same structure: the shared ones (frame 0), or those of some frames.

    `items` is how many Items the sequence has in them, None where it is absent.
    """

    frames: Sequence[int]
    items: int | None
    column: Callable[[str], dict[bytes, list[int]] | None]


def _places(header: Header, sequence: str) -> Iterator[_Place]:
    for shared in header.items(SHARED)[:1]:
        yield _Place([0], _items(shared, sequence), partial(_shared_column, shared, sequence))
    for stencil in header.stencils(PER_FRAME):
        yield _Place(stencil.numbers, _items(stencil.exemplar, sequence), partial(stencil.column, sequence))


def _items(groups: Header, sequence: str) -> int | None:
    return len(groups.items(sequence)) if groups.has(sequence) else None


def _shared_column(shared: Header, sequence: str, keyword: str) -> dict[bytes, list[int]] | None:
    raw = shared.items(sequence)[0].raw(keyword)
    return None if raw is None else {raw: [0]}


def _frames(header: Header, facts: TypeFacts, sequence: str) -> Frames:
    places = list(_places(header, sequence))
    holding = [each for each in places if each.items is not None]
    columns = [(each, each.column("FrameType")) for each in holding if each.items == 1]
    frames_of: dict[bytes, list[int]] = {}
    for _, column in columns:
        for raw, frames in (column or {}).items():
            frames_of.setdefault(raw, []).extend(frames)
    filled = {raw: sorted(frames) for raw, frames in frames_of.items() if raw.strip(b" \0")}
    shared = any(each.frames[0] == 0 for each in holding)
    lacking = _all(each for each in places if each.items is None and each.frames[0])
    return Frames(
        facts,
        sequence,
        types=tuple(_seen(header, facts, sequence, raw, frames) for raw, frames in filled.items()),
        absent=[] if shared else lacking if holding or lacking else [0],
        repeated=_all(each for each in holding if each.items != 1),
        missing=_all(each for each, column in columns if column is None),
        empty=sorted(frame for raw, frames in frames_of.items() if raw not in filled for frame in frames),
        both=_all(each for each in holding if each.frames[0]) if shared else [],
        calculated=sorted(frame for each, column in columns for frame in _calculated(each, column or {})),
    )


def _all(places: Iterable[_Place]) -> list[int]:
    return sorted(frame for each in places for frame in each.frames)


def _calculated(place: _Place, types: dict[bytes, list[int]]) -> set[int]:
    """The frames that are ORIGINAL and name a Volume Based Calculation Technique."""
    techniques = place.column("VolumeBasedCalculationTechnique") or {}
    named = {frame for raw, frames in techniques.items() if raw.strip(b" \0") not in (b"", b"NONE") for frame in frames}
    if not named:
        return named
    return named & {
        frame for raw, frames in types.items() if raw.split(b"\\")[0].strip() == b"ORIGINAL" for frame in frames
    }


def _seen(header: Header, facts: TypeFacts, sequence: str, raw: bytes, frames: list[int]) -> Seen:
    values = code_strings(raw)
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
        nowhere = not (frames.types or frames.repeated or frames.missing or frames.empty)
        where = "in any frame" if nowhere else "here"
        yield frames.problem([0] if nowhere else frames.absent, f"is absent, neither shared nor {where}")


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


def _original_volume(frames: Frames) -> Iterator[Problem]:
    """Frame Type value 1 is ORIGINAL although Volume Based Calculation Technique names a calculation.

    A projection or reformation is calculated from other pixels, so the frame is DERIVED.
    """
    if frames.calculated and frames.facts.common:
        problem = frames.problem(frames.calculated, "is ORIGINAL though a calculation technique is named", "FrameType")
        yield replace(problem, value_number=1, section="C.8.16.1.1")


def _mr(technique: str) -> Example:
    item = {"FrameType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], "VolumeBasedCalculationTechnique": technique}
    return {"SOPClassUID": iods()[EMR].sop_class_uids[0], SHARED: [{"MRImageFrameTypeSequence": [item]}]}


ORIGINAL_VOLUME = table_rule(
    "frame-type-original-volume",
    section="C.8.16.1.1",
    severity=Severity.ERROR,
    good=[_mr("NONE")],
    bad=[_mr("MAX_IP")],
)(_original_volume)


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
