"""`dicomgate audit`: what arrived, what was found in it, and what was done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scp.commands.opening import say, settings_and_database
from scp.commands.tabular import FORMATS, as_json, shown, write, write_parquet

if TYPE_CHECKING:
    import sqlalchemy as sa

    from scp.settings import Settings

LISTED = "received_at,calling_ae,iod,verdict,errors,warnings,ticket"
ASSOCIATIONS = "opened_at,calling_ae,called_ae,address,ending,instances,echoes,bytes,refusal,id"
EVENTS = "at,kind,text,writer,association_id,detail"

Command = TypeVar("Command", bound=Callable[..., None])


@click.group()
def audit() -> None:
    """Ask what arrived, what was found and what was done.

    It may be asked while the node runs. Times are UTC. --since and --until take 2h, 7d, yesterday, 2026-11-22 or
    2026-11-22T09:30; --calling-ae, --device, --rule and --verdict take * and ? for any text.
    """


def config_option(command: Command) -> Command:
    """The option every command has."""
    return click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file.")(
        command
    )


def format_option(command: Command) -> Command:
    """The option every subcommand of `audit` has."""
    return click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)(command)


def _moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    from scp.moments import read_moment

    try:
        return None if text is None else read_moment(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def times(command: Command) -> Command:
    """--since and --until, as moments."""
    for name, words in (("until", "Before this moment."), ("since", "At or after this moment.")):
        command = click.option(f"--{name}", callback=_moment, metavar="TIME", help=words)(command)
    return command


def filters(command: Command) -> Command:
    """What narrows down receipts; the command gets them as keywords that fit `filters.Filter`."""
    options = [
        click.option("--calling-ae", metavar="TITLE", help="Who sent it."),
        click.option("--device", metavar="NAME", help="The [[device]] entry that the sender matched."),
        click.option("--rule", metavar="GLOB", help="With a finding of this rule: image-type-*"),
        click.option("--severity", type=click.Choice(["error", "warning", "note"]), help="With a finding of it."),
        click.option("--verdict", metavar="WORD", help="accept, flag, quarantine or reject."),
        click.option("--sop-class", metavar="UID|IOD", help='A UID, or a name: "parametric map".'),
        click.option("--uid", metavar="UID", help="Of an instance, a Series or a Study."),
        click.option("--ticket", metavar="TICKET", help="The one in the answer, the log and the dashboard."),
    ]
    for each in reversed(options):
        command = each(command)
    return times(command)


@audit.command("list")
@filters
@click.option("--columns", default=LISTED, show_default=True, metavar="A,B,...", help="Columns of receipt, or rules.")
@click.option("--sort", default="-received_at", show_default=True, metavar="COLUMN", help="With - the greatest first.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many; else all.")
@format_option
@config_option
def list_(columns: str, sort: str, limit: int | None, form: str, config: Path | None, **wanted: Any) -> None:
    """List what was received, the newest first."""
    names = _columns(columns, sort)
    from scp.filters import Filter
    from scp.queries import receipts

    def ask(connection: sa.Connection) -> Iterator[dict[str, Any]]:
        return receipts(connection, Filter(**wanted), columns=names, sort=sort, limit=limit)

    _answer(config, ask, names, form)


@audit.command()
@click.argument("what", metavar="TICKET|UID|ID")
@format_option
@config_option
def show(what: str, form: str, config: Path | None) -> None:
    """Show everything of one instance: findings, policy lines, Association, other arrivals, where the bytes are."""
    from scp.commands.audit_show import as_fields, as_lines
    from scp.filters import Filter
    from scp.queries import find, instance, receipts

    with _asking(config) as asked:
        if asked.connection is None:
            raise SystemExit(1)
        receipt_id = find(asked.connection, what)
        if receipt_id is None:
            others = list(receipts(asked.connection, Filter(uid=what), columns=["id"], limit=1))
            hint = f"; it is a Study or a Series: dicomgate audit list --uid {what}" if others else ""
            raise SystemExit(say(f"no receipt with the ticket, SOP Instance UID or id {what}{hint}", 1))
        found = instance(asked.connection, receipt_id)
    out = sys.stdout
    if form == "table":
        out.writelines(f"{line}\n" for line in as_lines(found, asked.settings.store.path))
    elif form == "csv":
        write(as_fields(found), ["field", "value"], "csv", out)
    else:
        out.write(as_json(found, indent=1 if form == "json" else None) + "\n")


@audit.command()
@click.option(
    "--by",
    type=click.Choice(["rule", "device", "calling-ae", "sop-class", "day", "verdict"]),
    default="verdict",
    show_default=True,
)
@filters
@format_option
@config_option
def stats(by: str, form: str, config: Path | None, **wanted: Any) -> None:
    """Count instances and findings, by rule, sender, day and so on.

    Where several rules are asked for, or a severity, instances are not counted unless by rule: one instance may
    have several such findings.
    """
    if wanted.pop("uid") or wanted.pop("ticket"):
        raise click.UsageError("stats takes no --uid and no --ticket")
    from scp.filters import Filter
    from scp.queries import STATS
    from scp.queries import stats as sums

    columns = [*STATS[by], *(["iod"] if by == "sop-class" else []), "instances", "findings"]
    if form != "table" or not sys.stdout.isatty():
        _answer(config, lambda connection: sums(connection, by, Filter(**wanted)), columns, form)
        return
    with _asking(config) as asked:
        if asked.connection is not None:
            _draw(sums(asked.connection, by, Filter(**wanted)), columns)


@audit.command()
@filters
@click.option("--what", type=click.Choice(["receipts", "findings"]), default="receipts", show_default=True)
@click.option("--format", "form", type=click.Choice([*FORMATS, "parquet"]), default="csv", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; else standard output.")
@config_option
def export(what: str, form: str, output: Path | None, config: Path | None, **wanted: Any) -> None:
    """Write receipts, or their findings, with every column.

    A file appears under its name when it is whole. Parquet needs --output and the extra: dicomgate[parquet].
    """
    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet needs --output")
    from scp.filters import Filter
    from scp.queries import FINDING_COLUMNS, RECEIPT_COLUMNS, findings, receipts

    types = RECEIPT_COLUMNS if what == "receipts" else FINDING_COLUMNS
    with _asking(config) as asked:
        found: Iterator[dict[str, Any]] = iter(())
        if asked.connection is not None and what == "receipts":
            found = receipts(asked.connection, Filter(**wanted), sort="received_at")
        elif asked.connection is not None:
            found = findings(asked.connection, Filter(**wanted))
        rows = _counted(found)
        if output is None:
            _write(rows, list(types), form)
        else:
            _write_file(rows, types, form, output)


@audit.command()
@click.argument("question", metavar="SQL")
@click.option("--timeout", type=click.IntRange(1, 3600), default=60, show_default=True, help="Seconds, on Postgres.")
@format_option
@config_option
def query(question: str, timeout: int, form: str, config: Path | None) -> None:
    """Ask a question in SQL. The database session refuses whatever does not only read.

    docs/audit.md describes the tables and shows a dozen questions.
    """
    from scp.free_query import QueryProblem
    from scp.free_query import asked as asked_in_sql

    with _asking(config, statement_timeout=timeout) as asked:
        if asked.connection is None:
            raise SystemExit(1)
        try:
            with asked_in_sql(asked.connection.engine, question) as (columns, rows):
                names = _unique(columns)
                _write((dict(zip(names, row, strict=True)) for row in rows), names, form)
        except QueryProblem as problem:
            raise SystemExit(say(str(problem))) from None


@audit.command()
@times
@click.option("--calling-ae", metavar="TITLE")
@click.option("--refused", is_flag=True, help="Only those that were refused.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many; else all.")
@format_option
@config_option
def associations(
    since: datetime | None,
    until: datetime | None,
    calling_ae: str | None,
    refused: bool,
    limit: int | None,
    form: str,
    config: Path | None,
) -> None:
    """List Associations, the newest first, with what was refused and why."""
    from scp.queries import associations as asked_for

    def ask(connection: sa.Connection) -> Iterator[dict[str, Any]]:
        return asked_for(connection, since=since, until=until, calling_ae=calling_ae, refused=refused, limit=limit)

    from scp.tables import association

    _answer(config, ask, ASSOCIATIONS.split(",") if form == "table" else association.c.keys(), form)


@audit.command()
@times
@click.option("--kind", metavar="WORD", help="start, stop and the like.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many; else all.")
@format_option
@config_option
def events(
    since: datetime | None,
    until: datetime | None,
    kind: str | None,
    limit: int | None,
    form: str,
    config: Path | None,
) -> None:
    """List what happened to the node, the newest first."""
    from scp.queries import events as asked_for
    from scp.tables import event

    def ask(connection: sa.Connection) -> Iterator[dict[str, Any]]:
        return asked_for(connection, since=since, until=until, kind=kind, limit=limit)

    _answer(config, ask, EVENTS.split(",") if form == "table" else event.c.keys(), form)


@dataclass(frozen=True, slots=True)
class _Asked:
    settings: Settings
    connection: sa.Connection | None
    """None where nothing was received yet; that has been said."""


@contextmanager
def _asking(config: Path | None, statement_timeout: float = 300) -> Iterator[_Asked]:
    """The audit, to be read; SystemExit with a line on standard error where it cannot be."""
    with settings_and_database(config, statement_timeout=statement_timeout) as (settings, engine):
        from scp.database import is_absent, reading, shown
        from scp.schema import State, require_current, state

        if is_absent(engine) or state(engine) is State.EMPTY:
            say(f"nothing received yet: no audit at {shown(engine.url)}")
            yield _Asked(settings, None)
            return
        require_current(engine)
        with reading(engine) as connection:
            yield _Asked(settings, connection)


def _answer(
    config: Path | None,
    ask: Callable[[sa.Connection], Iterable[dict[str, Any]]],
    columns: list[str],
    form: str,
) -> None:
    with _asking(config) as asked:
        rows = iter(() if asked.connection is None else ask(asked.connection))
        _write(rows, columns, form)


def _write(rows: Iterator[dict[str, Any]], columns: list[str], form: str) -> None:
    """Rows to standard output; whoever stops reading them ends the query before its connection is closed."""
    try:
        write(rows, columns, form, sys.stdout)
        sys.stdout.flush()
    finally:
        if isinstance(rows, Generator):
            rows.close()


def _columns(columns: str, sort: str) -> list[str]:
    """The columns asked for; a UsageError names those there are."""
    from scp.queries import RECEIPT_COLUMNS

    names = [each.strip() for each in columns.split(",") if each.strip()]
    for each in [*names, sort.removeprefix("-")]:
        if each not in RECEIPT_COLUMNS and not (each == "rules" and each in names):
            raise click.UsageError(f"no column {each}: there are {', '.join(RECEIPT_COLUMNS)}, rules")
    return list(dict.fromkeys(names))


def _unique(columns: list[str]) -> list[str]:
    """Names for the columns of an answer that may have some twice."""
    names: list[str] = []
    for each in columns:
        number = 2
        name = each
        while name in names:
            name, number = f"{each}_{number}", number + 1
        names.append(name)
    return names


def _draw(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """The sums with a bar each, as wide as the terminal allows."""
    from rich.bar import Bar
    from rich.console import Console
    from rich.table import Table

    measure = "instances" if all(row["instances"] is not None for row in rows) else "findings"
    greatest = max((row[measure] for row in rows), default=0) or 1
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in ("instances", "findings") else "left")
    table.add_column("", ratio=1, min_width=10)
    for row in rows:
        bar = Bar(greatest, 0, row[measure], color="cyan")
        table.add_row(*(shown(row[name]).replace("[", "\\[") for name in columns), bar)
    table.expand = True
    Console().print(table)


def _counted(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows as they come, counted on standard error where somebody watches it."""
    watched = sys.stderr.isatty()
    count, said = 0, 0.0
    try:
        for count, row in enumerate(rows, 1):
            yield row
            if watched and monotonic() - said > 0.2:
                sys.stderr.write(f"\r{count:,} rows")
                said = monotonic()
    finally:
        if isinstance(rows, Generator):
            rows.close()
    if watched:
        sys.stderr.write(f"\r{count:,} rows\n")


def _write_file(rows: Iterator[dict[str, Any]], types: dict[str, type], form: str, output: Path) -> None:
    part = output.with_name(f".{output.name}.part")
    try:
        if form == "parquet":
            write_parquet(rows, types, part)
        else:
            with part.open("w", encoding="utf-8", newline="") as out:
                write(rows, list(types), form, out)
        part.replace(output)
    except ModuleNotFoundError:
        raise SystemExit(say("parquet needs pyarrow: install dicomgate[parquet]")) from None
    except OSError as error:
        raise SystemExit(say(f"{output}: {error.strerror}")) from None
    finally:
        part.unlink(missing_ok=True)
