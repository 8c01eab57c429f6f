"""What bytes are, where nothing says so or what says so is wrong."""

from __future__ import annotations

from typing import Literal

from rules.dictionary import vr_of
from rules.encoding import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    KNOWN,
    LONG,
    UNDEFINED,
    Buffer,
    Encoding,
)

_FIRST_GROUPS = frozenset((0x0002, 0x0004, 0x0008, 0x0010))
"""Where the Data Set of a composite instance may begin; File Meta Information and directories included."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x5c\x01\0\0", "a NIfTI volume"),
    (b"MSH|", "an HL7 message"),
)


def recognise(data: Buffer, start: int = 0) -> Encoding | None:
    """The layout that the element at `start` seems to have; None where it looks like no element of a first group.

    Two letters of a VR behind the tag make it explicit, where they could not be a length as well; the byte order is
    the one in which the group is the smaller number.
    """
    first = bytes(data[start : start + 12])
    if len(first) < 8:
        return None
    little, big = int.from_bytes(first[:2], "little"), int.from_bytes(first[:2], "big")
    if min(little, big) & 1 or min(little, big) > 0x0050:
        return None
    if first[4:6] in KNOWN and _is_vr(first):
        return EXPLICIT_LITTLE if little <= big else EXPLICIT_BIG
    length = int.from_bytes(first[4:8], "little")
    if little <= big and (length <= len(data) - start - 8 or length == UNDEFINED):
        return IMPLICIT_LITTLE
    return None


def _is_vr(first: bytes) -> bool:
    """Whether two letters that may be the start of a length are a VR: the one of the dictionary, or laid out as one."""
    orders: tuple[Literal["little", "big"], ...] = ("little", "big")
    for order in orders:
        tag = int.from_bytes(first[:2], order) << 16 | int.from_bytes(first[2:4], order)
        if first[4:6].decode("ascii") in (vr_of(tag) or ""):
            return True
    return first[6:8] == b"\0\0" if first[4:6] in LONG else first[7] == 0 or first[6] == 0


def begins_data_set(data: Buffer) -> bool:
    """Whether bytes without a DICM prefix begin as a Data Set does."""
    first = bytes(data[:2])
    groups = (int.from_bytes(first, "little"), int.from_bytes(first, "big"))
    return any(group in _FIRST_GROUPS for group in groups) and recognise(data) is not None


def what_it_is(data: Buffer) -> str:
    """One line on bytes that are no DICOM."""
    if not len(data):
        return "is empty"
    first = bytes(data[:512])
    for signature, name in _SIGNATURES:
        if first.startswith(signature):
            return f"is {name}, not DICOM"
    if not first.strip(b"\0"):
        return "holds zeros, not DICOM"
    if _is_text(first):
        return "is text, not DICOM"
    return "is not DICOM: no DICM prefix after 128 bytes, and no Data Set at the start"


def _is_text(first: bytes) -> bool:
    try:
        text = first.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(first) - 3:
            return False
        text = first[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\r\n\t\f\ufeff" for letter in text)
