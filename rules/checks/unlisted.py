"""What can be asked of an instance whose SOP Class PS3.3 does not list: private ones, and those newer than this."""

from __future__ import annotations

from collections.abc import Iterator

from rules.dictionary import tag_of
from rules.header import Header
from rules.model import Finding, Problem, Severity
from rules.registry import run, table_rule

_EXPECTED = {
    "C.7.1.1": ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    "C.7.2.1": ("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
    "C.7.3.1": ("Modality", "SeriesInstanceUID", "SeriesNumber"),
}
"""Types 1 and 2 of the Patient, General Study and General Series Modules."""
_IDENTITY: dict[str, object] = {"SOPClassUID": "1.2.3.4", "SOPInstanceUID": "1.2.3.5"}
"""Type 1 of the SOP Common Module."""
_WHOLE: dict[str, object] = {keyword: None for keywords in _EXPECTED.values() for keyword in keywords}


def unlisted(header: Header) -> Iterator[Finding]:
    """Notes on an instance of a SOP Class without tables."""
    yield from run(UNLISTED, header)
    yield from run(IDENTITY, header)
    yield from run(ABSENT, header)


def _unlisted(header: Header) -> Iterator[Problem]:
    """The SOP Class is none that PS3.3 describes, so that no Module of it could be checked.

    Private SOP Classes are legal, and newer editions have more than this one. Values and encoding are checked all the
    same.
    """
    if header.text("SOPClassUID"):
        yield Problem("SOPClassUID", "is of no composite IOD of this edition: its Modules are not checked")
    else:
        yield Problem("SOPClassUID", "is absent or empty: no Modules are checked")


UNLISTED = table_rule(
    "unlisted-sop-class",
    section="PS3.4 B.5",
    severity=Severity.NOTE,
    good=[{"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}],
    bad=[{"SOPClassUID": "1.2.3.4"}],
)(_unlisted)


def _absent(header: Header) -> Iterator[Problem]:
    """An Attribute that every composite instance of a patient has is absent, though the SOP Class may not want it.

    Archives file instances by patient, study and series; without these they cannot. Media directories are of no
    patient.
    """
    if _is_directory(header):
        return
    present = frozenset(header.tags())
    for section, keywords in _EXPECTED.items():
        for keyword in keywords:
            if tag_of(keyword) not in present:
                yield Problem(keyword, "is absent, though archives file instances by it", section=section)


ABSENT = table_rule(
    "unlisted-attribute-absent",
    section="C.7.1.1",
    severity=Severity.NOTE,
    good=[{**_WHOLE, **_IDENTITY, "SOPClassUID": "1.2.3.4"}],
    bad=[{"SOPClassUID": "1.2.3.4"}],
)(_absent)


def _identity(header: Header) -> Iterator[Problem]:
    """Neither SOP Class UID nor SOP Instance UID may be absent, and the Data Set does not say what it is.

    Every composite IOD has them in its SOP Common Module. A receiver can neither check the instance nor file it.
    """
    if header.text("SOPClassUID") or _is_directory(header):
        return
    for keyword in _IDENTITY:
        if not header.text(keyword):
            yield Problem(keyword, "is absent or empty, Type 1")


IDENTITY = table_rule(
    "instance-identity-absent",
    section="C.12.1",
    severity=Severity.ERROR,
    good=[{**_IDENTITY, "SOPClassUID": "1.2.3.4"}, {"DirectoryRecordSequence": []}],
    bad=[{"SOPInstanceUID": "1.2.3.5"}, {"PatientID": "1"}],
)(_identity)


def _is_directory(header: Header) -> bool:
    """Whether this is the Data Set of a DICOMDIR, which has no SOP Common Module (PS3.3 F.3)."""
    return header.has("DirectoryRecordSequence") and not header.has("SOPClassUID")
