"""The Deflated Explicit VR Little Endian Data Set made whole again (PS3.5 A.5)."""

from __future__ import annotations

import zlib

from rules.encoding import Buffer
from rules.faults import Fault

_CHUNK = 1 << 16


def inflate(data: Buffer, start: int, limit: int) -> tuple[bytes, tuple[Fault, ...]]:
    """The inflated bytes, `limit` at most, and what was wrong with the stream. Never raises; memory stays bounded."""
    out, fault = _inflate(data, start, limit, -zlib.MAX_WBITS)
    if fault and not out:
        wrapped, trouble = _inflate(data, start, limit, zlib.MAX_WBITS)
        if wrapped:
            told = Fault(start, None, "the deflated stream has a zlib header, wanted none", "encoding")
            return wrapped, (told, trouble) if trouble else (told,)
    return out, (fault,) if fault else ()


def _inflate(data: Buffer, start: int, limit: int, window: int) -> tuple[bytes, Fault | None]:
    stream = zlib.decompressobj(window)
    out = bytearray()
    at = start
    pending = b""
    while not stream.eof:
        if not pending:
            pending = bytes(data[at : at + _CHUNK])
            at += len(pending)
            if not pending:
                return bytes(out), Fault(at, None, "the deflated stream is cut off")
        try:
            out += stream.decompress(pending, limit + 1 - len(out))
        except zlib.error:
            return bytes(out), Fault(at - len(pending), None, "the deflated stream is damaged")
        if len(out) > limit:
            del out[limit:]
            return bytes(out), Fault(at, None, f"the deflated stream grows to more than {limit} bytes")
        pending = stream.unconsumed_tail
    return bytes(out), None
