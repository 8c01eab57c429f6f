"""`dicomgate check`: files against PS3.3, without a node."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from scp.config_file import ConfigError
from scp.examine import examine, make_bench
from scp.files import Candidate, candidates, listed_paths
from scp.progress import progress_wanted, with_progress
from scp.reports.run import FORMATS, Run, report_in
from scp.reports.summary import Tally, counting, summary

NOT_READ = 2
"""Exit code where something could not be read, or the command line was wrong."""


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="json is one list, jsonl an object a line; sarif and junit are for CI systems, html is a page to hand on.",
)
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes to check with.")
@click.option("--edition", help="Edition of the Standard, such as 2025e.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file.")
@click.option("--policy", "actions", is_flag=True, help="Show what the policy makes of each finding (text).")
@click.option(
    "--explain-policy",
    "explained",
    is_flag=True,
    help="Say which line of the policy decided (text, json, jsonl).",
)
@click.option("--explain", "told", is_flag=True, help="Tell what multi-frame instances hold, findings beside it.")
@click.option("--calling-ae", default="", metavar="TITLE", help="Judge as if this AE had sent the files.")
def check(
    paths: tuple[str, ...],
    form: str,
    jobs: int,
    edition: str | None,
    config: Path | None,
    actions: bool,
    explained: bool,
    told: bool,
    calling_ae: str,
) -> None:
    """Check files against PS3.3 and say what the policy would do with them.

    PATH is a file, a folder (walked, by name), or - for a list of paths on standard input, separated by newlines or
    NULs. Part 10 files and bare Data Sets are read. Of the files met in a folder those that are no DICOM are passed
    over and counted, unless they are called .dcm or .dicom, are empty or cannot be read.

    Exit code 0: no finding of severity error; 1: some; 2: something could not be read.
    """
    try:
        bench = make_bench(config, edition, calling_ae)
    except (ConfigError, ValueError) as error:
        for line in str(error).splitlines():
            click.echo(f"dicomgate: {line}", err=True)
        raise SystemExit(NOT_READ) from None
    listed = listed_paths(sys.stdin.buffer.read()) if "-" in paths else ()
    found: Iterable[Candidate] = candidates(paths, listed)
    if told:
        from scp.explained import explain_all

        raise SystemExit(explain_all(found, bench, partial(click.echo, color=_color()), partial(click.echo, err=True)))
    if progress_wanted():
        found = list(found)
    if jobs > 1:
        from scp.examine_many import examine_all

        outcomes = examine_all(found, jobs, partial(make_bench, config, edition, calling_ae))
    else:
        outcomes = (examine(each, bench) for each in found)
    if isinstance(found, list) and len(found) > 1:
        outcomes = with_progress(outcomes, len(found))
    tally = Tally()
    run = Run(datetime.now(UTC), bench.rules, bench.policy, actions, explained)
    _print(report_in(form)(counting(outcomes, tally), run), form)
    if tally.files > 1:
        for line in summary(tally):
            click.echo(line, err=True)
    if tally.failed:
        raise SystemExit(NOT_READ)
    raise SystemExit(1 if tally.with_errors else 0)


def _print(report: Iterable[str], form: str) -> None:
    """Put a report on standard output, piece by piece; all but text is UTF-8 whatever the terminal speaks."""
    for piece in report:
        if form == "text":
            click.echo(piece, nl=False, color=_color())
        else:
            click.echo(piece.encode(), nl=False)


def _color() -> bool | None:
    """False where nobody wants colours; None leaves it to the terminal."""
    return False if os.environ.get("NO_COLOR") else None
