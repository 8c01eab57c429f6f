"""A question of somebody's own, in SQL: the database session itself refuses everything but reading.

On SQLite the file is opened read-only and an authorizer lets only reading through, so that nothing is
attached or written elsewhere either. On Postgres the transaction is read-only, has its snapshot before the
question comes, after which it cannot be made writable, and takes one statement only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

from scp.database import explain

_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_READING_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info"}


class QueryProblem(Exception):
    """What the database says against a question, in one line."""


@contextmanager
def asked(engine: sa.Engine, question: str) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """The columns of the answer and its rows, which are read as they are taken.

    `engine` is one opened with `read_only`. Raises QueryProblem, also while rows are taken.
    """
    connection = engine.connect()
    error = engine.dialect.loaded_dbapi.Error
    try:
        driver: Any = connection.connection.dbapi_connection
        cursor = driver.cursor()
        ask = _on_sqlite if engine.dialect.name == "sqlite" else _on_postgres
        with closing(ask(driver, cursor, question)) as rows:
            first = next(rows, None)
            if first is None and not cursor.description:
                cursor.execute(question, prepare=True)  # psycopg forgets the columns of a stream without rows
            yield [each[0] for each in cursor.description or ()], _again(first, rows)
    except (error, sqlite3.Warning) as raised:
        raise QueryProblem(_said(raised, engine)) from raised
    finally:
        connection.invalidate()
        connection.close()


def _on_sqlite(driver: Any, cursor: Any, question: str) -> Generator[tuple[Any, ...], None, None]:
    def authorize(action: int, first: str | None, second: str | None, _database: str | None, _by: str | None) -> int:
        reads = action in _READING or (action == sqlite3.SQLITE_PRAGMA and first in _READING_PRAGMAS)
        return sqlite3.SQLITE_OK if reads else sqlite3.SQLITE_DENY

    driver.set_authorizer(authorize)
    yield from cursor.execute(question)


def _on_postgres(_driver: Any, cursor: Any, question: str) -> Generator[tuple[Any, ...], None, None]:
    cursor.execute("select 1")
    yield from cursor.stream(question)


def _again(first: tuple[Any, ...] | None, rest: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    if first is not None:
        yield first
        yield from rest


def _said(raised: Exception, engine: sa.Engine) -> str:
    text = explain(raised, engine.url).split(": ", 1)[-1]
    if "not authorized" in text or "prohibited" in text:
        return f"the database session refuses it: {text}; audit query only reads"
    return text
