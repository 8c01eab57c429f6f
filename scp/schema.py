"""The audit database's schema: which one is there, how it becomes the program's, and whether it is sound."""

from __future__ import annotations

import time
from enum import Enum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from scp.database import DatabaseProblem, reading, shown, writing

HEAD = "0002"
"""The newest migration; a test holds it against migrations/versions. Alembic takes 0.9 s to import, so a node
that finds its schema here starts without it."""

_LOCK = 0x0D1C_0A6A_7E00_0001
"""The advisory lock on Postgres under which one node at a time migrates."""


class State(Enum):
    """How the schema in the database stands to the program's."""

    EMPTY = "empty: nothing received yet"
    OLDER = "older than this program"
    CURRENT = "up to date"
    NEWER = "newer than this program"


def current(engine: sa.Engine) -> str | None:
    """The migration the database stands at, None where it has none. Raises DatabaseGone."""
    with reading(engine) as connection:
        return _revision(connection)


def state(engine: sa.Engine) -> State:
    """Which schema is in the database. Raises DatabaseGone."""
    with reading(engine) as connection:
        return _state(connection)


def upgrade(engine: sa.Engine) -> State:
    """Bring the schema up to the program's, and say how it stood before.

    However many nodes start at once, one migrates and the others find it done. A crash half-way leaves
    the schema as it was. Raises DatabaseProblem where the schema is newer than the program, or is not ours.
    """
    before = state(engine)
    if before in (State.EMPTY, State.OLDER):
        with writing(engine) as connection:
            if connection.dialect.name == "postgresql":
                _wait_for_turn(connection)
            before = _state(connection)
            if before in (State.EMPTY, State.OLDER):
                _refuse_strangers(connection)
                _migrate(connection)
    if before is State.NEWER:
        raise DatabaseProblem(newer(engine))
    return before


def require_current(engine: sa.Engine) -> None:
    """Raise DatabaseProblem, saying what to do, unless the schema is the program's own."""
    found = state(engine)
    if found is State.NEWER:
        raise DatabaseProblem(newer(engine))
    if found is State.OLDER:
        raise DatabaseProblem(f"{shown(engine.url)}: the schema is older than this program: dicomgate db upgrade")
    if found is State.EMPTY:
        raise DatabaseProblem(f"{shown(engine.url)}: nothing received yet")


def newer(engine: sa.Engine) -> str:
    """The line for a schema that a later release made."""
    return (
        f"{shown(engine.url)}: the schema ({current(engine)}) is newer than this program's ({HEAD}): "
        "run the release that made it; there is no way down"
    )


def faults(engine: sa.Engine) -> list[str]:
    """What is wrong where the schema is up to date: damage, or what differs from tables.py; [] if sound."""
    from scp.tables import VIEWS, metadata

    found: list[str] = []
    with reading(engine) as connection:
        if connection.dialect.name == "sqlite":
            found += [
                f"integrity: {line}" for (line,) in connection.exec_driver_sql("pragma integrity_check") if line != "ok"
            ]
            found += [f"foreign key: {tuple(row)}" for row in connection.exec_driver_sql("pragma foreign_key_check")]
        inspector = sa.inspect(connection)
        for name in sorted(set(VIEWS) - set(inspector.get_view_names())):
            found.append(f"the view {name} is missing")
        from alembic.autogenerate import compare_metadata

        context = _context(connection)
        found += [_said(each) for each in compare_metadata(context, metadata)]
    return found


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("select version_num from alembic_version")).scalar()


def _state(connection: sa.Connection) -> State:
    revision = _revision(connection)
    if revision is None:
        return State.EMPTY
    if revision == HEAD:
        return State.CURRENT
    return State.OLDER if revision in known() else State.NEWER


def known() -> list[str]:
    """The revisions this program knows, oldest first: each file in migrations/versions begins with one."""
    import migrations

    folder = Path(migrations.__path__[0]) / "versions"
    return sorted(file.name.split("_")[0] for file in folder.glob("[0-9]*_*.py"))


def _wait_for_turn(connection: sa.Connection) -> None:
    """Hold the advisory lock to the end of the transaction; DatabaseProblem after a minute of waiting."""
    deadline = time.monotonic() + 60
    while not connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))).scalar():
        if time.monotonic() > deadline:
            raise DatabaseProblem(f"{shown(connection.engine.url)}: another node has been migrating for a minute")
        time.sleep(0.05)


def _refuse_strangers(connection: sa.Connection) -> None:
    """A table of ours without a version row is somebody else's: leave it alone."""
    from scp.tables import metadata

    if _revision(connection) is None:
        clash = sorted(set(metadata.tables) & set(sa.inspect(connection).get_table_names()))
        if clash:
            raise DatabaseProblem(
                f"{shown(connection.engine.url)}: has tables of another program ({', '.join(clash)}): "
                "give dicomgate a database of its own"
            )


def _migrate(connection: sa.Connection, revision: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    import migrations

    config = Config()
    config.set_main_option("script_location", migrations.__path__[0].replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _context(connection: sa.Connection) -> Any:
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})


def _said(difference: Any) -> str:
    """One of Alembic's differences, in a few words."""
    if isinstance(difference, list):
        return "; ".join(_said(each) for each in difference)
    what, *rest = difference
    names = [str(getattr(each, "name", None) or each) for each in rest if each is not None]
    return f"{what.replace('_', ' ')}: {' '.join(names)}"
