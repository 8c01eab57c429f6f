"""How Data Elements are laid out in bytes (PS3.5 7.1), and which of the three ways a Data Set uses."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from struct import Struct
from typing import Any, NamedTuple

Buffer = bytes | bytearray | memoryview | mmap.mmap

UNDEFINED = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
FLOAT_PIXEL_DATA = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00009
PIXEL_DATA = 0x7FE00010
PIXELS = frozenset((FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA, PIXEL_DATA))

LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
"""VRs with a 32-bit length in explicit VR (PS3.5 7.1.2)."""
_STRINGS = (b"AE", b"AS", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UI")
_NUMBERS = (b"AT", b"FD", b"FL", b"SL", b"SS", b"UL", b"US")
SHORT = frozenset(_STRINGS + _NUMBERS)
"""VRs with a 16-bit length in explicit VR."""
KNOWN = LONG | SHORT
WORDS: dict[bytes | None, int] = {
    b"AT": 4,
    b"FD": 8,
    b"FL": 4,
    b"OD": 8,
    b"OF": 4,
    b"OL": 4,
    b"OV": 8,
    b"SL": 4,
    b"SV": 8,
    b"UL": 4,
    b"UV": 8,
}
"""Bytes of one value, of the VRs where the length is a multiple of more than two."""

Unpack = Callable[..., tuple[Any, ...]]


class Encoding(NamedTuple):
    """One of the three layouts, with its unpackers `(data, offset) -> tuple`."""

    implicit: bool
    big_endian: bool
    tag_and_length: Unpack
    """group, element, 32-bit length: an element in implicit VR, an Item anywhere."""
    tag_vr_and_length: Unpack
    """group, element, VR, 16-bit length."""
    long_length: Unpack
    item_end: bytes
    """An Item Delimitation Item."""


def _encoding(order: str, implicit: bool) -> Encoding:
    header = Struct(order + "HHI")
    element, length = Struct(order + "HH2sH").unpack_from, Struct(order + "I").unpack_from
    return Encoding(implicit, order == ">", header.unpack_from, element, length, header.pack(0xFFFE, 0xE00D, 0))


IMPLICIT_LITTLE = _encoding("<", implicit=True)
EXPLICIT_LITTLE = _encoding("<", implicit=False)
EXPLICIT_BIG = _encoding(">", implicit=False)
