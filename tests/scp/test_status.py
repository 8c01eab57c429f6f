"""What senders are told: statuses, comments and offending elements, at every door."""

from __future__ import annotations

import errno

import pytest
from databases import a_receipt
from hypothesis import example, given
from hypothesis import strategies as st

from rules.model import Finding, Severity
from scp import status
from scp.database import DatabaseGone
from scp.status import (
    Answer,
    Status,
    answer_for_failure,
    answer_for_receipt,
    clipped,
    may_carry_comment,
    may_carry_elements,
    refusal,
    status_for_failure,
    status_of,
)
from scp.store import NoRoom
from scp.verdict import Action, Decision, Verdict

TICKET = "7XK2M9QD4T"
EVERY_STATUS = [each for each in vars(status).values() if isinstance(each, Status)]


def decision(action: Action, rule: str = "image-type-value-1", tag: str = "(0008,0008)") -> Decision:
    finding = Finding(rule, Severity.ERROR, "ImageType", tag, "PS3.3 C.8.32.2", "is Doe^Jane")
    return Decision(finding, action, action, 0)


def verdict(*decisions: Decision) -> Verdict:
    return Verdict(max((each.action for each in decisions), default=Action.ACCEPT), decisions, None, "digest")


def answer_to(decided: Verdict) -> Answer:
    """What is told of an instance that was decided upon so."""
    code = status_of(decided).code
    return answer_for_receipt(a_receipt(1, *decided.decisions, verdict=decided.action, status=code, ticket=TICKET))


@pytest.mark.parametrize(
    ("action", "dimse", "stow", "http"),
    [
        (Action.ACCEPT, 0x0000, None, 200),
        (Action.FLAG, 0xB007, 45063, 202),
        (Action.QUARANTINE, 0xB007, 45063, 202),
        (Action.REJECT, 0xA900, 43264, 409),
    ],
)
def test_every_action_has_its_answer_at_every_door(action: Action, dimse: int, stow: int | None, http: int) -> None:
    found = status_of(verdict(decision(action)))
    assert (found.code, found.reason, found.http) == (dimse, stow, http)


def test_no_action_is_without_an_answer() -> None:
    assert set(status.STATUS_OF_ACTION) == set(Action)


@pytest.mark.parametrize(
    ("named", "dimse", "stow"),
    [
        (status.NO_ROOM, 0xA700, 42752),
        (status.DATABASE_GONE, 0xA701, 42753),
        (status.LIMIT_REACHED, 0xA702, 42754),
        (status.OUR_FAULT, 0xA703, 272),
        (status.UNDECODABLE, 0xC000, 49152),
        (status.INVALID_SOP_INSTANCE, 0x0117, 279),
        (status.SOP_CLASS_NOT_SUPPORTED, 0x0122, 290),
        (status.NOT_AUTHORIZED, 0x0124, 292),
    ],
)
def test_every_other_cause_has_a_code_of_its_own(named: Status, dimse: int, stow: int) -> None:
    assert (named.code, named.reason) == (dimse, stow)


def test_no_two_causes_share_a_code() -> None:
    codes = [each.code for each in EVERY_STATUS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("action", [Action.QUARANTINE, Action.REJECT])
def test_what_cannot_be_decoded_is_answered_as_such(action: Action) -> None:
    answer = answer_to(verdict(decision(Action.FLAG), decision(action, "undecodable", "(0010,0010)")))
    assert answer.status == 0xC000
    assert answer.error_comment == f"undecodable (0010,0010) #{TICKET}"
    assert answer.offending_elements == (0x00100010, 0x00080008)


def test_the_comment_names_the_rule_that_led_its_tag_and_the_ticket() -> None:
    answer = answer_to(verdict(decision(Action.FLAG, "a", "(0008,0060)"), decision(Action.REJECT)))
    assert answer.status == 0xA900
    assert answer.error_comment == f"image-type-value-1 (0008,0008) #{TICKET}"


def test_success_carries_neither_comment_nor_elements() -> None:
    assert answer_to(verdict(decision(Action.ACCEPT))) == status.Answer(0x0000)


def test_offending_elements_are_distinct_with_the_leading_first_and_without_what_was_accepted() -> None:
    decided = verdict(
        decision(Action.FLAG, tag="(0008,0060)"),
        decision(Action.ACCEPT, tag="(0010,0010)"),
        decision(Action.QUARANTINE, tag="(7FE0,0010)"),
        decision(Action.QUARANTINE, tag="(0008,0008)"),
        decision(Action.QUARANTINE, tag="(7FE0,0010)"),
        decision(Action.QUARANTINE, tag=""),
    )
    assert answer_to(decided).offending_elements == (0x7FE00010, 0x00080008, 0x00080060)


def test_a_thousand_faults_do_not_fill_the_response() -> None:
    many = verdict(*(decision(Action.FLAG, tag=f"(0009,{n:04X})") for n in range(1000)))
    assert len(answer_to(many).offending_elements) == status.MOST_ELEMENTS


def test_a_verdict_without_findings_still_gives_its_ticket() -> None:
    kept_apart = Verdict(Action.QUARANTINE, (), None, "digest")
    assert answer_to(kept_apart).error_comment == f"#{TICKET}"


def test_the_longest_rule_id_still_leaves_room_for_tag_and_ticket() -> None:
    comment = answer_to(verdict(decision(Action.FLAG, "r" * 39))).error_comment
    assert comment.endswith(TICKET)
    assert len(comment) <= 64


def test_no_patient_data_leaves_in_an_answer() -> None:
    assert "Doe" not in answer_to(verdict(decision(Action.REJECT))).error_comment


@given(st.text(max_size=100))
@example("a" * 65)
def test_any_comment_is_fit_for_a_long_string(text: str) -> None:
    fit = clipped(text)
    assert len(fit) <= 64
    assert fit.isascii()
    assert "\\" not in fit
    assert all(each.isprintable() for each in fit)


def test_the_comment_stands_only_where_the_standard_has_room_for_it() -> None:
    with_comment = {each.code for each in EVERY_STATUS if may_carry_comment(each.code)}
    with_elements = {each.code for each in EVERY_STATUS if may_carry_elements(each.code)}
    assert with_elements == {0xB007, 0xA900, 0xC000, 0xC122}
    assert with_comment == with_elements | {0xA700, 0xA701, 0xA702, 0xA703}


def test_a_refusal_says_why_where_it_may() -> None:
    assert refusal(status.LIMIT_REACHED, "larger than 5 bytes").error_comment == "larger than 5 bytes"
    assert refusal(status.NO_ROOM).error_comment
    assert refusal(status.INVALID_SOP_INSTANCE, "malformed").error_comment == ""


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (NoRoom("full"), status.NO_ROOM),
        (OSError(errno.ENOSPC, "No space left on device"), status.NO_ROOM),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), status.NO_ROOM),
        (DatabaseGone("the database is gone"), status.DATABASE_GONE),
        (OSError(errno.EIO, "Input/output error"), status.OUR_FAULT),
        (ZeroDivisionError(), status.OUR_FAULT),
    ],
    ids=repr,
)
def test_a_fault_is_answered_by_its_cause(error: Exception, named: Status) -> None:
    assert status_for_failure(error) is named
    answer = answer_for_failure(error)
    assert answer.status == named.code
    assert answer.status_is_ours is (named is status.OUR_FAULT)
