"""Data Sets written from keywords: the examples of rules, and instances for tests."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules.attributes import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET
from rules.charset import codecs_of
from rules.dictionary import format_tag, tag_of, vr_of
from rules.encoding import LONG, UNDEFINED
from rules.header import Header, read_header
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, TransferSyntax, transfer_syntax
from rules.values import NUMBERS, STRINGS, TEXT

IMPLEMENTATION_CLASS_UID = "2.25.205923481130174538117361932741027562419"
PIXEL_DATA = 0x7FE00010


@dataclass(frozen=True, slots=True)
class Element:
    """A value with its VR given; `fragments` of an encapsulated Pixel Data begin with the Basic Offset Table."""

    vr: str
    value: object
    fragments: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """How lengths are written: of Sequences and of Items, defined or not (PS3.5 7.5)."""

    undefined_sequences: bool = False
    undefined_items: bool = False


DEFINED = Layout()
UNDEFINED_LENGTHS = Layout(undefined_sequences=True, undefined_items=True)


def encode(
    attributes: Mapping[str, object],
    transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN,
    layout: Layout = DEFINED,
) -> bytes:
    """A Data Set in ascending order of tags, deflated where the Transfer Syntax says so.

    Keys are keywords or "(gggg,eeee)"; values str, int, float, bytes, None, a list of these, or for a Sequence a list
    of mappings. The VR is the dictionary's unless an Element gives it. Values are written as they are, legal or not.
    ValueError where a value does not go into its VR, KeyError for an unknown keyword.
    """
    syntax = transfer_syntax(transfer_syntax_uid) or TransferSyntax(transfer_syntax_uid, "private")
    data = _data_set(attributes, _Writer(syntax, layout), ("ascii",), None)
    if not syntax.deflated:
        return data
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = stream.compress(data) + stream.flush()
    return deflated + b"\0" * (len(deflated) % 2)


def header_of(attributes: Mapping[str, object], transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN) -> Header:
    """What the reader makes of `encode`; a Transfer Syntax UID among the Attributes is that of the Data Set."""
    uid = str(attributes.get("TransferSyntaxUID", transfer_syntax_uid))
    return read_header(encode(attributes, uid), uid)


def part10(
    attributes: Mapping[str, object],
    transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN,
    layout: Layout = DEFINED,
    **meta: object,
) -> bytes:
    """A whole file (PS3.10 7.1); `meta` changes its File Meta Information by keyword, None leaves one out."""
    information: dict[str, object] = {
        "FileMetaInformationVersion": b"\0\1",
        "MediaStorageSOPClassUID": attributes.get("SOPClassUID", ""),
        "MediaStorageSOPInstanceUID": attributes.get("SOPInstanceUID", ""),
        "TransferSyntaxUID": transfer_syntax_uid,
        "ImplementationClassUID": IMPLEMENTATION_CLASS_UID,
    }
    information = {name: value for name, value in (information | meta).items() if value is not None}
    group = encode(information)
    length = encode({"FileMetaInformationGroupLength": len(group)})
    return bytes(128) + b"DICM" + length + group + encode(attributes, transfer_syntax_uid, layout)


class _Writer:
    """The layout of elements in one Transfer Syntax."""

    def __init__(self, syntax: TransferSyntax, layout: Layout) -> None:
        self.implicit, self.encapsulated, self.layout = syntax.implicit, syntax.encapsulated, layout
        self.order = ">" if syntax.big_endian else "<"

    def element(self, tag: int, vr: str, value: bytes, undefined: bool = False) -> bytes:
        length = UNDEFINED if undefined else len(value)
        if self.implicit:
            return self.item(tag, length) + value
        halves = (tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
        if vr.encode("ascii") in LONG:
            return struct.pack(self.order + "HH2sHI", *halves, 0, length) + value
        if length > 0xFFFF:
            raise ValueError(f"{format_tag(tag)}: {length} bytes do not go into the VR {vr}")
        return struct.pack(self.order + "HH2sH", *halves, length) + value

    def item(self, tag: int, length: int) -> bytes:
        """A tag and a 32-bit length: all of an Item's header, and an element's in implicit VR."""
        return struct.pack(self.order + "HHI", tag >> 16, tag & 0xFFFF, length)

    def sequence(self, tag: int, vr: str, items: Sequence[bytes]) -> bytes:
        parts = []
        for item in items:
            if self.layout.undefined_items:
                parts += [self.item(0xFFFEE000, UNDEFINED), item, self.item(0xFFFEE00D, 0)]
            else:
                parts += [self.item(0xFFFEE000, len(item)), item]
        if self.layout.undefined_sequences:
            parts.append(self.item(0xFFFEE0DD, 0))
        return self.element(tag, vr, b"".join(parts), undefined=self.layout.undefined_sequences)

    def fragments(self, tag: int, vr: str, fragments: Sequence[bytes]) -> bytes:
        """Encapsulated pixel data (PS3.5 A.4); the first fragment is the Basic Offset Table."""
        parts = [self.item(0xFFFEE000, len(each)) + each for each in map(_even, fragments)]
        return self.element(tag, vr, b"".join(parts) + self.item(0xFFFEE0DD, 0), undefined=True)


def _data_set(attributes: Mapping[str, object], writer: _Writer, codecs: tuple[str, ...], signed: bool | None) -> bytes:
    by_tag = {tag_of(name): value for name, value in attributes.items()}
    if SPECIFIC_CHARACTER_SET in by_tag:
        codecs = codecs_of(tuple(str(term) for term in _listed(by_tag[SPECIFIC_CHARACTER_SET])))
    if PIXEL_REPRESENTATION in by_tag:
        signed = _listed(by_tag[PIXEL_REPRESENTATION]) == [1]
    return b"".join(_element(tag, by_tag[tag], writer, codecs, signed) for tag in sorted(by_tag))


def _element(tag: int, given: object, writer: _Writer, codecs: tuple[str, ...], signed: bool | None) -> bytes:
    if isinstance(given, Element):
        vr, value, fragments = given.vr, given.value, given.fragments
    else:
        vr, value, fragments = _choose(vr_of(tag) or "UN", given, signed), given, False
    listed = _listed(value)
    if vr == "SQ" or (listed and all(isinstance(each, Mapping) for each in listed)):
        items = []
        for item in listed:
            if not isinstance(item, Mapping):
                raise ValueError(f"{format_tag(tag)}: a Sequence wants a list of mappings, not {type(item).__name__}")
            items.append(_data_set(item, writer, codecs, signed))
        return writer.sequence(tag, vr, items)
    if fragments or (tag == PIXEL_DATA and writer.encapsulated):
        parts = [each for each in listed if isinstance(each, bytes)]
        return writer.fragments(tag, vr if fragments else "OB", parts if fragments else [b"", *parts])
    try:
        return writer.element(tag, vr, _value(vr, listed, writer.order, codecs))
    except (struct.error, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{format_tag(tag)}: {value!r} does not go into the VR {vr} ({error})") from error


def _choose(vr: str, value: object, signed: bool | None) -> str:
    """One of a choice of VRs ("US or SS"), as value and Pixel Representation have it."""
    if " or " not in vr:
        return vr
    listed = _listed(value)
    if all(isinstance(each, bytes) for each in listed) and "OW" in vr:
        return "OW"
    if "SS" in vr and (signed or any(isinstance(each, int) and each < 0 for each in listed)):
        return "SS"
    return vr[:2]


def _value(vr: str, listed: Sequence[object], order: str, codecs: tuple[str, ...]) -> bytes:
    if all(isinstance(each, bytes) for each in listed):
        raw = b"\\".join(each for each in listed if isinstance(each, bytes))
        return _even(raw, b" " if vr in STRINGS and vr != "UI" else b"\0")
    if vr in STRINGS:
        text = "\\".join("" if each is None else str(each) for each in listed)
        return _even(_encoded(text, codecs) if vr in TEXT else text.encode("latin-1"), b"\0" if vr == "UI" else b" ")
    if vr == "AT":
        tags = [tag_of(each) if isinstance(each, str) else each for each in listed]
        return b"".join(struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) for tag in tags if isinstance(tag, int))
    if vr in NUMBERS:
        return struct.pack(f"{order}{len(listed)}{NUMBERS[vr]}", *listed)
    if not listed:
        return b""
    raise ValueError("wanted bytes")


def _encoded(text: str, codecs: tuple[str, ...]) -> bytes:
    """By the first character set that has all letters; code extensions are not made up."""
    for codec in codecs:
        try:
            return text.encode(codec)
        except UnicodeEncodeError:
            continue
    raise ValueError(f"no Specific Character Set in force has all its letters, of {', '.join(codecs)}")


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _even(raw: bytes, padding: bytes = b"\0") -> bytes:
    return raw + padding if len(raw) % 2 else raw
