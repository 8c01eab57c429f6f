"""Pixel data in fragments, and the tables of where its frames begin (PS3.5 A.4; PS3.3 C.7.6.3.1.8 and C.7.6.16)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import error, unpack

from rules.checks.photometric import interpretations
from rules.encode import Element
from rules.encoding import PIXEL_DATA
from rules.header import Header, PixelData
from rules.model import Example, Finding, Problem, Severity
from rules.registry import run, table_rule
from rules.transfer_syntax import JPEG_BASELINE, TransferSyntax, transfer_syntax
from rules.walk import FORGET_EVERY

ITEM_HEADER = 8
"""Bytes of an Item's tag and length."""


@dataclass(frozen=True, slots=True)
class Fragments:
    """Encapsulated Pixel Data taken apart.

    `table` is the Basic Offset Table. `starts` are where the Item Tags of the fragments are, counted from the first of
    them, `lengths` their bytes. `frames` is how many frames there should be, `video` whether fragments know no frames.
    """

    header: Header
    pixels: PixelData
    frames: int
    video: bool
    table: bytes
    starts: Sequence[int]
    lengths: Sequence[int]

    @property
    def path(self) -> str:
        """The path of the Pixel Data."""
        return self.header.path_of(self.pixels.tag)

    def strays(self, offsets: Sequence[int]) -> list[int]:
        """The numbers, from 1, of those offsets at which no fragment begins."""
        known = set(self.starts)
        return [number for number, offset in enumerate(offsets, start=1) if offset not in known]


def encapsulations(header: Header) -> Iterator[Finding]:
    """Judge the pixel data of an instance by its Transfer Syntax, and its fragments where it has any."""
    pixels = header.pixel_data
    if pixels is None:
        return
    syntax = transfer_syntax(header.transfer_syntax_uid)
    if syntax is not None:
        yield from run(FORMAT, header, pixels, syntax)
        yield from run(VR, header, pixels)
        yield from run(DENIED, header, syntax)
        if pixels.tag == PIXEL_DATA and syntax.encapsulated == (pixels.length is None):
            yield from interpretations(header, syntax)
    if pixels.tag != PIXEL_DATA or not pixels.complete:
        return
    if pixels.length is not None:
        yield from run(EXTENDED, header, None)
        return
    found = _fragments(header, pixels, syntax is not None and syntax.video)
    yield from run(FRAGMENTS, found)
    yield from run(TOTAL_LENGTH, found)
    if found.table and not found.video:
        yield from run(BASIC, found)
    if header.has(_EXTENDED):
        yield from run(EXTENDED, header, found)


def _fragments(header: Header, pixels: PixelData, video: bool) -> Fragments:
    data, take = header.source.data, header.encoding.tag_and_length
    first = pixels.offset + ITEM_HEADER + pixels.offset_table_length
    starts, lengths, at = array("Q"), array("Q"), first
    forget, due = header.source.forget, first + FORGET_EVERY
    for _ in range(pixels.fragments):
        length = take(data, at)[2]
        starts.append(at - first)
        lengths.append(length)
        at += ITEM_HEADER + length
        if at > due and forget is not None:
            forget(at)
            due = at + FORGET_EVERY
    table = bytes(data[pixels.offset + ITEM_HEADER : first])
    frames = header.integer("NumberOfFrames") if header.has("NumberOfFrames") else 1
    return Fragments(header, pixels, max(frames or 0, 0), video, table, starts, lengths)


_EXTENDED, _EXTENDED_LENGTHS = "ExtendedOffsetTable", "ExtendedOffsetTableLengths"
_FOUR_PIXELS: Mapping[str, object] = {
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 2,
    "Columns": 2,
    "BitsAllocated": 8,
}


def _jpeg(*fragments: bytes, table: bytes = b"", **more: object) -> Example:
    """An image of as many frames as it has fragments, unless told otherwise."""
    pixels = Element("OB", [table, *fragments], fragments=True)
    shape = {**_FOUR_PIXELS, "NumberOfFrames": str(len(fragments)), "LossyImageCompression": "01"}
    return {"TransferSyntaxUID": JPEG_BASELINE, **shape, "PixelData": pixels, **more}


def _format(header: Header, pixels: PixelData, syntax: TransferSyntax) -> Iterator[Problem]:
    """Pixel data is not in the format that the Transfer Syntax prescribes, native or encapsulated.

    Compressed Transfer Syntaxes encapsulate the Pixel Data of the image, the others never do, and floating point
    pixels cannot be sent with a compressed one at all. A decoder is given bytes that it cannot read.
    """
    path = header.path_of(pixels.tag)
    if syntax.encapsulated and pixels.tag != PIXEL_DATA:
        yield Problem(path, f"cannot be sent in {syntax.name}, which is for Pixel Data alone")
    elif syntax.encapsulated and pixels.length is not None:
        yield Problem(path, f"is native, wanted encapsulated as in {syntax.name}")
    elif not syntax.encapsulated and not syntax.referenced and pixels.length is None:
        yield Problem(path, f"is encapsulated, wanted native as in {syntax.name}", section="PS3.5 A.2")


FORMAT = table_rule(
    "pixel-data-format",
    section="PS3.5 A.4",
    severity=Severity.ERROR,
    good=[_jpeg(b"\1\2"), {**_FOUR_PIXELS, "PixelData": bytes(4)}],
    bad=[
        {**_FOUR_PIXELS, "PixelData": Element("OB", [b"", b"\1\2"], fragments=True)},
        {"TransferSyntaxUID": JPEG_BASELINE, "FloatPixelData": bytes(4)},
    ],
)(_format)


def _vr(header: Header, pixels: PixelData) -> Iterator[Problem]:
    """Pixel Data has another VR than its format and Bits Allocated ask for.

    Encapsulated it is OB; native, samples of more than 8 bits are OW, whose bytes a receiver may have to swap.
    """
    if pixels.tag != PIXEL_DATA or pixels.vr not in ("OB", "OW"):
        return
    path, bits = header.path_of(pixels.tag), header.integer("BitsAllocated")
    if pixels.length is None and pixels.vr != "OB":
        yield Problem(path, f"is encapsulated with VR {pixels.vr}, wanted OB", section="PS3.5 A.4")
    elif pixels.length is not None and pixels.vr == "OB" and bits is not None and bits > 8:
        yield Problem(path, f"has VR OB, wanted OW for {bits} bits allocated")


VR = table_rule(
    "pixel-data-vr",
    section="PS3.5 A.2",
    severity=Severity.ERROR,
    good=[{"BitsAllocated": 16, "PixelData": Element("OW", bytes(8))}, {"PixelData": Element("OB", bytes(4))}],
    bad=[{"BitsAllocated": 16, "PixelData": Element("OB", bytes(8))}],
)(_vr)


def _denied(header: Header, syntax: TransferSyntax) -> Iterator[Problem]:
    """The Transfer Syntax compresses with loss, and Lossy Image Compression is 00.

    Once an image has been compressed with loss, it says so for ever. Whoever measures in it or reports from it has to
    know.
    """
    if syntax.lossy and header.text("LossyImageCompression") == "00":
        yield Problem("LossyImageCompression", f"is 00, wanted 01 in {syntax.name}")


DENIED = table_rule(
    "lossy-compression-denied",
    section="C.7.6.1.1.5",
    severity=Severity.ERROR,
    good=[_jpeg(b"\1\2"), {**_FOUR_PIXELS, "LossyImageCompression": "00", "PixelData": bytes(4)}],
    bad=[_jpeg(b"\1\2", LossyImageCompression="00")],
)(_denied)


def _few(found: Fragments) -> Iterator[Problem]:
    """Fragments are fewer than frames, or a fragment is empty or has an odd number of bytes.

    Every frame begins a fragment of its own, except in video. With fewer, frames are missing; a reader that takes one
    fragment for each frame runs past the end.
    """
    if not found.lengths:
        yield Problem(found.path, "has no fragment")
    elif len(found.lengths) < found.frames and not found.video:
        yield Problem(found.path, f"has {len(found.lengths)} fragments for {found.frames} frames")
    wrong = next((at for at, length in enumerate(found.lengths) if length % 2 or length == 0), None)
    if wrong is not None:
        yield Problem(found.path, f"has {found.lengths[wrong]} bytes in fragment {wrong + 1}, wanted an even number")


FRAGMENTS = table_rule(
    "pixel-data-fragments",
    section="PS3.5 A.4",
    severity=Severity.ERROR,
    good=[_jpeg(b"\1\2", b"\3\4"), _jpeg(b"\1\2", b"\3\4", NumberOfFrames="1")],
    bad=[_jpeg(b"\1\2", NumberOfFrames="2"), _jpeg(b"\1\2", b""), _jpeg(NumberOfFrames="1")],
)(_few)


def _total_length(found: Fragments) -> Iterator[Problem]:
    """Encapsulated Pixel Data Value Total Length is not what the fragments hold together.

    It counts the bytes of all fragments, but for one that pads the last to an even length. Whoever cuts the stream off
    by it loses its end.
    """
    said, size = found.header.integer("EncapsulatedPixelDataValueTotalLength"), sum(found.lengths)
    if said is not None and said not in (size, size - 1):
        yield Problem("EncapsulatedPixelDataValueTotalLength", f"is {said}, and the fragments hold {size} bytes")


TOTAL_LENGTH = table_rule(
    "encapsulated-total-length",
    section="C.7.6.16",
    severity=Severity.ERROR,
    good=[
        _jpeg(b"\1\2", b"\3\0", EncapsulatedPixelDataValueTotalLength=3),
        _jpeg(b"\1\2", b"\3\4", EncapsulatedPixelDataValueTotalLength=4),
    ],
    bad=[_jpeg(b"\1\2", b"\3\4", EncapsulatedPixelDataValueTotalLength=20)],
)(_total_length)


def _offsets(raw: bytes, letter: str) -> tuple[int, ...] | None:
    size = 4 if letter == "I" else 8
    try:
        return unpack(f"<{len(raw) // size}{letter}", raw)
    except error:
        return None


def _wrong(found: Fragments, offsets: Sequence[int]) -> str | None:
    """What is wrong with the offsets of frames; None where nothing is."""
    if len(offsets) != found.frames:
        return f"has {len(offsets)} offsets for {found.frames} frames"
    strays = found.strays(offsets)
    if strays:
        return f"says that frame {strays[0]} begins where no fragment does, {len(strays)} of {len(offsets)} do so"
    if len(set(offsets)) < len(offsets):
        return "says that two frames begin in one place"
    return None


def _basic(found: Fragments) -> Iterator[Problem]:
    """The Basic Offset Table does not say where the frames begin.

    It has one offset for each frame, to the first byte of its first fragment, counted from the first fragment of all;
    or it is empty. Readers that jump by it decode garbage.
    """
    offsets = _offsets(found.table, "I")
    if offsets is None:
        yield Problem(found.path, f"has a Basic Offset Table of {len(found.table)} bytes, wanted a multiple of 4")
        return
    wrong = _wrong(found, offsets)
    if wrong is not None:
        yield Problem(found.path, f"has a Basic Offset Table that {wrong}")


def _table(*offsets: int, size: int = 4) -> bytes:
    return b"".join(each.to_bytes(size, "little") for each in offsets)


BASIC = table_rule(
    "basic-offset-table",
    section="PS3.5 A.4",
    severity=Severity.ERROR,
    good=[_jpeg(b"\1\2", b"\3\4", table=_table(0, 10)), _jpeg(b"\1\2", b"\3\4", table=_table(0), NumberOfFrames="1")],
    bad=[
        _jpeg(b"\1\2", b"\3\4", table=_table(0)),
        _jpeg(b"\1\2", b"\3\4", table=_table(0, 8)),
        _jpeg(b"\1\2", b"\3\4", table=_table(0, 0)),
        _jpeg(b"\1\2", table=b"\0\0"),
    ],
)(_basic)


def _extended(header: Header, found: Fragments | None) -> Iterator[Problem]:
    """The Extended Offset Table does not say where the frames begin, or is there where it may not be.

    It goes with encapsulated pixel data of one fragment a frame and an empty Basic Offset Table, and has one offset
    and one length for each frame.
    """
    if not header.has(_EXTENDED):
        return
    if found is None:
        yield Problem(_EXTENDED, "is present, and the Pixel Data is native")
        return
    if found.table:
        yield Problem(_EXTENDED, "is present, and so is a Basic Offset Table")
    offsets = _offsets(header.raw(_EXTENDED) or b"", "Q")
    if offsets is None:
        yield Problem(_EXTENDED, f"has {header.length(_EXTENDED)} bytes, wanted a multiple of 8")
        return
    wrong = _wrong(found, offsets)
    if wrong is not None:
        yield Problem(_EXTENDED, wrong)
        return
    lengths = _offsets(header.raw(_EXTENDED_LENGTHS) or b"", "Q") if header.has(_EXTENDED_LENGTHS) else offsets
    if lengths is None or len(lengths) != len(offsets):
        told = f"has {header.length(_EXTENDED_LENGTHS)} bytes, wanted {8 * len(offsets)}"
        yield Problem(_EXTENDED_LENGTHS, told)
    elif lengths is not offsets:
        length_at = dict(zip(found.starts, found.lengths, strict=True))
        for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True), start=1):
            if length not in (length_at[offset], length_at[offset] - 1):
                told = f"is {length} for frame {number}, whose fragment has {length_at[offset]} bytes"
                yield Problem(_EXTENDED_LENGTHS, told)
                return


def _extended_jpeg(offsets: Sequence[int], lengths: Sequence[int], table: bytes = b"") -> Example:
    tables = {_EXTENDED: _table(*offsets, size=8), _EXTENDED_LENGTHS: _table(*lengths, size=8)}
    return _jpeg(b"\1\2", b"\3\0", table=table, **tables)


EXTENDED = table_rule(
    "extended-offset-table",
    section="C.7.6.3.1.8",
    severity=Severity.ERROR,
    good=[_extended_jpeg((0, 10), (2, 1))],
    bad=[
        _extended_jpeg((0, 10), (2, 1), table=_table(0, 10)),
        _extended_jpeg((0, 8), (2, 2)),
        _extended_jpeg((0, 10), (2,)),
        _extended_jpeg((0, 10), (2, 9)),
        {**_FOUR_PIXELS, "PixelData": bytes(4), _EXTENDED: _table(0, size=8)},
    ],
)(_extended)
