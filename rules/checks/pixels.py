"""The pixels as bytes: which of the three elements, how many bytes (PS3.3 C.7.6.3, C.7.6.24 and C.7.6.25; PS3.5 8)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.encoding import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PIXEL_DATA
from rules.header import Header
from rules.model import Problem, Severity
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
