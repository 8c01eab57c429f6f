"""The Items of a Sequence by structure, and one Attribute over all of them: 2,000 alike cost little more than one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from struct import Struct
from typing import TYPE_CHECKING

from rules.dictionary import tag_of
from rules.items import ITEM_HEADER, ItemTable, Layout

if TYPE_CHECKING:
    from rules.attributes import Header
    from rules.walk import Element


FEW = 4
"""Items of a layout that are looked at one by one; distinct values that are kept with the Items that have them."""
MANY = 32
"""Items of one layout from which on it pays to find out first which values they have in common."""
MOST_KEPT = 4096
"""Distinct values of an Attribute that are kept for whoever asks again."""


class Stencil:
    """Items of one Sequence that share their structure: tags, VRs, nesting, and which values have no bytes."""

    __slots__ = ("_common", "_layouts", "_places", "_starts", "exemplar", "numbers")

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
        self._common: dict[int, set[int]] = {}

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
        """As `column`, for an Attribute of the exemplar or of any Item within it. None for a Sequence.

        What is given may be given again: it is not to be changed.
        """
        element = self._value_at(place, name)
        if element is None:
            return None
        # A place within an Item belongs to the Stencils of each level, which number their own Items.
        kept, key = self.exemplar.source.columns, (self.exemplar.start, element[1])
        column = kept.get(key)
        if column is not None:
            return column
        found = self._fields(element)
        if found is None:
            return None
        column = {}
        shared = False
        for numbers, fields in found:
            if len(fields) == 1:
                shared = shared or fields[0] in column
                column.setdefault(fields[0], []).extend(numbers)
                continue
            each = _each_alone(fields, numbers)
            if len(each) == len(fields) and column.keys().isdisjoint(each):
                column |= each
            else:
                shared = True
                for number, value in zip(numbers, fields, strict=True):
                    column.setdefault(value, []).append(number)
        if shared and len(found) > 1:
            for having in column.values():
                having.sort()
        if len(column) <= FEW:
            kept[key] = column
        return column

    def distinct_at(self, place: Header, name: str | int) -> frozenset[bytes]:
        """The distinct value fields of `column_at`."""
        element = self._value_at(place, name)
        if element is None:
            return frozenset()
        sets, key = self.exemplar.source.distinct, (self.exemplar.start, element[1])
        distinct = sets.get(key)
        if distinct is None:
            distinct = frozenset().union(*(fields for _, fields in self._fields(element) or ()))
            if len(distinct) <= MOST_KEPT:
                sets[key] = distinct
        return distinct

    @staticmethod
    def _value_at(place: Header, name: str | int) -> Element | None:
        """Where the value is in the exemplar; None where there is none, or a Sequence."""
        tag = name if isinstance(name, int) else tag_of(name)
        return None if tag in place.nested() else place.elements().get(tag)

    def _fields(self, element: Element) -> list[tuple[Sequence[int], list[bytes]]] | None:
        """By layout: numbers of Items, and the value field of each, or the one that they have in common."""
        _, offset, length = element
        if not self._layouts:
            return [(self.numbers, [bytes(self.exemplar.source.data[offset : offset + length])])]
        first = self._layouts[0]
        within = offset - self._starts[first.numbers[0] - 1]
        index = bisect_left(first.offsets, within)
        if index == len(first.offsets) or first.offsets[index] != within:
            return None
        return [(layout.numbers, self._cut(layout, index)) for layout in self._layouts]

    def _cut(self, layout: Layout, index: int) -> list[bytes]:
        """The bytes at one place in all Items of a layout; once where they have them in common."""
        data, offset, length = self.exemplar.source.data, layout.offsets[index], layout.lengths[index]
        if index in self._in_common(layout):
            start = self._placed(layout)[0][0] + offset
            return [bytes(data[start : start + length])]
        starts, in_a_row = self._placed(layout)
        if not in_a_row:
            return [bytes(data[start + offset : start + offset + length]) for start in starts]
        with memoryview(data) as view, view[starts[0] - ITEM_HEADER : starts[-1] + layout.size] as row:
            return [value for (value,) in _record(layout, offset, length).iter_unpack(row)]

    def _in_common(self, layout: Layout) -> set[int]:
        """Which values are the same in all Items of a layout: most are, where Items are many.

        Those in which a few Items agree are tried in one piece, as far as they stand side by side, and in two where
        that fails. Comparing is done without an object for each value.
        """
        known = self._common.get(id(layout))
        if known is None:
            known = self._common[id(layout)] = set()
            if len(layout.numbers) >= MANY:
                agreed = self._agreed(layout)
                pieces = [list(piece) for same, piece in groupby(range(len(agreed)), agreed.__getitem__) if same]
                while pieces:
                    piece = pieces.pop()
                    if self._same(layout, piece[0], piece[-1]):
                        known.update(piece)
                    elif len(piece) > 1:
                        pieces += [piece[: len(piece) // 2], piece[len(piece) // 2 :]]
        return known

    def _agreed(self, layout: Layout) -> list[bool]:
        """For each value, whether a few Items agree on it."""
        starts, data = self._placed(layout)[0], self.exemplar.source.data
        few = [starts[0], starts[1], starts[len(starts) // 2], starts[-1]]
        one, *others = [bytes(data[start : start + layout.size]) for start in few]
        spans = [(offset, offset + length) for offset, length in zip(layout.offsets, layout.lengths, strict=True)]
        return [all(one[start:end] == other[start:end] for other in others) for start, end in spans]

    def _same(self, layout: Layout, first: int, last: int) -> bool:
        """Whether all Items of a layout have the same bytes from one value to another."""
        starts, in_a_row = self._placed(layout)
        offset, end = layout.offsets[first], layout.offsets[last] + layout.lengths[last]
        data = self.exemplar.source.data
        wanted = bytes(data[starts[0] + offset : starts[0] + end])
        if not in_a_row:
            return all(data[start + offset : start + end] == wanted for start in starts)
        with memoryview(data) as view, view[starts[0] - ITEM_HEADER : starts[-1] + layout.size] as row:
            return all(map((wanted,).__eq__, _record(layout, offset, end - offset).iter_unpack(row)))

    def _placed(self, layout: Layout) -> tuple[list[int], bool]:
        """Where the Items of a layout begin, and whether nothing stands between them; found once."""
        known = self._places.get(id(layout))
        if known is None:
            first, last = layout.numbers[0], layout.numbers[-1]
            if last - first == len(layout.numbers) - 1:
                starts = self._starts[first - 1 : last]
            else:
                starts = [self._starts[number - 1] for number in layout.numbers]
            in_a_row = starts[-1] - starts[0] == (ITEM_HEADER + layout.size) * (len(starts) - 1)
            known = self._places[id(layout)] = (starts, in_a_row and len(starts) >= FEW)
        starts, in_a_row = known
        # Of data that were let go of, or are cut off, there is no row.
        return starts, in_a_row and starts[-1] + layout.size <= len(self.exemplar.source.data)


def _each_alone(fields: Sequence[bytes], numbers: Sequence[int]) -> dict[bytes, list[int]]:
    """The column where every value is another; fewer than there are values where some are the same."""
    return {value: [number] for value, number in zip(fields, numbers, strict=True)}


def _record(layout: Layout, offset: int, length: int) -> Struct:
    """Cuts one place out of each of the Items of a layout in a row."""
    before = ITEM_HEADER + offset
    return Struct(f"{before}x{length}s{layout.size - offset - length}x")


def group(header: Header, name: str | int, table: ItemTable) -> tuple[Stencil, ...]:
    """The Items of a Sequence by shape, in the order of their first."""
    if len(table.starts) == 1:
        return (Stencil(header.item_at(name, 1), range(1, 2), table),)
    by_shape: dict[int, list[Layout]] = {}
    for layout in table.different:
        by_shape.setdefault(layout.shape, []).append(layout)
    stencils = []
    for layouts in by_shape.values():
        numbers = layouts[0].numbers
        if len(layouts) > 1:
            numbers = sorted(number for layout in layouts for number in layout.numbers)
        exact: Sequence[int] = numbers
        if numbers[-1] - numbers[0] + 1 == len(numbers):
            exact = range(numbers[0], numbers[-1] + 1)
        exemplar = header.item_at(name, numbers[0])
        stencils.append(Stencil(exemplar, exact, table, tuple(layouts)))
    return tuple(stencils)
