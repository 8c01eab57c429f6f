"""The File Meta Information that a kept instance begins with (PS3.10 section 7.1)."""

from __future__ import annotations

from struct import pack

IMPLEMENTATION_CLASS_UID = "2.25.228143276563907410563842957132209417503"
IMPLEMENTATION_VERSION_NAME = "DICOMGATE_010"

_PREAMBLE = b"\0" * 128 + b"DICM"


def file_meta(
    sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, calling_ae: str, called_ae: str
) -> bytes:
    """The first bytes of a Part 10 file, up to its Data Set.

    The preamble is zeroed: a sender's own may make the file executable. UIDs and AE Titles are ASCII.
    """
    group = b"".join(
        (
            _element(0x0001, b"OB", b"\0\1"),
            _element(0x0002, b"UI", sop_class_uid.encode("ascii")),
            _element(0x0003, b"UI", sop_instance_uid.encode("ascii")),
            _element(0x0010, b"UI", transfer_syntax_uid.encode("ascii")),
            _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
            _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode("ascii")),
            _element(0x0017, b"AE", calling_ae.encode("ascii", "replace")) if calling_ae else b"",
            _element(0x0018, b"AE", called_ae.encode("ascii", "replace")) if called_ae else b"",
        )
    )
    return _PREAMBLE + _element(0x0000, b"UL", pack("<I", len(group))) + group


def _element(number: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr in (b"UI", b"OB") else b" "
    if vr == b"OB":
        return pack("<HH2sHI", 2, number, vr, 0, len(value)) + value
    return pack("<HH2sH", 2, number, vr, len(value)) + value
