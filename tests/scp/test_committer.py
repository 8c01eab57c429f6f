"""Instances are committed one batch at a time, by the thread of one of them, and each thread hears of its own."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import builders
import pytest
from databases import a_receipt

from scp import service
from scp.arrival import Arrival, Request
from scp.committer import Committer
from scp.database import DatabaseGone
from scp.metrics import Metrics
from scp.receive import Node, begin, receive
from scp.records import Event, Receipt, Record
from scp.settings import Audit, Settings
from scp.settings import Store as StoreSettings
from scp.spool import Spool
from scp.store import NoRoom, Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PATIENCE = 20.0


class Arrived:
    """An instance that takes whatever way the test wants."""

    def __init__(self, number: int, fails: Exception | None = None) -> None:
        self.sop_instance_uid = f"1.2.{number}"
        self.number = number
        self.fails = fails
        self.ended = ""

    def sync(self) -> None:
        if isinstance(self.fails, NoRoom):
            raise self.fails

    def conclude(self, _earlier: object, _store: object) -> Receipt:
        if self.fails:
            raise self.fails
        return a_receipt(self.number, stored=None)

    def withdraw(self, _store: object) -> None:
        self.ended += "withdrawn "

    def settle(self) -> None:
        self.ended += "settled"

    def abandon(self) -> None:
        self.ended += "abandoned"


class FakeJournal:
    """Keeps batches in a list; each commit can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[Record]] = []
        self.writing = 0
        self.entered = threading.Semaphore(0)
        self.may_commit = threading.Semaphore(0)
        self.gone = False

    def earlier(self, _uids: object) -> dict[str, Any]:
        return {}

    @contextmanager
    def transaction(self) -> Iterator[FakeJournal]:
        self.writing += 1
        assert self.writing == 1, "two write at once"
        if self.gone:
            self.writing = 0
            raise DatabaseGone("gone")
        yield self
        self.entered.release()
        assert self.may_commit.acquire(timeout=PATIENCE)
        self.writing -= 1

    def write(self, records: list[Record]) -> None:
        self.batches.append(list(records))


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def committer(journal: FakeJournal, tmp_path: Path) -> Iterator[Committer]:
    store = Store.open(tmp_path / "store")
    made = Committer(journal, store, Spool(store, enabled=False), Metrics())  # type: ignore[arg-type]  # a stand-in
    made.start()
    yield made
    for _ in range(100):
        journal.may_commit.release()
    made.close(PATIENCE)
    assert not made.is_alive


def commit_in_threads(committer: Committer, arrived: list[Arrived]) -> tuple[list[threading.Thread], dict[int, object]]:
    """A thread an instance; what each heard, by number."""
    heard: dict[int, object] = {}

    def run(each: Arrived) -> None:
        try:
            heard[each.number] = committer.commit(each)
            each.settle()
        except Exception as error:
            heard[each.number] = error

    threads = [threading.Thread(target=run, args=(each,)) for each in arrived]
    for each in threads:
        each.start()
    return threads, heard


def join(threads: list[threading.Thread]) -> None:
    for each in threads:
        each.join(PATIENCE)
        assert not each.is_alive(), "waits for ever"


def until(holds: Callable[[], object]) -> None:
    wait = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if holds():
            return
        wait.wait(0.005)
    raise AssertionError("waited in vain")


def ids_of(batch: list[Record]) -> list[int]:
    return [each.id for each in batch if isinstance(each, Receipt)]


def test_those_that_come_during_a_commit_are_the_next_batch(committer: Committer, journal: FakeJournal) -> None:
    first, heard_first = commit_in_threads(committer, [Arrived(1)])
    assert journal.entered.acquire(timeout=PATIENCE)
    rest, heard = commit_in_threads(committer, [Arrived(number) for number in range(2, 7)])
    until(lambda: len(committer._waiting) == 5)
    assert not heard_first, "answered before its commit"
    journal.may_commit.release()
    join(first)
    assert journal.entered.acquire(timeout=PATIENCE)
    assert not heard, "answered before its commit"
    journal.may_commit.release()
    join(rest)
    assert [sorted(ids_of(each)) for each in journal.batches] == [[1], [2, 3, 4, 5, 6]]
    assert {number: each.id for number, each in heard.items() if isinstance(each, Receipt)} == {
        number: number for number in range(2, 7)
    }


def test_a_transaction_under_way_shows_and_one_that_failed_does_not(committer: Committer, journal: FakeJournal) -> None:
    assert committer.busy == 0
    threads, _ = commit_in_threads(committer, [Arrived(1)])
    assert journal.entered.acquire(timeout=PATIENCE)
    assert 0 < committer.busy < PATIENCE
    journal.may_commit.release()
    join(threads)
    until(lambda: committer.busy == 0)
    journal.gone = True
    threads, heard = commit_in_threads(committer, [Arrived(2)])
    join(threads)
    assert isinstance(heard[2], DatabaseGone)
    until(lambda: committer.busy == 0)


def test_an_instance_that_comes_alone_is_committed_by_its_own_thread(
    committer: Committer, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[str] = []
    write = journal.write
    monkeypatch.setattr(
        journal, "write", lambda records: (writers.append(threading.current_thread().name), write(records))
    )
    journal.may_commit.release()
    committer.commit(Arrived(1))
    assert writers == [threading.current_thread().name]


def test_one_that_fails_fails_alone(committer: Committer, journal: FakeJournal) -> None:
    """The batch is tried one by one then, and each hears of its own."""
    first, _ = commit_in_threads(committer, [Arrived(1)])
    assert journal.entered.acquire(timeout=PATIENCE)
    arrived = [Arrived(2), Arrived(3, ValueError("bad row")), Arrived(4)]
    rest, heard = commit_in_threads(committer, arrived)
    until(lambda: len(committer._waiting) == 3)
    for _ in range(10):
        journal.may_commit.release()
    join(first + rest)
    assert isinstance(heard[3], ValueError)
    assert isinstance(heard[2], Receipt)
    assert isinstance(heard[4], Receipt)
    assert [each.ended.split()[-1] for each in arrived] == ["settled", "abandoned", "settled"]


def test_those_that_are_given_together_are_one_batch_and_fail_alone(committer: Committer, journal: FakeJournal) -> None:
    arrived = [Arrived(1), Arrived(2, NoRoom("full")), Arrived(3)]
    journal.may_commit.release()
    first, second, third = committer.commit_together(arrived)
    assert [ids_of(each) for each in journal.batches] == [[1, 3]]
    assert isinstance(first, Receipt)
    assert isinstance(second, NoRoom)
    assert isinstance(third, Receipt)
    assert [each.ended for each in arrived] == ["", "abandoned", ""], "what has its receipt is its caller's to settle"


def test_more_than_a_batch_holds_are_several_whoever_commits_them(
    committer: Committer, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.committer.LARGEST_BATCH", 2)
    for _ in range(100):
        journal.may_commit.release()
    heard: dict[int, list[Receipt | BaseException]] = {}

    def run(first: int) -> None:
        heard[first] = committer.commit_together([Arrived(number) for number in range(first, first + 5)])

    threads = [threading.Thread(target=run, args=(first,)) for first in (10, 20, 30)]
    for each in threads:
        each.start()
    join(threads)
    found = {first: [each.id for each in outcomes if isinstance(each, Receipt)] for first, outcomes in heard.items()}
    assert found == {first: list(range(first, first + 5)) for first in (10, 20, 30)}
    assert max(len(each) for each in journal.batches) == 2


def test_of_many_that_fail_none_is_left_behind(
    committer: Committer, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.committer.LARGEST_BATCH", 2)
    monkeypatch.setattr(committer, "_commit_all", broken)
    outcomes = committer.commit_together([Arrived(number) for number in range(5)])
    assert [type(each) for each in outcomes] == [KeyError] * 5
    assert not committer._waiting
    assert not committer._led


def test_one_that_cannot_be_synced_is_never_queued(committer: Committer, journal: FakeJournal) -> None:
    arrived = Arrived(1, NoRoom("full"))
    with pytest.raises(NoRoom):
        committer.commit(arrived)
    assert arrived.ended == "abandoned"
    assert journal.batches == []


def test_whatever_goes_wrong_nobody_waits_for_ever(
    committer: Committer, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, heard_first = commit_in_threads(committer, [Arrived(1)])
    assert journal.entered.acquire(timeout=PATIENCE)
    rest, heard = commit_in_threads(committer, [Arrived(2), Arrived(3)])
    until(lambda: len(committer._waiting) == 2)
    monkeypatch.setattr(committer, "_commit_all", broken)
    journal.may_commit.release()
    join(first + rest)
    assert isinstance(heard_first[1], Receipt)
    assert {type(each) for each in heard.values()} == {KeyError}


def broken(*_: object) -> bool:
    raise KeyError("a fault of ours")


def test_notes_go_with_the_next_instance_or_soon_alone(committer: Committer, journal: FakeJournal) -> None:
    for _ in range(10):
        journal.may_commit.release()
    first, second = (Event(NOW, "told", text, {}) for text in ("first", "second"))
    committer.note(first)
    until(lambda: journal.batches)
    assert journal.batches == [[first]]
    committer.note(second)
    committer.commit(Arrived(1))
    assert journal.batches[1][0] == second
    assert sorted(number for batch in journal.batches for number in ids_of(batch)) == [1]


def test_notes_wait_for_a_database_that_is_away(
    committer: Committer, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.committer.PAUSE", 0.01)
    for _ in range(10):
        journal.may_commit.release()
    journal.gone = True
    told = Event(NOW, "told", "while away", {})
    committer.note(told)
    with pytest.raises(DatabaseGone):
        committer.commit(Arrived(1))
    journal.gone = False
    until(lambda: journal.batches)
    assert journal.batches == [[told]]


def test_what_waits_is_committed_before_the_end_and_nothing_after(committer: Committer, journal: FakeJournal) -> None:
    first, heard = commit_in_threads(committer, [Arrived(1)])
    assert journal.entered.acquire(timeout=PATIENCE)
    rest, heard_rest = commit_in_threads(committer, [Arrived(2)])
    until(lambda: len(committer._waiting) == 1)
    committer.note(Event(NOW, "told", "last words", {}))
    committer.close(0)
    late = Arrived(3)
    with pytest.raises(DatabaseGone):
        committer.commit(late)
    assert late.ended == "abandoned"
    for _ in range(10):
        journal.may_commit.release()
    join(first + rest)
    until(lambda: not committer.is_alive)
    assert isinstance(heard[1], Receipt)
    assert isinstance(heard_rest[2], Receipt)
    assert sum(isinstance(each, Event) for batch in journal.batches for each in batch) == 1


@pytest.mark.parametrize("durability", ["fsync", "syncfs"])
def test_the_order_is_file_directory_database_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: str
) -> None:
    settings = Settings(
        store=StoreSettings(path=tmp_path / "store", min_free=0, durability=durability),  # type: ignore[arg-type]
        audit=Audit(url=f"sqlite:///{tmp_path / 'audit.db'}"),
    )
    steps: list[str] = []

    def named(fd: int) -> str:
        return Path(f"/proc/self/fd/{fd}").readlink().relative_to(tmp_path).parts[1]

    fsync, rename = os.fsync, os.rename
    with service.node(settings) as node:
        received(node, "1.2.3")  # makes the folders, and tells what the node has to tell
        node.committer.note(Event(NOW, "told", "first", {}))
        monkeypatch.setattr(os, "fsync", lambda fd: (steps.append(f"sync {named(fd)}"), fsync(fd)))
        monkeypatch.setattr(os, "rename", lambda *a, **k: (steps.append("rename"), rename(*a, **k)))
        monkeypatch.setattr("scp.store._sync_volume", lambda _: steps.append("sync volume"))
        driver = database_of(node)
        driver.set_trace_callback(lambda said: steps.append(said.split()[0].lower()))
        assert driver.execute("pragma synchronous").fetchone() == (2,), "SQLite syncs its log at each commit"
        assert driver.execute("pragma journal_mode").fetchone() == ("wal",)
        steps.clear()
        received(node, "1.2.4")
        steps.append("answer")
        monkeypatch.undo()
        driver.set_trace_callback(None)
    kept = [each for each in steps if each not in ("select", "insert", "update")]
    first = ["sync incoming"] if durability == "fsync" else []
    then = "sync instances" if durability == "fsync" else "sync volume"
    assert kept == [*first, "rename", then, "begin", "commit", "answer"]


def database_of(node: Node) -> sqlite3.Connection:
    assert node.journal._connection is not None
    driver = node.journal._connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def received(node: Node, uid: str) -> Receipt:
    request = Request(
        id=node.ids.next(),
        received_at=NOW,
        door="dimse",
        association_id=None,
        calling_ae="CT",
        called_ae="GATE",
        address="127.0.0.1",
        device=None,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        context_sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uid=uid,
        transfer_syntax_uid=builders.EXPLICIT,
    )
    data = builders.data_set(builders.ct(SOPInstanceUID=uid))
    part = begin(request, node)
    part.write(data)
    return receive(Arrival(request, part, data, 0.0), node)
