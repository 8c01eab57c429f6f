"""The journal: associations, receipts, findings and events to the audit database, a batch a transaction.

One committer a process writes, and the answers to senders wait for it. So the statements are compiled once, rows
are plain tuples that go to the driver itself, and a batch is a handful of round trips however many instances it holds.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from scp.database import DatabaseGone, explain, for_writing, is_gone, write_lock
from scp.identity import Identity
from scp.ids import Ids
from scp.records import AssociationClosed, AssociationOpened, Earlier, Event, Receipt, Record
from scp.rows import Row, Rows, Statements, clean
from scp.schema import require_current
from scp.tables import as_text

FIRST_WAIT = 0.5
LONGEST_WAIT = 10.0
"""Seconds before a database that failed is tried again: doubled from the first to the longest."""

GENESIS = "0" * 64
"""What stands for the hash of the event before a writer's first."""


class Clash(Exception):
    """A ticket or an id that the audit has already: nothing of the transaction was kept, so draw again."""


class Journal:
    """The one writer of a process. Made by `Journal.open`, after the fork; used by one thread at a time."""

    def __init__(self, engine: sa.Engine, ids: Ids, identity: Identity, node_name: str) -> None:
        self._engine = engine
        self._ids = ids
        self._lock = write_lock(engine)
        self._statements = Statements(engine.dialect)
        self._rows = Rows(engine.dialect, identity, node_name)
        self._connection: sa.Connection | None = None
        self._failed: DatabaseGone | None = None
        self._wait = FIRST_WAIT
        self._again_at = 0.0
        self._committing = False

    @classmethod
    def open(cls, engine: sa.Engine, *, ids: Ids, identity: Identity, node_name: str) -> Journal:
        """A journal on a database whose schema is the program's own; raises DatabaseProblem in one line."""
        require_current(engine)
        journal = cls(engine, ids, identity, node_name)
        journal._connect()
        return journal

    @contextmanager
    def transaction(self) -> Iterator[Writer]:
        """Leaving the block commits, an exception rolls back and passes through.

        Raises DatabaseGone where the database cannot be reached or written: after a bounded wait, and at once
        while the back-off runs that follows a failure. Raises Clash for a ticket or id that is taken.
        """
        with self._watched():
            self._ids.renew_if_due()
            yield from self._locked()
        if self._failed:
            self._recovered()

    def close(self) -> None:
        """Drop the connection; the engine is the caller's."""
        self._disconnect()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Fails at once while the back-off runs; what fails in the block begins it anew."""
        if self._failed and time.monotonic() < self._again_at:
            raise DatabaseGone(str(self._failed))
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            if not is_gone(error):
                raise
            gone = DatabaseGone(explain(error, self._engine.url), in_doubt=self._committing)
            self._fail(gone)
            raise gone from error
        except DatabaseGone as error:
            self._fail(error)
            raise
        finally:
            self._committing = False

    def _locked(self) -> Iterator[Writer]:
        connection = self._connect()
        with self._lock, self._statements.transaction(connection) as driver:
            yield Writer(driver, self._statements, self._rows, self._ids)
            self._committing = True
            driver.commit()

    def _connect(self) -> sa.Connection:
        if self._connection is None:
            self._connection = for_writing(self._engine.connect())
            if self._connection.dialect.name == "postgresql":
                # Plans are kept, those of foreign keys too, and one made while a table was empty would read
                # the whole of it for each row until the server next analyses it.
                with self._connection.begin():
                    self._connection.exec_driver_sql("set enable_seqscan = off")
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
            finally:
                connection.close()

    def _fail(self, error: DatabaseGone) -> None:
        self._disconnect()
        self._engine.dispose()
        self._again_at = time.monotonic() + self._wait
        self._wait = min(self._wait * 2, LONGEST_WAIT)
        self._failed = error

    def _recovered(self) -> None:
        self._failed = None
        self._wait = FIRST_WAIT


class Writer:
    """One open transaction of the journal."""

    def __init__(self, driver: Any, statements: Statements, rows: Rows, ids: Ids) -> None:
        self._driver = driver
        self._statements = statements
        self._rows = rows
        self._ids = ids

    def earlier(self, sop_instance_uids: Iterable[str]) -> Mapping[str, tuple[Earlier, ...]]:
        """The receipts of these SOP Instance UIDs whose bytes are kept, oldest first; no UID without any.

        On Postgres the UIDs are locked to the end of the transaction first, so that two nodes cannot both
        think theirs is the first.
        """
        return _grouped(self._statements.earlier(self._driver, list(sop_instance_uids), lock=True))

    def known(self, ids: Iterable[int]) -> set[int]:
        """Which of these receipts the audit has: what became of a COMMIT whose answer was lost."""
        return {id for (id,) in self._statements.known(self._driver, list(ids))}

    def has_event(self, event: Event) -> bool:
        """Whether this event was written before: same moment, kind and words."""
        same = (self._rows.moment(event.at), clean(event.kind), clean(event.text))
        return self._driver.execute(self._statements.same_event, same).fetchone() is not None

    def write(self, records: Sequence[Record]) -> None:
        """Insert the records. Raises Clash where a ticket or an id is taken; only a rollback is left then."""
        opened = [each for each in records if isinstance(each, AssociationOpened)]
        closed = [each for each in records if isinstance(each, AssociationClosed)]
        receipts = [each for each in records if isinstance(each, Receipt)]
        events = [each for each in records if isinstance(each, Event)]
        statements, rows = self._statements, self._rows
        try:
            statements.run(
                self._driver,
                (statements.open_association, [rows.opened(each) for each in opened]),
                (statements.insert_receipt, [rows.receipt(each) for each in receipts]),
                (statements.insert_finding, [row for each in receipts for row in rows.findings(each)]),
                (statements.add_to_tally, rows.tallies(receipts, self._ids.number)),
                (statements.close_association, [rows.closed(each) for each in closed]),
                (statements.insert_event, self._chained(events) if events else []),
            )
        except statements.integrity_error as error:
            if _is_unique(error):
                raise Clash(str(error).splitlines()[0]) from error
            raise

    def _chained(self, events: list[Event]) -> list[Row]:
        """The events as rows, each with the hash of this writer's one before it."""
        writer = f"{self._rows.node}/{self._ids.number}"
        last = self._driver.execute(self._statements.last_event, (writer,)).fetchone()
        sequence, previous = last or (0, GENESIS)
        chained = []
        for each in events:
            sequence += 1
            kind, text, detail = clean(each.kind), clean(each.text), clean(_json(each.detail))
            own = event_hash(previous, writer, sequence, as_text(each.at), kind, text, detail, each.association_id)
            at = self._rows.moment(each.at)
            chained.append(
                (
                    self._ids.next(),
                    at,
                    writer,
                    sequence,
                    kind,
                    text,
                    detail,
                    each.association_id,
                    previous,
                    own,
                )
            )
            previous = own
        return chained


def event_hash(
    previous: str,
    writer: str,
    sequence: int,
    at: str,
    kind: str,
    text: str,
    detail: str,
    association_id: int | None,
) -> str:
    """SHA-256 over an event and the hash of the one before it, as a canonical JSON list."""
    said = _json([previous, writer, sequence, at, kind, text, detail, association_id])
    return hashlib.sha256(said.encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _grouped(rows: Iterable[Row]) -> dict[str, tuple[Earlier, ...]]:
    """Rows of `Statements.earlier` by their UID."""
    found: dict[str, tuple[Earlier, ...]] = {}
    for uid, *columns in rows:
        found[uid] = (*found.get(uid, ()), Earlier(*columns))
    return found


def _is_unique(error: Exception) -> bool:
    name = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    return name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505"}
