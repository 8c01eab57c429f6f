"""`dicomgate db`: the audit database itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scp.commands.opening import say, settings_and_database

if TYPE_CHECKING:
    import sqlalchemy as sa

    from scp.settings import Settings

UNSOUND = 1
"""Exit code where the database is reached and something is wrong with it."""
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
@click.option("--recover", is_flag=True, help="Receive files that no receipt names again, as a start does.")
@config_option
def check(config: Path | None, recover: bool) -> None:
    """Check that database and store are reachable, whole and agree; exit code 1 where not.

    Reads everything: the file's structure on SQLite, the tables, the events' hash chains, the sums, and which
    receipts and files of the store belong together.
    """
    with settings_and_database(config) as (settings, engine):
        from scp.database import DatabaseProblem, is_absent, reading, shown
        from scp.schema import HEAD, faults, require_current
        from scp.soundness import verify_chain, verify_tally

        if is_absent(engine):
            raise DatabaseProblem(f"{shown(engine.url)}: nothing received yet")
        require_current(engine)
        found = faults(engine)
        with reading(engine) as connection:
            found += verify_chain(connection) + verify_tally(connection)
        if recover:
            _recover(settings)
        found += _disagreements(settings, engine)
        for line in found:
            click.echo(line)
        if found:
            raise SystemExit(UNSOUND)
        click.echo(f"{shown(engine.url)}: sound ({HEAD})")


def _disagreements(settings: Settings, engine: sa.Engine) -> list[str]:
    """What store and audit do not agree on, a line each; what a running node is just committing is left out."""
    from scp.recovery import SETTLED, missing, orphans, waiting
    from scp.store import Store

    store = Store(settings.store.path.absolute(), 0)
    found = [f"{each.place}: no receipt names it" for each in orphans(store, engine, settled=SETTLED)]
    found += [f"{each}: waits for a person" for each in waiting(store)]
    found += [f"receipt {each.ticket}: {each.place} is not in the store" for each in missing(store, engine)]
    return found


def _recover(settings: Settings) -> None:
    from scp.recovery import orphans, recover
    from scp.service import node
    from scp.store import StoreProblem

    try:
        with node(settings) as made:
            received = recover(made, orphans(made.store, made.engine)).receipts
    except StoreProblem as problem:
        raise SystemExit(say(f"{problem}; or stop the node that runs, which recovers when it starts")) from None
    for each in received:
        click.echo(f"{each.ticket}: received again, {each.verdict}, {each.stored or 'kept already'}")


@contextmanager
def _database(config: Path | None, read_only: bool = True) -> Iterator[sa.Engine]:
    with settings_and_database(config, read_only) as (_, engine):
        yield engine
