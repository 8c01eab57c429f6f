"""An explained instance, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import click

from rules.engine import Checked
from rules.model import Finding
from scp.maps.explain import Section
from scp.reports.text import SEVERITY_COLOURS
from scp.reports.wording import printable, repeats, shown_path

LABEL = 20
"""Columns of the labels on the left."""
WIDTH = 110
"""Columns after which a line is broken."""


def explained(path: str, sections: Sequence[Section], checked: Checked) -> Iterator[str]:
    """The lines of one instance, without ends of line."""
    yield click.style(printable(shown_path(path)), bold=True)
    for section in sections:
        yield ""
        yield click.style(section.title, bold=True, underline=True)
        for placed in section.lines:
            if placed.line.label or placed.line.text:
                yield from _wrapped(placed.line.label, printable(placed.line.text))
            for finding in placed.findings:
                yield from _finding(finding)
    yield ""
    counts = [f"{len(checked.findings) or 'no'} finding{'s' * (len(checked.findings) != 1)}"]
    if checked.undecided:
        counts.append(f"{checked.undecided} requirements that the instance alone cannot show to be met")
    yield click.style(f"PS3.3 {checked.edition}: {', '.join(counts)}", dim=True)


def _wrapped(label: str, text: str) -> Iterator[str]:
    lines = textwrap.wrap(text, WIDTH - LABEL - 2, break_on_hyphens=False) or [""]
    yield f"  {click.style(f'{label:<{LABEL}}', fg='cyan')}{lines[0]}"
    for line in lines[1:]:
        yield " " * (LABEL + 2) + line


def _finding(finding: Finding) -> Iterator[str]:
    colour = SEVERITY_COLOURS[finding.severity]
    steps = finding.path.split(".")
    where = f"{steps[-1]} " if finding.path else ""
    value = f"value {finding.value_number} " if finding.value_number is not None else ""
    told = f"{where}{value}{finding.message}{repeats(finding)}  [{finding.rule}, {finding.section}]"
    mark = click.style(f"{'^ ' + finding.severity:<{LABEL}}", fg=colour)
    lines = textwrap.wrap(printable(told), WIDTH - LABEL - 2, break_on_hyphens=False)
    yield f"  {mark}{lines[0]}"
    for line in lines[1:]:
        yield " " * (LABEL + 2) + line
