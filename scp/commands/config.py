"""`dicomgate config`: what is configured, and whether it is sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scp.config_file import ConfigError

if TYPE_CHECKING:
    from scp.config import Loaded
    from scp.toml_lines import Place

FILE = click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file.")


@click.group()
def config() -> None:
    """Examine the configuration."""


@config.command()
@FILE
def check(file: Path | None) -> None:
    """List every mistake, with file, line and key, and what is surely not meant.

    Exit code 0: sound; 2: there are mistakes.
    """
    from scp.advice import advice
    from scp.certificates import CertificateProblem
    from scp.tls import context_of

    found = loaded(file)
    try:
        if found.settings.tls.enabled:
            context_of(found.settings.tls)
    except CertificateProblem as problem:
        key = tuple(str(problem).partition(":")[0].split("."))
        click.echo(f"dicomgate: {found.origin(key)}: {problem}", err=True)
        raise SystemExit(2) from None
    for each in advice(found):
        click.echo(f"warning: {each}")
    known_edition(found)
    click.echo(f"{found.file or 'no file, so the defaults'}: sound; digest {found.settings.digest[:12]}")


@config.command()
@FILE
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(file: Path | None, form: str) -> None:
    """Print every effective value and where it came from: the file, the environment or the default.

    The text is a configuration file itself. The password in the database's address is left out.
    """
    found = loaded(file)
    if form == "json":
        rows = [
            {"key": ".".join(map(str, place)), "value": value, "origin": found.origin(place)}
            for place, value in _values(found)
        ]
        click.echo(json.dumps({"digest": found.settings.digest, "values": rows}, indent=1))
    else:
        click.echo("\n".join(_as_toml(found)))


def loaded(file: Path | None) -> Loaded:
    """What is configured; SystemExit with every mistake on standard error."""
    from scp.config import load_with_origins

    try:
        return load_with_origins(file)
    except ConfigError as error:
        for line in str(error).splitlines():
            click.echo(f"dicomgate: {line}", err=True)
        raise SystemExit(2) from None


def known_edition(loaded: Loaded) -> None:
    """SystemExit with a line on standard error where there are no rules for the edition."""
    from rules.engine import load_rules

    try:
        load_rules(loaded.settings.rules.edition)
    except ValueError as error:
        click.echo(f"dicomgate: {loaded.origin(('rules', 'edition'))}: rules.edition: {error}", err=True)
        raise SystemExit(2) from None


def _values(loaded: Loaded) -> Iterator[tuple[Place, object]]:
    """Every key that has a value, in the order of the sections; array elements counted from 0."""
    values = loaded.settings.model_dump(mode="json")
    values["audit"]["url"] = loaded.settings.audit.shown_url
    for section, keys in values.items():
        tables = {(section,): keys} if isinstance(keys, dict) else {(section, n): each for n, each in enumerate(keys)}
        for place, table in tables.items():
            for key, value in table.items():
                if section == "policy" and key == "line":
                    for number, line in enumerate(value):
                        yield from (((*place, key, number, name), each) for name, each in line.items() if each)
                elif value or place == (section,):
                    yield (*place, key), value


def _as_toml(loaded: Loaded) -> Iterator[str]:
    header: Place = ()
    for place, value in _values(loaded):
        *table, key = place
        if tuple(table) != header:
            header = tuple(table)
            brackets = ("[[", "]]") if isinstance(header[-1], int) else ("[", "]")
            yield f"\n{brackets[0]}{'.'.join(each for each in header if isinstance(each, str))}{brackets[1]}"
        yield f"{key} = {_toml(value)}  # {loaded.origin(place)}"
    yield f"\n# digest {loaded.settings.digest}"


def _toml(value: object) -> str:
    """A value as TOML writes it: as JSON does, but for surrogates, which it has none of, and DEL, which it escapes."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
