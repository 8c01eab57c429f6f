"""What is asked of the audit, against rows counted by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from databases import a_receipt, decision

from rules.model import Severity
from scp.database import open_engine, reading
from scp.filters import Filter
from scp.identity import Identity
from scp.ids import Ids
from scp.journal import Journal
from scp.moments import read_moment
from scp.queries import RECEIPT_COLUMNS, STATS, find, findings, instance, receipts, stats
from scp.records import Receipt
from scp.schema import upgrade
from scp.verdict import Action

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RULES = {
    "image-type-value-1": Severity.ERROR,
    "image-type-value-3": Severity.WARNING,
    "type-1-empty": Severity.ERROR,
    "private": Severity.NOTE,
}


ON_THE_DOT = {0: NOON - timedelta(days=1), 1: NOON.replace(hour=0), 2: NOON - timedelta(hours=2)}
"""Receipts at the very moments that filters begin and end with."""


def made_up() -> list[Receipt]:
    """Two hundred receipts over four days."""
    chance = random.Random(4)
    made = []
    for number in range(200):
        rules = chance.choices(list(RULES), k=chance.randrange(4))
        mr = number % 3 == 0
        made.append(
            a_receipt(
                1000 + number,
                *(decision(rule, RULES[rule], chance.choice(list(Action))) for rule in rules),
                received_at=ON_THE_DOT.get(number, NOON - timedelta(hours=chance.uniform(0, 96))),
                calling_ae="MR1" if mr else chance.choice(("CT1", "CT2")),
                device="old CT" if number % 5 == 0 else None,
                sop_class_uid="1.2.840.10008.5.1.4.1.1.4" if mr else "1.2.840.10008.5.1.4.1.1.2",
                iod="MR Image" if mr else "CT Image",
                study_instance_uid=f"1.2.3.{number // 20}",
                series_instance_uid=f"1.2.3.{number // 20}.{number // 10}",
            )
        )
    return made


@pytest.fixture(scope="module")
def written() -> list[Receipt]:
    """What is in the audit that `connection` reads."""
    return made_up()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def filled(
    request: pytest.FixtureRequest, written: list[Receipt], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sa.Engine]:
    """An audit that is written once, since nothing here changes it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('queries')}/audit.db"
    else:
        url = request.getfixturevalue("postgres_server").new_database()
    engine = open_engine(url)
    upgrade(engine)
    journal = Journal.open(engine, ids=Ids(engine), identity=Identity(), node_name="node")
    with journal.transaction() as writer:
        writer.write(written)
    journal.close()
    yield engine
    engine.dispose()


@pytest.fixture
def connection(filled: sa.Engine) -> Iterator[sa.Connection]:
    with reading(filled) as open_connection:
        yield open_connection


def fits(each: Receipt, wanted: Filter) -> bool:
    """What a filter means, said once more and plainly."""
    from fnmatch import fnmatchcase

    found = [one.finding for one in each.decisions]
    return all(
        (
            wanted.since is None or each.received_at >= wanted.since,
            wanted.until is None or each.received_at < wanted.until,
            wanted.calling_ae is None or fnmatchcase(each.calling_ae, wanted.calling_ae),
            wanted.device is None or fnmatchcase(each.device or "", wanted.device),
            wanted.verdict is None or fnmatchcase(each.verdict, wanted.verdict),
            wanted.sop_class is None or wanted.sop_class in (each.sop_class_uid, each.iod.lower()),
            wanted.uid is None
            or wanted.uid in (each.sop_instance_uid, each.series_instance_uid, each.study_instance_uid),
            wanted.ticket is None or each.ticket == wanted.ticket,
            (wanted.rule is None and wanted.severity is None)
            or any(
                fnmatchcase(one.rule, wanted.rule or "*") and one.severity == (wanted.severity or one.severity)
                for one in found
            ),
        )
    )


DAY = timedelta(days=1)
FILTERS = [
    Filter(),
    Filter(since=NOON - DAY),
    Filter(until=NOON - DAY),
    Filter(since=NOON - 2 * DAY, until=NOON - DAY),
    Filter(since=NOON - timedelta(hours=3), until=NOON - timedelta(hours=2)),
    Filter(since=NOON.replace(hour=0), until=NOON.replace(hour=0) + DAY),
    Filter(calling_ae="CT1"),
    Filter(calling_ae="CT*"),
    Filter(calling_ae="?R1"),
    Filter(calling_ae="ct1"),
    Filter(calling_ae="NOBODY"),
    Filter(calling_ae="NO*"),
    Filter(device="old*"),
    Filter(verdict="reject"),
    Filter(verdict="[qr]*"),
    Filter(sop_class="1.2.840.10008.5.1.4.1.1.4"),
    Filter(sop_class="mr image"),
    Filter(rule="image-type-value-1"),
    Filter(rule="image-type-*"),
    Filter(rule="*"),
    Filter(rule="nothing-*"),
    Filter(rule="nothing"),
    Filter(severity="warning"),
    Filter(severity="note", verdict="flag"),
    Filter(rule="image-type-*", severity="error"),
    Filter(rule="image-type-value-3", severity="error"),
    Filter(rule="image-type-*", calling_ae="CT2", since=NOON - DAY),
    Filter(rule="*-value-?", device="old CT", verdict="quarantine", until=NOON - DAY),
    Filter(calling_ae="CT1", sop_class="mr image"),
    Filter(severity="error", calling_ae="MR1", sop_class="mr image"),
    Filter(uid="1.2.3.4"),
    Filter(uid="1.2.3.4.9"),
    Filter(uid="1.2.3.4'; drop table receipt"),
]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
@pytest.mark.parametrize("limit", [None, 7])
@pytest.mark.parametrize("sort", ["-received_at", "received_at", "calling_ae"])
def test_a_filter_finds_what_it_says(
    connection: sa.Connection, written: list[Receipt], wanted: Filter, limit: int | None, sort: str
) -> None:
    expected = sorted((each for each in written if fits(each, wanted)), key=lambda each: each.id)
    expected.sort(key=lambda each: getattr(each, sort.lstrip("-")), reverse=sort.startswith("-"))
    if sort.startswith("-"):
        expected.sort(key=lambda each: (each.received_at.replace(microsecond=0), each.id), reverse=True)
        expected.sort(key=lambda each: each.received_at.timestamp() * 1000 // 1, reverse=True)
    found = [row["id"] for row in receipts(connection, wanted, columns=["id"], sort=sort, limit=limit)]
    assert found == [each.id for each in expected][:limit]


def test_a_ticket_finds_its_receipt(connection: sa.Connection, written: list[Receipt]) -> None:
    ticket = written[17].ticket
    assert [row["id"] for row in receipts(connection, Filter(ticket=ticket.lower()))] == [written[17].id]
    assert list(receipts(connection, Filter(ticket="no ticket"))) == []


def test_rows_have_the_columns_asked_for(connection: sa.Connection, written: list[Receipt]) -> None:
    for row in receipts(connection, columns=["ticket", "rules", "errors"]):
        assert list(row) == ["ticket", "rules", "errors"]
        own = next(each for each in written if each.ticket == row["ticket"])
        assert (row["rules"] or "").split() == sorted({each.finding.rule for each in own.decisions})
        assert row["errors"] == sum(each.finding.severity == "error" for each in own.decisions)
    row = next(iter(receipts(connection, limit=1)))
    assert list(row) == list(RECEIPT_COLUMNS)
    assert {name for name, value in row.items() if not isinstance(value, (RECEIPT_COLUMNS[name], type(None)))} == set()


@pytest.mark.parametrize("by", STATS)
@pytest.mark.parametrize("wanted", [each for each in FILTERS if each.uid is None], ids=str)
def test_sums_agree_with_the_rows(connection: sa.Connection, written: list[Receipt], by: str, wanted: Filter) -> None:
    from fnmatch import fnmatchcase

    by_rule = by == "rule" or wanted.rule is not None or wanted.severity is not None
    instances: Counter[tuple[object, ...]] = Counter()
    found: Counter[tuple[object, ...]] = Counter()
    for each in written:
        if not fits(each, wanted):
            continue
        own = {
            "device": (each.device or "",),
            "calling-ae": (each.calling_ae,),
            "sop-class": (each.sop_class_uid,),
            "day": (each.received_at.date().isoformat(),),
            "verdict": (str(each.verdict),),
        }
        matching = [
            (one.finding.rule, str(one.finding.severity))
            for one in each.decisions
            if fnmatchcase(one.finding.rule, wanted.rule or "*")
            and one.finding.severity == (wanted.severity or one.finding.severity)
        ]
        if by == "rule":
            instances.update(set(matching))
            found.update(matching)
        else:
            instances[own[by]] += 1
            found[own[by]] += len(matching)
    rows = stats(connection, by, wanted)
    keys = [tuple(row[name] for name in STATS[by]) for row in rows]
    assert len(keys) == len(set(keys))
    assert {key: row["findings"] for key, row in zip(keys, rows, strict=True)} == dict(found)
    if all(row["instances"] is not None for row in rows):
        assert {key: row["instances"] for key, row in zip(keys, rows, strict=True)} == dict(instances)
    else:
        assert by_rule
        assert by != "rule"


def test_findings_come_with_their_receipt(connection: sa.Connection, written: list[Receipt]) -> None:
    rows = list(findings(connection, Filter(rule="image-type-*")))
    expected = sum(each.finding.rule.startswith("image-type") for one in written for each in one.decisions)
    assert len(rows) == expected
    assert all(row["rule"].startswith("image-type") for row in rows)
    assert [row["received_at"] for row in rows] == sorted(row["received_at"] for row in rows)
    assert list(findings(connection, Filter(rule="nothing-*"))) == []


def test_an_instance_is_found_by_ticket_uid_and_id(connection: sa.Connection, written: list[Receipt]) -> None:
    one = written[3]
    for name in (one.ticket, one.ticket.lower(), f"#{one.ticket}", one.sop_instance_uid, str(one.id)):
        assert find(connection, name) == one.id
    for name in ("", "0", "1.2.3", "9" * 30, "x'; drop table receipt", "0000000000"):
        assert find(connection, name) is None


def test_an_instance_shows_its_earlier_and_later_arrivals(engine: sa.Engine, ids: Ids, journal: Journal) -> None:
    three = [a_receipt(ids.next(), decision("r"), sop_instance_uid="1.2.9") for _ in range(3)]
    with journal.transaction() as writer:
        writer.write(three)
    with reading(engine) as connection:
        assert find(connection, "1.2.9") == three[2].id
        found = instance(connection, three[1].id)
        with pytest.raises(KeyError):
            instance(connection, 1)
    assert [each["id"] for each in found["earlier"]] == [three[0].id]
    assert [each["id"] for each in found["later"]] == [three[2].id]
    assert found["receipt"]["ticket"] == three[1].ticket
    assert [each["rule"] for each in found["findings"]] == ["r"]
    assert found["association"] is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", NOON - timedelta(hours=2)),
        ("90 min", NOON - timedelta(minutes=90)),
        ("7d", NOON - timedelta(days=7)),
        ("2W", NOON - timedelta(weeks=2)),
        ("now", NOON),
        ("today", NOON.replace(hour=0)),
        ("Yesterday", NOON.replace(hour=0) - DAY),
        ("2026-11-22", NOON.replace(hour=0)),
        ("2026-11-22T13:00+01:00", NOON),
        ("2026-11-22 12:00", NOON),
        ("2026-11-22T12:00Z", NOON),
    ],
)
def test_a_moment_is_read_as_it_was_meant(text: str, moment: datetime) -> None:
    assert read_moment(text, NOON) == moment


@pytest.mark.parametrize("text", ["", "soon", "2h ago", "-2h", "2026-13-01", "999999w", "22.11.2026"])
def test_what_is_no_moment_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="wanted 2h, 7d, yesterday"):
        read_moment(text, NOON)
