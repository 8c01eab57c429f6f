"""Row ids: 63-bit, time-ordered, unique over threads, processes, restarts and nodes.

41 bits of milliseconds since 2020-01-01 UTC (until 2089), 10 bits of a process number leased from the
database, 12 bits of sequence. A lease is a range: its holder gives out no id beyond the lease's `until_ms`,
and who leases the number next begins above it. So no clock, pause or crash can make two ids alike.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from scp.database import DatabaseGone, DatabaseProblem, reading, writing
from scp.tables import association, event, id_lease, receipt

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
NUMBERS = 1 << 10
LEASE_MS = 10 * 60 * 1000
LONG_LEASE_MS = 24 * 60 * 60 * 1000
"""Of a process that goes on while the database is away: renewed once half of it is used."""

_SEQUENCE_BITS = 12
_TIME_SHIFT = 22
IDS_OF_A_MS = 1 << _TIME_SHIFT
"""Ids that all numbers together have for a millisecond: by this an id is divided to give its time."""
_LAST_OF_MS = (1 << _SEQUENCE_BITS) - 1
_EPOCH_MS = int(EPOCH.timestamp() * 1000)


def time_of(row_id: int) -> datetime:
    """The moment an id was drawn, to the millisecond, by the clock of the node that drew it."""
    return EPOCH + timedelta(milliseconds=row_id >> _TIME_SHIFT)


def number_of(row_id: int) -> int:
    """The process number that an id was drawn under."""
    return (row_id >> _SEQUENCE_BITS) & (NUMBERS - 1)


def clock_ms() -> int:
    """Milliseconds since the epoch of ids, by the wall clock."""
    return time.time_ns() // 1_000_000 - _EPOCH_MS


@dataclass(frozen=True, slots=True)
class _Lease:
    number: int
    until_ms: int


class Ids:
    """A process's source of ids. Open it after the fork: a copy of one would give the same ids twice."""

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], int] = clock_ms,
        lease_ms: int = LEASE_MS,
        leased: Callable[[int], None] = lambda _number: None,
    ) -> None:
        """Lease a process number; raises DatabaseProblem where the database cannot be written.

        `leased` is told each number before an id is drawn under it.
        """
        self._lease_ms = lease_ms
        self._leased = leased
        self._engine = engine
        self._clock = clock
        self._holder = f"{os.uname().nodename}:{os.getpid()}:{secrets.token_hex(8)}"
        self._drawing = threading.Lock()
        self._renewing = threading.Lock()
        self._sequence = -1
        self._last_ms = newest_ms(engine) + 1
        self._lease = self._take()

    @property
    def number(self) -> int:
        """The process number that ids drawn now carry."""
        return self._lease.number

    def next(self) -> int:
        """An id greater than every one drawn here before. Thread-safe.

        Touches the database only where the lease ran out while nothing was recorded; then it can raise
        DatabaseGone.
        """
        while True:
            with self._drawing:
                lease = self._lease
                now = max(self._clock(), self._last_ms)
                sequence = self._sequence + 1 if now == self._last_ms else 0
                if sequence > _LAST_OF_MS:
                    now, sequence = now + 1, 0
                if now <= lease.until_ms:
                    self._last_ms, self._sequence = now, sequence
                    return (now << _TIME_SHIFT) | (lease.number << _SEQUENCE_BITS) | sequence
            with self._renewing:
                if self._lease is lease:
                    self._renew()

    def renew_if_due(self) -> None:
        """Extend the lease once half of it is used. The journal calls this before each transaction."""
        if max(self._clock(), self._last_ms) <= self._lease.until_ms - self._lease_ms // 2:
            return
        if self._renewing.acquire(blocking=False):
            try:
                self._renew()
            finally:
                self._renewing.release()

    def close(self) -> None:
        """Give the number back, so that the next process need not wait for the lease to run out.

        Where the database is away just then, it runs out.
        """
        with self._drawing:
            self._lease = _Lease(self._lease.number, -1)
            last = self._last_ms
        with suppress(DatabaseGone), writing(self._engine) as connection:
            connection.execute(self._mine().values(holder=None, until_ms=last))

    def _renew(self) -> None:
        until = max(self._clock(), self._last_ms) + self._lease_ms
        with writing(self._engine) as connection:
            renewed = connection.execute(self._mine().values(until_ms=until, expires_at=self._expiry()))
        if renewed.rowcount == 1:
            self._lease = _Lease(self._lease.number, until)
        else:
            self._lease = self._take()

    def _mine(self) -> sa.Update:
        return id_lease.update().where(id_lease.c.number == self._lease.number, id_lease.c.holder == self._holder)

    def _expiry(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self._clock() + self._lease_ms)

    def _take(self) -> _Lease:
        """Lease a number that nobody holds, above all that its earlier holders may have drawn."""
        with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("lock table id_lease in share row exclusive mode"))
            leases = {each.number: each for each in connection.execute(sa.select(id_lease))}
            now = EPOCH + timedelta(milliseconds=self._clock())
            longest = now + timedelta(milliseconds=2 * LONG_LEASE_MS)
            for number in range(NUMBERS):
                row = leases.get(number)
                # An expiry far ahead was written by a clock that was wrong; the range keeps ids apart anyhow.
                if row is None or row.holder is None or not now <= row.expires_at <= longest:
                    break
            else:
                raise DatabaseProblem(f"all {NUMBERS} process numbers are leased; wait ten minutes")
            start = max(self._clock(), self._last_ms, 0 if row is None else row.until_ms + 1)
            values = {"holder": self._holder, "until_ms": start + self._lease_ms, "expires_at": self._expiry()}
            if row is None:
                connection.execute(id_lease.insert().values(number=number, **values))
            else:
                connection.execute(id_lease.update().where(id_lease.c.number == number).values(**values))
        self._leased(number)
        with self._drawing:
            if start > self._last_ms:
                self._last_ms, self._sequence = start, -1
        return _Lease(number, start + self._lease_ms)


def newest_ms(engine: sa.Engine) -> int:
    """The time in the greatest id of the database, in milliseconds since 2020: where counting goes on."""
    with reading(engine) as connection:
        greatest = [
            connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
            for table in (receipt, association, event)
        ]
    return max(greatest) >> _TIME_SHIFT
