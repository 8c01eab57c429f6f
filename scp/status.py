"""What is answered: every DIMSE Status and STOW-RS reason that dicomgate gives, by name, in one place."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

from scp.database import DatabaseProblem
from scp.records import Receipt
from scp.store import NoRoom
from scp.verdict import Action, Verdict

LONGEST_COMMENT = 64
"""Characters of Error Comment (0000,0902), a Long String (PS3.5 6.2)."""

MOST_ELEMENTS = 64
"""Tags given in Offending Element (0000,0901); a sender that wants all of them asks the audit."""


@dataclass(frozen=True, slots=True)
class Status:
    """One outcome at every door.

    `code` is the DIMSE Status (0000,0900); `reason` the Warning or Failure Reason of a STOW-RS response
    (PS3.18 I.2), None for plain success; `http` the code of such a response where every instance fared so.
    `when` and `kept` tell people when it is given, and what is kept of the instance then.
    """

    code: int
    reason: int | None
    http: int
    section: str
    meaning: str
    when: str = ""
    kept: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether the sender has to take the instance for not stored: neither success nor Bxxx."""
        return self.code != 0 and self.code >> 12 != 0xB


SUCCESS = Status(
    0x0000,
    None,
    200,
    "PS3.7 C.1.1",
    "stored",
    when="the policy accepts all that was found, or the same bytes are kept already",
    kept="the instance; of a repeat nothing more",
)
DOES_NOT_MATCH_SOP_CLASS = Status(
    0xB007,
    45063,
    202,
    "PS3.4 B.2.3",
    "stored, though it does not match its SOP Class",
    when="the policy flags or quarantines what was found",
    kept="the instance; what is quarantined stands apart until somebody has looked at it",
)
REJECTED = Status(
    0xA900,
    43264,
    409,
    "PS3.4 B.2.3",
    "refused: it does not match its SOP Class",
    when="the policy rejects what was found, or the instance is not what was announced",
    kept="the header, without pixel data",
)
NO_ROOM = Status(
    0xA700,
    42752,
    503,
    "PS3.4 B.2.3",
    "refused: no room",
    when="the store's volume is full, or has less than `store.min_free` left",
    kept="nothing: send it again later",
)
DATABASE_GONE = Status(
    0xA701,
    42753,
    503,
    "PS3.4 B.2.3",
    "refused: the database cannot be written",
    when="the audit cannot be written and `audit.spool` is false",
    kept="nothing: send it again later",
)
LIMIT_REACHED = Status(
    0xA702,
    42754,
    503,
    "PS3.4 B.2.3",
    "refused: a limit is reached",
    when="the instance is larger than `dimse.max_instance_size`",
    kept="nothing",
)
OUR_FAULT = Status(
    0xA703,
    272,
    500,
    "PS3.4 B.2.3",
    "refused: a fault of the node's own",
    when="dicomgate failed for no fault of the instance",
    kept="nothing: send it again",
)
UNDECODABLE = Status(
    0xC000,
    49152,
    409,
    "PS3.4 B.2.3",
    "cannot be understood; kept apart",
    when="the Data Set cannot be read to its end",
    kept="all that came, in quarantine; of what is no DICOM at all nothing",
)
TRANSFER_SYNTAX_NOT_SUPPORTED = Status(
    0xC122,
    49442,
    409,
    "PS3.18 I.2.2",
    "the Transfer Syntax is not supported",
    when="the Transfer Syntax is not among those that are taken",
    kept="nothing",
)
INVALID_SOP_INSTANCE = Status(
    0x0117,
    279,
    409,
    "PS3.7 C.5.6",
    "a UID is malformed",
    when="the SOP Class UID or SOP Instance UID that was announced is no UID",
    kept="nothing",
)
SOP_CLASS_NOT_SUPPORTED = Status(
    0x0122,
    290,
    409,
    "PS3.7 C.5.17",
    "the SOP Class is not supported",
    when="the SOP Class is none that is taken from there, or a C-STORE came in a context of Verification",
    kept="nothing",
)
NOT_AUTHORIZED = Status(0x0124, 292, 403, "PS3.7 C.5.22", "the sender is not allowed to")

C_STORE_STATUSES = (
    SUCCESS,
    DOES_NOT_MATCH_SOP_CLASS,
    NO_ROOM,
    DATABASE_GONE,
    LIMIT_REACHED,
    OUR_FAULT,
    REJECTED,
    UNDECODABLE,
    INVALID_SOP_INSTANCE,
    SOP_CLASS_NOT_SUPPORTED,
)
"""Those that a C-STORE-RSP may bear."""
STORE_STATUSES = (*C_STORE_STATUSES, TRANSFER_SYNTAX_NOT_SUPPORTED)
"""Those that an instance of a Store transaction may have; the SOP Class of a C-STORE was negotiated before."""

_BY_CODE = {each.code: each for each in list(globals().values()) if isinstance(each, Status)}

STATUS_OF_ACTION = {
    Action.ACCEPT: SUCCESS,
    Action.FLAG: DOES_NOT_MATCH_SOP_CLASS,
    Action.QUARANTINE: DOES_NOT_MATCH_SOP_CLASS,
    Action.REJECT: REJECTED,
}

UNDECODABLE_RULE = "undecodable"
"""The rule whose quarantine is answered with a failure: nobody can say what the instance is."""

_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")


@dataclass(frozen=True, slots=True)
class Answer:
    """A C-STORE-RSP's Status, Error Comment ("" for none) and Offending Element tags (PS3.7 9.3.1.2, C)."""

    status: int
    error_comment: str = ""
    offending_elements: tuple[int, ...] = ()

    @property
    def status_is_ours(self) -> bool:
        """Whether the node itself failed, so that its log needs the traceback."""
        return self.status == OUR_FAULT.code


def status_coded(code: int) -> Status:
    """The status of a receipt, by its DIMSE Status. KeyError for a code that nobody here gives."""
    return _BY_CODE[code]


def status_of(verdict: Verdict) -> Status:
    """The status of a verdict, for any door."""
    if verdict.action != Action.ACCEPT and any(each.finding.rule == UNDECODABLE_RULE for each in verdict.decisions):
        return UNDECODABLE
    return STATUS_OF_ACTION[verdict.action]


def answer_for_receipt(receipt: Receipt) -> Answer:
    """What a C-STORE's sender is told of an instance that has its receipt."""
    if not may_carry_elements(receipt.status):
        return Answer(receipt.status)
    action = Action(receipt.verdict)
    told = [each for each in receipt.decisions if each.action == action]
    told += [each for each in receipt.decisions if Action.ACCEPT < each.action < action]
    leading = f"{told[0].finding.rule} {told[0].finding.tag} " if told else ""
    tags = (tag for each in told if (tag := _tag(each.finding.tag)) is not None)
    comment = clipped(f"{leading}#{receipt.ticket}")
    return Answer(receipt.status, comment, tuple(dict.fromkeys(tags))[:MOST_ELEMENTS])


def answer_for_failure(error: BaseException) -> Answer:
    """What a sender is told when nothing was kept for no fault of the instance, so that it tries again."""
    return refusal(status_for_failure(error))


def status_for_failure(error: BaseException) -> Status:
    """The status of a fault that rose out of the road, for any door."""
    if isinstance(error, NoRoom) or getattr(error, "errno", None) in _NO_ROOM:
        return NO_ROOM
    return DATABASE_GONE if isinstance(error, DatabaseProblem) else OUR_FAULT


def refusal(status: Status, comment: str = "") -> Answer:
    """The answer to an instance of which nothing is kept; the comment goes where the status may carry one."""
    said = comment or status.meaning
    return Answer(status.code, clipped(said) if may_carry_comment(status.code) else "")


def may_carry_comment(code: int) -> bool:
    """Whether Error Comment may stand beside this Status: Bxxx, A7xx, A9xx and Cxxx (PS3.4 B.2.3)."""
    return code >> 8 == 0xA7 or may_carry_elements(code)


def may_carry_elements(code: int) -> bool:
    """Whether Offending Element may stand beside this Status: Bxxx, A9xx and Cxxx (PS3.4 B.2.3)."""
    return code >> 12 in {0xB, 0xC} or code >> 8 == 0xA9


def clipped(text: str) -> str:
    """Text as Error Comment may hold it: 64 characters, ASCII, no backslash, no control characters."""
    fit = "".join(each if " " <= each <= "~" and each != "\\" else "?" for each in text)
    return fit[:LONGEST_COMMENT]


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _tag(text: str) -> int | None:
    match = _TAG.fullmatch(text)
    return None if match is None else int(match[1] + match[2], 16)
