"""One Attribute of a functional group over all frames: shared or per frame, each distinct value once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.header import Header
from rules.model import Problem
from rules.values import Value

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"


@dataclass(frozen=True, slots=True)
class FrameValue:
    """A value that frames have in common. `items` are the Items of `frames` that have it, from 1."""

    values: tuple[Value, ...]
    header: Header
    frames: str
    items: Sequence[int]
    sequence: str
    keyword: str

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


def frame_places(header: Header) -> list[Header]:
    """Where functional groups stand: the Shared Items, and one Per-frame Item of each structure."""
    return [*header.items(SHARED), *(stencil.exemplar for stencil in header.stencils(PER_FRAME))]


def frame_values(header: Header, sequence: str, keyword: str) -> Iterator[FrameValue]:
    """Every distinct value of `keyword` in the single Item of the functional group `sequence`."""
    for frames in (SHARED, PER_FRAME):
        for stencil in header.stencils(frames):
            groups = stencil.exemplar.items(sequence)
            if len(groups) == 1:
                for raw, items in (stencil.column_at(groups[0], keyword) or {}).items():
                    if raw:
                        yield FrameValue(groups[0].decode(keyword, raw), header, frames, items, sequence, keyword)
