"""Makes arrivals durable: files, directories, rows, in that order, a batch at a time.

Every door's thread syncs its own file, then queues its instance here. Who finds nobody at work takes all that is
waiting and commits it: it renames the files, syncs the directories, inserts the rows in one transaction, commits,
and only then lets the waiting doors answer. Those that come meanwhile are the next batch, and the first of them
commits it. So an instance that comes alone is committed by the thread that received it, and under load the cost of
durability is shared. What fails is undone whole: no file without a row, no row without a file, nothing half-kept.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from scp.database import DatabaseGone
from scp.journal import Clash, Journal
from scp.metrics import Metrics
from scp.records import Earlier, Event, Receipt, Record
from scp.spool import Spool, as_earlier, unwritten
from scp.store import NoRoom, Store

log = logging.getLogger("dicomgate.committer")

LARGEST_BATCH = 256
NOTES_KEPT = 10_000
NOTES_WAIT = 0.02
"""Seconds that a note waits for an instance to go with."""

PAUSE = 1.0
"""Seconds between offers of notes and spool to a database that is away, while nothing arrives."""


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
    """Commits instances of many threads in batches, one batch at a time.

    `commit` returns the receipt as it was written, and leaves it to its caller to settle the instance. It raises
    NoRoom, DatabaseGone, or what went wrong with this instance; then nothing of it is kept.
    """

    def __init__(self, journal: Journal, store: Store, spool: Spool, metrics: Metrics) -> None:
        self._journal = journal
        self._metrics = metrics
        self._store = store
        self._spool = spool
        self._drained = 0
        self._queue = threading.Condition()
        """Guards the six that follow; its thread is woken where something is due that no instance waits for."""
        self._led = False
        """Somebody commits."""
        self._waiting: deque[_Ticket] = deque()
        self._notes: deque[Record] = deque(maxlen=NOTES_KEPT)
        self._notes_due = 0.0
        self._spool_due = 0.0
        self._closing = False
        self._since: float | None = None
        """When the transaction began that is under way."""
        self._doubtful: dict[int, str] = {}
        """Receipts whose COMMIT was never answered, with where their bytes are."""
        self._thread = threading.Thread(target=self._look_after_the_rest, name="committer", daemon=True)

    def start(self) -> None:
        """Begin to commit what no instance waits for; instances are committed from the first."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether notes and the spool are looked after."""
        return self._thread.is_alive()

    @property
    def busy(self) -> float:
        """Seconds that one transaction, with what it does to the store, has been under way; 0 where there is none.

        A database that is away ends each within the bounds of its timeouts; one that takes much longer hangs.
        """
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def commit(self, arriving: Arriving) -> Receipt:
        """Wait until an instance and its receipt are durable."""
        (outcome,) = self.commit_together((arriving,))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def commit_together(self, arrivings: Sequence[Arriving]) -> list[Receipt | BaseException]:
        """Wait until instances and their receipts are durable; of each its receipt, or what went wrong with it.

        They are in the same batch, as far as that may be so large.
        """
        began = time.perf_counter()
        tickets = [_Ticket(each) for each in arrivings]
        synced = [each for each in tickets if each.sync()]
        with self._queue:
            if self._closing:
                _fail(synced, DatabaseGone("the node is stopping"))
            else:
                self._waiting += synced
            leads = not self._led and not self._closing and bool(synced)
            self._led = self._led or leads
        for each in synced:
            if not each.settled and not leads:
                each.wait()
            if not each.settled:
                self._lead(each)
            leads = False
        took = time.perf_counter() - began
        for each in tickets:
            if each.receipt is not None:
                self._metrics.received(each.receipt, took)
        return [each.outcome for each in tickets]

    def note(self, record: Record) -> None:
        """Keep a record with the next batch, without waiting for it; within moments, where no instance comes.

        While the database is gone the last 10,000 are held.
        """
        with self._queue:
            if not self._notes:
                self._notes_due = time.monotonic() + NOTES_WAIT
                self._queue.notify()
            self._notes.append(record)

    def adopt_spool(self) -> None:
        """Take over the spool of processes that are gone."""
        self._spool.adopt()
        with self._queue:
            self._queue.notify()

    def close(self, timeout: float = 10.0) -> None:
        """Commit what is waiting, then stop."""
        with self._queue:
            self._closing = True
            self._queue.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _lead(self, own: _Ticket) -> None:
        """Commit batches until one's own instance was in one, then let the next of those that wait do so."""
        try:
            while not own.settled:
                with suppress(Exception):  # whom it concerns has it with its outcome
                    self._commit_next()
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        with self._queue:
            if self._waiting:
                self._waiting[0].call()
                return
            self._led = False
            if self._notes or self._closing or self._spool.behind:
                self._queue.notify()

    def _commit_next(self) -> bool:
        """Take all that is waiting, and commit it; False where the database would not take the notes."""
        with self._queue:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]
            notes = list(self._notes)
            self._notes.clear()
            left = len(self._waiting)
        try:
            self._metrics.committed(len(batch), left)
            kept = self._commit_all(batch, notes)
        except BaseException as error:  # whatever it was, nobody waits for ever
            _fail([each for each in batch if not each.settled], error)
            with self._queue:
                self._notes_due = self._spool_due = time.monotonic() + PAUSE
            raise
        finally:
            self._since = None
        if not kept:
            with self._queue:
                self._notes.extendleft(reversed(notes))
                self._notes_due = time.monotonic() + PAUSE
        return kept

    def _look_after_the_rest(self) -> None:
        """Commit notes that no instance takes along, and give the database what waits in the spool."""
        while True:
            with self._queue:
                while not self._is_due():
                    self._queue.wait(self._until_due())
                if self._closing and not self._notes:
                    self._spool.close()
                    return
                self._led = True
                closing = self._closing
            kept = False
            try:
                kept = self._commit_next()
            except Exception:
                log.exception("what waits for no instance could not be committed")
            finally:
                self._hand_over()
            if closing and not kept:  # what the database does not take now is lost with the node
                with self._queue:
                    self._notes.clear()

    def _is_due(self) -> bool:
        if self._led:
            return False
        now = time.monotonic()
        return (
            self._closing
            or (bool(self._notes) and now >= self._notes_due)
            or (self._spool.behind and now >= self._spool_due)
        )

    def _until_due(self) -> float | None:
        """Seconds until there is something to do; None where somebody will say so."""
        if self._led:
            return None
        due = [self._notes_due] if self._notes else []
        due += [self._spool_due] if self._spool.behind else []
        return max(min(due) - time.monotonic(), 0.0) if due else None

    def _commit_all(self, batch: list[_Ticket], notes: list[Record]) -> bool:
        """Commit a batch; where that fails for a reason of one instance, commit them one by one.

        True when the notes were kept.
        """
        if self._spool.behind:
            self._spool_due = 0.0 if self._drain() else time.monotonic() + PAUSE
        if not batch and not notes:
            return True
        try:
            self._commit(batch, notes)
            return True
        except DatabaseGone as error:
            _fail(batch, error)
            return False
        except Exception as error:
            log.warning("a batch of %d failed (%s); trying its parts one by one", len(batch), error)
        kept = self._commit_notes(notes)
        for each in batch:
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
        self._since = time.monotonic()
        if self._spool.enabled and self._spool.behind:
            self._commit_to_spool(tickets, notes)
            return
        receipts: list[Receipt] = []
        uids = sorted({each.arriving.sop_instance_uid for each in tickets})
        try:
            # Files and directories are synced before the lock is taken that all who write here queue at. Until then
            # each instance is taken for the first of its UID, as nearly every one is; the others are decided anew.
            receipts = self._conclude(tickets, {})
            with self._journal.transaction() as writer:
                kept = writer.known(self._doubtful) if self._doubtful else set()
                if uids and (earlier := writer.earlier(uids)):
                    self._withdraw(tickets)
                    receipts = self._conclude(tickets, earlier)
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
            uids = {each.arriving.sop_instance_uid for each in tickets}
            receipts = self._conclude(tickets, self._spool.earlier(uids))
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
        self._since = time.monotonic()
        with self._journal.transaction() as writer:
            writer.write(unwritten(records, writer))

    def _conclude(self, tickets: list[_Ticket], earlier: Mapping[str, Sequence[Earlier]]) -> list[Receipt]:
        """Decide each instance, those before it in the batch counting as earlier, and put it in its place durably."""
        if not tickets:
            return []
        known: dict[str, list[Earlier]] = {uid: list(found) for uid, found in earlier.items()}
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
    """A place in the queue. Who waits is called once: when its instance is settled, or when it is to commit."""

    __slots__ = ("_called", "arriving", "error", "in_doubt", "receipt")

    def __init__(self, arriving: Arriving) -> None:
        self.arriving = arriving
        self.receipt: Receipt | None = None
        self.error: BaseException | None = None
        self.in_doubt = False
        # A bare lock: an Event is three objects, and twice the time.
        self._called = threading.Lock()
        self._called.acquire()

    @property
    def settled(self) -> bool:
        """Whether the instance has its receipt, or has failed."""
        return self.receipt is not None or self.error is not None

    @property
    def outcome(self) -> Receipt | BaseException:
        """What an instance that is settled came to."""
        found = self.receipt or self.error
        assert found is not None
        return found

    def sync(self) -> bool:
        """Make the arriving bytes durable; False where they cannot be, and nothing of the instance is kept."""
        try:
            self.arriving.sync()
        except BaseException as error:
            _fail((self,), error)
            return False
        return True

    def wait(self) -> None:
        """Wait to be called."""
        self._called.acquire()

    def call(self) -> None:
        """Wake who waits."""
        if self._called.locked():
            self._called.release()


def _done(tickets: Sequence[_Ticket], receipts: Sequence[Receipt]) -> None:
    for ticket, receipt in zip(tickets, receipts, strict=True):
        ticket.receipt = receipt
        ticket.call()


def _fail(tickets: Sequence[_Ticket], error: BaseException) -> None:
    for each in tickets:
        if not each.in_doubt:
            each.arriving.abandon()
        each.error = error
        each.call()
