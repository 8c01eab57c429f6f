"""While the database is away senders are told so at once, nothing is half-kept, and it goes on by itself after."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from consistency import disagreements
from databases import Postgres
from senders import STORED, Sender, all_acknowledged
from serving import Served, serving

GONE = 0xA701
PATIENCE = 40.0


def until(what: str, senders: list[Sender], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        senders[0].join(0.02)


def test_postgres_stopped_and_started_under_load(tmp_path: Path, stoppable_postgres: Postgres) -> None:
    url = stoppable_postgres.new_database()
    with serving(tmp_path, url) as node:
        senders = [Sender(node.port, each, 1500, size=2000) for each in range(2)]
        for each in senders:
            each.start()
        until("the first are stored", senders, lambda: len(all_acknowledged(senders)) > 30)
        stoppable_postgres.stop(signal.SIGQUIT)
        until("senders are told", senders, lambda: sum(each.statuses[GONE] for each in senders) > 5)
        assert node.get("/readyz")[0] == 503
        assert node.get("/healthz")[0] == 200
        stored = len(all_acknowledged(senders))
        stoppable_postgres.start()
        until("it goes on", senders, lambda: len(all_acknowledged(senders)) > stored + 30)
        for each in senders:
            each.join(PATIENCE)
        assert {status for each in senders for status in each.statuses} == {0x0000, GONE}
        assert disagreements(url, node.store, all_acknowledged(senders)) == []
        assert list((node.store / "incoming").iterdir()) == []
        assert node.get("/readyz")[0] == 200
    stoppable_postgres.drop(url)


def test_sqlite_locked_by_another_program(tmp_path: Path) -> None:
    with serving(tmp_path, more="audit.connect_timeout = 1") as node:
        lock = sqlite3.connect(tmp_path / "audit.db", isolation_level=None)
        lock.execute("begin immediate")
        sender = Sender(node.port, 0, 3, size=2000)
        sender.start()
        sender.join(PATIENCE)
        assert sender.statuses == {GONE: 3}
        lock.execute("rollback")
        lock.close()
        until("it goes on", [sender], lambda: served(node))
        assert disagreements(node.url, node.store, {}) == []


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """A volume of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small volume")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError:
            return filler


def test_the_databases_volume_is_full(tmp_path: Path, small_volume: Path) -> None:
    url = f"sqlite:///{small_volume}/audit.db"
    with serving(tmp_path, url) as node:
        check_full(node, small_volume, url, {GONE})


def test_the_stores_volume_is_full(tmp_path: Path, small_volume: Path) -> None:
    (tmp_path / "store").symlink_to(small_volume)
    with serving(tmp_path) as node:
        check_full(node, small_volume, node.url, {0xA700})


def check_full(node: Served, volume: Path, url: str, refusals: set[int]) -> None:
    """A full volume refuses with these statuses, loses nothing, and once there is room it goes on."""
    before = Sender(node.port, 0, 5)
    before.start()
    before.join(PATIENCE)
    filler = fill(volume)
    during = Sender(node.port, 1, 40)
    during.start()
    during.join(PATIENCE)
    assert during.statuses.total() == 40
    assert set(during.statuses) & refusals
    assert set(during.statuses) <= refusals | set(STORED)
    filler.unlink()
    senders = [before, during]
    deadline = time.monotonic() + PATIENCE
    while senders[-1].statuses != {0: 5}:  # each worker finds out for itself that there is room again
        assert time.monotonic() < deadline, "there is room again"
        senders.append(Sender(node.port, len(senders), 5))
        senders[-1].start()
        senders[-1].join(PATIENCE)
    assert disagreements(url, node.store.resolve(), all_acknowledged(senders)) == []
    assert list((node.store / "incoming").iterdir()) == []


def served(node: Served) -> bool:
    """Whether an instance is stored now."""
    probe = Sender(node.port, 1000 + int(time.monotonic() * 1000) % 1_000_000, 1, size=100)
    probe.start()
    probe.join(PATIENCE)
    return bool(probe.statuses[0])
