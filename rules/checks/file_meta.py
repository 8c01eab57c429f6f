"""The File Meta Information: complete, and of the same instance as the Data Set behind it (PS3.10 7.1)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.checks.value_place import Place, stated
from rules.dictionary import tag_of
from rules.header import Header
from rules.model import Finding, Severity
from rules.registry import run
from rules.transfer_syntax import transfer_syntax

REQUIRED = {
    tag_of(keyword): keyword
    for keyword in (
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "ImplementationClassUID",
    )
}
"""What is Type 1, but for Transfer Syntax UID: a file without one is told of by the reader."""
SAME = {"MediaStorageSOPClassUID": "SOPClassUID", "MediaStorageSOPInstanceUID": "SOPInstanceUID"}
DICOM_ROOT = "1.2.840.10008."


def file_meta(header: Header) -> Iterator[Finding]:
    """Judge the File Meta Information of a file; elements of group 0002 in a Data Set without one as if they were."""
    meta = header.meta
    if meta is None:
        if not any(tag >> 16 == 0x0002 for tag in header.elements()):
            return
        meta = header
    place = Place(meta)
    for tag, keyword in REQUIRED.items():
        if not meta.length(tag) or meta.empty(tag):
            yield from run(MISSING, [place.problem(keyword, "is absent or empty, Type 1")])
    for keyword, other in SAME.items():
        if meta.raw(keyword) == header.raw(other):
            continue
        said, wanted = meta.text(keyword), header.text(other)
        if said and wanted and said != wanted:
            yield from run(DIFFERS, [place.problem(keyword, f"differs from {other} of the Data Set")])
    uid = meta.text("TransferSyntaxUID")
    if uid and transfer_syntax(uid) is None:
        defined = uid.startswith(DICOM_ROOT)
        told = "is of the Standard's root and not defined there" if defined else "is a private one"
        severity = Severity.ERROR if defined else None
        yield from run(TRANSFER_SYNTAX, [place.problem("TransferSyntaxUID", told, severity=severity)])


MISSING = stated(
    "file-meta-missing",
    "PS3.10 7.1",
    Severity.ERROR,
    """A required element of the File Meta Information is absent or empty.

    A reader learns from it what the file holds before it reads the Data Set.
    """,
    good=[{"SOPClassUID": "1.2"}],
    bad=[{"MediaStorageSOPClassUID": "1.2", "SOPClassUID": "1.2"}],
)
DIFFERS = stated(
    "file-meta-differs",
    "PS3.10 7.1",
    Severity.ERROR,
    """The File Meta Information is of another SOP Class or Instance than the Data Set.

    Whoever indexes a file by its first bytes files it under the wrong instance.
    """,
    good=[{"MediaStorageSOPInstanceUID": "1.2", "SOPInstanceUID": "1.2"}],
    bad=[
        {"MediaStorageSOPInstanceUID": "1.2", "SOPInstanceUID": "1.3"},
        {"MediaStorageSOPClassUID": "1.2", "SOPClassUID": "1.3"},
    ],
)
TRANSFER_SYNTAX = stated(
    "file-meta-transfer-syntax",
    "PS3.10 7.1",
    Severity.WARNING,
    """The Transfer Syntax is none that the Standard defines.

    Only a receiver that knows the private one can read the pixel data. One that claims the Standard's own root and is
    not defined is an error.
    """,
    good=[{"TransferSyntaxUID": "1.2.840.10008.1.2"}],
    bad=[{"TransferSyntaxUID": "1.2.3.4"}, {"TransferSyntaxUID": "1.2.840.10008.1.2.77"}],
)
