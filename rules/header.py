"""Bytes to Header: a Data Set or a Part 10 file, whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable

from rules.attributes import Header
from rules.encoding import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Buffer, Encoding
from rules.faults import LIMITS, Fault, Limits, NotDicom
from rules.inflate import inflate
from rules.recognise import begins_data_set, recognise, what_it_is
from rules.stencil import Stencil
from rules.transfer_syntax import TransferSyntax, transfer_syntax
from rules.values import Value
from rules.walk import PixelData, Source

__all__ = [
    "LIMITS",
    "Buffer",
    "Fault",
    "Header",
    "Limits",
    "NotDicom",
    "PixelData",
    "Stencil",
    "Value",
    "read_header",
    "read_meta",
    "read_part10",
]

GROUP_LENGTH = 0x00020000


def read_header(
    data: Buffer,
    transfer_syntax_uid: str,
    *,
    meta: Header | None = None,
    limits: Limits = LIMITS,
    forget: Callable[[int], None] | None = None,
) -> Header:
    """The elements of a Data Set, up to the pixel data and behind it. Never raises, whatever the bytes.

    `data` is kept, not copied, and no view of it is held: an mmap may be closed at any time, but nothing may be asked
    of the Header from then on, unless `Header.release` came first. Of a deflated Data Set the inflated bytes are kept,
    and offsets count in those. `forget` may be told of an offset before which nothing is needed for now.
    """
    source = Source(data, limits, budget=limits.elements, forget=forget)
    return _read_data_set(source, 0, transfer_syntax_uid, meta)


def read_part10(data: Buffer, *, limits: Limits = LIMITS) -> Header:
    """The Data Set of a Part 10 file (PS3.10 7.1), or a bare one whose encoding is recognised.

    NotDicom where the bytes are neither; whatever else is wrong with them is in `Header.faults`. `data` is kept as
    `read_header` keeps it.
    """
    source = Source(data, limits, budget=limits.elements)
    if bytes(data[128:132]) == b"DICM":
        start = 132
    elif not begins_data_set(data):
        raise NotDicom(what_it_is(data))
    elif bytes(data[:2]) == b"\2\0":
        start = 0
        source.fault(0, None, "the preamble and the DICM prefix are missing", "encoding")
    else:
        source.fault(0, None, "a bare Data Set: no preamble, no File Meta Information", "encoding")
        return _read_data_set(source, 0, "", None)
    meta, start = _read_meta(source, start)
    uid = meta.text("TransferSyntaxUID") or ""
    if not uid:
        source.fault(start, 0x00020010, "no Transfer Syntax UID (0002,0010); the encoding is recognised")
    return _read_data_set(source, start, uid, meta)


def read_meta(data: Buffer, *, limits: Limits = LIMITS) -> Header:
    """The File Meta Information alone of a Part 10 file that begins with its preamble (PS3.10 7.1).

    `Header.end` is where the Data Set begins, or where the bytes end. `data` is kept as `read_header` keeps it.
    """
    return _read_meta(Source(data, limits, budget=limits.elements), 132)[0]


def _read_meta(source: Source, start: int) -> tuple[Header, int]:
    """The File Meta Information, and where the Data Set begins: at the first element of another group."""
    encoding = recognise(source.data, start, EXPLICIT_LITTLE) or EXPLICIT_LITTLE
    if encoding is not EXPLICIT_LITTLE:
        told = f"the File Meta Information is in {_NAMES[encoding]}, wanted {_NAMES[EXPLICIT_LITTLE]}"
        source.fault(start, None, told, "encoding")
    meta = Header(source, encoding, start, len(source.data), None)
    meta.walk(meta=True)
    meta.end = meta.pixel_offset = meta.walked_to
    meta.survey()
    if not meta.tags():
        source.fault(start, None, "no File Meta Information behind the DICM prefix")
    said, first = meta.integer(GROUP_LENGTH), meta.element(GROUP_LENGTH)
    if said is not None and first is not None and said != meta.end - first[1] - first[2]:
        told = f"(0002,0000) says {said} bytes of File Meta Information, seen {meta.end - first[1] - first[2]}"
        source.fault(first[1], GROUP_LENGTH, told, "encoding")
    return meta, meta.end


def _read_data_set(source: Source, start: int, transfer_syntax_uid: str, meta: Header | None) -> Header:
    known = transfer_syntax(transfer_syntax_uid)
    if known is not None and known.deflated:
        source, start = _inflated(source, start)
    encoding = _encoding_of(source, start, known)
    header = Header(source, encoding, start, len(source.data), None)
    header.transfer_syntax_uid, header.meta = transfer_syntax_uid, meta
    header.walk()
    if source.pixels:
        header.pixel_offset = min(pixels.start for pixels in source.pixels)
    if header.pixel_offset - start > source.limits.header_bytes:
        told = f"more than {source.limits.header_bytes} bytes in front of the pixel data"
        source.fault(header.pixel_offset, None, told)
    if not header.tags():
        source.fault(start, None, "the Data Set has no elements")
    return header


def _inflated(source: Source, start: int) -> tuple[Source, int]:
    """The Data Set inflated (PS3.5 A.5); as it is where it was not deflated after all."""
    data, faults = inflate(source.data, start, source.limits.inflated_bytes)
    if not data and faults and recognise(source.data, start) is not None:
        source.fault(start, None, "the Data Set is not deflated, its Transfer Syntax says deflated", "encoding")
        return source, start
    for fault in faults:
        source.fault(fault.offset, fault.tag, fault.message, fault.kind)
    return Source(data, source.limits, faults=source.faults, budget=source.budget), 0


def _encoding_of(source: Source, start: int, known: TransferSyntax | None) -> Encoding:
    """The encoding that the Transfer Syntax says, unless the first element shows another."""
    said = EXPLICIT_LITTLE
    if known is not None and known.implicit:
        said = IMPLICIT_LITTLE
    elif known is not None and known.big_endian:
        said = EXPLICIT_BIG
    seen = recognise(source.data, start, said) or said
    if seen is not said and known is not None:
        told = f"the Data Set is in {_NAMES[seen]}, its Transfer Syntax says {_NAMES[said]}"
        source.fault(start, None, told, "encoding")
    return seen


_NAMES = {
    IMPLICIT_LITTLE: "implicit VR little endian",
    EXPLICIT_LITTLE: "explicit VR little endian",
    EXPLICIT_BIG: "explicit VR big endian",
}
