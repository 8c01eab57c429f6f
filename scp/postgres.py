"""Engines on Postgres, with connections on which every wait ends."""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen
from psycopg.waiting import Ready


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives a server up which takes statements and never answers.

    `statement_timeout` is kept by the server, and keepalives are answered by its kernel: neither helps
    against a server that is stopped or hangs on its disk.
    """

    patience: float = 60.0
    """Seconds that one wait may last."""

    def wait(self, gen: PQGen[Any], *arguments: Any, **options: Any) -> Any:
        """As psycopg's own, but OperationalError once the patience is over; the connection is then closed."""
        return super().wait(self._bounded(gen), *arguments, **options)

    def _bounded(self, gen: PQGen[Any]) -> Generator[Any, Any, Any]:
        deadline = monotonic() + self.patience
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready == Ready.NONE and monotonic() > deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError("timeout expired: the server does not answer")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value


def make_engine(address: sa.URL, timeout: float, statement_timeout: float, read_only: bool) -> sa.Engine:
    """An engine for an address; `timeout` bounds connecting, and locks at twice that. Seconds."""
    settings = {
        "statement_timeout": int(statement_timeout * 1000),
        "lock_timeout": int(min(timeout * 2, statement_timeout) * 1000),
        "idle_in_transaction_session_timeout": 600_000 if read_only else 60_000,
        "timezone": "UTC",
        # Half a second of compiling for what runs a tenth of one; sums sorted in memory; and indexes used
        # as on a disk without arms, where the server's default would rather read five million rows.
        "jit": "off",
        "work_mem": "32MB",
        "random_page_cost": "1.1",
        "default_transaction_read_only": "on" if read_only else "off",
    }
    given = str(address.query.get("options", ""))
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    engine = sa.create_engine(
        address.difference_update_query(["options"]),
        connect_args={
            "connect_timeout": max(2, round(timeout)),
            "keepalives": 1,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": int(max(timeout * 3, 10) * 1000),
            "application_name": "dicomgate",
            "options": f"{given} {ours}".strip(),
        },
        pool_timeout=timeout,
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> BoundedConnection:
        made = BoundedConnection.connect(*arguments, **options)
        made.patience = statement_timeout + timeout
        return made

    return engine
