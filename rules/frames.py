"""One Attribute of a functional group over all frames: shared or per frame, each distinct value once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.header import Header
from rules.model import Problem
from rules.values import Value

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"


@dataclass(frozen=True, slots=True)
class FrameValue:
    """A value that frames have in common, where it stands first and last, and how often.

    `group` is the Item of the functional group where it stands first: what else is asked there holds for that frame.
    """

    values: tuple[Value, ...]
    group: Header
    path: str
    count: int
    last: str

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers among the values."""
        return tuple(float(each) for each in self.values if isinstance(each, int | float))

    def problem(self, message: str) -> Problem:
        """A Problem with this value, told once for all its frames."""
        if self.count == 1:
            return Problem(self.path, message)
        return Problem(self.path, message, count=self.count, first=self.path, last=self.last)


def frame_values(header: Header, sequence: str, keyword: str) -> Iterator[FrameValue]:
    """Every distinct value of `keyword` in the single Item of the functional group `sequence`."""
    for shared in header.items(SHARED):
        for group in shared.items(sequence)[:1]:
            if not group.empty(keyword) and group.has(keyword):
                path = group.path_of(keyword)
                yield FrameValue(group.values(keyword), group, path, 1, path)
    for stencil in header.stencils(PER_FRAME):
        for raw, numbers in (stencil.column(sequence, keyword) or {}).items():
            first = header.item_at(PER_FRAME, numbers[0]).items(sequence)[0]
            last = header.item_at(PER_FRAME, numbers[-1]).items(sequence)[0]
            if raw:
                values = first.decode(keyword, raw)
                yield FrameValue(values, first, first.path_of(keyword), len(numbers), last.path_of(keyword))
