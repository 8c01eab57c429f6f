"""A node under a service manager: what it tells, what it waits for, and what it says where it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import needs
import peers
import pytest
from databases import Postgres
from peers import Peer
from serving import PROGRAM, Manager, Served, configure, free_port, kill_session, started, wait_for

from scp.notify import forget, notify
from scp.watch import LONGEST_TRANSACTION, Health, Watch

PATIENCE = 60.0


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with Manager(tmp_path / "notify") as made:
        yield made


@pytest.fixture
def watch(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    return Watch()


def said(manager: Manager) -> list[str]:
    manager.told.setblocking(False)
    try:
        return manager.told.recv(4096).decode().splitlines()
    except BlockingIOError:
        return []


def test_signs_of_life_stop_while_a_child_is_silent_or_its_committer_hangs(manager: Manager, watch: Watch) -> None:
    child = Health("worker-1 (7)", heard=100)
    watch.turn(101, "serving", [child], None)
    assert said(manager) == ["STATUS=serving", "WATCHDOG=1"]
    watch.turn(100 + 31, "serving", [child], None)
    assert said(manager) == []
    child.heard = 140
    watch.turn(141, "serving", [child], None)
    assert said(manager) == ["WATCHDOG=1"]
    child.busy = LONGEST_TRANSACTION + 1
    watch.turn(142, "serving", [child], None)
    assert said(manager) == []


def test_more_time_is_asked_for_while_a_step_of_the_start_lasts_and_not_for_ever(
    manager: Manager, watch: Watch
) -> None:
    watch.turn(10, "starting: migrates", [], 0)
    assert [each.partition("=")[0] for each in said(manager)] == ["STATUS", "EXTEND_TIMEOUT_USEC"]
    watch.turn(10_000, "starting: migrates", [], 0)
    assert said(manager) == []


def test_a_child_does_not_speak_to_the_manager(watch: Watch, manager: Manager) -> None:
    assert watch.every is not None
    forget()
    assert not notify("READY=1")
    assert Watch().every is None
    assert said(manager) == []


def test_a_stopped_worker_ends_the_signs_of_life_and_says_so(tmp_path: Path, manager: Manager) -> None:
    port, http_port = configure(tmp_path, more="dimse.workers = 1\n")
    env = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "4000000"}
    with started(tmp_path, port, http_port, f"sqlite:///{tmp_path}/audit.db", env) as node:
        status = f"STATUS=serving DIMSE 127.0.0.1:{port}, HTTP 127.0.0.1:{http_port}: 1 of 1 workers"
        manager.hears("READY=1")
        manager.hears(status)
        manager.hears("WATCHDOG=1")
        (worker,) = node.children("worker")
        os.kill(worker, signal.SIGSTOP)
        assert manager.silent("WATCHDOG=1", 4)
        assert f"worker-1 ({worker}) has not answered" in node.log
        os.kill(worker, signal.SIGCONT)
        manager.hears("WATCHDOG=1")
        assert node.stop() == 0
        manager.hears("STATUS=stopping")


def test_a_start_waits_for_a_server_that_comes_later(
    tmp_path: Path, manager: Manager, stoppable_postgres: Postgres
) -> None:
    url = stoppable_postgres.new_database()
    stoppable_postgres.stop()
    port, http_port = configure(tmp_path, url)
    coming = threading.Thread(target=come_when_missed, args=(manager, stoppable_postgres))
    coming.start()
    try:
        with started(tmp_path, port, http_port, url, {"NOTIFY_SOCKET": str(manager.path)}) as node:
            manager.hears("READY=1")
            assert "waits for the database, up to 300 s" in node.log
            assert node.stop() == 0
    finally:
        coming.join(PATIENCE)
        stoppable_postgres.start()
        stoppable_postgres.drop(url)


def come_when_missed(manager: Manager, server: Postgres) -> None:
    assert "connection refused" in manager.hears("STATUS=starting: waits for the database:")
    manager.hears("EXTEND_TIMEOUT_USEC=")
    server.start()


def ends(folder: Path) -> tuple[int, str]:
    """Exit code and words of a node that cannot start."""
    done = subprocess.run(
        [PROGRAM, "serve", "--config", folder / "dicomgate.toml"],
        capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=folder,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_a_start_waits_for_a_server_only_so_long(tmp_path: Path) -> None:
    url = f"postgresql://dicomgate:secret@127.0.0.1:{free_port()}/audit"
    configure(tmp_path, url, more="audit.start_timeout = 1\n")
    code, words = ends(tmp_path)
    assert code == 2
    assert "connection refused: is Postgres running there? (waited 1 s for it: audit.start_timeout)" in words
    assert "secret" not in words


@pytest.mark.parametrize("names", ["dimse:http", "http:other"])
def test_systemds_own_activation_starts_it_when_somebody_comes(tmp_path: Path, names: str) -> None:
    """Whoever waits at a socket that belongs to no door is turned away, and the log says why."""
    activate = needs.tool("systemd-socket-activate")
    configure(tmp_path)
    ports = [free_port(), free_port()]
    words = [activate, *(f"--listen=127.0.0.1:{each}" for each in ports), f"--fdname={names}"]
    with (tmp_path / "log").open("ab") as log:
        process = subprocess.Popen(
            [*words, PROGRAM, "serve", "--config", tmp_path / "dicomgate.toml"],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    served = Served(process, tmp_path, ports[0], ports[1], f"sqlite:///{tmp_path}/audit.db")
    if names == "http:other":
        served.port, served.http_port = ports[1], ports[0]
    try:
        wait_for(ports[0], process, served)
        assert served.get("/healthz") == (200, "ok\n")
        if names == "http:other":
            assert "a socket named other was handed over, and no door of that name is open" in served.log
        else:
            with Peer(served.port, timeout=60) as peer:
                assert peer.associate()[0] == peers.ACCEPT
        assert served.stop() == 0
    finally:
        kill_session(process)
