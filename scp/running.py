"""Finds the node that runs on a store, tells it to read its configuration again, and hears what came of it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from scp.database import reading
from scp.queries import Row, events
from scp.store import LOCK

UNIT = "dicomgate.service"

LOOK = 0.1
"""Seconds between looks whether the node has said what came of it."""


@dataclass(frozen=True, slots=True)
class Running:
    """The first process of a node, and how it was found."""

    pid: int
    found_by: str


def find(store: Path) -> Running | None:
    """The node that holds this store, by its lock file; else the one that systemd calls dicomgate."""
    return _by_lock(store / LOCK) or _by_unit()


def _by_lock(lock: Path) -> Running | None:
    """Only a process that has the very file open is meant: the number may be another's by now, or of a container."""
    try:
        pid = int(lock.read_text())
        for each in Path(f"/proc/{pid}/fd").iterdir():
            if each.exists() and each.samefile(lock):
                return Running(pid, f"the lock of {lock.parent}")
    except (OSError, ValueError):
        pass
    return None


def _by_unit() -> Running | None:
    try:
        said = subprocess.run(  # noqa: S603
            ["systemctl", "show", "--property=MainPID", "--value", UNIT],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Running(int(said), f"systemd's {UNIT}") if said.isdecimal() and int(said) else None


def reload(node: Running, engine: sa.Engine, wait: float) -> Row | None:
    """Tell it, and the event that says what came of that; None where there is none in time.

    Raises OSError where it may not be signalled or has gone; DatabaseGone where it was told, and nobody hears more.
    """
    try:
        before = {row["id"] for row in _said(engine)}
    finally:
        os.kill(node.pid, signal.SIGHUP)
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        time.sleep(LOOK)
        new = [row for row in _said(engine) if row["id"] not in before]
        if new:
            return new[0]
    return None


def _said(engine: sa.Engine) -> list[Row]:
    with reading(engine) as connection:
        return list(events(connection, kind="reload*", limit=20))
