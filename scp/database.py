"""The audit database as a place: its address, engines, write lock, and in one line what is wrong with it."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote

import sqlalchemy as sa

STATEMENT_TIMEOUT = 30.0
"""Seconds a statement of the node's own may take on Postgres before the server ends it."""

_WRITE = "dicomgate_write"


class DatabaseProblem(Exception):
    """What is wrong with the audit database, in one line for a person; it never holds a password."""


class DatabaseGone(DatabaseProblem):
    """The database cannot be reached or written just now; nothing of the transaction was kept.

    `in_doubt` is true where the fault came with the COMMIT itself, so that the transaction may have been kept
    after all; `Writer.known` tells, once the database is back. `may_come` is true where a server is not there, or
    not yet, so that a start does well to wait for it.
    """

    def __init__(self, message: str, *, in_doubt: bool = False, may_come: bool = False) -> None:
        super().__init__(message)
        self.in_doubt = in_doubt
        self.may_come = may_come


def open_engine(
    url: str,
    connect_timeout: float = 5.0,
    *,
    read_only: bool = False,
    statement_timeout: float = STATEMENT_TIMEOUT,
) -> sa.Engine:
    """An engine on which every wait is bounded; nothing is connected yet, but SQLite's folder is made.

    Timeouts are seconds. With `read_only` the database session itself refuses to write, and a SQLite file
    that is not there is not made. Raises DatabaseProblem for an address of another kind.
    """
    address = read_url(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address, connect_timeout, read_only)
    from scp.postgres import make_engine  # psycopg is not for those who use SQLite

    return make_engine(address, connect_timeout, statement_timeout, read_only)


def read_url(url: str) -> sa.URL:
    """The parsed address, with the driver named; DatabaseProblem unless it is a SQLite file or Postgres."""
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise DatabaseProblem(
            "audit.url is not a database address: wanted sqlite:///FILE or postgresql://..."
        ) from None
    if address.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return address.set(drivername="postgresql+psycopg")
    if address.drivername in {"sqlite", "sqlite+pysqlite"}:
        if not address.database or address.database == ":memory:":
            raise DatabaseProblem("audit.url must name a file: sqlite:///FILE")
        return address.set(drivername="sqlite+pysqlite")
    raise DatabaseProblem(
        f"audit.url begins {address.drivername}://: wanted sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    )


def shown(url: sa.URL) -> str:
    """The address for people: without its password."""
    if url.get_backend_name() == "sqlite":
        return str(sqlite_file(url))
    return url.render_as_string(hide_password=True)


def is_absent(engine: sa.Engine) -> bool:
    """Whether this is a SQLite file that is not there; what Postgres has not, its answer tells."""
    return engine.dialect.name == "sqlite" and not sqlite_file(engine.url).exists()


def sqlite_file(url: sa.URL) -> Path:
    """The file of a SQLite address, also where it was opened read-only."""
    return Path(unquote(str(url.database).removeprefix("file:")) if "uri" in url.query else str(url.database))


def _open_sqlite(address: sa.URL, timeout: float, read_only: bool) -> sa.Engine:
    path = Path(str(address.database))
    if read_only:
        address = address.set(database=f"file:{quote(str(path.absolute()))}", query={"mode": "ro", "uri": "true"})
    else:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseProblem(f"{path}: cannot make the folder: {error.strerror}") from None
    address = address.update_query_dict({"timeout": str(timeout)})
    engine = sa.create_engine(address, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        # Python's sqlite3 opens transactions on its own, and only before some statements; ours begin below.
        connection.isolation_level = None
        cursor = connection.cursor()
        if read_only:
            cursor.execute("pragma query_only = on")
        else:
            if cursor.execute("pragma journal_mode").fetchone() != ("wal",):
                # SQLite does not wait its turn for this one: of nodes that start at once some would fail.
                with WriteLock(_lock_file(path), timeout):
                    cursor.execute("pragma journal_mode = wal")
            cursor.execute("pragma synchronous = full")
        cursor.execute("pragma foreign_keys = on")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(_WRITE)
        connection.exec_driver_sql("begin immediate" if writes else "begin")

    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A write transaction of its own; leaving the block commits. Raises DatabaseGone, in one line."""
    try:
        # Connected first: a new file is set up under the same lock.
        with engine.connect() as connection, write_lock(engine), for_writing(connection).begin():
            yield connection
    except sa.exc.SQLAlchemyError as error:
        if not is_gone(error):
            raise
        raise DatabaseGone(explain(error, engine.url), may_come=may_come(error, engine.url)) from error


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads, all from one moment. Raises DatabaseGone, in one line."""
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection
    except sa.exc.SQLAlchemyError as error:
        if not is_gone(error):
            raise
        raise DatabaseGone(explain(error, engine.url), may_come=may_come(error, engine.url)) from error


def takes_writes(engine: sa.Engine) -> bool:
    """Whether a transaction that writes could begin now, in a time that the timeouts bound."""
    try:
        with writing(engine):
            return True
    except DatabaseGone:
        return False


def for_writing(connection: sa.Connection) -> sa.Connection:
    """The connection, its transactions taking SQLite's own write lock as they begin (BEGIN IMMEDIATE)."""
    return connection.execution_options(**{_WRITE: True})


def write_lock(engine: sa.Engine) -> AbstractContextManager[object]:
    """What writers of this database queue at: `flock` on the lock file for SQLite, nothing for Postgres."""
    if engine.dialect.name != "sqlite":
        return nullcontext()
    return WriteLock(_lock_file(sqlite_file(engine.url)), float(str(engine.url.query["timeout"])))


def _lock_file(database: Path) -> Path:
    return database.with_suffix(".lock")


class WriteLock:
    """An exclusive `flock`, waited for `timeout` seconds: by it writers of a SQLite file take turns.

    SQLite's own busy handler sleeps and retries, which starves one of two busy writers for seconds;
    `flock` queues. Raises DatabaseGone when the time is up or the lock file cannot be opened.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._file = -1

    def __enter__(self) -> WriteLock:
        try:
            self._file = self._locked()
        except OSError as error:
            raise DatabaseGone(f"{self._path}: {error.strerror or error}") from None
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        os.close(self._file)
        self._file = -1

    def _locked(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait(file)
        except OSError:
            os.close(file)
            raise
        return file

    def _wait(self, file: int) -> None:
        """Queue for the lock in a thread: `flock` knows no timeout, and polling would starve like SQLite."""
        settled = threading.Lock()
        locked, given_up = threading.Event(), threading.Event()

        def queue() -> None:
            fcntl.flock(file, fcntl.LOCK_EX)
            with settled:
                if given_up.is_set():
                    os.close(file)
                else:
                    locked.set()

        threading.Thread(target=queue, name="audit-lock", daemon=True).start()
        locked.wait(self._timeout)
        with settled:
            if not locked.is_set():
                given_up.set()
                raise TimeoutError(f"held by another process for {self._timeout:g} s")


def is_gone(error: BaseException) -> bool:
    """Whether the database, not the statement, is at fault: away, locked, full, read-only or broken."""
    if isinstance(error, sa.exc.DBAPIError):
        return (
            not isinstance(
                error,
                (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError, sa.exc.NotSupportedError),
            )
            or _code(error) in _GONE_CODES
        )
    return isinstance(error, (sa.exc.TimeoutError, sa.exc.PendingRollbackError))


def explain(error: BaseException, url: sa.URL) -> str:
    """One line: which database, what is wrong, and where it helps, what to do."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, said, re.IGNORECASE):
            return f"{shown(url)}: {meaning}"
    if url.password is not None:
        said = said.replace(str(url.password), "***")
    return f"{shown(url)}: {said[:300]}"


def may_come(error: BaseException, url: sa.URL) -> bool:
    """Whether this is a server that is not there, or not yet; a file comes from nowhere, nor does a right password."""
    said = str(getattr(error, "orig", None) or error)
    return url.get_backend_name() == "postgresql" and re.search(_NOT_THERE, said, re.IGNORECASE) is not None


def _code(error: sa.exc.DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


# What Postgres files under "programming error" though the fault is the server's: no such database or role,
# no permission, a table gone from under us.
_GONE_CODES = {"3D000", "28000", "28P01", "42501", "42P01"}

_NOT_THERE = (
    r"could not translate host name|failed to resolve host|Name or service not known|name resolution|"
    r"Connection refused|No such file or directory|No route to host|Network is unreachable|timeout expired|"
    r"starting up|shutting down|too many clients|remaining connection slots|server closed the connection|"
    r"connection (to server )?was lost|connection is (closed|lost|bad)"
)

_MEANINGS = [
    (r"password authentication failed", "the user name or password is wrong"),
    (r"no password supplied|password is required", "the server wants a password and none is given"),
    (r"could not translate host name|failed to resolve host|Name or service not known", "no such host"),
    (r"Connection refused", "connection refused: is Postgres running there?"),
    (
        r"No such file or directory.*socket|socket.*No such file or directory",
        "no Postgres socket there: is it running?",
    ),
    (r"database \"[^\"]*\" does not exist", "no such database on that server: make it with createdb"),
    (r"role \"[^\"]*\" does not exist", "no such user on that server"),
    (r"no pg_hba.conf entry", "the server's pg_hba.conf does not let this user in from here"),
    (r"connection timeout expired|timeout expired", "no answer from the server in time"),
    (r"starting up|shutting down|terminating connection", "the server is starting or stopping"),
    (r"too many (connections|clients)|remaining connection slots", "the server has no connection left"),
    (r"statement timeout", "the statement took too long and was ended"),
    (r"lock timeout", "another session held a lock too long"),
    (
        r"server closed the connection|connection (to server )?was lost|connection is (closed|lost|bad)",
        "the connection was lost",
    ),
    (r"permission denied", "the database user lacks a permission: it needs to own its tables"),
    (r"read-only transaction", "the session is read-only"),
    (r"readonly database|read-only database", "the database is read-only for this user, file or folder"),
    (
        r"unable to open database file",
        "cannot be opened: is it there, and may this user read and write it and its folder?",
    ),
    (r"file is not a database", "is not a SQLite database"),
    (r"malformed|disk image", "the database file is damaged"),
    (r"database (table )?is locked", "is locked by another program"),
    (r"database or disk is full|No space left on device|could not extend file", "the disk is full"),
    (r"disk I/O error", "the disk gives input/output errors"),
]
