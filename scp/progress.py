"""A progress bar on standard error, where somebody watches it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TypeVar

Each = TypeVar("Each")

REDRAWN_AFTER = 0.1
"""Seconds between two drawings of the bar."""


def progress_wanted() -> bool:
    """Whether a bar would be seen, and not come between results on the same terminal."""
    return sys.stderr.isatty() and not sys.stdout.isatty()


def with_progress(items: Iterable[Each], total: int) -> Iterator[Each]:
    """The items as they come, with a bar that counts them up to `total` and vanishes at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Drawn by hand: the thread that would do it must not exist when processes are forked.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=total)
        drawn = 0.0
        for item in items:
            yield item
            bar.advance(task)
            if monotonic() - drawn > REDRAWN_AFTER:
                bar.refresh()
                drawn = monotonic()
