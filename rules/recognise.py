"""What bytes are, where nothing says so or what says so is wrong."""

from __future__ import annotations

from rules.encoding import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    KNOWN,
    LONG,
    SEQUENCE_END,
    UNDEFINED,
    Buffer,
    Encoding,
)

_FIRST_GROUPS = frozenset((0x0002, 0x0004, 0x0008, 0x0010))
"""Where a Data Set may begin: File Meta Information, directories, composite instances."""

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


def recognise(data: Buffer, start: int, said: Encoding | None = None) -> Encoding | None:
    """The encoding that the first element at `start` and the beginning of the next agree on; None where none fits.

    A length that happens to be the letters of a VR is rarer than explicit VR that is called implicit, so two letters
    are a length only where `said` is implicit VR and explicit VR does not fit.
    """
    for encoding in (EXPLICIT_LITTLE, EXPLICIT_BIG):
        if _fits(data, start, encoding):
            return encoding
    if (said is IMPLICIT_LITTLE or not _has_vr(data, start)) and _fits(data, start, IMPLICIT_LITTLE):
        return IMPLICIT_LITTLE
    return None


def begins_data_set(data: Buffer) -> bool:
    """Whether bytes without a DICM prefix begin as a Data Set does."""
    first = bytes(data[:2])
    groups = (int.from_bytes(first, "little"), int.from_bytes(first, "big"))
    likely = any(group in _FIRST_GROUPS for group in groups)
    return likely and (_has_vr(data, 0) or recognise(data, 0) is not None)


def what_it_is(data: Buffer) -> str:
    """One line on bytes that are no DICOM."""
    if not len(data):
        return "is empty"
    first = bytes(data[:512])
    for signature, name in _SIGNATURES:
        if first.startswith(signature):
            return f"is {name}, not DICOM"
    if not first.strip(b"\0"):
        return "begins with zeros, not as DICOM does"
    if _is_text(first):
        return "is text, not DICOM"
    return "is not DICOM: no DICM prefix after 128 bytes, and no Data Set at the start"


def _has_vr(data: Buffer, start: int) -> bool:
    return bytes(data[start + 4 : start + 6]) in KNOWN


def _fits(data: Buffer, start: int, encoding: Encoding) -> bool:
    """Whether an element of low group begins at `start`, and one of a higher tag where it ends."""
    end = len(data)
    if start + 8 > end or not (encoding.implicit or _has_vr(data, start)):
        return False
    group, element, length = encoding.tag_and_length(data, start)
    if (group & 0xFF) << 8 | group >> 8 < group:
        return False  # the other byte order gives the lower group
    value = start + 8
    if not encoding.implicit:
        length = encoding.tag_vr_and_length(data, start)[3]
        if bytes(data[start + 4 : start + 6]) in LONG:
            value = start + 12
            if value > end:
                return False
            (length,) = encoding.long_length(data, start + 8)
    following = value if length == UNDEFINED else value + length
    if following + 8 > end:
        return following == end
    next_group, next_element, _ = encoding.tag_and_length(data, following)
    next_tag = next_group << 16 | next_element
    if length == UNDEFINED:
        return next_tag in (ITEM, SEQUENCE_END)
    return next_tag > group << 16 | element and (encoding.implicit or _has_vr(data, following))


def _is_text(first: bytes) -> bool:
    try:
        text = first.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(first) - 3:
            return False
        text = first[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\r\n\t\f\ufeff" for letter in text)
