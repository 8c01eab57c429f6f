"""What a service manager is told, and what it hands over: sd_notify and socket activation, without its library."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

FIRST_FD = 3
"""The first descriptor that is handed over (sd_listen_fds(3))."""


PATIENCE = 1.0
"""Seconds that news may wait which the manager must not miss, where it has much to read."""


def notify(*lines: str, patience: float = 0.0, env: Mapping[str, str] = os.environ) -> bool:
    """Tell the service manager: `READY=1`, `STATUS=...`, `WATCHDOG=1`; False where nobody asked to be told.

    Never raises and waits no longer than `patience`: a manager that does not listen must not stop the node.
    """
    address = env.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.settimeout(patience)
        try:
            sock.sendto("\n".join(lines).encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return False
    return True


def forget() -> None:
    """In a child: what the manager said was for its parent, and nothing that the child starts may speak for that."""
    for each in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(each, None)


def is_managed(env: Mapping[str, str] = os.environ) -> bool:
    """Whether a service manager wants to be told how the node is."""
    return bool(env.get("NOTIFY_SOCKET"))


def reloading() -> bool:
    """Say that the configuration is being read again; `READY=1` ends it."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    return notify("RELOADING=1", f"MONOTONIC_USEC={now}", patience=PATIENCE)


def watchdog_interval(env: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two `WATCHDOG=1`, half of what the manager allows; None where it does not watch this process."""
    allowed, pid = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
    if not allowed.isdecimal() or int(allowed) == 0 or pid not in ("", str(os.getpid())):
        return None
    return int(allowed) / 2e6


def handed_over(env: Mapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """Listening sockets by the name that the manager gave them (FileDescriptorName=), none where none are for us."""
    if env.get("LISTEN_PID") != str(os.getpid()) or not env.get("LISTEN_FDS", "").isdecimal():
        return {}
    count = int(env["LISTEN_FDS"])
    names = env.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for index in range(count):
        fd = FIRST_FD + index
        os.set_inheritable(fd, False)
        name = names[index] if index < len(names) and names[index] else "unknown"
        found.setdefault(name, []).append(socket.socket(fileno=fd))
    return found
