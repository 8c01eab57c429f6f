"""The stored values of an instance, frame by frame: native ones from their bytes, compressed ones through pydicom.

numpy and pydicom take a second to import: this module is only for those who look at pixels.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.encoding import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA
from rules.header import Header, PixelData
from rules.transfer_syntax import transfer_syntax

Values = NDArray[Any]
"""Rows x Columns of stored values, or Rows x Columns x 3 of red, green and blue."""
MOST_PIXELS = 1 << 28
"""Pixels of one frame beyond which it is not decoded: a slip in Rows or Columns, or somebody's bad joke."""


class Undecodable(Exception):
    """Pixels that cannot be decoded here; the message is one plain line, without the path."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of an instance, read when they are asked for."""

    header: Header
    path: str
    count: int
    rows: int
    columns: int
    samples: int
    _pixels: PixelData
    _kind: str

    @property
    def kind(self) -> str:
        """The numbers in words: "32-bit floating point", "16-bit unsigned"."""
        return self._kind

    def frame(self, number: int) -> Values:
        """One frame, from 1. Undecodable where its bytes do not give it."""
        if not 1 <= number <= self.count:
            raise Undecodable(f"has {self.count} frame{'s' * (self.count != 1)}, and none is number {number}")
        if self._pixels.length is None:
            return self._decoded(number)
        return self._native(number)

    def _native(self, number: int) -> Values:
        bits = self.header.integer("BitsAllocated") or 0
        cells = self.rows * self.columns * self.samples
        data, start = self.header.source.data, self._pixels.offset
        if bits == 1:
            first, last = (number - 1) * cells, number * cells
            raw = np.frombuffer(_cut(data, start + first // 8, start + (last + 7) // 8), np.uint8)
            return np.unpackbits(raw, bitorder="little")[first % 8 : first % 8 + cells].reshape(self.rows, self.columns)
        size = cells * bits // 8
        raw_bytes = _cut(data, start + (number - 1) * size, start + number * size)
        if len(raw_bytes) < size:
            raise Undecodable(f"has no whole frame {number}: its pixel data is too short")
        values: Values = np.frombuffer(raw_bytes, self._dtype(bits))
        values = self._of_stored_bits(values, bits)
        if self.samples == 1:
            return values.reshape(self.rows, self.columns)
        if self.header.integer("PlanarConfiguration") == 1:
            return values.reshape(self.samples, self.rows, self.columns).transpose(1, 2, 0)
        return values.reshape(self.rows, self.columns, self.samples)

    def _dtype(self, bits: int) -> np.dtype[Any]:
        order = ">" if self.header.encoding.big_endian else "<"
        if self._pixels.tag in (FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA):
            return np.dtype(f"{order}f{bits // 8}")
        return np.dtype(f"{order}{'i' if self.header.integer('PixelRepresentation') == 1 else 'u'}{bits // 8}")

    def _of_stored_bits(self, values: Values, bits: int) -> Values:
        """Without what stands in the bits above those stored (overlays, of old)."""
        stored = self.header.integer("BitsStored") or bits
        if values.dtype.kind == "f" or not 0 < stored < bits:
            return values
        shift = bits - stored
        return (values << shift) >> shift

    def _decoded(self, number: int) -> Values:
        try:
            from pydicom.pixels.utils import pixel_array

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return np.asarray(pixel_array(self.path, index=number - 1))
        except Exception as broke:  # of a codec, or of pydicom that has none: the reason is in its words
            syntax = transfer_syntax(self.header.transfer_syntax_uid)
            name = syntax.name if syntax is not None else "a private Transfer Syntax"
            hint = " (a plugin may be missing: install dicomgate[pictures])" if "plugin" in str(broke) else ""
            raise Undecodable(f"has pixels in {name} that cannot be decoded here{hint}") from broke


def frames_of(header: Header, path: str) -> Frames:
    """The frames of an instance. Undecodable where it has none, or where Attributes that say their shape are amiss."""
    pixels = header.pixel_data
    if pixels is None:
        raise Undecodable("has no pixel data")
    rows, columns = header.integer("Rows") or 0, header.integer("Columns") or 0
    samples = header.integer("SamplesPerPixel") or 0
    count = header.integer("NumberOfFrames") if header.has("NumberOfFrames") else 1
    bits = header.integer("BitsAllocated")
    if min(rows, columns) < 1 or rows * columns > MOST_PIXELS or samples not in (1, 3) or not count or count < 1:
        raise Undecodable("does not say how many rows, columns, samples and frames it has, or says what cannot be")
    floating = pixels.tag in (FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA)
    if bits not in ((32, 64) if floating else (1, 8, 16, 32)) or (bits == 1 and samples != 1):
        raise Undecodable("says a number of bits that its pixels cannot have")
    signed = header.integer("PixelRepresentation") == 1
    kind = f"{bits}-bit {'floating point' if floating else 'signed' if signed else 'unsigned'}"
    interpretation = header.text("PhotometricInterpretation") or ""
    if samples == 3 and pixels.length is not None and interpretation != "RGB":
        raise Undecodable("has native colours other than RGB, which are not drawn here")
    return Frames(header, path, count, rows, columns, samples, pixels, kind)


def _cut(data: Any, start: int, end: int) -> bytes:
    return bytes(data[start:end])
