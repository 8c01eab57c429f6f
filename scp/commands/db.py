"""`dicomgate db`: the audit database itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import sqlalchemy as sa

UNSOUND = 1
"""Exit code where the database is reached and something is wrong with it."""
FAILED = 2
"""Exit code where it cannot be reached, or the configuration is wrong."""

config_option = click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file.")


@click.group()
def db() -> None:
    """Upgrade and examine the audit database.

    `dicomgate serve` upgrades it by itself when it starts.
    """


@db.command()
@config_option
def upgrade(config: Path | None) -> None:
    """Bring the schema up to this program's, from nothing or from an older release."""
    with _database(config, read_only=False) as engine:
        from scp.database import shown
        from scp.schema import HEAD, State
        from scp.schema import upgrade as bring_up

        before = bring_up(engine)
        done = "is up to date" if before is State.CURRENT else "was upgraded"
        click.echo(f"{shown(engine.url)}: {done} ({HEAD})")


@db.command()
@config_option
def current(config: Path | None) -> None:
    """Say which schema the database has, and which this program wants."""
    with _database(config) as engine:
        from scp.database import is_absent, shown
        from scp.schema import HEAD, State, state
        from scp.schema import current as revision

        found = State.EMPTY if is_absent(engine) else state(engine)
        stands = "none" if found is State.EMPTY else revision(engine)
        click.echo(f"{shown(engine.url)}: {stands}, {found.value} ({HEAD})")


@db.command()
@config_option
def check(config: Path | None) -> None:
    """Check that the database is reachable, whole and as the program expects it; exit code 1 where not.

    Reads everything: the file's structure on SQLite, the tables, the events' hash chains, the sums.
    """
    with _database(config) as engine:
        from scp.database import DatabaseProblem, is_absent, reading, shown
        from scp.schema import HEAD, faults, require_current
        from scp.soundness import verify_chain, verify_tally

        if is_absent(engine):
            raise DatabaseProblem(f"{shown(engine.url)}: nothing received yet")
        require_current(engine)
        found = faults(engine)
        with reading(engine) as connection:
            found += verify_chain(connection) + verify_tally(connection)
        for line in found:
            click.echo(line)
        if found:
            raise SystemExit(UNSOUND)
        click.echo(f"{shown(engine.url)}: sound ({HEAD})")


@contextmanager
def _database(config: Path | None, read_only: bool = True) -> Iterator[sa.Engine]:
    """An engine on the configured database; SystemExit with a line on standard error for what goes wrong."""
    from scp.config import ConfigError, load

    try:
        settings = load(config)
    except ConfigError as error:
        raise SystemExit(_say(str(error))) from None
    from scp.database import DatabaseProblem, open_engine

    try:
        engine = open_engine(
            settings.audit.url, settings.audit.connect_timeout, read_only=read_only, statement_timeout=3600
        )
        try:
            yield engine
        finally:
            engine.dispose()
    except DatabaseProblem as problem:
        raise SystemExit(_say(str(problem))) from None


def _say(text: str) -> int:
    for line in text.splitlines():
        print(f"dicomgate: {line}", file=sys.stderr)
    return FAILED
