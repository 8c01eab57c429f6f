"""Devices that have been quiet for longer than they may be (`quiet_hours`): told once a silence, and at its end.

What the audit has is asked, not what this process saw: so a restart forgets no silence, and nodes that share an audit
hear for each other. While receipts wait in the spool, or the audit is away, nobody is called silent.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from scp.database import DatabaseProblem, reading
from scp.receive import Node
from scp.records import Event
from scp.settings import Device
from scp.spool import backlog
from scp.tables import event, receipt

log = logging.getLogger("dicomgate.silence")

SILENT, HEARD = "device-silent", "device-heard"
"""Kinds of the events."""

LONGEST_PAUSE, SHORTEST_PAUSE = 60.0, 1.0
"""Seconds between looks: a quarter of what the least patient device is allowed, within these."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A device: when its last instance came, if ever, and whether it has been quiet for too long."""

    device: Device
    last: datetime | None
    silent: bool


class SilenceAlarm:
    """Looks after the devices in a thread of its own; with `records`, it is the one that tells."""

    def __init__(self, devices: Sequence[Device], node: Node, *, records: bool) -> None:
        self._devices = devices
        self._node = node
        self._records = records
        self._began = datetime.now(UTC)
        self._heard: tuple[Heard, ...] = ()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="silence", daemon=True)

    def start(self) -> None:
        """Begin to look, where there is a device at all."""
        if self._devices:
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    @property
    def heard(self) -> Sequence[Heard]:
        """What the last look found."""
        return self._heard

    def look(self, now: datetime) -> None:
        """Ask the audit, and tell of what has changed. Raises DatabaseProblem."""
        with reading(self._node.engine) as connection:
            last = {each.name: _last_receipt(connection, each.name) for each in self._devices}
            told = _silences(connection) if self._records else {}
        waits = backlog(self._node.store)[0] > 0
        heard = []
        for each in self._devices:
            came = last[each.name]
            quiet = now - (came or self._began)
            silent = bool(each.quiet_hours) and not waits and quiet > timedelta(hours=each.quiet_hours)
            heard.append(Heard(each, came, silent))
            if not self._records:
                continue
            if each.name in told and came is not None and came > told[each.name]:
                self._tell_of_sound(each, now)
                del told[each.name]
            if silent and each.name not in told:
                self._tell_of_silence(each, came, quiet, now)
        self._heard = tuple(heard)

    def _tell_of_silence(self, device: Device, last: datetime | None, quiet: timedelta, now: datetime) -> None:
        hours = quiet / timedelta(hours=1)
        detail: dict[str, object] = {
            "device": device.name,
            "hours": round(hours, 2),
            "quiet_hours": device.quiet_hours,
            "last": None if last is None else last.isoformat(timespec="milliseconds"),
            "contact": device.contact,
        }
        since = "since the node watches" if last is None else f"since {last:%Y-%m-%d %H:%M} UTC"
        words = f"nothing came from {device.name} {since}: {hours:.1f} hours, {device.quiet_hours:g} are allowed"
        self._node.committer.note(Event(now, SILENT, words, detail))
        log.warning("%(words)s", {**detail, "words": words})

    def _tell_of_sound(self, device: Device, now: datetime) -> None:
        words = f"{device.name} is heard again"
        self._node.committer.note(Event(now, HEARD, words, {"device": device.name}))
        log.warning("%(words)s", {"device": device.name, "words": words})

    def _run(self) -> None:
        allowed = [each.quiet_hours * 3600 / 4 for each in self._devices if each.quiet_hours]
        pause = max(SHORTEST_PAUSE, min([LONGEST_PAUSE, *allowed]))
        while True:
            try:
                self.look(datetime.now(UTC))
            except DatabaseProblem as error:
                log.debug("devices cannot be looked after: %s", error)
            except Exception:
                log.exception("devices cannot be looked after")
            if self._stopping.wait(pause):
                return


def _last_receipt(connection: sa.Connection, device: str) -> datetime | None:
    """When its newest instance began to arrive: the end of an index, whatever the table holds."""
    query = sa.select(receipt.c.received_at).where(receipt.c.device == device)
    moment: datetime | None = connection.scalar(query.order_by(receipt.c.received_at.desc()).limit(1))
    return moment


def _silences(connection: sa.Connection) -> dict[str, datetime]:
    """The devices whose silence has been told, and when, without those that were heard since."""
    query = sa.select(event.c.at, event.c.kind, event.c.detail).where(event.c.kind.in_([SILENT, HEARD]))
    told: dict[str, datetime] = {}
    for at, kind, detail in connection.execute(query.order_by(event.c.at, event.c.id)):
        device = json.loads(detail)["device"]
        if kind == SILENT:
            told[device] = at
        else:
            told.pop(device, None)
    return told
