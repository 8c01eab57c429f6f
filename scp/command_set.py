"""Command sets of C-STORE as bytes (PS3.7 sections 6.3.1 and 9.3.1): Implicit VR Little Endian, no nesting."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, pack

AFFECTED_SOP_CLASS_UID = 0x00000002
COMMAND_FIELD = 0x00000100
MESSAGE_ID = 0x00000110
MESSAGE_ID_RESPONDED_TO = 0x00000120
DATA_SET_TYPE = 0x00000800
STATUS = 0x00000900
OFFENDING_ELEMENT = 0x00000901
ERROR_COMMENT = 0x00000902
AFFECTED_SOP_INSTANCE_UID = 0x00001000

C_STORE_RQ, C_STORE_RSP = 0x0001, 0x8001
NO_DATA_SET = 0x0101

_element = Struct("<HHI")


def read_command(raw: bytes) -> dict[int, bytes] | None:
    """The elements of a command set by tag; None where the bytes are none."""
    found: dict[int, bytes] = {}
    at, end = 0, len(raw)
    while at < end:
        if at + 8 > end:
            return None
        group, number, length = _element.unpack_from(raw, at)
        at += 8
        if at + length > end:
            return None
        found[group << 16 | number] = raw[at : at + length]
        at += length
    return found


def number(command: dict[int, bytes], tag: int) -> int | None:
    """An unsigned short of a command set; None where it is absent or of another size."""
    value = command.get(tag)
    return int.from_bytes(value, "little") if value is not None and len(value) == 2 else None


def uid(command: dict[int, bytes], tag: int) -> str:
    """A UID of a command set without its padding; "" where absent. It may hold anything."""
    return command.get(tag, b"").rstrip(b"\0 ").decode("latin-1")


def c_store_rsp(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    status: int,
    error_comment: str = "",
    offending_elements: Iterable[int] = (),
) -> bytes:
    """A C-STORE-RSP; "" leaves a UID or the comment out. Text is ASCII."""
    offending = b"".join(pack("<HH", tag >> 16, tag & 0xFFFF) for tag in offending_elements)
    body = b"".join(
        (
            _text(AFFECTED_SOP_CLASS_UID, sop_class_uid, b"\0"),
            _short(COMMAND_FIELD, C_STORE_RSP),
            _short(MESSAGE_ID_RESPONDED_TO, message_id),
            _short(DATA_SET_TYPE, NO_DATA_SET),
            _short(STATUS, status),
            _value(OFFENDING_ELEMENT, offending) if offending else b"",
            _text(ERROR_COMMENT, error_comment, b" "),
            _text(AFFECTED_SOP_INSTANCE_UID, sop_instance_uid, b"\0"),
        )
    )
    return _value(0x00000000, pack("<I", len(body))) + body


def _short(tag: int, value: int) -> bytes:
    return _value(tag, pack("<H", value))


def _text(tag: int, text: str, padding: bytes) -> bytes:
    if not text:
        return b""
    value = text.encode("ascii")
    return _value(tag, value + padding if len(value) % 2 else value)


def _value(tag: int, value: bytes) -> bytes:
    return _element.pack(tag >> 16, tag & 0xFFFF, len(value)) + value
