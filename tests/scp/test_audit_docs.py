"""The questions of docs/audit.md, asked of a small audit that has an answer to each, on both engines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import a_receipt, decision

from rules.model import Severity
from scp.commands.tabular import shown
from scp.database import open_engine
from scp.free_query import asked
from scp.identity import Identity
from scp.ids import Ids
from scp.journal import Journal
from scp.records import AssociationClosed, AssociationOpened, Event
from scp.tables import VIEWS, metadata
from scp.verdict import Action, Decision

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
QUESTIONS = dict(re.findall(r"^### ([^\n]+\?)\n\n```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "Which scanner breaks Image Type rules most this month?": [("CT1", "CT, room 1", 3), ("MR1", None, 1)],
    "What did it send just before the first of them today?": [
        ("2026-11-22T10:00:00.000Z", "CT Image", "Model", "2.0", "accept", "0000000003"),
        ("2026-11-20T12:00:00.000Z", "CT Image", "Model", "1.0", "flag", "0000000002"),
    ],
    "Which Studies are half quarantined?": [("1.2.3.20", 1, 2, "2026-11-22T11:00:00.000Z")],
    "Which equipment is new this week?": [
        ("2026-11-20T12:00:00.000Z", "CT1", "Maker", "Model", "1.0", 1),
        ("2026-11-22T10:00:00.000Z", "CT1", "Maker", "Model", "2.0", 3),
        ("2026-11-22T11:30:00.000Z", "MR1", "Other", "M2", "1.0", 1),
    ],
    "Did a software update change what a scanner gets wrong?": [
        ("1.0", "image-type-value-1", 1, "2026-11-20T12:00:00.000Z"),
        ("2.0", "image-type-value-1", 2, "2026-11-22T11:00:00.000Z"),
    ],
    "Which rules spoke for the first time this week?": [
        ("image-type-value-1", "error", "2026-11-20", 4),
        ("terms", "warning", "2026-11-22", 1),
    ],
    "What share of each model's instances has errors?": [
        ("Other", "M2", 1, 1, 100),
        ("Maker", "Model", 4, 3, 75),
        ("Old", "M0", 1, 0, 0),
    ],
    "Which instances took longest to check?": [
        (9.5, 1.5, 1000, "CT Image", "CT1", "0000000003"),
        (0.5, 1.5, 1000, "CT Image", "CT1", "0000000004"),
        (0.5, 1.5, 1000, "CT Image", "CT1", "0000000005"),
        (0.5, 1.5, 1000, "CT Image", "MR1", "0000000006"),
    ],
    "Which sender has fallen silent?": [("OLD", "2026-10-01T12:00:00.000Z", 1)],
    "Which instances arrived again with other bytes?": [("1.2.3.99", 2, 2, "2026-11-22T11:00:00.000Z")],
    "What would the policy refuse, were the devices' modes lifted?": [
        ("MR1", "image-type-value-1", 7, "reject", "flag", 1),
    ],
    "Who was refused an Association, and why?": [
        ("too many Associations", "SPY", "DICOMGATE", "10.0.0.9", 2, "2026-11-22T12:00:00.000Z"),
    ],
    "Which Associations ended badly, with how much delivered?": [
        ("2026-11-22T12:00:00.000Z", "CT1", "10.0.0.9", "aborted", 3, 3000),
    ],
    "How much arrives from whom in a day?": [
        ("2026-11-22", "CT1", 3, 3000),
        ("2026-11-22", "MR1", 1, 1000),
        ("2026-11-20", "CT1", 1, 1000),
    ],
    "What did the node do last night?": [
        ("2026-11-22T00:00:00.000Z", "configuration", "policy changed", "node/0"),
    ],
}


@pytest.fixture
def hospital(engine: sa.Engine, database_url: str) -> Iterator[sa.Engine]:
    """An audit of six instances; an engine that only reads it."""
    ids = Ids(engine)
    journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
    wrong = decision("image-type-value-1")
    capped = Decision(wrong.finding, Action.FLAG, Action.REJECT, 7)
    terms = decision("terms", Severity.WARNING)
    apart = decision("image-type-value-1", action=Action.QUARANTINE)
    in_room = {"device": "CT, room 1"}
    newer = {**in_room, "software_versions": "2.0", "study_instance_uid": "1.2.3.20"}
    at = {
        1: NOON.replace(month=10, day=1),
        2: NOON - timedelta(days=2),
        3: NOON - timedelta(hours=2),
        4: NOON - timedelta(hours=1),
        5: NOON - timedelta(hours=1),
        6: NOON - timedelta(minutes=30),
    }
    receipts = [
        a_receipt(1, calling_ae="OLD", manufacturer="Old", model="M0", software_versions="0"),
        a_receipt(2, wrong, **in_room, sop_instance_uid="1.2.3.99"),
        a_receipt(3, **{**newer, "study_instance_uid": "1.2.3.21"}, check_ms=9.5),
        a_receipt(4, wrong, **newer, sop_instance_uid="1.2.3.99"),
        a_receipt(5, apart, **newer),
        a_receipt(6, capped, terms, calling_ae="MR1", manufacturer="Other", model="M2"),
    ]
    receipts = [replace(each, received_at=at[each.id], ticket=f"{each.id:010}") for each in receipts]
    with journal.transaction() as writer:
        writer.write([*_associations(), *receipts, *_events()])
    journal.close()
    reader = open_engine(database_url, read_only=True)
    yield reader
    reader.dispose()


def _associations() -> list[AssociationOpened | AssociationClosed]:
    def opened(row_id: int, calling_ae: str, refusal: str | None) -> AssociationOpened:
        about = ("DICOMGATE", "10.0.0.9", 40000, None, "1.2", "TEST", 16384, 1, (), "c0ffee")
        return AssociationOpened(row_id, NOON, calling_ae, *about, refusal)

    return [
        opened(1, "SPY", "too many Associations"),
        opened(2, "SPY", "too many Associations"),
        opened(3, "CT1", None),
        opened(4, "CT1", None),
        AssociationClosed(3, NOON, "aborted", 3, 0, 3000),
        AssociationClosed(4, NOON, "released", 1, 0, 1000),
    ]


def _events() -> list[Event]:
    return [
        Event(NOON - timedelta(days=3), "start", "started", {}),
        Event(NOON - timedelta(hours=12), "configuration", "policy changed", {}),
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_page_answers(hospital: sa.Engine, question: str) -> None:
    with asked(hospital, QUESTIONS[question]) as (_, rows):
        answer = [
            tuple(each if each is None or isinstance(each, (int, float, str)) else shown(each) for each in row)
            for row in rows
        ]
    expected = [tuple(each) for each in ANSWERS[question]]
    assert [tuple(map(_comparable, row)) for row in answer] == [tuple(map(_comparable, row)) for row in expected]


def _comparable(value: object) -> object:
    """Postgres makes a numeric of a sum: compare what it says."""
    try:
        return float(value)  # type: ignore[arg-type]  # whatever is no number stays as it is
    except (TypeError, ValueError):
        return value


def test_the_page_has_a_dozen_questions_and_all_are_tested() -> None:
    assert len(QUESTIONS) >= 12
    assert PAGE.count("```sql") == len(QUESTIONS)
    assert set(ANSWERS) == set(QUESTIONS)


@pytest.mark.parametrize("table", metadata.tables.values(), ids=str)
def test_the_page_names_every_column(table: sa.Table) -> None:
    heading = re.search(rf"^### [^\n]*\b{table.name}\b.*?(?=^###? |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert heading, f"docs/audit.md does not describe {table.name}"
    assert [each.name for each in table.c if f"`{each.name}`" not in heading[0]] == []


def test_the_page_names_every_view() -> None:
    assert [each for each in VIEWS if f"| `{each}` |" not in PAGE] == []
