"""The one thread that makes arrivals durable: files, directories, rows, in that order, a batch at a time.

Every door hands its instances to this thread and waits. It takes all that is waiting, syncs the
files, renames them, syncs the directories, inserts the rows in one transaction, commits, and only
then lets the waiting doors answer. What fails is undone whole: no file without a row, no row without
a file, nothing half-kept.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from scp.database import DatabaseGone
from scp.journal import Clash, Journal
from scp.records import Earlier, Event, Receipt, Record
from scp.spool import Spool, as_earlier, unwritten
from scp.store import NoRoom, Store

log = logging.getLogger("dicomgate.committer")

LARGEST_BATCH = 256
NOTES_KEPT = 10_000
SPOOL_PAUSE = 1.0
"""Seconds between offers of the spool to a database that is away, while nothing arrives."""

Earliest = Callable[[Iterable[str]], Mapping[str, Sequence[Earlier]]]
"""Kept receipts by SOP Instance UID."""


class Arriving(Protocol):
    """An instance that a door wants committed: received whole, or refused and only to be recorded."""

    sop_instance_uid: str

    def sync(self) -> None:
        """Make the arriving bytes durable."""

    def conclude(self, earlier: Sequence[Earlier], store: Store) -> Receipt:
        """Decide, with earlier copies known, and put the part (or what is kept of it) in its place.

        May be called again, after `withdraw`, when a batch has to be tried anew.
        """

    def withdraw(self, store: Store) -> None:
        """Undo what `conclude` did to the store."""

    def settle(self) -> None:
        """Let go of the part, now that the receipt is durable: remove it where it has no place."""

    def abandon(self) -> None:
        """Remove all that there is of it."""


class Committer:
    """Takes instances from many threads and commits them in batches from one.

    `commit` returns the receipt as it was written. It raises NoRoom, DatabaseGone, or what went
    wrong with this instance; then nothing of it is kept.
    """

    def __init__(self, journal: Journal, store: Store, spool: Spool) -> None:
        self._journal = journal
        self._store = store
        self._spool = spool
        self._drains = True
        """Whether the database took the last segment of the spool that it was offered."""
        self._drained = 0
        self._wake = threading.Condition()
        self._waiting: deque[_Ticket] = deque()
        self._notes: deque[Record] = deque(maxlen=NOTES_KEPT)
        self._closing = False
        self._doubtful: dict[int, str] = {}
        """Receipts whose COMMIT was never answered, with where their bytes are."""
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether instances are being committed."""
        return self._thread.is_alive()

    def commit(self, arriving: Arriving) -> Receipt:
        """Wait until an instance and its receipt are durable."""
        ticket = _Ticket(arriving)
        with self._wake:
            if self._closing:
                raise DatabaseGone("the node is stopping")
            self._waiting.append(ticket)
            self._wake.notify()
        ticket.done.wait()
        if ticket.error is not None:
            raise ticket.error
        assert ticket.receipt is not None
        return ticket.receipt

    def note(self, record: Record) -> None:
        """Keep a record with the next batch, without waiting for it.

        While the database is gone the last 10,000 are held.
        """
        with self._wake:
            self._notes.append(record)
            self._wake.notify()

    def adopt_spool(self) -> None:
        """Take over the spool of processes that are gone."""
        self._spool.adopt()
        with self._wake:
            self._wake.notify()

    def close(self, timeout: float = 10.0) -> None:
        """Commit what is waiting, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._notes and not self._closing:
                    if self._spool.behind:
                        if not self._drains:
                            self._wake.wait(SPOOL_PAUSE)
                        break
                    self._wake.wait()
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]
                notes = list(self._notes)
                self._notes.clear()
                closing = self._closing
            kept = self._commit_all(batch, notes)
            if not kept:
                with self._wake:
                    self._notes.extendleft(reversed(notes))
                    if not closing and not self._waiting:
                        self._wake.wait(1.0)
            if closing:
                with self._wake:
                    if not self._waiting:
                        self._spool.close()
                        return

    def _commit_all(self, batch: list[_Ticket], notes: list[Record]) -> bool:
        """Commit a batch; where that fails for a reason of one instance, commit them one by one.

        True when the notes were kept.
        """
        ready = [each for each in batch if each.sync()]
        if self._spool.behind:
            self._drains = self._drain()
        if not ready and not notes:
            return True
        try:
            self._commit(ready, notes)
            return True
        except DatabaseGone as error:
            _fail(ready, error)
            return False
        except Exception as error:
            log.warning("a batch of %d failed (%s); trying its parts one by one", len(ready), error)
        kept = self._commit_notes(notes)
        for each in ready:
            try:
                self._commit([each], [])
            except Exception as error:
                if not isinstance(error, (NoRoom, DatabaseGone)):
                    log.exception("an instance could not be committed")
                _fail([each], error)
        return kept

    def _commit_notes(self, notes: list[Record]) -> bool:
        """Keep notes by themselves; one that cannot be kept is logged and dropped, the others are tried again."""
        for start, each in enumerate(notes):
            try:
                self._commit([], [each])
            except DatabaseGone:
                del notes[:start]
                return False
            except Exception:
                log.exception("a record could not be kept: %s", each)
        return True

    def _commit(self, tickets: list[_Ticket], notes: list[Record], attempts: int = 3) -> None:
        """One transaction, or one write to the spool. On any failure the store is as it was before."""
        if self._spool.enabled and self._spool.behind:
            self._commit_to_spool(tickets, notes)
            return
        receipts: list[Receipt] = []
        try:
            with self._journal.transaction() as writer:
                kept = writer.known(self._doubtful) if self._doubtful else set()
                receipts = self._conclude(tickets, writer.earlier)
                writer.write([*notes, *receipts])
        except Clash:
            self._withdraw(tickets)
            if attempts == 1:
                raise
            self._commit(tickets, notes, attempts - 1)
            return
        except DatabaseGone as error:
            if error.in_doubt:
                self._doubt(tickets, notes, receipts, error)
                return
            self._withdraw(tickets)
            if not self._spool.enabled:
                raise
            self._commit_to_spool(tickets, notes)
            return
        except BaseException:
            self._withdraw(tickets)
            raise
        _done(tickets, receipts)
        self._clear_doubts(kept)

    def _commit_to_spool(self, tickets: list[_Ticket], notes: list[Record]) -> None:
        """Keep receipts and notes on the store's volume; the database gets them when it is back."""
        if not self._spool.behind:
            log.warning("the audit database is away: receipts go to the spool")
        try:
            receipts = self._conclude(tickets, self._spool.earlier)
            self._spool.append([*notes, *receipts])
        except BaseException:
            self._withdraw(tickets)
            raise
        _done(tickets, receipts)

    def _drain(self) -> bool:
        """Give the oldest segment of the spool to the database; False while that is away."""
        records = self._spool.oldest()
        try:
            self._write_spooled(records)
        except DatabaseGone:
            return False
        except Exception as error:
            log.warning("%d spooled records failed (%s); trying them one by one", len(records), error)
            for each in records:
                try:
                    self._write_spooled([each])
                except DatabaseGone:
                    return False
                except Exception:
                    log.exception("a spooled record cannot be written; it is kept in %s", self._spool.set_aside(each))
        self._spool.drop_oldest()
        self._drained += len(records)
        if not self._spool.behind:
            words = f"the audit has {self._drained} records that waited in the spool"
            log.info("%s", words)
            self.note(Event(datetime.now(UTC), "spool-drained", words, {"records": self._drained}))
            self._drained = 0
        return True

    def _write_spooled(self, records: Sequence[Record]) -> None:
        with self._journal.transaction() as writer:
            writer.write(unwritten(records, writer))

    def _conclude(self, tickets: list[_Ticket], earlier: Earliest) -> list[Receipt]:
        """Decide each instance, those earlier in the same batch counting as earlier."""
        if not tickets:
            return []
        uids = sorted({each.arriving.sop_instance_uid for each in tickets})
        known: dict[str, list[Earlier]] = {uid: list(found) for uid, found in earlier(uids).items()}
        receipts = []
        for ticket in tickets:
            arriving = ticket.arriving
            same = known.setdefault(arriving.sop_instance_uid, [])
            receipt = arriving.conclude(same, self._store)
            receipts.append(receipt)
            if receipt.stored is not None:
                same.append(as_earlier(receipt, receipt.stored))
        self._store.sync_directories(each.stored for each in receipts if each.stored is not None)
        return receipts

    def _doubt(self, tickets: list[_Ticket], notes: list[Record], receipts: list[Receipt], error: DatabaseGone) -> None:
        """The COMMIT was sent and not answered: spool the same receipts, or leave the bytes until the audit is asked.

        What the audit had kept after all it knows by its id when the spool drains.
        """
        if self._spool.enabled:
            with suppress(NoRoom, OSError):
                self._spool.append([*notes, *receipts])
                _done(tickets, receipts)
                return
        for ticket, receipt in zip(tickets, receipts, strict=True):
            ticket.arriving.settle()
            ticket.in_doubt = True
            if receipt.stored is not None:
                self._doubtful[receipt.id] = receipt.stored
        raise error

    def _clear_doubts(self, kept: set[int]) -> None:
        """Remove the bytes of doubtful receipts that the audit turned out not to have."""
        for id, stored in self._doubtful.items():
            if id not in kept:
                (self._store.root / stored).unlink(missing_ok=True)
        self._doubtful.clear()

    def _withdraw(self, tickets: list[_Ticket]) -> None:
        for each in tickets:
            each.arriving.withdraw(self._store)


class _Ticket:
    """A place in the queue."""

    __slots__ = ("arriving", "done", "error", "in_doubt", "receipt")

    def __init__(self, arriving: Arriving) -> None:
        self.arriving = arriving
        self.done = threading.Event()
        self.receipt: Receipt | None = None
        self.error: BaseException | None = None
        self.in_doubt = False

    def sync(self) -> bool:
        """Make the arriving bytes durable; False when that failed, and the door has been told."""
        try:
            self.arriving.sync()
        except Exception as error:
            _fail([self], error)
            return False
        return True


def _done(tickets: Sequence[_Ticket], receipts: Sequence[Receipt]) -> None:
    for ticket, receipt in zip(tickets, receipts, strict=True):
        ticket.arriving.settle()
        ticket.receipt = receipt
        ticket.done.set()


def _fail(tickets: Sequence[_Ticket], error: BaseException) -> None:
    for each in tickets:
        if not each.in_doubt:
            each.arriving.abandon()
        each.error = error
        each.done.set()
