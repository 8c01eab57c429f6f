"""A Part 10 file taken in as it comes: the File Meta Information is read, what follows is the Data Set (PS3.10 7.1)."""

from __future__ import annotations

from dataclasses import dataclass

from rules.header import NotDicom, read_meta, read_part10

FIRST_LOOK = 1 << 13
"""Bytes that are waited for before the File Meta Information is read, unless the file ends before."""

LARGEST_META = 1 << 20
"""Bytes of File Meta Information, and of the first elements that may have to stand in for it."""


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What the File Meta Information says, "" for what it does not; and the offset at which the Data Set begins."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set: int


def read_file_meta(data: memoryview) -> FileMeta | None:
    """The File Meta Information at the beginning of a file; None where it may go on behind these bytes.

    UIDs that it lacks are taken from the Data Set, where that is as far as here. Raises NotDicom.
    """
    if len(data) < 132:
        return None
    if bytes(data[128:132]) != b"DICM":
        raise NotDicom("the preamble and the DICM prefix of PS3.10 7.1 are missing")
    meta = read_meta(data)
    if meta.end >= len(data):
        return None
    sop_class_uid, sop_instance_uid = meta.text("MediaStorageSOPClassUID"), meta.text("MediaStorageSOPInstanceUID")
    if not sop_class_uid or not sop_instance_uid:
        header = read_part10(data)
        sop_class_uid = sop_class_uid or header.text("SOPClassUID")
        sop_instance_uid = sop_instance_uid or header.text("SOPInstanceUID")
    return FileMeta(
        sop_class_uid=sop_class_uid or "",
        sop_instance_uid=sop_instance_uid or "",
        transfer_syntax_uid=meta.text("TransferSyntaxUID") or "",
        data_set=meta.end,
    )
