"""One pass over the elements of a Data Set or Item: tag -> (VR, offset, length), nothing decoded (PS3.5 7.1)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from rules.dictionary import SEQUENCES, format_tag
from rules.encoding import (
    EXPLICIT_LITTLE,
    FLOAT_PIXEL_DATA,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    LONG,
    PIXEL_DATA,
    PIXELS,
    SEQUENCE_END,
    SHORT,
    UNDEFINED,
    WORDS,
    Buffer,
    Encoding,
)
from rules.faults import Fault, Kind, Limits

Element = tuple[bytes | None, int, int]
"""VR as encoded (None in implicit VR), offset of the value, its bytes without a delimiter."""
Table = dict[int, Element]
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class PixelData:
    """One of the three pixel data elements, unread.

    `length` is the defined length, or None where the value is encapsulated in `fragments` (the Basic Offset Table
    not counted, PS3.5 A.4) of `size` bytes together. `complete`: whether its end was reached.
    """

    tag: int
    vr: str | None
    start: int
    """Where the element begins, in bytes of the data."""
    offset: int
    """Where its value begins."""
    length: int | None
    size: int
    fragments: int = 0
    offset_table_length: int = 0
    complete: bool = True


FORGET_EVERY = 1 << 22
"""Bytes: of a mapped file the kernel gives a process some 64 KiB and more around each byte it looks at."""


@dataclass(slots=True)
class Source:
    """The bytes, with what is told and counted over all Data Sets read from them."""

    data: Buffer
    limits: Limits
    faults: dict[Fault, None] = field(default_factory=dict)
    pixels: list[PixelData] = field(default_factory=list)
    budget: int = 0
    shapes: dict[object, int] = field(default_factory=dict)
    """Numbers of the structures met, to compare them by."""
    columns: dict[tuple[int, int], dict[bytes, list[int]]] = field(default_factory=dict)
    distinct: dict[tuple[int, int], frozenset[bytes]] = field(default_factory=dict)
    """What Stencils keep of values, by where their exemplar begins and the offset of its value."""
    answers: dict[object, Any] = field(default_factory=dict)
    """What was found out of the whole instance, for whoever asks again."""
    forget: Callable[[int], None] | None = None
    """Told now and then, while fragments are walked, that what stands before an offset is done with for now."""

    def __post_init__(self) -> None:
        if isinstance(self.data, memoryview) and not (self.data.format == "B" and self.data.contiguous):
            self.data = self.data.tobytes()

    def release(self) -> None:
        """Let go of the bytes and of all values."""
        self.data = b""
        self.columns.clear()
        self.distinct.clear()
        self.answers.clear()

    def fault(self, offset: int, tag: int | None, message: str, kind: Kind = "undecodable") -> None:
        """Tell of malformed input, once; what exceeds the limit is summed up in one last line."""
        if len(self.faults) < self.limits.faults:
            self.faults[Fault(offset, tag, message, kind)] = None
        elif len(self.faults) == self.limits.faults:
            told = Fault(offset, None, f"more faults follow; the first {self.limits.faults} are told")
            self.faults[told] = None


OpenSequence = Callable[[int, Encoding, int, int], tuple[int, int, bool]]
"""Of a Sequence of undefined length, given tag, encoding of its Items, offset and bound: where its Items end, where
the next element begins, and whether its end was found."""


@dataclass(slots=True)
class Elements:
    """Elements as they are met. `before` is the tag of the last one, `offset` where the next one begins.

    `nested` are the Sequences. `misfit` is odd where some length may not be a multiple of what its VR wants.
    """

    offset: int
    table: Table = field(default_factory=dict)
    nested: dict[int, None] = field(default_factory=dict)
    before: int = -1
    misfit: int = 0

    def run(self, data: Buffer, encoding: Encoding, last: int, stop: int, most: int) -> None:
        """Go through ordinary elements up to `last`, fast; ends in front of whatever wants a closer look."""
        through = self._implicit if encoding.implicit else self._explicit
        through(data, encoding, last, stop, max(most - len(self.table), 0))

    def _explicit(self, data: Buffer, encoding: Encoding, last: int, stop: int, most: int) -> None:
        table, nested, offset, before, misfit = self.table, self.nested, self.offset, self.before, self.misfit
        tag_vr_and_length, long_length = encoding.tag_vr_and_length, encoding.long_length
        plain, short, long, words = _PLAIN, SHORT, LONG, WORDS
        try:
            for _ in repeat(None, most):
                if offset > last:
                    break
                group, element, vr, length = tag_vr_and_length(data, offset)
                tag = group << 16 | element
                if not before < tag < stop:
                    break
                if vr in plain:
                    table[tag] = (vr, offset + 8, length)
                    offset += 8 + length
                    misfit |= length
                elif vr in short:
                    table[tag] = (vr, offset + 8, length)
                    offset += 8 + length
                    misfit |= length % words[vr] != 0
                elif vr in long:
                    (length,) = long_length(data, offset + 8)
                    if length == 0xFFFFFFFF:
                        break
                    table[tag] = (vr, offset + 12, length)
                    offset += 12 + length
                    if vr == b"SQ" or (vr == b"UN" and tag in SEQUENCES):
                        nested[tag] = None
                    else:
                        misfit |= length | (length % words.get(vr, 1) != 0)
                else:
                    break
                before = tag
        except struct.error:
            pass  # the twelve bytes of a long element's header run past the data: a closer look tells
        self.offset, self.before, self.misfit = offset, before, misfit

    def _implicit(self, data: Buffer, encoding: Encoding, last: int, stop: int, most: int) -> None:
        table, nested, offset, before, misfit = self.table, self.nested, self.offset, self.before, self.misfit
        tag_and_length, sequences = encoding.tag_and_length, SEQUENCES
        for _ in repeat(None, most):
            if offset > last:
                break
            group, element, length = tag_and_length(data, offset)
            tag = group << 16 | element
            if not before < tag < stop or length == 0xFFFFFFFF:
                break
            table[tag] = (None, offset + 8, length)
            offset += 8 + length
            if tag in sequences:
                nested[tag] = None
            else:
                misfit |= length
            before = tag
        self.offset, self.before, self.misfit = offset, before, misfit


_PLAIN = frozenset(vr for vr in SHORT if vr not in WORDS)
"""VRs of which any even number of bytes will do."""


@dataclass(slots=True)
class Walk:
    """A walk under way: from `met` to `end`, within an Item if `item`, to a delimiter if `delimited`."""

    source: Source
    encoding: Encoding
    met: Elements
    end: int
    open_sequence: OpenSequence
    item: bool = False
    delimited: bool = False
    report: bool = True
    meta: bool = False
    zeros_sought: bool = False
    looks: int = 0
    """Elements that wanted a closer look."""
    intact: bool = True
    """Whether nothing undecodable was met, and nothing was guessed."""
    closed: bool = False
    """Whether the Item Delimitation Item was met, or the end of the File Meta Information."""
    in_order: bool = True
    """Whether tags ascend; else `met.nested` may say too much or too little."""

    @property
    def table(self) -> Table:
        """What was met."""
        return self.met.table

    @property
    def offset(self) -> int:
        """Where the next element begins."""
        return self.met.offset

    def run(self) -> None:
        """Fill the table as far as the bytes allow."""
        met, last = self.met, self.end - 8
        while met.offset <= last:
            if self.in_order:
                met.run(self.source.data, self.encoding, last, self._stop(), self._allowance())
                if met.offset > last:
                    continue
            if len(met.table) + self.looks >= self._allowance():
                self.undecodable(met.offset, None, f"more than {self.source.limits.elements} elements")
                break
            before = met.before
            self.looks += 1
            if not self._one():
                break
            self.in_order = self.in_order and met.before > before
        else:
            self._ending()
        if self.report:
            self.source.budget -= len(met.table) + self.looks

    def _allowance(self) -> int:
        """How many elements the table may hold; what is walked again, unreported, was counted before."""
        return self.source.budget if self.report else self.source.limits.elements

    def _stop(self) -> int:
        """The first tag that wants a closer look: pixel data, delimiters, what follows the File Meta Information."""
        return 0x00030000 if self.meta else FLOAT_PIXEL_DATA

    def _put(self, tag: int, vr: bytes | None, value: int, length: int, following: int) -> None:
        """An element that was looked at, at its place in the order met; one of the same tag is gone."""
        met = self.met
        met.table.pop(tag, None)
        met.table[tag] = (vr, value, length)
        met.offset = following
        if is_sequence(tag, vr):
            met.nested[tag] = None
        else:
            met.misfit |= length | (length % WORDS.get(vr, 1) != 0)

    def undecodable(self, offset: int, tag: int | None, message: str) -> None:
        self.intact = False
        self.tell(offset, tag, message, "undecodable")

    def tell(self, offset: int, tag: int | None, message: str, kind: Kind = "encoding") -> None:
        if self.report:
            self.source.fault(offset, tag, message, kind)

    def _one(self) -> bool:
        """One element with a closer look; False where the walk ends in front of it or in it."""
        data, at = self.source.data, self.offset
        group, element, length = self.encoding.tag_and_length(data, at)
        tag = group << 16 | element
        if group == 0xFFFE:
            return self._delimiter(tag, at, length)
        if self.meta and group > 0x0002:
            self.closed = True
            return False
        if tag == 0 and not self.item and self._only_zeros():
            return False
        vr: bytes | None = None
        value = at + 8
        if not self.encoding.implicit:
            vr, value, length = self._explicit_header(tag, at, length)
            if value > self.end:
                self.undecodable(at, tag, f"the data end within the header of {format_tag(tag)}")
                return False
        self._order(tag, at)
        self.met.before = tag
        if tag in PIXELS and not self.item:
            return self._pixels(tag, vr, at, value, length)
        if length == UNDEFINED:
            return self._undefined(tag, vr, value)
        self._put(tag, vr, value, length, value + length)
        return True

    def _explicit_header(self, tag: int, at: int, implicit_length: int) -> tuple[bytes | None, int, int]:
        """VR, offset of the value and length, where the VR may be any two bytes.

        What PS3.5 6.2 does not define has a 32-bit length (7.1.2), unless only 16 bits make sense; what is not even
        letters is no VR, unless only a length behind it makes sense.
        """
        data = self.source.data
        vr, short = self.encoding.tag_vr_and_length(data, at)[2:]
        if vr in SHORT:
            return vr, at + 8, short
        long = self.encoding.long_length(data, at + 8)[0] if at + 12 <= len(data) else 0
        if vr in LONG:
            return vr, at + 12, long
        self.intact = False
        if vr.isalpha() and vr.isupper():
            self.tell(at, tag, f"{format_tag(tag)} has the VR {vr.decode('ascii')}, which PS3.5 does not define")
            if short == 0 and (long == UNDEFINED or at + 12 + long <= self.end):
                return vr, at + 12, long
            return vr, at + 8, short
        if at + 8 + implicit_length <= self.end or implicit_length == UNDEFINED or at + 8 + short > self.end:
            self.tell(at, tag, f"{format_tag(tag)} has no VR, wanted explicit VR; read as implicit VR")
            return None, at + 8, implicit_length
        self.tell(at, tag, f"{format_tag(tag)} has two bytes that are no VR; read as UN")
        return b"UN", at + 8, short

    def _only_zeros(self) -> bool:
        """Whether nothing but zero bytes follows: padding that is no Data Set Trailing Padding (PS3.10 7.2)."""
        if self.zeros_sought:
            return False
        self.zeros_sought = True
        for at in range(self.offset, self.end, _CHUNK):
            if bytes(self.source.data[at : min(at + _CHUNK, self.end)]).strip(b"\0"):
                return False
        told = f"{self.end - self.offset} zero bytes follow the last element"
        self.tell(self.offset, None, told)
        return True

    def _order(self, tag: int, at: int) -> None:
        if tag in self.table:
            self.tell(at, tag, f"{format_tag(tag)} is there twice; the last one counts")
        elif tag < self.met.before:
            self.tell(at, tag, f"{format_tag(tag)} comes after {format_tag(self.met.before)}, wanted ascending tags")

    def _delimiter(self, tag: int, at: int, length: int) -> bool:
        if tag == ITEM_END and self.delimited:
            if length:
                self.tell(at, tag, f"an Item Delimitation Item has length {length}, wanted 0")
            self.met.offset = at + 8
            self.closed = True
            return False
        if tag == SEQUENCE_END and self.delimited:
            self.undecodable(at, tag, "a Sequence Delimitation Item where an Item Delimitation Item was to come")
            return False
        if tag in (ITEM_END, SEQUENCE_END) and length == 0:
            self.tell(at, tag, f"a delimiter {format_tag(tag)} where none belongs")
            self.met.offset = at + 8
            return True
        self.undecodable(at, tag, f"{format_tag(tag)} where an element was to begin")
        self.met.offset = at + 8 + length  # an Item without a Sequence is stepped over
        return tag == ITEM and self.offset <= self.end

    def _undefined(self, tag: int, vr: bytes | None, value: int) -> bool:
        """An element of undefined length: a Sequence, or pixel data in fragments within an Item (PS3.5 A.4)."""
        following: int | None
        found = True
        sequence = tag != PIXEL_DATA or vr == b"SQ"
        if not sequence:
            end, following, _ = fragments(self, tag, value)
            found = following is not None
        else:
            if vr not in (b"SQ", b"UN", None):
                told = vr.decode("ascii", "replace")
                self.tell(value, tag, f"{format_tag(tag)} of VR {told} has undefined length; read as a Sequence")
            end, following, found = self.open_sequence(tag, items_encoding(self.encoding, vr), value, self.end)
            self.intact = self.intact and found
        self._put(tag, vr, value, end - value, self.end if following is None else following)
        if sequence and not is_sequence(tag, vr):
            self.met.nested[tag] = None
        return found

    def _pixels(self, tag: int, vr: bytes | None, at: int, value: int, length: int) -> bool:
        told = vr.decode("ascii") if vr else None
        if length != UNDEFINED:
            complete = value + length <= self.end
            self.source.pixels.append(PixelData(tag, told, at, value, length, length, complete=complete))
            self._put(tag, vr, value, length, value + length)
            return True
        end, following, sizes = fragments(self, tag, value)
        complete = following is not None
        count, size, table_length = sizes
        self.source.pixels.append(PixelData(tag, told, at, value, None, size, count, table_length, complete))
        self._put(tag, vr, value, end - value, self.end if following is None else following)
        return complete

    def _ending(self) -> None:
        """Tell how the bytes ran out, where that is not at the end of an element."""
        where = "its Item" if self.item and not self.delimited else "the data"
        if self.offset > self.end:
            tag = self.met.before
            vr, value, length = self.table[tag]
            over = self.offset - self.end
            told = f"length {length} of {format_tag(tag)} runs {over} bytes past the end of {where}"
            self.undecodable(value, tag, told)
            self.met.offset = self.end
            if is_sequence(tag, vr) or (tag in PIXELS and not self.item):
                self.table[tag] = (vr, value, max(self.end - value, 0))
                self.met.misfit |= self.end - value
            else:
                del self.table[tag]
        elif self.offset < self.end:
            left = self.end - self.offset
            self.undecodable(self.offset, None, f"{left} bytes are left at the end of {where}, too few for an element")
        elif self.delimited:
            self.undecodable(self.offset, None, "the data end within an Item of undefined length")


def items_encoding(encoding: Encoding, vr: bytes | None) -> Encoding:
    """How the Items of a Sequence are encoded: those of a UN in implicit VR little endian (PS3.5 6.2.2, note 2)."""
    if vr == b"UN":
        return IMPLICIT_LITTLE
    if vr is None and not encoding.implicit:
        return IMPLICIT_LITTLE if encoding is EXPLICIT_LITTLE else encoding
    return encoding


def is_sequence(tag: int, vr: bytes | None) -> bool:
    """Whether an element of defined length holds Items; where the VR is missing or UN, the dictionary decides."""
    return vr == b"SQ" or ((vr is None or vr == b"UN") and tag in SEQUENCES)


def fragments(walk: Walk, tag: int, start: int) -> tuple[int, int | None, tuple[int, int, int]]:
    """Walk encapsulated pixel data (PS3.5 A.4): where the fragments end, where the next element begins (None: the end
    was not found), and their count, their bytes, the bytes of the Basic Offset Table."""
    data, end, at = walk.source.data, walk.end, start
    unpack = walk.encoding.tag_and_length
    count = size = table_length = 0
    forget = walk.source.forget
    due = end if forget is None else at + FORGET_EVERY
    while at + 8 <= end:
        group, element, length = unpack(data, at)
        met = group << 16 | element
        if met == ITEM and at + 8 + length <= end:
            if at == start:
                table_length = length
            else:
                count += 1
                size += length
            at += 8 + length
            if at > due and forget is not None:
                forget(at)
                due = at + FORGET_EVERY
            continue
        if met == SEQUENCE_END:
            if length:
                walk.tell(at, met, f"a Sequence Delimitation Item has length {length}, wanted 0")
            return at, at + 8, (count, size, table_length)
        if met == ITEM:
            over = at + 8 + length - end
            walk.undecodable(
                at, tag, f"length {length} of a fragment of {format_tag(tag)} runs {over} bytes past the end"
            )
            return end, None, (count, size, table_length)
        walk.undecodable(at, tag, f"{format_tag(met)} where a fragment of {format_tag(tag)} was to begin")
        return at, None, (count, size, table_length)
    walk.undecodable(min(at, end), tag, f"the data end within the fragments of {format_tag(tag)}")
    return end, None, (count, size, table_length)
