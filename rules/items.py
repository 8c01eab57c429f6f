"""Where the Items of a Sequence are, and which of them are laid out alike (PS3.5 7.5).

Two Items whose bytes are equal outside the values, at equal offsets, have the same tags, VRs, lengths and nesting: the
first is walked, the others are compared. Items that differ in the lengths of values only share a shape.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import takewhile
from struct import Struct, error
from typing import TYPE_CHECKING

from rules.dictionary import format_tag
from rules.encoding import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, Encoding

if TYPE_CHECKING:
    from rules.attributes import Header
    from rules.walk import Source

CANDIDATES = 4
"""Layouts that an Item is compared with before it is walked."""
TRIALS = 64
"""Items after which comparing is given up, where fewer than a quarter of them had a known layout."""
STREAK = 4
"""Items of one layout in a row after which the next ones are compared all at once."""
ITEM_HEADER = 8
"""Bytes of an Item's tag and length."""


@dataclass(slots=True)
class Anatomy:
    """What the walk of one Item found, nested Items included. Offsets are from the start of the data."""

    shape: int
    """The same number for Items of the same tags, VRs, nesting and empty values."""
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    fixed: set[int] = field(default_factory=set)
    """Offsets of values that bear on how other bytes are read; they count as structure."""


@dataclass(slots=True, eq=False)
class Layout:
    """The exact places of all values in an Item. Offsets are from the start of its value."""

    shape: int
    size: int
    offsets: array[int]
    lengths: array[int]
    fixed: frozenset[int]
    comparable: bool
    delimited: bool
    numbers: list[int] = field(default_factory=list)
    record: Struct | None = None
    structure: tuple[bytes, ...] = ()
    """What the record has of each of these Items: their tag and length, and all bytes that are no values."""

    def matches(self, source: Source, start: int, first: int) -> bool:
        """Whether the bytes at `start` are laid out as those at `first`, whose layout this is."""
        if self.record is None:
            self.record = Struct(self._format())
            self.structure = self.record.unpack_from(source.data, first - ITEM_HEADER)
        try:
            return self.record.unpack_from(source.data, start - ITEM_HEADER) == self.structure
        except error:
            return False

    def in_a_row(self, source: Source, offset: int, most: int) -> int:
        """How many Items like those that matched begin one behind the other from `offset` on, tag and all."""
        if self.record is None:
            return 0
        with memoryview(source.data) as view, view[offset : offset + most * self.record.size] as row:
            count = 0
            for _ in takewhile(self.structure.__eq__, self.record.iter_unpack(row)):
                count += 1
            return count

    def _format(self) -> str:
        """Structure as strings, values as pad bytes, for `struct`."""
        cuts, at = ["<"], -ITEM_HEADER
        for offset, length in zip(self.offsets, self.lengths, strict=True):
            if length and offset not in self.fixed:
                cuts.append(f"{offset - at}s{length}x")
                at = offset + length
        cuts.append(f"{self.size - at}s")
        return "".join(cuts)


@dataclass(slots=True, eq=False)
class ItemTable:
    """Where the Items of one Sequence are, and how they are laid out."""

    encoding: Encoding
    start: int
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    delimited: list[bool] = field(default_factory=list)
    headers: dict[int, Header] = field(default_factory=dict)
    end: int = 0
    following: int = 0
    """Where the Items end, and where what follows the Sequence begins."""
    found_end: bool = True
    intact: bool = True
    """Whether nothing undecodable was met in them, and nothing was guessed."""
    laid_out: list[Layout] = field(default_factory=list)
    different: list[Layout] = field(default_factory=list)
    """Each layout once, in the order of its first Item."""
    alone: tuple[Header, int, bool] | None = None
    """A first Item whose layout nobody has asked for yet: its size, and whether it can be compared."""

    @property
    def layouts(self) -> list[Layout]:
        """One for each Item; the same one for many. That of a lone Item is seldom asked for, and then made."""
        if self.alone is not None:
            item, size, comparable = self.alone
            self.alone = None
            layout = layout_of(item, size, comparable)
            layout.numbers.append(1)
            self.laid_out.append(layout)
            self.different.append(layout)
        return self.laid_out


def layout_of(item: Header, size: int, comparable: bool) -> Layout:
    """The layout of an Item of so many bytes."""
    anatomy, start = item.anatomy(), item.start
    return Layout(
        anatomy.shape,
        size,
        array("q", [each - start for each in anatomy.offsets]),
        array("q", anatomy.lengths),
        frozenset([each - start for each in anatomy.fixed]),
        comparable,
        item.delimited,
    )


def read_items(
    header: Header, tag: int, encoding: Encoding, start: int, end: int, delimited: bool, report: bool
) -> ItemTable:
    """The Items from `start` on: up to `end`, or to the delimiter of a Sequence of undefined length (PS3.5 7.5)."""
    if not delimited and start + ITEM_HEADER <= end and not (report and header.source.budget <= 0):
        group, element, length = encoding.tag_and_length(header.source.data, start)
        if start + ITEM_HEADER + length == end and group << 16 | element == ITEM:
            return _lone_item(header, tag, encoding, start, end, report)
    return _ItemReader(header, tag, encoding, start, end, delimited, report).run()


def _lone_item(header: Header, tag: int, encoding: Encoding, start: int, end: int, report: bool) -> ItemTable:
    """The only Item of a Sequence, of defined length; most Sequences are like that."""
    if report:
        header.source.budget -= 1
    first = start + ITEM_HEADER
    item = header.make_item(tag, 1, encoding, first, end, False, report)
    intact = item.intact()
    alone = item, end - first, intact
    return ItemTable(encoding, start, [first], [end], [False], {1: item}, end, end, True, intact, alone=alone)


class _ItemReader:
    """The walk over the Items of one Sequence."""

    def __init__(
        self, header: Header, tag: int, encoding: Encoding, start: int, end: int, delimited: bool, report: bool
    ) -> None:
        self.header, self.tag, self.end, self.delimited, self.report = header, tag, end, delimited, report
        self.source = header.source
        self.table = ItemTable(encoding, start)
        self.offset = start
        self.recent: dict[int, list[Layout]] = {}
        self.shapes: set[int] = set()
        self.trials = self.hits = 0
        self.last: Layout | None = None
        self.streak, self.patience = 0, STREAK

    def run(self) -> ItemTable:
        table, data, unpack = self.table, self.source.data, self.table.encoding.tag_and_length
        table.found_end = not self.delimited
        while self.offset + 8 <= self.end:
            at = self.offset
            group, element, length = unpack(data, at)
            met = group << 16 | element
            if met == ITEM:
                if self.report and self.source.budget <= 0:
                    self._broken(at, f"more than {self.source.limits.elements} elements")
                    break
                if not self._item(at + 8, length):
                    break
            elif met == SEQUENCE_END and self.delimited:
                if length:
                    self._tell(at, met, f"a Sequence Delimitation Item has length {length}, wanted 0")
                table.found_end = True
                table.end, table.following = at, at + 8
                return table
            elif met in (SEQUENCE_END, ITEM_END) and length == 0:
                self._tell(at, met, f"a delimiter {format_tag(met)} where none belongs")
                self.offset = at + 8
            else:
                self._broken(at, f"{format_tag(met)} where an Item of {format_tag(self.tag)} was to begin")
                break
        else:
            if self.delimited:
                self._broken(self.offset, f"the data end within {format_tag(self.tag)}, a Sequence of undefined length")
            elif self.offset < self.end:
                left = self.end - self.offset
                self._broken(self.offset, f"{left} bytes are left at the end of {format_tag(self.tag)}")
        table.end = min(self.offset, self.end)
        table.following = self.end
        return table

    def _item(self, start: int, length: int) -> bool:
        """One Item, and those behind it that are laid out as it is; False where nothing can be read behind it."""
        table = self.table
        if self.report:
            self.source.budget -= 1
        if table.alone is not None:
            self._learn(table.alone[0], 1, table.layouts[0])
        layout = self._known(start, length)
        if layout is None:
            self.streak = 0
            return self._walk(start, length)
        self._take(layout, start, 1)
        self.streak = self.streak + 1 if layout is self.last else 0
        self.last = layout
        if self.streak >= self.patience:
            more = self._in_a_row(layout)
            self._take(layout, self.offset + ITEM_HEADER, more)
            if more < STREAK:
                self.patience *= 2
        return True

    def _take(self, layout: Layout, start: int, count: int) -> None:
        """Put down so many Items of a layout in a row, of which the first begins at `start`."""
        table, size, met = self.table, layout.size, len(self.table.starts)
        stride = ITEM_HEADER + size
        stop = start + count * stride
        table.starts += range(start, stop, stride)
        table.ends += range(start + size, stop + size, stride)
        table.delimited += [layout.delimited] * count
        table.laid_out += [layout] * count
        layout.numbers += range(met + 1, met + count + 1)
        self.trials += count
        self.hits += count
        self.offset = stop - ITEM_HEADER

    def _in_a_row(self, layout: Layout) -> int:
        """How many Items of a layout follow without anything between them."""
        count = (self.end - self.offset) // (ITEM_HEADER + layout.size)
        if self.report:
            count = min(count, self.source.budget)
        more = layout.in_a_row(self.source, self.offset, count) if count > 0 else 0
        if self.report:
            self.source.budget -= more
        return more

    def _known(self, start: int, length: int) -> Layout | None:
        """The layout that the Item shares with an earlier one."""
        recent = self.recent.get(length)
        if not recent:
            return None
        if self.trials > TRIALS and self.hits * 4 < self.trials:
            return None
        for layout in recent:
            if start + layout.size <= self.end and layout.matches(
                self.source, start, self.table.starts[layout.numbers[0] - 1]
            ):
                if layout is not recent[0]:
                    recent.remove(layout)
                    recent.insert(0, layout)
                return layout
        self.trials += 1
        return None

    def _walk(self, start: int, length: int) -> bool:
        """An Item of a layout not met before; False where nothing can be read behind it."""
        table, delimited = self.table, length == UNDEFINED
        number = len(table.starts) + 1
        end = self.end if delimited else start + length
        if end > self.end:
            over = end - self.end
            which = f"Item {number} of {format_tag(self.tag)}"
            self._broken(start, f"length {length} of {which} runs {over} bytes past the end")
            end = self.end
        item = self.header.make_item(self.tag, number, table.encoding, start, end, delimited, self.report)
        intact = item.intact()
        stop, whole = (item.walked_to, item.closed) if delimited else (end, True)
        self.offset = stop
        table.intact = table.intact and intact and whole
        table.starts.append(start)
        table.ends.append(stop)
        table.delimited.append(delimited)
        if number == 1:
            table.alone = item, stop - start, intact and whole
            table.headers[1] = item
        else:
            layout = layout_of(item, stop - start, intact and whole)
            layout.numbers.append(number)
            table.laid_out.append(layout)
            table.different.append(layout)
            self._learn(item, number, layout)
        return whole or self._resumes(item)

    def _learn(self, item: Header, number: int, layout: Layout) -> None:
        """Know an Item's layout again."""
        if layout.shape not in self.shapes:
            self.shapes.add(layout.shape)
            self.table.headers[number] = item
        if layout.comparable:
            recent = self.recent.setdefault(UNDEFINED if layout.delimited else layout.size, [])
            recent.insert(0, layout)
            del recent[CANDIDATES:]

    def _resumes(self, item: Header) -> bool:
        """Whether the Sequence goes on behind an Item that was not closed: its own delimiter stands there."""
        at = item.walked_to
        if at + 8 > self.end:
            return False
        group, element, _ = self.table.encoding.tag_and_length(self.source.data, at)
        return bool(group << 16 | element == SEQUENCE_END)

    def _broken(self, offset: int, message: str) -> None:
        self.table.intact = False
        if self.report:
            self.source.fault(offset, self.tag, message)

    def _tell(self, offset: int, tag: int, message: str) -> None:
        if self.report:
            self.source.fault(offset, tag, message, "encoding")
