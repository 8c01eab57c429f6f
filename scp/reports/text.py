"""What `check` found, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from rules.model import Severity
from scp.examine import Failed
from scp.policy import why
from scp.reports.run import Run, Told
from scp.reports.wording import kind, place, printable, repeats, shown_path
from scp.verdict import Action, Decision

SEVERITY_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}
ACTION_COLOURS = {Action.ACCEPT: "green", Action.FLAG: "yellow", Action.QUARANTINE: "magenta", Action.REJECT: "red"}

WIDEST = 60
"""Columns that the longest path may push the messages to the right."""


def text(outcomes: Iterable[Told], run: Run) -> Iterator[str]:
    """A headline for each file and a line for each of its findings."""
    for outcome in outcomes:
        for line in _lines(outcome, run):
            yield f"{line}\n"


def _lines(outcome: Told, run: Run) -> Iterator[str]:
    path = click.style(printable(shown_path(outcome.path)), bold=True)
    if isinstance(outcome, Failed):
        yield f"{path}  {click.style('error', fg='red')}  {printable(outcome.error)}"
        return
    verdict = outcome.verdict
    yield f"{path}  {kind(outcome)}  {click.style(verdict.action, fg=ACTION_COLOURS[verdict.action])}"
    width = max((len(place(each.finding)) for each in verdict.decisions), default=0)
    for each in verdict.decisions:
        yield _finding_line(each, min(width, WIDEST), run.actions)
        if run.explained:
            yield click.style(f"             {each.action}: {why(each, verdict, run.policy)}", dim=True)


def _finding_line(decision: Decision, width: int, actions: bool) -> str:
    finding = decision.finding
    severity = click.style(f"{finding.severity:<7}", fg=SEVERITY_COLOURS[finding.severity])
    drawn = f"{click.style(f'{decision.action:<10}', fg=ACTION_COLOURS[decision.action])}  " if actions else ""
    message = printable(finding.message) + repeats(finding)
    source = click.style(f"[{finding.rule}, {finding.section}]", dim=True)
    return f"    {severity}  {drawn}{place(finding):<{width}}  {message}  {source}"
