"""One Attribute of a functional group over all frames: shared or per frame, each distinct value once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rules.dictionary import tag_of
from rules.header import Header, Stencil
from rules.model import Finding, Problem
from rules.values import Value

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
NOMINALLY = 0.01
"""How far numbers may be apart, absolutely or as a part of them, that are nominally the same."""
MOST_NAMED = 20
"""Frames that a message names; the others it counts."""


@dataclass(frozen=True, slots=True)
class FrameValue:
    """A value that frames have in common. `items` are the Items of `frames` that have it, from 1."""

    raw: bytes
    like: Header
    """The functional group of the first frame of the same structure: how the bytes are read."""
    header: Header
    frames: str
    items: Sequence[int]
    sequence: str
    keyword: str

    @property
    def values(self) -> tuple[Value, ...]:
        """The value, decoded."""
        return self.like.decode(self.keyword, self.raw)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers among the values."""
        return tuple([float(each) for each in self.values if isinstance(each, int | float)])

    @property
    def group(self) -> Header:
        """The functional group where the value stands first; what else is asked there holds for that frame."""
        return self._group(self.items[0])

    def problem(self, message: str) -> Problem:
        """A Problem with this value, told once for all its frames."""
        first = self.group.path_of(self.keyword)
        if len(self.items) == 1:
            return Problem(first, message)
        last = self._group(self.items[-1]).path_of(self.keyword)
        return Problem(first, message, count=len(self.items), first=first, last=last)

    def _group(self, number: int) -> Header:
        return self.header.item_at(self.frames, number).items(self.sequence)[0]


@dataclass(frozen=True, slots=True)
class FrameFields:
    """The value field that each frame has of one Attribute; `like` is one of the functional groups that hold it."""

    like: Header
    name: str | int
    raw: dict[int, bytes]

    def unique(self) -> bool:
        """Whether no two frames have the same value field."""
        return len(set(self.raw.values())) == len(self.raw)

    def differing(self, keys: Iterable[tuple[Hashable, int]]) -> list[int]:
        """The frames whose value is not nominally that of the first frame with the same key, of (key, frame) pairs."""
        first: dict[Hashable, bytes] = {}
        same: dict[tuple[bytes, bytes], bool] = {}
        found = []
        for key, number in keys:
            raw = self.raw.get(number, b"")
            known = first.setdefault(key, raw)
            if raw != known:
                agree = same.get((known, raw))
                if agree is None:
                    agree = same[known, raw] = self._nominally(known, raw)
                if not agree:
                    found.append(number)
        return found

    def _nominally(self, one: bytes, other: bytes) -> bool:
        values = [self.like.decode(self.name, raw) for raw in (one, other)]
        return len(values[0]) == len(values[1]) and all(_close(a, b) for a, b in zip(*values, strict=True))


def frame_fields(header: Header, sequence: str | int, name: str | int) -> FrameFields | None:
    """An Attribute of the single Item of a per-frame functional group; None where no frame has it as a value."""
    like: Header | None = None
    raw: dict[int, bytes] = {}
    for stencil, group in _groups(header, PER_FRAME, sequence):
        column = stencil.column_at(group, name)
        if column is None:
            continue
        like = like or group
        for value, numbers in column.items():
            raw.update(dict.fromkeys(numbers, value))
    return None if like is None else FrameFields(like, name, raw)


def _close(one: Value, other: Value) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= NOMINALLY * max(1, abs(one))
    return one == other


def frame_places(header: Header) -> list[Header]:
    """Where functional groups stand: the Shared Items, and one Per-frame Item of each structure."""
    return [*header.items(SHARED), *(stencil.exemplar for stencil in header.stencils(PER_FRAME))]


def frame_values(header: Header, sequence: str, keyword: str) -> Iterator[FrameValue]:
    """Every distinct value of `keyword` in the single Item of the functional group `sequence`."""
    for frames in (SHARED, PER_FRAME):
        for stencil, group in _groups(header, frames, sequence):
            for raw, items in (stencil.column_at(group, keyword) or {}).items():
                if raw:
                    yield FrameValue(raw, group, header, frames, items, sequence, keyword)


def _groups(header: Header, frames: str, sequence: str | int) -> Sequence[tuple[Stencil, Header]]:
    """Where a functional group has a single Item; all groups are looked for at once, as many ask for few of them."""
    if not header.is_sequence(frames):
        return ()
    answers, asked = header.source.answers, (_groups, frames)
    known: dict[int, list[tuple[Stencil, Header]]] | None = answers.get(asked)
    if known is None:
        known = answers[asked] = {}
        for stencil in header.stencils(frames):
            for tag in stencil.exemplar.nested():
                items = stencil.exemplar.items(tag)
                if len(items) == 1:
                    known.setdefault(tag, []).append((stencil, items[0]))
    return known.get(sequence if isinstance(sequence, int) else tag_of(sequence), ())


def problems(said: Iterable[tuple[FrameValue, str | None]], section: str | None = None) -> Iterator[Problem]:
    """What is said of values, each message once for all frames it is said of, with their numbers; None is nothing."""
    alike: dict[tuple[str, str], list[FrameValue]] = {}
    for seen, message in said:
        if message is not None:
            alike.setdefault((seen.frames, message), []).append(seen)
    for (frames, message), values in alike.items():
        numbers = sorted(number for seen in values for number in seen.items)
        first = values[0]
        yield frame_problem(first.header, (first.sequence, first.keyword), message, numbers, frames, section)


def frame_problem(
    header: Header,
    names: Sequence[str],
    message: str,
    numbers: Sequence[int],
    frames: str = PER_FRAME,
    section: str | None = None,
) -> Problem:
    """A Problem of some frames, ascending; `names` lead from their functional groups to the Attribute."""
    paths = [_path(header.item_at(frames, number), names) for number in (numbers[0], numbers[-1])]
    if len(numbers) == 1:
        return Problem(paths[0], message, section=section)
    told = f"{message} ({named(numbers)})" if frames == PER_FRAME else message
    return Problem(paths[0], told, section=section, count=len(numbers), first=paths[0], last=paths[1])


def named(numbers: Sequence[int]) -> str:
    """Several frames in words: "frames 2 to 9", or "frames 2, 5 and 12 more" after the first `MOST_NAMED`."""
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"frames {numbers[0]} to {numbers[-1]}"
    first = [str(number) for number in numbers[:MOST_NAMED]]
    more = len(numbers) - len(first)
    last = f"{more} more" if more else first.pop()
    return f"frames {', '.join(first)} and {last}"


def items_of(finding: Finding) -> tuple[int, ...]:
    """The Items that a finding is of, as many as are named and one more; none where it does not say."""
    if finding.items or finding.count > 1 or not finding.path.startswith(f"{PER_FRAME}["):
        return finding.items
    return (int(finding.path.partition("[")[2].partition("]")[0]),)


def both(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The Items of two findings that are one; none where either does not say."""
    return tuple(sorted({*one, *other})[: MOST_NAMED + 1]) if one and other else ()


def with_frames(finding: Finding) -> Finding:
    """The finding with its frames in the message, where they do not stand in a row between the first and the last."""
    items, path = finding.items, finding.path
    if not items:
        return finding
    in_a_row = items[-1] - items[0] == len(items) - 1 and (len(items) <= MOST_NAMED or _reaches(finding))
    if in_a_row or not path.startswith(f"{PER_FRAME}["):
        return replace(finding, items=())
    more = finding.count - MOST_NAMED if len(items) > MOST_NAMED else 0
    first = [str(number) for number in items[:MOST_NAMED]]
    last = f"{more} more" if more else first.pop()
    return replace(finding, items=(), message=f"{finding.message} (frames {', '.join(first)} and {last})")


def _reaches(finding: Finding) -> bool:
    """Whether the last frame is as far from the first as there are frames."""
    last = int((finding.last or "[0]").partition("[")[2].partition("]")[0])
    return last - finding.items[0] == finding.count - 1


def _path(place: Header, names: Sequence[str]) -> str:
    """The path of an Attribute, each Sequence on the way by its first Item; as far as there are Items."""
    for name in names[:-1]:
        items = place.items(name)
        if not items:
            return place.path_of(name)
        place = items[0]
    return place.path_of(names[-1])
