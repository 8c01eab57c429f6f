"""One instance's Attributes, looked up by keyword."""

from __future__ import annotations

from collections.abc import Mapping

from rules import charset
from rules.dictionary import format_tag, name_of, tag_of, vr_of
from rules.encoding import (
    EXPLICIT_LITTLE,
    FLOAT_PIXEL_DATA,
    IMPLICIT_LITTLE,
    PIXEL_DATA,
    PIXELS,
    WORDS,
    Encoding,
)
from rules.faults import LIMITS, Fault
from rules.items import Anatomy, ItemTable, read_items
from rules.known import LONGEST, MEMORY, Known
from rules.stencil import Stencil, group
from rules.text import text_faults
from rules.values import STRINGS, TEXT, Value, texts_of, values_of
from rules.walk import Element, Elements, PixelData, Source, Table, Walk, is_sequence, items_encoding

SPECIFIC_CHARACTER_SET = 0x00080005
PIXEL_REPRESENTATION = 0x00280103
LUT_DESCRIPTOR = 0x00283002
PER_FRAME = 0x52009230
_GOVERNING = frozenset((SPECIFIC_CHARACTER_SET, PIXEL_REPRESENTATION, LUT_DESCRIPTOR))
"""Attributes that say how others of their Item are read: Items of one structure agree on them."""
_SHORT = 64
"""Bytes of a value field as most have."""
_FEW = 16
"""Items that are kept once made; more are made again, for memory's sake."""


class Header:
    """A Data Set, or one Item of it. Items are counted from 1; a name is a keyword, "(gggg,eeee)" or a tag number.

    No method raises on account of the bytes. A name that no Attribute has is a KeyError.
    """

    __slots__ = (
        "_character_sets",
        "_codecs",
        "_depth",
        "_intact",
        "_items",
        "_known",
        "_misfit",
        "_nested",
        "_number",
        "_passed",
        "_report",
        "_root",
        "_sequences",
        "_stencils",
        "_surveyed",
        "_table",
        "closed",
        "delimited",
        "encoding",
        "end",
        "memory",
        "meta",
        "parent",
        "pixel_offset",
        "sequence",
        "source",
        "start",
        "transfer_syntax_uid",
        "walked_to",
        "within_frames",
    )

    def __init__(
        self, source: Source, encoding: Encoding, start: int, end: int, parent: Header | None, report: bool = True
    ) -> None:
        self.source = source
        self.encoding = encoding
        self.start = self.walked_to = start
        self.end = end
        self.parent = parent
        self.delimited = self.closed = False
        self.meta: Header | None = None
        self._report = report
        self._table: Table | None = None
        self._nested: Mapping[int, None] = _NONE
        self._misfit = 0
        self._intact = True
        self._surveyed = False
        self._sequences: dict[int, ItemTable] = {}
        self._stencils: dict[int, tuple[Stencil, ...]] = {}
        self._items: dict[int, tuple[Header, ...]] = {}
        self.memory: dict[int, Header] = {}
        """Where the tags are that stand here and below, for those who will look for more of them."""
        self._known: dict[int, Known | None] = _UNKNOWN
        self._passed: tuple[int, ...] = ()
        """Sequences that are known to be without fault, and were counted without being walked."""
        self._codecs: tuple[str, ...] | None = None
        self._character_sets: tuple[str, ...] | None = None
        self.sequence = self._number = 0
        """The tag of the Sequence that this is an Item of; 0 of a Data Set."""
        self.within_frames: bool = parent is not None and parent.within_frames
        """Whether this is an Item of the Per-Frame Functional Groups Sequence, or within one."""
        if parent is None:
            self._root: Header | None = None
            self._depth = 0
            self.pixel_offset = end
            self.transfer_syntax_uid = ""
        else:
            self._root = parent if parent._root is None else parent._root
            self._depth = parent._depth + 1
            self.pixel_offset = parent.pixel_offset
            self.transfer_syntax_uid = parent.transfer_syntax_uid

    @property
    def root(self) -> Header:
        """The Data Set that this is or is an Item of."""
        return self if self._root is None else self._root

    # What is there

    def has(self, name: str | int) -> bool:
        """Whether the Attribute is there, with or without a value."""
        return (name if isinstance(name, int) else tag_of(name)) in (self._table or self.elements())

    def empty(self, name: str | int) -> bool:
        """Whether the Attribute is there without a value: no bytes, nothing but padding, or no Items."""
        found = self.element(name)
        if found is None:
            return False
        vr, _, length = found
        if not length:
            return True
        if self.is_sequence(name):
            return not self._item_table(_number_of(name)).starts
        # Padding is at the end of a value, so that nearly all are seen not to be empty by their first byte.
        blank = self.source.data[found[1]] in b" \0" and not (self.raw(name) or b"").strip(b" \0")
        return blank and self._vr_for_value(_number_of(name), vr) in STRINGS

    def vr(self, name: str | int) -> str | None:
        """The VR as encoded; in implicit VR the dictionary's, "UN" where it has none."""
        found = self.element(name)
        if found is None:
            return None
        return found[0].decode("latin-1") if found[0] is not None else self._dictionary_vr(_number_of(name))

    def length(self, name: str | int) -> int | None:
        """Bytes of the value, without delimiters; of encapsulated pixel data, those of its fragments."""
        found = self.element(name)
        if found is None:
            return None
        if self.parent is None and _number_of(name) in PIXELS:
            for pixels in self.source.pixels:
                if pixels.tag == _number_of(name):
                    return pixels.size
        return found[2]

    def tags(self) -> tuple[int, ...]:
        """All tags, in the order met."""
        return tuple(self.elements())

    def elements(self) -> Table:
        """VR as encoded, offset of the value in the data, length, by tag and in the order met; not to be changed."""
        return self._table if self._table is not None else self.walk()

    def nested(self) -> Mapping[int, None]:
        """The tags of the Sequences, in the order met."""
        if self._table is None:
            self.walk()
        return self._nested

    def is_sequence(self, name: str | int) -> bool:
        """Whether the Attribute is there and holds Items."""
        return (name if isinstance(name, int) else tag_of(name)) in self.nested()

    def count(self, name: str | int) -> int | None:
        """How many Items the Attribute has; None where it is no Sequence, or not there."""
        tag = name if isinstance(name, int) else tag_of(name)
        return len(self._item_table(tag).starts) if tag in self.nested() else None

    def element(self, name: str | int) -> Element | None:
        """VR as encoded, offset of the value in the data, length; None where absent."""
        return (self._table or self.elements()).get(name if isinstance(name, int) else tag_of(name))

    @property
    def pixel_data(self) -> PixelData | None:
        """The first of the instance's three pixel data elements, unread; None where there is none."""
        return self.source.pixels[0] if self.source.pixels else None

    # Values

    def raw(self, name: str | int) -> bytes | None:
        """The bytes of the value; None where absent, and for the pixel data."""
        found = self.element(name)
        if found is None or (self.parent is None and _number_of(name) in PIXELS):
            return None
        _, offset, length = found
        return bytes(self.source.data[offset : offset + length])

    def field(self, name: str | int) -> tuple[bytes | None, bytes] | None:
        """The VR as encoded, and the bytes of the value; None where it is absent, or longer than most are."""
        found = self.element(name)
        if found is None or found[2] > _SHORT:
            return None
        vr, offset, length = found
        return vr, bytes(self.source.data[offset : offset + length])

    def values(self, name: str | int) -> tuple[Value, ...]:
        """The values, typed by VR (IS to int, DS to float, AT to a tag number); a number that does not parse stays str.

        () where absent or empty; an empty value among others is "". A UN is read as the VR of the dictionary.
        """
        found = self._field(name)
        if found is None:
            return ()
        vr, raw, big_endian = found
        return values_of(raw, vr, self.codecs() if vr in TEXT else (), big_endian)

    def value(self, name: str | int) -> Value | None:
        """The first of `values`."""
        values = self.values(name)
        return values[0] if values else None

    def texts(self, name: str | int) -> tuple[str, ...]:
        """The strings as written, trailing padding off, by the Specific Character Set in force; () where empty.

        Bytes that the character set cannot decode are U+FFFD. Binary numbers are written out.
        """
        found = self._field(name)
        if found is None:
            return ()
        vr, raw, big_endian = found
        if vr in STRINGS:
            return texts_of(raw, vr, self.codecs() if vr in TEXT else ())
        return tuple([str(value) for value in values_of(raw, vr, (), big_endian) if not isinstance(value, bytes)])

    def text(self, name: str | int) -> str | None:
        """The first of `texts`; None where absent or empty."""
        texts = self.texts(name)
        return texts[0] if texts else None

    def integers(self, name: str | int) -> tuple[int, ...]:
        """The whole numbers among the values."""
        return tuple([value for value in self.values(name) if isinstance(value, int)])

    def integer(self, name: str | int) -> int | None:
        """The first value, if it is a whole number."""
        value = self.value(name)
        return value if isinstance(value, int) else None

    def numbers(self, name: str | int) -> tuple[float, ...]:
        """The numbers among the values."""
        return tuple([float(value) for value in self.values(name) if isinstance(value, int | float)])

    def number(self, name: str | int) -> float | None:
        """The first value, if it is a number."""
        value = self.value(name)
        return float(value) if isinstance(value, int | float) else None

    def decode(self, name: str | int, raw: bytes) -> tuple[Value, ...]:
        """What `values` would give, were `raw` the value here: for the columns of a Stencil."""
        tag = _number_of(name)
        found = self.element(tag)
        encoded = found[0] if found else None
        big_endian = self.encoding.big_endian and encoded != b"UN"
        return values_of(raw, self._vr_for_value(tag, encoded), self.codecs(), big_endian)

    # Items

    def items(self, name: str | int) -> tuple[Header, ...]:
        """The Items of a Sequence; () where there is none."""
        tag = name if isinstance(name, int) else tag_of(name)
        made = self._items.get(tag)
        if made is not None:
            return made
        if tag not in self.nested():
            return ()
        count = len(self._item_table(tag).starts)
        items = tuple([self.item_at(tag, number) for number in range(1, count + 1)])
        if count <= _FEW:
            self._items[tag] = items
        return items

    def item_at(self, name: str | int, number: int) -> Header:
        """One Item of a Sequence that has so many, from 1."""
        tag = _number_of(name)
        table = self._item_table(tag)
        made = table.headers.get(number)
        if made is None:
            start, end, delimited = table.starts[number - 1], table.ends[number - 1], table.delimited[number - 1]
            made = self.make_item(tag, number, table.encoding, start, end, delimited, report=False)
            if len(table.starts) <= _FEW:
                table.headers[number] = made
        return made

    def stencils(self, name: str | int) -> tuple[Stencil, ...]:
        """The Items of a Sequence by structure, in the order of their first; () where there is none."""
        tag = name if isinstance(name, int) else tag_of(name)
        made = self._stencils.get(tag)
        if made is not None:
            return made
        if tag not in self.nested():
            return ()
        made = self._stencils[tag] = group(self, tag, self._item_table(tag))
        return made

    # Where it is

    @property
    def path(self) -> str:
        """From the root: "" there, "PerFrameFunctionalGroupsSequence[31]" in an Item."""
        if self.parent is None:
            return ""
        above = self.parent.path
        here = f"{name_of(self.sequence)}[{self._number}]"
        return f"{above}.{here}" if above else here

    def path_of(self, name: str | int) -> str:
        """The path of an Attribute here; a private or unknown one by its tag."""
        here = name_of(_number_of(name))
        return f"{self.path}.{here}" if self.parent is not None else here

    # What is wrong

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All that is malformed in the whole instance, by offset: every Sequence is walked for it, once.

        A fault that repeats over Items of one structure is told at the first of them.
        """
        self.root.survey()
        return tuple(sorted(self.source.faults, key=_by_offset))

    # The machinery

    def release(self) -> None:
        """Let go of the bytes, of the File Meta Information's too: faults stay, and tags and VRs of what was walked."""
        self.root.survey()
        self.source.release()
        if self.meta is not None:
            self.meta.source.release()

    def fold(self) -> None:
        """Let go of the Items: whoever asks for them is given new ones.

        Items and what is around them hold each other, so that they would have to wait for the garbage collector, and
        all the bytes with them.
        """
        for table in self._sequences.values():
            for item in table.headers.values():
                item.fold()
        for stencils in self._stencils.values():
            for stencil in stencils:
                stencil.exemplar.fold()
        self.memory = {}
        if self.parent is None:
            self.source.answers.clear()
        if self._sequences:
            if self._surveyed:
                self._intact = self.intact()
            self._passed = tuple(self._nested)
            self._sequences, self._stencils, self._items = {}, {}, {}

    def text_faults(self) -> tuple[Fault, ...]:
        """Text that its Specific Character Set cannot decode, and character sets that PS3.3 C.12.1.1.2 does not define.

        Of this Data Set or Item and all Items within; of Items of one structure, one Fault an Attribute.
        """
        return tuple(text_faults(self))

    def codecs(self) -> tuple[str, ...]:
        """Python's codecs for text here: by the Item's own Specific Character Set or by the one above."""
        if self._codecs is None:
            found = self.elements().get(SPECIFIC_CHARACTER_SET)
            if found is None and self.parent is not None:
                self._codecs = self.parent.codecs()
            else:
                self._codecs = charset.codecs_of(self.character_sets())
        return self._codecs

    def character_sets(self) -> tuple[str, ...]:
        """The Specific Character Set in force: the Item's own or the one above; () for the default."""
        if self._character_sets is None:
            if SPECIFIC_CHARACTER_SET in self.elements():
                self._character_sets = texts_of(self.raw(SPECIFIC_CHARACTER_SET) or b"", "CS", ())
            else:
                self._character_sets = self.parent.character_sets() if self.parent is not None else ()
        return self._character_sets

    def offset_of(self, name: str | int) -> int | None:
        """Where the value begins, in bytes of the data; None where absent."""
        found = self.element(name)
        return found[1] if found else None

    def make_item(
        self, tag: int, number: int, encoding: Encoding, start: int, end: int, delimited: bool, report: bool
    ) -> Header:
        """An Item of this Data Set that is walked when something is asked of it."""
        item = Header(self.source, encoding, start, end, self, report)
        item.delimited = delimited
        item.sequence, item._number = tag, number
        if tag == PER_FRAME:
            item.within_frames = True
        return item

    def survey(self) -> None:
        """Walk every Sequence here, once, and tell of lengths that do not fit."""
        if self._surveyed:
            return
        self._surveyed = True
        table = self.elements()
        for tag in self._nested:
            if tag not in self._sequences:
                self._survey_items(tag)
        if self._misfit & 1:
            for tag, (vr, offset, length) in table.items():
                if (length & 1 or length % WORDS.get(vr, 1)) and tag not in self._nested:
                    self._tell_length(tag, vr, offset, length)

    def _survey_items(self, tag: int) -> None:
        """Walk the Items of a Sequence, or pass them where they are known to be without fault."""
        known = self.known(tag) if self._report else None
        if known is not None and known.elements is not None and known.elements < self.source.budget:
            self.source.budget -= known.elements
            self._passed += (tag,)
        else:
            self._first_read(tag, known)

    def known(self, tag: int) -> Known | None:
        """What is known of a Sequence that is there, by its bytes; None where it is long, or encoded as few are.

        What it holds has VRs of its own, or those that the key tells: how a UN is read depends on what stands around.
        Of what is within frames nothing is known, since no two are the same.
        """
        if self.within_frames:
            return None
        known = self._known.get(tag, _UNSOUGHT)
        if known is not _UNSOUGHT:
            return known
        if self._known is _UNKNOWN:
            if not self._stands_still():
                return None
            self._known = {}
        known = None
        vr, offset, length = self.elements()[tag]
        source = self.source
        encoding = self.encoding
        usual = vr in (b"SQ", None) and (encoding is EXPLICIT_LITTLE or encoding is IMPLICIT_LITTLE)
        if usual and 0 < length <= LONGEST and source.limits is LIMITS:
            raw = bytes(source.data[offset : offset + length])
            character_sets = self.character_sets()
            if len(raw) == length and b"UN" not in raw and all(map(charset.CODECS.__contains__, character_sets)):
                known = MEMORY.of((tag, self._depth, character_sets, self._governing(), raw))
        self._known[tag] = known
        return known

    def _governing(self) -> tuple[int | None, ...] | None:
        """What decides on VRs that are not encoded; None where they are."""
        return (self._nearest(PIXEL_REPRESENTATION), self._nearest(LUT_DESCRIPTOR)) if self.encoding.implicit else None

    def _stands_still(self) -> bool:
        """Whether all that is around has been walked: else it is its walk that has led here."""
        place = self.parent
        while place is not None and place._known is _UNKNOWN:
            if place._table is None:
                return False
            place = place.parent
        return True

    def anatomy(self) -> Anatomy:
        """The structure of an Item, all that is in it walked on the way."""
        self.survey()
        offsets: list[int] = []
        lengths: list[int] = []
        fixed: set[int] = set()
        shape: list[object] = [self.encoding.implicit, self.encoding.big_endian]
        for tag, (vr, offset, length) in self.elements().items():
            if tag in self._nested:
                table = self._item_table(tag)
                if table.alone is not None:
                    lone = table.alone[0].anatomy()
                    shape.append((tag, vr, (lone.shape,)))
                    offsets += lone.offsets
                    lengths += lone.lengths
                    fixed |= lone.fixed
                    continue
                layouts = table.layouts
                shape.append((tag, vr, tuple([layout.shape for layout in layouts])))
                for start, layout in zip(table.starts, layouts, strict=True):
                    offsets += [start + each for each in layout.offsets]
                    lengths += layout.lengths
                    fixed.update([start + each for each in layout.fixed])
                continue
            offsets.append(offset)
            lengths.append(length)
            told: object = length > 0
            if tag in _GOVERNING:
                fixed.add(offset)
                told = bytes(self.source.data[offset : offset + length])
            elif tag == PIXEL_DATA and bytes(self.source.data[offset - 4 : offset]) == b"\xff\xff\xff\xff":
                fixed.add(offset)  # fragments: their lengths are structure within the value
            shape.append((tag, vr, told))
        number = self.source.shapes.setdefault(tuple(shape), len(self.source.shapes))
        return Anatomy(number, offsets, lengths, fixed)

    def intact(self) -> bool:
        """Whether nothing undecodable was met here and in the Items within, and nothing was guessed."""
        self.survey()
        if not self._intact or not self._nested:
            return self._intact
        return all(tag in self._passed or self._sequences[tag].intact for tag in self._nested)

    def walk(self, meta: bool = False) -> Table:
        """Walk the elements, those of undefined length with all that is in them."""
        source, size = self.source, len(self.source.data)
        met = Elements(min(self.start, size))
        if self.parent is not None and self._walk_plain_item(met, min(self.end, size)):
            return met.table
        walk = Walk(
            source,
            self.encoding,
            met,
            min(self.end, size),
            self._open_sequence,
            item=self.parent is not None,
            delimited=self.delimited,
            report=self._report,
            meta=meta,
        )
        walk.run()
        self._table, self._intact = walk.table, walk.intact
        self._nested, self._misfit = met.nested, met.misfit
        self.walked_to, self.closed = met.offset, walk.closed
        if not walk.in_order:
            for tag in [tag for tag, items in self._sequences.items() if walk.table[tag][1] != items.start]:
                del self._sequences[tag]  # the tag came again, with something else
            self._nested = {
                tag: None for tag, (vr, *_) in met.table.items() if is_sequence(tag, vr) or tag in self._sequences
            }
        return walk.table

    def _walk_plain_item(self, met: Elements, end: int) -> bool:
        """Walk an Item of ordinary elements, as nearly all are; False, with what was met, where it has others."""
        source, most = self.source, self.source.budget if self._report else self.source.limits.elements
        met.run(source.data, self.encoding, end - 8, FLOAT_PIXEL_DATA, most)
        if len(met.table) >= most:
            return False
        looks = 0
        if self.delimited:
            if met.offset + 8 > end or source.data[met.offset : met.offset + 8] != self.encoding.item_end:
                return False
            met.offset += 8
            looks = 1
        elif met.offset != end:
            return False
        if self._report:
            source.budget -= len(met.table) + looks
        self._table, self._nested, self._misfit = met.table, met.nested, met.misfit
        self.walked_to, self.closed = met.offset, self.delimited
        return True

    def _tell_length(self, tag: int, vr: bytes | None, offset: int, length: int) -> None:
        if self._report:
            word = WORDS.get(vr, 2)
            wanted = f"a multiple of {word}" if vr and word > 2 else "an even one"
            told = f"{format_tag(tag)} has length {length}, wanted {wanted}"
            self.source.fault(offset, tag, told, "encoding")

    def _open_sequence(self, tag: int, encoding: Encoding, start: int, end: int) -> tuple[int, int, bool]:
        table = self._read_items(tag, encoding, start, end, delimited=True)
        return table.end, table.following, table.found_end

    def _item_table(self, tag: int) -> ItemTable:
        table = self._sequences.get(tag)
        if table is None:
            table = self._first_read(tag, self.known(tag) if self._report and tag not in self._passed else None)
        return table

    def _first_read(self, tag: int, known: Known | None) -> ItemTable:
        """The Items of a Sequence of defined length; of a known one it is remembered if they are without fault."""
        vr, start, length = self.elements()[tag]
        source, end = self.source, min(start + length, len(self.source.data))
        faults, budget = len(source.faults), source.budget
        table = self._read_items(tag, items_encoding(self.encoding, vr), start, end, delimited=False)
        if known is not None:
            without_fault = table.intact and len(source.faults) == faults < source.limits.faults
            known.elements = budget - source.budget if without_fault else None
        return table

    def _read_items(self, tag: int, encoding: Encoding, start: int, end: int, delimited: bool) -> ItemTable:
        if self._depth >= self.source.limits.depth:
            if self._report:
                told = f"Sequences are nested more than {self.source.limits.depth} deep"
                self.source.fault(start, tag, told)
            table = ItemTable(encoding, start, end=end, following=end, found_end=not delimited, intact=False)
        else:
            report = self._report and tag not in self._passed
            table = read_items(self, tag, encoding, start, end, delimited, report)
        self._sequences[tag] = table
        return table

    def _field(self, name: str | int) -> tuple[str, bytes, bool] | None:
        """VR to decode by, bytes of the value, whether big endian; None where there is nothing to decode."""
        tag = name if isinstance(name, int) else tag_of(name)
        found = self.elements().get(tag)
        if found is None or not found[2]:
            return None
        vr, offset, length = found
        if tag in self._nested or (tag in PIXELS and self.parent is None):
            return None
        raw = bytes(self.source.data[offset : offset + length])
        return self._vr_for_value(tag, vr), raw, self.encoding.big_endian and vr != b"UN"

    def _vr_for_value(self, tag: int, encoded: bytes | None) -> str:
        if encoded is None or encoded == b"UN":
            return self._dictionary_vr(tag)
        return encoded.decode("latin-1")

    def _dictionary_vr(self, tag: int) -> str:
        """The dictionary's VR, of a choice the one that the Data Set decides (PS3.5 A.1)."""
        vr = vr_of(tag) or "UN"
        if " or " not in vr:
            return vr
        if vr.startswith("US or SS"):
            return "SS" if self._nearest(PIXEL_REPRESENTATION) == 1 else "US"
        if vr == "US or OW":
            return "US" if self._nearest(LUT_DESCRIPTOR) == 1 else "OW"
        return "OW"

    def _nearest(self, tag: int) -> int | None:
        """The first 16 bits of an Attribute here or above."""
        place: Header | None = self
        while place is not None:
            found = place.elements().get(tag)
            if found is not None and found[2] >= 2:
                order = "big" if place.encoding.big_endian else "little"
                raw = bytes(self.source.data[found[1] : found[1] + 2])
                return int.from_bytes(raw, order)  # type: ignore[arg-type]
            place = place.parent
        return None


_NONE: Mapping[int, None] = {}
_UNSOUGHT = Known()
_UNKNOWN: dict[int, Known | None] = {}
"""Of whom nobody has asked yet what is known; stays empty."""


def _number_of(name: str | int) -> int:
    return name if isinstance(name, int) else tag_of(name)


def _by_offset(fault: Fault) -> int:
    return fault.offset
