"""The pixels as bits and bytes: which of the three elements, how many (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25; PS3.5 8)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.encoding import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PIXEL_DATA
from rules.header import Header
from rules.iods import PARAMETRIC_MAP_STORAGE
from rules.model import Example, Problem, Severity
from rules.registry import rule

_SUBSAMPLED = {"YBR_FULL_422": 2, "YBR_PARTIAL_422": 2, "YBR_PARTIAL_420": 1.5}
"""Samples a pixel that are left of three where the chrominance is subsampled (C.7.6.3.1.2)."""

_FOUR_PIXELS: dict[str, object] = {
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "Rows": 2,
    "Columns": 2,
    "BitsAllocated": 16,
}


@rule(
    "pixel-data-one-kind",
    section="A.75.3",
    severity=Severity.ERROR,
    iods=["Parametric Map"],
    only_with=["FloatPixelData", "DoubleFloatPixelData"],
    good=[{"PixelData": bytes(4)}, {"DoubleFloatPixelData": bytes(8)}],
    bad=[{"FloatPixelData": bytes(4), "DoubleFloatPixelData": bytes(8)}],
)
def pixel_data_one_kind(header: Header) -> Iterator[Problem]:
    """More than one of Pixel Data, Float Pixel Data and Double Float Pixel Data is present.

    A map has its values in one of them; a reader cannot know which one counts.
    """
    found = [tag for tag in (PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA) if header.has(tag)]
    for tag in found[1:]:
        yield Problem(header.path_of(tag), f"is present beside {header.path_of(found[0])}")


@rule(
    "pixel-data-length",
    section="PS3.5 8.1.1",
    severity=Severity.ERROR,
    only_with=["PixelData", "FloatPixelData", "DoubleFloatPixelData"],
    good=[{**_FOUR_PIXELS, "PixelData": bytes(8)}, {**_FOUR_PIXELS, "NumberOfFrames": "2", "PixelData": bytes(16)}],
    bad=[{**_FOUR_PIXELS, "PixelData": bytes(6)}, {**_FOUR_PIXELS, "NumberOfFrames": "2", "PixelData": bytes(24)}],
)
def pixel_data_length(header: Header) -> Iterator[Problem]:
    """Native pixel data has fewer or more bytes than the Attributes of the image make of it.

    A reader that trusts the Attributes reads past the end, or shows frames that are not there.
    """
    pixels = header.pixel_data
    if pixels is None or pixels.length is None or not pixels.complete:
        return
    wanted = expected_length(header)
    if wanted is not None and pixels.length not in (wanted, wanted + wanted % 2):
        yield Problem(header.path_of(pixels.tag), f"has {pixels.length} bytes, wanted {wanted + wanted % 2}")


def expected_length(header: Header) -> int | None:
    """Bytes of native pixel data without padding; None where the Attributes do not tell."""
    rows, columns = header.integer("Rows"), header.integer("Columns")
    samples, bits = header.integer("SamplesPerPixel"), header.integer("BitsAllocated")
    frames = header.integer("NumberOfFrames") if header.has("NumberOfFrames") else 1
    if rows is None or columns is None or samples is None or bits is None or frames is None:
        return None
    if min(rows, columns, samples, bits, frames) < 1:
        return None
    a_pixel = _SUBSAMPLED.get(header.text("PhotometricInterpretation") or "", samples) if samples == 3 else samples
    return -(-int(rows * columns * frames * bits * a_pixel) // 8)


_ENUMERATED = frozenset((PARAMETRIC_MAP_STORAGE,))
"""SOP Classes whose tables leave no choice of these Attributes, so that one that is wrong is told of there."""


def _bits(allocated: int, stored: int, high: int) -> Example:
    return {"BitsAllocated": allocated, "BitsStored": stored, "HighBit": high}


@rule(
    "bits-allocated",
    section="C.7.6.3",
    severity=Severity.ERROR,
    only_with=["BitsAllocated"],
    good=[_bits(16, 12, 11), _bits(1, 1, 0)],
    bad=[_bits(12, 12, 11), _bits(0, 0, 0), _bits(8, 12, 11)],
)
def bits_allocated(header: Header) -> Iterator[Problem]:
    """Bits Allocated is neither 1 nor whole bytes, or less than Bits Stored.

    Readers find a sample by it. What does not fit was lost, or the next sample begins elsewhere.
    """
    allocated, stored = header.integer("BitsAllocated"), header.integer("BitsStored")
    if allocated is None or header.text("SOPClassUID") in _ENUMERATED:
        return
    if allocated != 1 and (allocated < 1 or allocated % 8):
        yield Problem("BitsAllocated", f"is {allocated}, wanted 1 or a multiple of 8")
    elif stored is not None and stored > allocated:
        told = f"is {stored}, wanted at most {allocated}, the bits allocated"
        yield Problem("BitsStored", told, section="PS3.5 8.1.1")


@rule(
    "high-bit",
    section="C.7.6.3",
    severity=Severity.ERROR,
    only_with=["HighBit"],
    good=[_bits(16, 12, 11), _bits(1, 1, 0)],
    bad=[_bits(16, 12, 15), _bits(16, 16, 16)],
)
def high_bit(header: Header) -> Iterator[Problem]:
    """High Bit is not one less than Bits Stored.

    The bits stored are the lowest ones. Readers that shift by it, and those that do not, show different values.
    """
    stored, high = header.integer("BitsStored"), header.integer("HighBit")
    if header.text("SOPClassUID") in _ENUMERATED:
        return
    if stored is not None and high is not None and stored > 0 and high != stored - 1:
        yield Problem("HighBit", f"is {high}, wanted {stored - 1}, one less than BitsStored")


_SAMPLES = {
    **dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1),
    **dict.fromkeys(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB"), 3),
}


@rule(
    "photometric-samples",
    section="C.7.6.3.1.2",
    severity=Severity.ERROR,
    only_with=["SamplesPerPixel"],
    good=[{"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, {**_FOUR_PIXELS}],
    bad=[{"PhotometricInterpretation": "RGB", "SamplesPerPixel": 1}, {**_FOUR_PIXELS, "SamplesPerPixel": 3}],
)
def photometric_samples(header: Header) -> Iterator[Problem]:
    """Photometric Interpretation does not go with Samples per Pixel.

    Gray and indexed pixels have one sample, colour has three. A reader takes colours for neighbours.
    """
    said = header.text("PhotometricInterpretation") or ""
    samples, wanted = header.integer("SamplesPerPixel"), _SAMPLES.get(said)
    if samples is not None and wanted is not None and samples != wanted:
        yield Problem("PhotometricInterpretation", f"is {said}, which has {wanted}, and SamplesPerPixel is {samples}")


def _padding(interpretation: str, value: int, limit: int) -> Example:
    padding = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}
    return {"PhotometricInterpretation": interpretation, **padding}


@rule(
    "pixel-padding-range",
    section="C.7.5.1.1.2",
    severity=Severity.ERROR,
    only_with=["PixelPaddingRangeLimit"],
    good=[_padding("MONOCHROME2", 0, 9), _padding("MONOCHROME1", 9, 0), {"PixelPaddingValue": 0}],
    bad=[_padding("MONOCHROME2", 9, 0), _padding("MONOCHROME1", 0, 9)],
)
def pixel_padding_range(header: Header) -> Iterator[Problem]:
    """The range of padding values is the wrong way round.

    Pixel Padding Value is the end of the range that is shown darkest; readers that know it alone blacken most of the
    padding then.
    """
    limit = header.integer("PixelPaddingRangeLimit") if header.has("PixelPaddingRangeLimit") else None
    if limit is None:
        return
    value, said = header.integer("PixelPaddingValue"), header.text("PhotometricInterpretation")
    if value is None:
        return  # the tables miss it
    if said == "MONOCHROME2" and value > limit:
        yield Problem("PixelPaddingValue", f"is {value}, wanted at most {limit}, the limit, for {said}")
    elif said == "MONOCHROME1" and value < limit:
        yield Problem("PixelPaddingValue", f"is {value}, wanted at least {limit}, the limit, for {said}")
