"""With `audit.spool` instances are taken while the database is away, and the audit has each receipt once after."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import builders
import pytest
import sqlalchemy as sa
from consistency import disagreements
from databases import Postgres, a_receipt
from senders import Sender, all_acknowledged
from serving import configure, serving, started

from rules.model import Finding, Severity
from scp import service
from scp.arrival import Arrival, Request
from scp.database import DatabaseGone, reading
from scp.receive import Node, begin, receive
from scp.records import AssociationClosed, AssociationOpened, Event, Receipt, Record
from scp.recovery import orphans
from scp.settings import Audit, Settings
from scp.settings import Store as StoreSettings
from scp.spool import Spool
from scp.store import NoRoom, Store
from scp.tables import event, finding, receipt
from scp.verdict import Action, Decision

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
CT = "1.2.840.10008.5.1.4.1.1.2"
PATIENCE = 40.0


def made() -> list[Record]:
    found = Finding(
        "a-rule", Severity.ERROR, "ImageType", "(0008,0008)", "PS3.3 C.7", "wanted \udcff\0é\n", 2, 3, "a", "b"
    )
    return [
        AssociationOpened(1, NOW, "CT", "GATE", "127.0.0.1", 11112, None, "1.2", "", 16384, 1, ("1.2.3",), "d"),
        a_receipt(7, Decision(found, Action.FLAG, Action.REJECT, 3), patient_name="Äpfel^\udc80", received_at=NOW),
        a_receipt(8, stored=None, repeat_of=7, received_at=NOW),
        Event(NOW, "kind", "words", {"a": [1, None]}, 1),
        AssociationClosed(1, NOW, "released", 2, 0, 9),
    ]


RECORDS = made()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def test_every_record_comes_back_as_it_was(store: Store) -> None:
    spool = Spool(store, enabled=True)
    assert not spool.behind
    spool.append(RECORDS)
    spool.append(RECORDS[:1])
    assert spool.oldest() == [*RECORDS, RECORDS[0]]
    spool.drop_oldest()
    assert not spool.behind
    assert list((store.root / "spool").iterdir()) == []


def test_what_a_process_left_behind_is_found_by_the_next_and_by_nobody_while_it_runs(store: Store) -> None:
    spool = Spool(store, enabled=True)
    spool.append(RECORDS)
    assert not Spool(store, enabled=True).behind
    spool.close()
    assert Spool(store, enabled=False).oldest() == RECORDS


def test_all_that_one_process_left_goes_to_one_heir_in_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.spool.SEGMENT", 1)
    dead, living, heir = (Spool(store, enabled=True) for _ in range(3))
    given = [a_receipt(number) for number in range(4)]
    for each in given:
        dead.append([each])
    living.append(RECORDS)
    heir.append(RECORDS[:1])
    heir.adopt()
    dead.close()
    heir.adopt()
    living.adopt()
    drained: list[Record] = []
    while heir.behind:
        drained += heir.oldest()
        heir.drop_oldest()
    assert [each for each in drained if each in given] == given
    assert len(drained) == len(given) + 1
    assert living.oldest() == RECORDS
    living.drop_oldest()
    assert list((store.root / "spool").iterdir()) == []


def test_segments_are_bounded_and_drained_in_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.spool.SEGMENT", 2)
    spool = Spool(store, enabled=True)
    given = [a_receipt(number) for number in range(7)]
    for each in given:
        spool.append([each])
    drained: list[Record] = []
    while spool.behind:
        assert len(spool.oldest()) <= 2
        drained += spool.oldest()
        spool.drop_oldest()
    assert drained == given


@pytest.mark.parametrize("torn", [1, 20, 200])
def test_a_line_that_a_crash_tore_is_left_out(store: Store, torn: int) -> None:
    spool = Spool(store, enabled=True)
    spool.append(RECORDS)
    spool.close()
    (segment,) = (store.root / "spool").glob("*/*")
    segment.write_bytes(segment.read_bytes()[:-torn])
    assert Spool(store, enabled=True).oldest() == RECORDS[: -1 if torn < 100 else -2]


def test_a_full_volume_keeps_none_of_a_batch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(store, enabled=True)
    spool.append(RECORDS[:1])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(NoRoom):
            spool.append(RECORDS)
    assert spool.oldest() == RECORDS[:1]


# A node whose database goes and comes back


def received(node: Node, uid: str, **changes: object) -> Receipt:
    data = builders.data_set(builders.ct(SOPInstanceUID=uid, **changes), builders.EXPLICIT)
    request = Request(
        node.ids.next(),
        datetime.now(UTC),
        "dimse",
        None,
        "CT",
        "GATE",
        "127.0.0.1",
        None,
        CT,
        CT,
        uid,
        builders.EXPLICIT,
    )
    part = begin(request, node)
    part.write(data)
    return receive(Arrival(request, part, data, 0.0), node)


def settings(tmp_path: Path, url: str) -> Settings:
    return Settings(store=StoreSettings(path=tmp_path / "store", min_free=0), audit=Audit(url=url, spool=True))


def gone(*_: object) -> None:
    raise DatabaseGone("gone")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def rows(node: Node, *columns: sa.Column[object]) -> list[tuple[object, ...]]:
    with reading(node.engine) as connection:
        return [tuple(each) for each in connection.execute(sa.select(*columns).order_by(columns[0]))]


def test_a_segment_that_was_drained_before_a_crash_is_not_drained_twice(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store" / "spool"
    with service.node(settings(tmp_path, database_url)) as node:
        with monkeypatch.context() as patched:
            patched.setattr(node.journal, "transaction", gone)
            received(node, "1.2.3.1", ImageType="SIDEWAYS\\PRIMARY")
            node.committer.note(Event(NOW, "told", "while away", {}))
            received(node, "1.2.3.2")
            saved = {each: each.read_bytes() for each in folder.glob("*/*")}
            assert list(orphans(node.store, node.engine)) == []
        until(lambda: len(rows(node, receipt.c.id)) == 2)
        until(lambda: list(folder.iterdir()) == [])
        first = rows(node, receipt.c.id, receipt.c.ticket, receipt.c.stored), rows(node, finding.c.receipt_id)
    for path, content in saved.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with service.node(settings(tmp_path, database_url)) as node:
        until(lambda: list(folder.iterdir()) == [])
        assert (rows(node, receipt.c.id, receipt.c.ticket, receipt.c.stored), rows(node, finding.c.receipt_id)) == first
        assert [kind for (kind,) in rows(node, event.c.kind)].count("told") == 1


def test_copies_that_the_spool_could_not_know_of_are_told_of_when_it_drains(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service.node(settings(tmp_path, database_url)) as node:
        first = received(node, "1.2.3.1")
        received(node, "1.2.3.2")
        with monkeypatch.context() as patched:
            patched.setattr(node.journal, "transaction", gone)
            again = received(node, "1.2.3.1")
            other = received(node, "1.2.3.2", PatientID="another")
            repeat = received(node, "1.2.3.2", PatientID="another")
        assert again.stored is not None
        assert (repeat.repeat_of, repeat.stored) == (other.id, None)
        until(lambda: len(rows(node, receipt.c.id)) == 5)
        known = {id: (stored, of) for id, stored, of in rows(node, receipt.c.id, receipt.c.stored, receipt.c.repeat_of)}
        assert known[again.id] == (again.stored, first.id)
        assert known[other.id] == (other.stored, None)
        told = {(id, rule) for id, rule in rows(node, finding.c.receipt_id, finding.c.rule) if "duplicate" in str(rule)}
        assert told == {
            (again.id, "duplicate-same"),
            (other.id, "duplicate-different"),
            (repeat.id, "duplicate-same"),
        }
        for each in (first, again, other):
            assert (node.store.root / str(each.stored)).is_file()


def test_postgres_stopped_and_started_under_load_is_not_noticed_by_senders(
    tmp_path: Path, stoppable_postgres: Postgres
) -> None:
    url = stoppable_postgres.new_database()
    with serving(tmp_path, url, "audit.spool = true") as node:
        senders = [Sender(node.port, each, 1200, size=2000) for each in range(2)]
        for each in senders:
            each.start()
        until(lambda: len(all_acknowledged(senders)) > 30)
        stoppable_postgres.stop(signal.SIGQUIT)
        away = len(all_acknowledged(senders))
        until(lambda: len(all_acknowledged(senders)) > away + 100)
        assert node.get("/readyz")[0] == 200
        stoppable_postgres.start()
        for each in senders:
            each.join(PATIENCE)
        assert {status for each in senders for status in each.statuses} == {0x0000}
        until(lambda: list((node.store / "spool").iterdir()) == [])
        assert len(all_acknowledged(senders)) == 2400
        assert disagreements(url, node.store, all_acknowledged(senders)) == []
        assert node.ask("select count(*) from receipt") == [(2400,)]
        checked = node.run("db", "check")
        assert checked.returncode == 0, checked.stdout
    stoppable_postgres.drop(url)


def test_what_was_spooled_when_the_node_was_killed_is_in_the_audit_after(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    port, http_port = configure(tmp_path, url, "audit.connect_timeout = 1\naudit.spool = true")
    with started(tmp_path, port, http_port, url) as node:
        lock = sqlite3.connect(tmp_path / "audit.db", isolation_level=None)
        lock.execute("begin immediate")
        sender = Sender(node.port, 0, 300, size=2000)
        sender.start()
        until(lambda: len(sender.acknowledged) > 50)
        node.kill()
        sender.join(PATIENCE)
        lock.execute("rollback")
        lock.close()
    with started(tmp_path, port, http_port, url) as node:
        until(lambda: list((node.store / "spool").iterdir()) == [])
        assert disagreements(url, node.store, sender.acknowledged) == []
        assert node.run("db", "check").returncode == 0
