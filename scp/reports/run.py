"""What every report is given: the outcomes as they come, and the run that they are of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import cast

from rules.engine import RuleSet
from scp.examine import Examined, Failed
from scp.policy import Policy

Told = Examined | Failed
"""An outcome that is reported; what was passed over is only counted."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of `check`: when it began (UTC), and what the files are held against.

    `actions` asks for what the policy makes of each finding, `explained` for which line decided and why; both are
    for text and JSON.
    """

    started: datetime
    rules: RuleSet
    policy: Policy
    actions: bool = False
    explained: bool = False


Report = Callable[[Iterable[Told], Run], Iterator[str]]
"""Yields the report piece by piece; pieces are joined without anything in between."""

FORMATS = {
    "text": "scp.reports.text:text",
    "json": "scp.reports.objects:json_list",
    "jsonl": "scp.reports.objects:json_lines",
    "sarif": "scp.reports.sarif:sarif",
    "junit": "scp.reports.junit:junit",
    "html": "scp.reports.html:html",
}
"""Name: where the report is. Imported when called, since a template engine costs more than a check."""


def report_in(form: str) -> Report:
    """The report of this name."""
    module, _, name = FORMATS[form].partition(":")
    return cast(Report, getattr(import_module(module), name))
