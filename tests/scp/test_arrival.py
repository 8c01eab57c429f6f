from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import builders
import pytest

from rules.header import read_header
from scp.arrival import Request, disagreements, earlier_copy, malformed_uid
from scp.records import Earlier

REQUEST = Request(
    id=1,
    received_at=datetime(2026, 1, 2, tzinfo=UTC),
    door="dimse",
    association_id=None,
    calling_ae="CT",
    called_ae="DICOMGATE",
    address="127.0.0.1",
    device=None,
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    context_sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    sop_instance_uid="1.2.3.4",
    transfer_syntax_uid=builders.EXPLICIT,
)
EARLIER = Earlier(
    id=1, ticket="AAAAAAAAAA", digest="aa", transfer_syntax_uid=builders.EXPLICIT, verdict="accept", stored="i/1.dcm"
)


def rules_of(request: Request, **changes: object) -> list[str]:
    header = read_header(builders.data_set(builders.ct(**changes)), builders.EXPLICIT)
    return [each.rule for each in disagreements(request, header)]


def test_an_instance_that_is_what_it_was_announced_as_disagrees_in_nothing() -> None:
    assert rules_of(REQUEST) == []


def test_each_disagreement_is_a_finding_of_its_own() -> None:
    assert rules_of(replace(REQUEST, context_sop_class_uid="1.2.3")) == ["sop-class-mismatch"]
    assert rules_of(REQUEST, SOPInstanceUID="1.2.3.5", SOPClassUID="1.2.3") == [
        "sop-class-mismatch",
        "sop-instance-mismatch",
    ]


def test_uids_that_a_truncated_data_set_may_have_held_are_not_missed() -> None:
    whole = builders.data_set(builders.ct())
    header = read_header(whole[:29], builders.EXPLICIT)
    assert list(disagreements(REQUEST, header)) == []


@pytest.mark.parametrize(
    "uid", ["", "1.", ".1", "1..2", "01.2", "1.2\n", "1.2 ", "1.2.3\x00", "1" * 65, "../../x", "1.٣"]
)
def test_what_is_no_uid_is_found_and_not_quoted(uid: str) -> None:
    found = malformed_uid(replace(REQUEST, sop_instance_uid=uid))
    assert found is not None
    assert found.path == "SOPInstanceUID"
    if uid:
        assert uid not in found.message
    assert malformed_uid(replace(REQUEST, sop_class_uid=uid)) is not None


@pytest.mark.parametrize("uid", ["0", "1.2.840", "2.25.0", "1" * 64])
def test_a_uid_is_one(uid: str) -> None:
    assert malformed_uid(replace(REQUEST, sop_instance_uid=uid)) is None


@pytest.mark.parametrize(
    ("earlier", "copy", "rule"),
    [
        ([], False, None),
        ([EARLIER], True, "duplicate-same"),
        ([replace(EARLIER, digest="bb")], False, "duplicate-different"),
        ([replace(EARLIER, digest="bb"), EARLIER], True, "duplicate-same"),
        ([replace(EARLIER, transfer_syntax_uid="1.2.840.10008.1.2")], False, "duplicate-transcoded"),
        ([replace(EARLIER, verdict="reject")], False, None),
    ],
)
def test_copies_kept_earlier(earlier: list[Earlier], copy: bool, rule: str | None) -> None:
    same, finding = earlier_copy("aa", builders.EXPLICIT, earlier)
    assert (same is not None) == copy
    assert (finding.rule if finding else None) == rule
