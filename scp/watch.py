"""What the service manager is told while the node runs: how it is, and that it lives.

It is told that the node lives as long as the acceptor's loop turns, every child in service has answered a pulse
lately, and none of their committers hangs. A database that is away is no reason to end the node: nothing hangs then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from scp.notify import is_managed, notify, watchdog_interval

log = logging.getLogger("dicomgate")

TURN = 5.0
"""Seconds between two looks, less where the manager wants signs of life more often."""

LONGEST_TRANSACTION = 120.0
"""Seconds that a committer may be inside one transaction; what the database may take of it is bounded far below."""

LONGEST_STEP = 3600.0
"""Seconds that a step of the start may take before the service manager is no longer asked for more time."""


class Health:
    """What a child in service has last said of itself."""

    def __init__(self, name: str, heard: float) -> None:
        self.name = name
        self.heard = heard
        self.busy = 0.0

    def trouble(self, now: float, patience: float) -> str:
        """What is wrong with it, or nothing."""
        if now - self.heard > patience:
            return f"{self.name} has not answered for {now - self.heard:.0f} s"
        if self.busy > LONGEST_TRANSACTION:
            return f"the committer of {self.name} has been inside one transaction for {self.busy:.0f} s"
        return ""


class Watch:
    """Tells the manager, where there is one; `turn` is to be called every `every` seconds, None where there is none."""

    def __init__(self) -> None:
        self._watchdog = watchdog_interval()
        self.every = min(TURN, self._watchdog / 3 if self._watchdog else TURN) if is_managed() else None
        self._due = 0.0
        self._status = ""
        self._trouble = ""

    def due(self, now: float) -> bool:
        """Whether `turn` is to be called."""
        return self.every is not None and now >= self._due

    def next(self, now: float) -> float | None:
        """When `turn` is to be called again."""
        return None if self.every is None else max(self._due, now)

    def turn(self, now: float, status: str, children: Iterable[Health], step_began: float | None) -> None:
        """Tell how the node is; `step_began` is when the step of the start began that it is at, None once it serves."""
        if self.every is None:
            return
        self._due = now + self.every
        lines = []
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={status}")
        if step_began is not None and now - step_began < LONGEST_STEP:
            lines.append(f"EXTEND_TIMEOUT_USEC={int((self.every + 30) * 1e6)}")
        if self._watchdog is not None and step_began is None and self._is_sound(now, children):
            lines.append("WATCHDOG=1")
        if lines:
            notify(*lines)

    def _is_sound(self, now: float, children: Iterable[Health]) -> bool:
        assert self._watchdog is not None
        trouble = "; ".join(filter(None, (each.trouble(now, self._watchdog) for each in children)))
        if trouble and not self._trouble:
            log.error("%s: the service manager's watchdog is told nothing more", trouble)
        elif self._trouble and not trouble:
            log.warning("all processes answer again")
        self._trouble = trouble
        return not trouble
