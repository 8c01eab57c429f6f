"""An instance as a door took it in, and what can be said of it before its header is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rules.header import Header
from rules.model import Finding, Severity
from scp.policy import REJECTED_BEFORE
from scp.records import Earlier
from scp.store import Part
from scp.uid import valid_uid
from scp.verdict import Action


@dataclass(frozen=True, slots=True)
class Request:
    """What a sender announced before the Data Set: names, and where from."""

    id: int
    received_at: datetime
    door: str
    """dimse or stow."""
    association_id: int | None
    calling_ae: str
    called_ae: str
    address: str
    device: str | None
    sop_class_uid: str
    context_sop_class_uid: str
    """What the presentation context was negotiated for; the same as `sop_class_uid` where there is none."""
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str | None = None
    """Of the address that it was posted to; None where that names no study."""
    token: str | None = None
    """Name of the token that was shown; None where none was asked for."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A Request with its Data Set: in a part on the store's volume, and readable as a buffer.

    `receive_ms` is how long its bytes took to come, in milliseconds.
    """

    request: Request
    part: Part
    data: bytes | bytearray | memoryview
    receive_ms: float
    rejected_studies: set[str] = field(default_factory=set)
    """Study Instance UIDs of what was rejected in the same Association or request; the road adds to it."""


SAME = "duplicate-same"
DIFFERENT = "duplicate-different"
TRANSCODED = "duplicate-transcoded"
CLASS_MISMATCH = "sop-class-mismatch"
INSTANCE_MISMATCH = "sop-instance-mismatch"
STUDY_MISMATCH = "study-mismatch"
MALFORMED_UID = "uid-malformed"
UNDECODABLE = "undecodable"

ARRIVAL_RULES: dict[str, tuple[Severity, str, str]] = {
    SAME: (Severity.NOTE, "PS3.5 9", "The same bytes are kept already under this SOP Instance UID."),
    DIFFERENT: (
        Severity.WARNING,
        "PS3.5 9",
        "Other bytes are kept already under this SOP Instance UID in the same Transfer Syntax.",
    ),
    TRANSCODED: (
        Severity.NOTE,
        "PS3.5 9",
        "This SOP Instance UID is kept already in another Transfer Syntax.",
    ),
    CLASS_MISMATCH: (
        Severity.ERROR,
        "PS3.4 B.2.3",
        "The SOP Class UID of the command, the presentation context and the Data Set disagree.",
    ),
    INSTANCE_MISMATCH: (
        Severity.ERROR,
        "PS3.4 B.2.3",
        "The SOP Instance UID of the command and the Data Set disagree.",
    ),
    STUDY_MISMATCH: (
        Severity.ERROR,
        "PS3.18 10.5.1",
        "The Study Instance UID of the Data Set is not that of the address it was posted to.",
    ),
    REJECTED_BEFORE: (
        Severity.NOTE,
        "PS3.4 B.2.3",
        "An instance of this study was rejected earlier in the same Association; the site keeps the rest apart.",
    ),
    MALFORMED_UID: (
        Severity.ERROR,
        "PS3.5 9.1",
        "The SOP Class or Instance UID that the sender announced is no UID; nothing of the instance is kept.",
    ),
}
"""Rules that need more than a header: severity, section, words."""


def disagreements(request: Request, header: Header) -> Iterator[Finding]:
    """Findings where the Data Set is of another SOP Class or Instance than what was announced.

    A header that could not be read to the end may lack the UIDs for that reason alone.
    """
    if request.context_sop_class_uid != request.sop_class_uid:
        yield _finding(
            CLASS_MISMATCH, "SOPClassUID", "(0008,0016)", "of the command is not what the context was accepted for"
        )
    for rule, keyword, tag, announced in (
        (CLASS_MISMATCH, "SOPClassUID", "(0008,0016)", request.sop_class_uid),
        (INSTANCE_MISMATCH, "SOPInstanceUID", "(0008,0018)", request.sop_instance_uid),
    ):
        held = header.text(keyword)
        if held is None:
            if not any(fault.kind == UNDECODABLE for fault in header.faults):
                yield _finding(rule, keyword, tag, "is missing from the Data Set")
        elif held != announced:
            yield _finding(rule, keyword, tag, "of the Data Set is not what the sender announced")
    if request.study_instance_uid is not None and header.text("StudyInstanceUID") != request.study_instance_uid:
        yield _finding(STUDY_MISMATCH, "StudyInstanceUID", "(0020,000D)", "is not that of the address it was posted to")


def earlier_copy(
    digest: str, transfer_syntax_uid: str, earlier: Sequence[Earlier]
) -> tuple[Earlier | None, Finding | None]:
    """The kept copy that has the same bytes, if any, and the finding that copies of this UID give rise to.

    Of what was rejected only the header is kept: that is no copy.
    """
    whole = [each for each in earlier if each.verdict != Action.REJECT]
    if not whole:
        return None, None
    alike = [each for each in whole if each.transfer_syntax_uid == transfer_syntax_uid]
    for each in alike:
        if each.digest == digest:
            return each, _finding(SAME, "SOPInstanceUID", "(0008,0018)", f"is kept already: ticket {each.ticket}")
    if alike:
        message = f"is kept already with other bytes: ticket {alike[0].ticket}"
        return None, _finding(DIFFERENT, "SOPInstanceUID", "(0008,0018)", message)
    message = f"is kept already in another Transfer Syntax: ticket {whole[0].ticket}"
    return None, _finding(TRANSCODED, "SOPInstanceUID", "(0008,0018)", message)


def malformed_uid(request: Request) -> Finding | None:
    """The finding on an announcement whose UIDs are none; what was announced instead is not quoted."""
    for keyword, tag, announced in (
        ("SOPInstanceUID", "(0008,0018)", request.sop_instance_uid),
        ("SOPClassUID", "(0008,0016)", request.sop_class_uid),
    ):
        if not valid_uid(announced):
            message = f"of the command is no UID: {len(announced)} characters, wanted 1 to 64 digits and dots"
            return _finding(MALFORMED_UID, keyword, tag, message)
    return None


def rejected_before() -> Finding:
    """The finding on an instance whose study had one rejected just before (`policy.study_safe`)."""
    return _finding(
        REJECTED_BEFORE, "StudyInstanceUID", "(0020,000D)", "is of a study of which an instance was rejected"
    )


def _finding(rule: str, keyword: str, tag: str, message: str) -> Finding:
    severity, section, _ = ARRIVAL_RULES[rule]
    return Finding(rule=rule, severity=severity, path=keyword, tag=tag, section=section, message=message)
