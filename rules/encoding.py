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
SHORT = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS")
    + (b"ST", b"TM", b"UI", b"UL", b"US")
)
"""VRs with a 16-bit length in explicit VR."""
KNOWN = LONG | SHORT

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


def _encoding(order: str, implicit: bool) -> Encoding:
    unpackers = (Struct(order + layout).unpack_from for layout in ("HHI", "HH2sH", "I"))
    return Encoding(implicit, order == ">", *unpackers)


IMPLICIT_LITTLE = _encoding("<", implicit=True)
EXPLICIT_LITTLE = _encoding("<", implicit=False)
EXPLICIT_BIG = _encoding(">", implicit=False)
