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
@click.argument("rule_id", metavar="RULE")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True)
def show(rule_id: str, form: str) -> None:
    """Print all that is known of one rule, with examples."""
    from rules.registry import all_rules

    rule = all_rules().get(rule_id)
    if rule is None:
        from difflib import get_close_matches

        close = get_close_matches(rule_id, all_rules(), n=3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise click.UsageError(f"There is no rule {rule_id!r}.{hint}")
    if form == "json":
        _print_json(as_json(rule))
    else:
        click.echo(page(rule), nl=False)


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
