"""The journal: what is written, what is refused, and what happens when the database goes away."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import Postgres, a_receipt, decision

from rules.model import Severity
from scp.database import DatabaseGone, DatabaseProblem, WriteLock, open_engine, reading, takes_writes
from scp.identity import Identity
from scp.ids import Ids
from scp.journal import Clash, Journal
from scp.records import AssociationClosed, AssociationOpened, Earlier, Event, Record
from scp.schema import upgrade
from scp.soundness import verify_chain, verify_tally
from scp.tables import association, event, finding, receipt, tally
from scp.tickets import draw_ticket
from scp.verdict import Action

NOW = datetime(2026, 11, 22, 9, 30, 0, 125_999, UTC)


def opened(row_id: int, **changes: object) -> AssociationOpened:
    record = AssociationOpened(
        id=row_id,
        opened_at=NOW,
        calling_ae="CT1",
        called_ae="DICOMGATE",
        address="10.0.0.1",
        port=40000,
        device=None,
        implementation_class_uid="1.2.3",
        implementation_version="TEST",
        maximum_length=16384,
        contexts_accepted=2,
        contexts_refused=("1.2.4", "1.2.5"),
        configuration="c0ffee",
    )
    return replace(record, **changes)  # type: ignore[arg-type]  # by name, as the test says


def write(journal: Journal, *records: Record) -> None:
    with journal.transaction() as writer:
        writer.write(records)


def rows(engine: sa.Engine, table: sa.Table) -> list[dict[str, object]]:
    with reading(engine) as connection:
        return [dict(each) for each in connection.execute(sa.select(table)).mappings()]


def test_a_receipt_comes_back_as_it_was_given(engine: sa.Engine, ids: Ids, journal: Journal) -> None:
    given = a_receipt(
        ids.next(),
        decision("image-type-value-1"),
        decision("image-type-value-3", Severity.WARNING, Action.QUARANTINE, 4),
        received_at=NOW,
        device="CT, room 3",
        repeat_of=None,
    )
    write(journal, given)
    (row,) = rows(engine, receipt)
    for name in ("id", "calling_ae", "device", "sop_instance_uid", "status", "ticket", "stored", "size", "digest"):
        assert row[name] == getattr(given, name)
    assert row["received_at"] == NOW.replace(microsecond=125_000)
    assert (row["node"], row["verdict"], row["patient_id"]) == ("node", "quarantine", "4711")
    assert (row["errors"], row["warnings"], row["notes"]) == (1, 1, 0)
    first, second = rows(engine, finding)
    assert (first["receipt_id"], first["number"], first["rule"]) == (given.id, 1, "image-type-value-1")
    assert (first["section"], first["tag"], first["value_number"]) == ("PS3.3 C.8.32.2", "(0008,0008)", 1)
    assert (second["number"], second["action"], second["policy_line"]) == (2, "quarantine", 4)


def test_times_are_plain_text_on_sqlite(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    ids = Ids(engine)
    journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
    write(journal, a_receipt(ids.next(), received_at=NOW.astimezone()))
    with engine.connect() as connection:
        text = connection.exec_driver_sql("select received_at from receipt").scalar()
    assert text == "2026-11-22T09:30:00.125Z"
    journal.close()
    engine.dispose()


def test_a_time_without_a_zone_is_refused(ids: Ids, journal: Journal) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        write(journal, a_receipt(ids.next(), received_at=datetime(2026, 11, 22)))  # noqa: DTZ001  # the matter
    write(journal, a_receipt(ids.next()))


def test_identity_is_hashed_before_it_is_written(engine: sa.Engine, ids: Ids) -> None:
    journal = Journal.open(engine, ids=ids, identity=Identity("k1", b"key"), node_name="node")
    write(journal, a_receipt(ids.next()))
    (row,) = rows(engine, receipt)
    assert row["patient_id"] == Identity("k1", b"key").patient_id("4711")
    assert "Jane" not in str(row)
    journal.close()


def test_an_association_is_opened_and_closed(engine: sa.Engine, ids: Ids, journal: Journal) -> None:
    first, second = ids.next(), ids.next()
    write(journal, opened(first), opened(second, refusal="too many associations"))
    write(journal, AssociationClosed(first, NOW + timedelta(seconds=2), "released", 3, 1, 3000))
    closed, refused = sorted(rows(engine, association), key=lambda each: str(each["id"]))
    assert (closed["ending"], closed["instances"], closed["echoes"], closed["bytes"]) == ("released", 3, 1, 3000)
    assert closed["contexts_refused"] == "1.2.4 1.2.5"
    assert (refused["refusal"], refused["closed_at"]) == ("too many associations", None)


def test_records_of_an_association_may_come_in_one_batch_and_twice(
    engine: sa.Engine, ids: Ids, journal: Journal
) -> None:
    row_id = ids.next()
    records = [opened(row_id), AssociationClosed(row_id, NOW, "aborted", 0, 0, 0)]
    write(journal, *records)
    write(journal, *records)
    (row,) = rows(engine, association)
    assert row["ending"] == "aborted"


@pytest.mark.parametrize(
    "hostile", ["a\0b", "\ud800", "Ünïcödé 山田", "\x1b[31m", "x" * 100_000, "'; drop table receipt; --"]
)
def test_text_that_a_sender_made_up_is_kept(engine: sa.Engine, ids: Ids, journal: Journal, hostile: str) -> None:
    write(journal, a_receipt(ids.next(), calling_ae=hostile, patient_name=hostile, device=hostile))
    (row,) = rows(engine, receipt)
    assert row["calling_ae"] == hostile.replace("\0", "\ufffd").replace("\ud800", "\ufffd")


def test_an_exception_in_the_block_keeps_nothing(engine: sa.Engine, ids: Ids, journal: Journal) -> None:
    with pytest.raises(OSError, match="no room"), journal.transaction() as writer:
        writer.write([a_receipt(ids.next())])
        raise OSError("no room")
    assert rows(engine, receipt) == []
    write(journal, a_receipt(ids.next()))


def test_a_ticket_that_is_taken_is_a_clash_and_can_be_drawn_again(
    engine: sa.Engine, ids: Ids, journal: Journal
) -> None:
    first = a_receipt(ids.next(), decision("r"))
    write(journal, first)
    second = a_receipt(ids.next(), decision("r"), ticket=first.ticket)
    with pytest.raises(Clash):
        write(journal, second)
    assert len(rows(engine, receipt)) == len(rows(engine, finding)) == 1
    write(journal, replace(second, ticket=draw_ticket()))
    assert len(rows(engine, receipt)) == 2
    with pytest.raises(Clash):
        write(journal, replace(first, ticket=draw_ticket()))


def test_earlier_receipts_are_those_whose_bytes_are_kept(ids: Ids, journal: Journal) -> None:
    kept, again, lost, other = (ids.next() for _ in range(4))
    write(
        journal,
        a_receipt(kept, sop_instance_uid="1.2.9"),
        a_receipt(again, decision("r"), sop_instance_uid="1.2.9"),
        a_receipt(lost, sop_instance_uid="1.2.9", stored=None),
        a_receipt(other, sop_instance_uid="1.2.8"),
    )
    with journal.transaction() as writer:
        found = writer.earlier(["1.2.9", "1.2.9", "1.2.7", "x\0", "\ud800"])
        assert writer.earlier([]) == {}
    assert list(found) == ["1.2.9"]
    assert [each.id for each in found["1.2.9"]] == [kept, again]
    oldest = found["1.2.9"][0]
    assert isinstance(oldest, Earlier)
    assert (oldest.verdict, oldest.stored, oldest.digest) == ("accept", f"instances/{kept}.dcm", f"{kept:064x}")


def test_two_nodes_cannot_both_be_first(engine: sa.Engine, database_url: str) -> None:
    """Each looks for the UID and, finding none, writes it: only one may find none."""
    firsts: list[str] = []

    def node(name: str) -> None:
        own = open_engine(database_url)
        ids = Ids(own)
        journal = Journal.open(own, ids=ids, identity=Identity(), node_name=name)
        for number in range(20):
            with journal.transaction() as writer:
                uids = [f"1.2.9.{number}", "1.2.8"] if name == "a" else ["1.2.8", f"1.2.9.{number}"]
                if not writer.earlier(uids).get(f"1.2.9.{number}"):
                    firsts.append(f"1.2.9.{number}")
                writer.write([a_receipt(ids.next(), sop_instance_uid=f"1.2.9.{number}")])
        journal.close()
        own.dispose()

    threads = [threading.Thread(target=node, args=(name,)) for name in "ab"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(firsts) == len(set(firsts)) == 20
    with reading(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(receipt)).scalar() == 40


def test_known_tells_what_became_of_a_commit(ids: Ids, journal: Journal) -> None:
    kept = a_receipt(ids.next())
    write(journal, kept)
    with journal.transaction() as writer:
        assert writer.known([kept.id, 12345]) == {kept.id}
        assert writer.known([]) == set()


def test_the_tally_sums_what_was_written(engine: sa.Engine, ids: Ids, journal: Journal) -> None:
    twice = (decision("a"), decision("a"), decision("b", Severity.NOTE, Action.ACCEPT))
    write(journal, a_receipt(ids.next(), *twice, received_at=NOW), a_receipt(ids.next(), received_at=NOW))
    write(journal, a_receipt(ids.next(), *twice, received_at=NOW))
    with pytest.raises(OSError, match="lost"), journal.transaction() as writer:
        writer.write([a_receipt(ids.next(), *twice, received_at=NOW)])
        raise OSError("lost")
    sums = {
        (each["day"], each["verdict"], each["rule"]): (each["instances"], each["findings"], each["bytes"])
        for each in rows(engine, tally)
    }
    assert sums == {
        ("2026-11-22", "flag", ""): (2, 6, 2000),
        ("2026-11-22", "flag", "a"): (2, 4, 2000),
        ("2026-11-22", "flag", "b"): (2, 2, 2000),
        ("2026-11-22", "accept", ""): (1, 0, 1000),
    }
    with reading(engine) as connection:
        assert verify_tally(connection) == []


def note(text: str, **detail: object) -> Event:
    return Event(NOW, "test", text, detail)


def test_events_are_chained(engine: sa.Engine, ids: Ids, journal: Journal) -> None:
    write(journal, note("one", b=1, a="ü"), note("two\0"))
    write(journal, note("three"))
    found = sorted(rows(engine, event), key=lambda each: str(each["sequence"]))
    assert [each["sequence"] for each in found] == [1, 2, 3]
    assert [each["previous_hash"] for each in found[1:]] == [each["hash"] for each in found[:2]]
    assert found[0]["detail"] == '{"a":"\\u00fc","b":1}'
    with reading(engine) as connection:
        assert verify_chain(connection) == []


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        ("update event set text = 'nothing' where sequence = 2", "2 was changed"),
        ("update event set at = '2026-11-23T00:00:00.000Z' where sequence = 2", "2 was changed"),
        ("delete from event where sequence = 2", "1 missing before 3"),
        ("update event set previous_hash = hash where sequence = 3", "3 does not follow"),
    ],
)
def test_a_changed_or_missing_event_is_told(
    engine: sa.Engine, ids: Ids, journal: Journal, tamper: str, said: str
) -> None:
    write(journal, note("one"), note("two"), note("three"))
    with engine.begin() as connection:
        connection.exec_driver_sql(tamper)
    with reading(engine) as connection:
        assert any(said in line for line in verify_chain(connection))


def test_a_chain_goes_on_after_a_restart(engine: sa.Engine) -> None:
    for text in ("start", "again"):
        ids = Ids(engine)
        journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
        write(journal, note(text))
        ids.close()
        journal.close()
    assert [(each["writer"], each["sequence"]) for each in rows(engine, event)] == [("node/0", 1), ("node/0", 2)]
    with reading(engine) as connection:
        assert verify_chain(connection) == []


def test_a_journal_wants_the_schema_of_the_program(database_url: str) -> None:
    engine = open_engine(database_url)
    try:
        with pytest.raises(DatabaseProblem):
            Ids(engine)
    finally:
        engine.dispose()


@pytest.fixture
def impatient(sqlite_url: str) -> Iterator[tuple[sa.Engine, Ids, Journal]]:
    engine = open_engine(sqlite_url, connect_timeout=0.2)
    upgrade(engine)
    ids = Ids(engine)
    journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
    yield engine, ids, journal
    journal.close()
    engine.dispose()


def until(condition: object, seconds: float = 30) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def write_at_last(journal: Journal, *records: Record) -> None:
    """Write once the database is back and the back-off over."""
    deadline = time.monotonic() + 30
    while True:
        try:
            write(journal, *records)
            return
        except DatabaseGone:
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)


def test_a_locked_sqlite_file_is_answered_in_bounded_time_and_then_at_once(
    impatient: tuple[sa.Engine, Ids, Journal],
) -> None:
    engine, ids, journal = impatient
    other = sqlite3.connect(str(engine.url.database), isolation_level=None)
    other.execute("begin immediate")
    started = time.monotonic()
    with pytest.raises(DatabaseGone, match="locked by another program"):
        write(journal, a_receipt(ids.next()))
    assert 0.1 < time.monotonic() - started < 5
    assert not takes_writes(engine)
    started = time.monotonic()
    with pytest.raises(DatabaseGone):
        write(journal, a_receipt(ids.next()))
    assert time.monotonic() - started < 0.1
    other.execute("rollback")
    other.close()
    write_at_last(journal, a_receipt(ids.next()))
    assert len(rows(engine, receipt)) == 1


def test_a_node_that_holds_the_lock_file_too_long_is_named(impatient: tuple[sa.Engine, Ids, Journal]) -> None:
    engine, ids, journal = impatient
    lock = Path(str(engine.url.database)).with_suffix(".lock")
    started = time.monotonic()
    with WriteLock(lock, 1), pytest.raises(DatabaseGone, match="held by another process"):
        write(journal, a_receipt(ids.next()))
    assert time.monotonic() - started < 2
    write_at_last(journal, a_receipt(ids.next()))


def test_the_lock_is_handed_to_who_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.lock"
    order: list[str] = []
    with WriteLock(path, 1):

        def wait() -> None:
            with WriteLock(path, 10):
                order.append("waiter")

        waiter = threading.Thread(target=wait)
        waiter.start()
        until(lambda: any(each.name == "audit-lock" for each in threading.enumerate()))
        order.append("holder")
    waiter.join()
    assert order == ["holder", "waiter"]
    with WriteLock(path, 1):
        pass


def test_a_full_disk_keeps_nothing_and_passes(impatient: tuple[sa.Engine, Ids, Journal]) -> None:
    engine, ids, journal = impatient
    write(journal, a_receipt(ids.next()))
    assert journal._connection is not None
    pages = journal._connection.exec_driver_sql("pragma page_count").scalar()
    journal._connection.exec_driver_sql(f"pragma max_page_count = {pages}")
    journal._connection.rollback()
    many = [a_receipt(ids.next(), decision("r"), model="x" * 5000) for _ in range(50)]
    with pytest.raises(DatabaseGone, match="the disk is full"):
        write(journal, *many)
    assert len(rows(engine, receipt)) == 1
    write_at_last(journal, *many)
    assert len(rows(engine, receipt)) == 51


def test_postgres_that_is_stopped_is_answered_and_comes_back(stoppable_postgres: Postgres) -> None:
    server = stoppable_postgres
    engine = open_engine(server.new_database(), connect_timeout=2)
    upgrade(engine)
    ids = Ids(engine)
    journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
    kept = a_receipt(ids.next())
    write(journal, kept)
    server.stop(signal.SIGQUIT)
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(DatabaseGone) as gone:
            write(journal, a_receipt(ids.next()))
        assert time.monotonic() - started < 5
        assert not gone.value.in_doubt
        assert "s3cret" not in str(gone.value)
    assert not takes_writes(engine)
    server.start()
    write_at_last(journal, a_receipt(ids.next()))
    assert len(rows(engine, receipt)) == 2
    journal.close()
    engine.dispose()


def test_postgres_that_stops_at_the_commit_leaves_it_in_doubt(stoppable_postgres: Postgres) -> None:
    server = stoppable_postgres
    engine = open_engine(server.new_database(), connect_timeout=2)
    upgrade(engine)
    ids = Ids(engine)
    journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
    doubtful = a_receipt(ids.next())
    with pytest.raises(DatabaseGone) as gone, journal.transaction() as writer:
        writer.write([doubtful])
        server.stop(signal.SIGQUIT)
    assert gone.value.in_doubt
    server.start()
    write_at_last(journal)
    with journal.transaction() as writer:
        assert writer.known([doubtful.id]) == set()
    journal.close()
    engine.dispose()


def test_postgres_that_hangs_is_given_up(stoppable_postgres: Postgres) -> None:
    """Its kernel goes on taking what is sent, so that no other timeout sees anything wrong."""
    server = stoppable_postgres
    engine = open_engine(server.new_database(), connect_timeout=1, statement_timeout=1)
    upgrade(engine)
    ids = Ids(engine)
    journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
    lost = a_receipt(ids.next())
    server.freeze()
    try:
        started = time.monotonic()
        with pytest.raises(DatabaseGone, match="no answer from the server in time"):
            write(journal, lost)
        assert time.monotonic() - started < 10
        assert not takes_writes(engine)
    finally:
        server.thaw()
    write_at_last(journal, a_receipt(ids.next()))
    journal.close()
    engine.dispose()
