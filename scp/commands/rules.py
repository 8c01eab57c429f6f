"""`dicomgate rules`: what is checked, in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import click

from rules.model import Rule
from rules.reference import as_json, page, section_of

FORMATS = click.Choice(["text", "json"])


@click.group(name="rules")
def rules() -> None:
    """List the rules, explain one, or count what is covered."""


@rules.command(name="list")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
def list_rules(form: str) -> None:
    """Print every rule in one line: id, severity, section, what is wrong."""
    from rules.registry import all_rules

    every = list(all_rules().values())
    if form == "json":
        _print_json([as_json(rule) for rule in every])
    else:
        _print_table(["rule", "severity", "section", "what is wrong"], [_line(rule) for rule in every])


@rules.command()
@click.argument("name", metavar="RULE|IOD|ATTRIBUTE")
@click.option("--edition", help="Edition of the Standard, such as 2025e.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
def show(name: str, edition: str | None, form: str) -> None:
    """Print all that is known of a rule, or what the tables ask of an IOD or an Attribute.

    An IOD goes by its name or SOP Class UID, an Attribute by its keyword or (gggg,eeee).
    """
    from rules.explain import explain
    from rules.registry import all_rules

    rule = all_rules().get(name)
    explained = explain(name, _known(edition)) if rule is None else None
    if rule is None and explained is None:
        raise click.UsageError(f"There is no rule, IOD or Attribute {name!r}.{_hint(name)}")
    if form == "json":
        _print_json(as_json(rule) if rule is not None else explained.as_json() if explained is not None else None)
    else:
        click.echo(page(rule) if rule is not None else explained.page() if explained is not None else "", nl=False)


def _known(edition: str | None) -> str:
    from rules.editions import EDITIONS, NEWEST

    if edition is not None and edition not in EDITIONS:
        raise click.UsageError(f"There are no facts for edition {edition}, only for {', '.join(EDITIONS)}.")
    return edition or NEWEST


def _hint(name: str) -> str:
    """What the name may be a slip of."""
    from difflib import get_close_matches

    from rules.dictionary import TAGS
    from rules.iods import iods
    from rules.registry import all_rules

    close = get_close_matches(name, [*all_rules(), *iods(), *TAGS], n=3)
    return f" Did you mean {', '.join(close)}?" if close else ""


@rules.command()
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
def coverage(form: str) -> None:
    """Count, for every IOD, the Modules, Attributes and conditions that are checked."""
    from rules.coverage import coverage as count

    every = [asdict(each) for each in count()]
    if form == "json":
        _print_json(every)
        return
    names = ["iod", "modules", "attributes", "conditions", "undecided_conditions", "image_type"]
    _print_table([name.replace("_", " ") for name in names], [[str(each[name]) for name in names] for each in every])


def _line(rule: Rule) -> list[str]:
    return [rule.id, rule.severity.value, section_of(rule), rule.summary]


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=1))


def _print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for a terminal; for a file or a pipe, tab-separated lines without heads."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, box=None)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
