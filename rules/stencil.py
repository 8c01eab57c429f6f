"""The Items of a Sequence by structure, and one Attribute over all of them: 2,000 alike cost little more than one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING

from rules.items import ITEM_HEADER, ItemTable, Layout

if TYPE_CHECKING:
    from rules.attributes import Header


class Stencil:
    """Items of one Sequence that share their structure: tags, VRs, nesting, and which values have no bytes."""

    __slots__ = ("_layouts", "_places", "_starts", "exemplar", "numbers")

    def __init__(
        self, exemplar: Header, numbers: Sequence[int], table: ItemTable, layouts: Sequence[Layout] = ()
    ) -> None:
        self.exemplar = exemplar
        """The first of these Items."""
        self.numbers = numbers
        """Which Items of the Sequence, from 1, ascending."""
        self._starts = table.starts
        self._layouts = layouts
        """None for a single Item, which is read as it stands."""
        self._places: dict[int, tuple[list[int], bool]] = {}

    def column(self, *steps: str | int) -> dict[bytes, list[int]] | None:
        """One Attribute over all these Items: each distinct value field with the numbers of the Items that have it.

        The steps but the last lead through the single Item of each nested Sequence. None where there is no such place.
        """
        place: Header = self.exemplar
        for step in steps[:-1]:
            items = place.items(step)
            if len(items) != 1:
                return None
            place = items[0]
        return self.column_at(place, steps[-1])

    def column_at(self, place: Header, name: str | int) -> dict[bytes, list[int]] | None:
        """As `column`, for an Attribute of the exemplar or of any Item within it. None for a Sequence."""
        found = self._fields(place, name)
        if found is None:
            return None
        column: dict[bytes, list[int]] = {}
        for numbers, fields in found:
            if len(set(fields)) == 1:
                column.setdefault(fields[0], []).extend(numbers)
            else:
                for number, value in zip(numbers, fields, strict=True):
                    column.setdefault(value, []).append(number)
        if len(found) > 1:
            for numbers in column.values():
                numbers.sort()
        return column

    def distinct_at(self, place: Header, name: str | int) -> set[bytes]:
        """The distinct value fields of `column_at`."""
        return {value for _, fields in self._fields(place, name) or () for value in fields}

    def _fields(self, place: Header, name: str | int) -> list[tuple[list[int], list[bytes]]] | None:
        """By layout: numbers of Items, and the value field of each."""
        found = place.element(name)
        if found is None or place.is_sequence(name):
            return None
        if not self._layouts:
            return [(list(self.numbers), [place.raw(name) or b""])]
        first = self._layouts[0]
        offset = found[1] - self._starts[first.numbers[0] - 1]
        index = bisect_left(first.offsets, offset)
        if index == len(first.offsets) or first.offsets[index] != offset:
            return None
        return [
            (layout.numbers, self._cut(layout, layout.offsets[index], layout.lengths[index]))
            for layout in self._layouts
        ]

    def _cut(self, layout: Layout, offset: int, length: int) -> list[bytes]:
        """The bytes at one place in all Items of a layout; in one sweep where they stand in a row."""
        data = self.exemplar.source.data
        starts, in_a_row = self._placed(layout)
        stride = ITEM_HEADER + layout.size
        if len(starts) < 4 or not in_a_row or starts[-1] + layout.size > len(data):
            return [bytes(data[start + offset : start + offset + length]) for start in starts]
        before = ITEM_HEADER + offset
        record = Struct(f"{before}x{length}s{stride - before - length}x")
        with memoryview(data) as view, view[starts[0] - ITEM_HEADER : starts[-1] + layout.size] as row:
            return [value for (value,) in record.iter_unpack(row)]

    def _placed(self, layout: Layout) -> tuple[list[int], bool]:
        """Where the Items of a layout begin, and whether nothing stands between them; found once."""
        known = self._places.get(id(layout))
        if known is None:
            starts = [self._starts[number - 1] for number in layout.numbers]
            in_a_row = starts[-1] - starts[0] == (ITEM_HEADER + layout.size) * (len(starts) - 1)
            known = self._places[id(layout)] = (starts, in_a_row)
        return known


def group(header: Header, name: str | int, table: ItemTable) -> tuple[Stencil, ...]:
    """The Items of a Sequence by shape, in the order of their first."""
    if len(table.starts) == 1:
        return (Stencil(header.item_at(name, 1), range(1, 2), table),)
    by_shape: dict[int, dict[int, Layout]] = {}
    for layout in table.layouts:
        by_shape.setdefault(layout.shape, {})[id(layout)] = layout
    stencils = []
    for layouts in by_shape.values():
        numbers = sorted(number for layout in layouts.values() for number in layout.numbers)
        exact: Sequence[int] = numbers
        if numbers[-1] - numbers[0] + 1 == len(numbers):
            exact = range(numbers[0], numbers[-1] + 1)
        exemplar = header.item_at(name, numbers[0])
        stencils.append(Stencil(exemplar, exact, table, tuple(layouts.values())))
    return tuple(stencils)
