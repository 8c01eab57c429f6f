"""`dicomgate token`: who may use the HTTP door."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from scp.commands.db import config_option
from scp.commands.opening import settings_and_database

SCOPES = ("store", "read", "review", "admin")
_SPAN = re.compile(r"([1-9][0-9]*)([hdwy])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "y": timedelta(days=365)}


class Expiry(click.ParamType[datetime | None]):
    """A span such as 90d, a date, or `never`; a moment in UTC, or None."""

    name = "SPAN|DATE|never"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime | None:
        """The moment. Fails for one that is past, or cannot be read."""
        if value is None or isinstance(value, datetime) or value == "never":
            return value if isinstance(value, datetime) else None
        span = _SPAN.fullmatch(str(value))
        now = datetime.now(UTC)
        try:
            until = now + int(span[1]) * _UNITS[span[2]] if span else datetime.fromisoformat(str(value))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is neither a span such as 90d, 12h, 2w, 1y, nor a date such as 2027-06-30", param, ctx
            )
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        if until <= now:
            self.fail(f"{value} is past", param, ctx)
        return until


@click.group()
def token() -> None:
    """Make, list and revoke the tokens of the HTTP door.

    As long as none was ever made, the door serves this machine alone and asks for none.
    """


@token.command()
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="May be repeated.")
@click.option("--expires", type=Expiry(), default="1y", show_default=True, help="When it ends.")
@config_option
def add(name: str, scopes: tuple[str, ...], expires: datetime | None, config: Path | None) -> None:
    """Make a token and print it, once: only its hash is kept."""
    with settings_and_database(config, read_only=False) as (_, engine):
        from scp.schema import upgrade
        from scp.tokens import Scope, TokenProblem, add_token

        upgrade(engine)
        try:
            click.echo(add_token(engine, name, frozenset(map(Scope, scopes)), expires))
        except TokenProblem as problem:
            raise click.ClickException(str(problem)) from None


@token.command("list")
@config_option
def list_(config: Path | None) -> None:
    """Show every token there ever was, without its secret."""
    with settings_and_database(config) as (_, engine):
        from scp.schema import require_current
        from scp.tables import as_text
        from scp.tokens import list_tokens

        require_current(engine)
        now = datetime.now(UTC)
        rows = [("name", "standing", "scopes", "made", "expires")]
        rows += [
            (
                each.name,
                each.standing(now),
                ",".join(sorted(each.scopes)),
                as_text(each.made_at),
                as_text(each.expires_at) if each.expires_at else "never",
            )
            for each in list_tokens(engine)
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@token.command()
@click.argument("name")
@config_option
def revoke(name: str, config: Path | None) -> None:
    """End a token; a node that runs knows within five seconds."""
    with settings_and_database(config, read_only=False) as (_, engine):
        from scp.schema import require_current
        from scp.tokens import TokenProblem, revoke_token

        require_current(engine)
        try:
            revoke_token(engine, name)
        except TokenProblem as problem:
            raise click.ClickException(str(problem)) from None
        click.echo(f"{name} is revoked")
