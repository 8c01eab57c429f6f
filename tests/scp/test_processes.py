"""One acceptor, several workers: limits hold over all of them, and the death of any is put right while others serve."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import builders
import peers
import pytest
from consistency import disagreements
from peers import Peer
from senders import Sender, all_acknowledged
from serving import Served, activated, configure, doors, serving, started

from scp.file_meta import file_meta
from scp.store import Store

PATIENCE = 20.0
TWO = "dimse.workers = 2\n"


def until(holds: Callable[[], object], what: str = "") -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def stored(peer: Peer, uid: str) -> int:
    data = builders.data_set(builders.ct(SOPInstanceUID=uid), peers.IMPLICIT)
    return peers.status(peer.store(peers.CT, uid, data))


def events(node: Served, kind: str) -> list[str]:
    return [text for (text,) in node.ask(f"select text from event where kind = '{kind}' order by id")]


@contextmanager
def associated(node: Served, number: int, calling: str = "PEER") -> Iterator[list[Peer]]:
    """So many open Associations."""
    made = [Peer(node.port) for _ in range(number)]
    try:
        for each in made:
            assert each.associate(calling=calling)[0] == peers.ACCEPT
        yield made
    finally:
        for each in made:
            each.socket.close()


# Sharing out


def test_each_worker_gets_its_share(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node, associated(node, 4) as four:
        for index, each in enumerate(four):
            assert stored(each, f"1.2.3.{index + 1}") == 0
        writers = node.ask("select (id >> 12) & 1023, count(*) from receipt group by 1")
    assert [count for _, count in writers] == [2, 2]


def test_limits_hold_over_all_workers(tmp_path: Path) -> None:
    limits = "dimse.max_associations = 5\ndimse.max_associations_per_ae = 3\n"
    with serving(tmp_path, more=TWO + limits) as node:
        with associated(node, 3, "GREEDY"), Peer(node.port) as fourth:
            kind, body = fourth.associate(calling="GREEDY")
            assert (kind, tuple(body[1:4])) == (peers.REJECT, (2, 3, 2))
            with associated(node, 2, "OTHER"), Peer(node.port) as sixth:
                assert sixth.associate(calling="ANOTHER")[0] == peers.REJECT
        until(lambda: admitted(node, "GREEDY") == 3, "places are given back")
        until(lambda: any("of GREEDY are open, at most 3" in each for each in events(node, "association-refused")))


def admitted(node: Served, calling: str) -> int:
    """How many of three Associations find a place now."""
    three = [Peer(node.port) for _ in range(3)]
    try:
        return sum(each.associate(calling=calling)[0] == peers.ACCEPT for each in three)
    finally:
        for each in three:
            each.socket.close()


def test_five_hundred_silent_connections_hold_up_nobody(tmp_path: Path) -> None:
    limits = "dimse.association_timeout = 60\n"
    with serving(tmp_path, more=TWO + limits) as node:
        silent = [Peer(node.port) for _ in range(500)]
        sender = Sender(node.port, 0, 20, source="127.0.0.2")
        sender.start()
        sender.join(PATIENCE)
        assert sender.statuses == {0: 20}
        assert node.get("/healthz")[0] == 200
        for each in silent:
            each.socket.close()
        until(lambda: events(node, "connection-refused"))
        assert len(events(node, "connection-refused")) == 1
        before = Sender(node.port, 1, 5)
        before.start()
        before.join(PATIENCE)
        assert before.statuses == {0: 5}


# Death


def test_a_worker_that_is_killed_under_load_is_replaced_and_nothing_acknowledged_is_lost(
    tmp_path: Path, database_url: str
) -> None:
    with serving(tmp_path, database_url, TWO) as node:
        before = node.children("worker")
        senders = [Sender(node.port, each, 500) for each in range(4)]
        for each in senders:
            each.start()
        until(lambda: len(all_acknowledged(senders)) > 80)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(set(node.children("worker")) - {victim}) == 2, "a new worker")
        for each in senders:
            each.join(60)
        died = node.eventually("select text, detail from event where kind = 'worker-died'")
        assert len(died) == 1
        assert "was killed by SIGKILL; 2 associations were dropped" in died[0][0]
        assert sum(len(each.acknowledged) == 500 for each in senders) == 2, "those of the other worker went on"
        until(lambda: node.ask("select count(*) from association where ending = 'crashed'") == [(2,)])
        more = [Sender(node.port, 10 + each, 10) for each in range(4)]
        for each in more:
            each.start()
        for each in more:
            each.join(PATIENCE)
            assert each.statuses == {0: 10}
        until(lambda: list((node.store / "incoming").iterdir()) == [], "what was half received is swept")
        until(lambda: disagreements(database_url, node.store, all_acknowledged(senders + more)) == [])
        assert "2 of 2 workers" in node.get("/readyz")[1]
        assert node.stop() == 0
    assert node.run("db", "check").returncode == 0


def test_what_a_dead_worker_left_is_put_right_and_what_the_living_do_is_not_touched(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node, associated(node, 2) as two:
        uids = {each: f"1.2.3.{number + 1}" for number, each in enumerate(two)}
        for each, uid in uids.items():
            command = peers.pdv(peers.c_store_rq(peers.CT, uid), 1, command=True, last=True)
            each.send(peers.p_data(command) + peers.p_data(peers.pdv(b"", 1, command=False, last=False)))
        parts = node.store / "incoming"
        until(lambda: len(list(parts.iterdir())) == 2)
        # As when a worker is killed after it has renamed a file and before the row is committed.
        numbers = {(int(each.stem) >> 12) & 1023: each for each in parts.iterdir()}
        renamed = {number: leave_without_a_row(node, number) for number in numbers}
        victim, survivor = sorted(node.children("worker"))
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(list(parts.iterdir())) == 1, "the part of the dead is swept")
        ended = select.select([each.socket for each in two], [], [], PATIENCE)[0]
        (alive,) = (each for each in two if each.socket not in ended)
        data = builders.data_set(builders.ct(SOPInstanceUID=uids[alive]), peers.IMPLICIT)
        alive.send(peers.p_data(peers.pdv(data, 1, command=False, last=True)))
        assert peers.status(alive.response()) == 0
        until(lambda: node.ask("select 1 from receipt where door = 'recovery'"), "what has no row is received again")
        (kept,) = [path for path in renamed.values() if path.exists()]
        assert node.ask("select sop_instance_uid from receipt where door = 'recovery'") != [(f"1.2.4.{kept.stem}",)]
        assert survivor in node.children("worker")


def leave_without_a_row(node: Served, number: int) -> Path:
    """A kept instance that was received under a process number, and has no receipt."""
    now = int((time.time() - datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1000)
    id = (now << 22) | (number << 12) | 4095
    store = Store(node.store, 0)
    data = builders.data_set(builders.ct(SOPInstanceUID=f"1.2.4.{id}"))
    part = store.begin(id, file_meta(peers.CT, f"1.2.4.{id}", builders.EXPLICIT, "PEER", "DICOMGATE"))
    part.write(data)
    path = node.store / store.place(part, "instances")
    part.close()
    return path


def test_a_worker_that_dies_at_once_again_and_again_is_started_less_and_less_often(tmp_path: Path) -> None:
    with serving(tmp_path, more="dimse.workers = 1\n") as node:
        seen: set[int] = set()
        began = time.monotonic()
        while len(seen) < 5:
            for pid in node.children("worker"):
                if pid not in seen:
                    seen.add(pid)
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < began + PATIENCE
            time.sleep(0.02)
        assert time.monotonic() - began > 0.25 + 0.5 + 1
        with Peer(node.port, timeout=PATIENCE) as patient:
            assert patient.associate()[0] == peers.ACCEPT
        assert len(events(node, "worker-died")) >= 4


def test_the_http_process_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node:
        (victim,) = node.children("http")
        os.kill(victim, signal.SIGKILL)
        until(lambda: set(node.children("http")) - {victim})
        assert node.get("/healthz") == (200, "ok\n")
        until(lambda: events(node, "http-died"))


def test_children_end_when_the_acceptor_is_killed(tmp_path: Path) -> None:
    port, http_port = configure(tmp_path, more=TWO)
    url = f"sqlite:///{tmp_path}/audit.db"
    with started(tmp_path, port, http_port, url) as node:
        children = node.children()
        assert len(children) == 3
        sender = Sender(node.port, 0, 1000)
        sender.start()
        until(lambda: len(sender.acknowledged) > 20)
        node.process.kill()
        node.process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "children end by themselves")
        sender.join(PATIENCE)
    with started(tmp_path, port, http_port, url) as node:
        assert disagreements(url, node.store, sender.acknowledged) == []


# The end


def test_without_associations_it_ends_within_two_seconds(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node, Peer(node.port):  # which says nothing
        began = time.monotonic()
        assert node.stop() == 0
        assert time.monotonic() - began < 4  # 2 on a machine that has nothing else to do
    assert events(node, "stop") != []


def test_open_associations_may_store_on_while_it_drains_and_new_ones_find_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node, associated(node, 2) as two:
        node.process.terminate()
        until(lambda: refuses(node.port))
        for number, each in enumerate(two):
            assert stored(each, f"1.2.3.{number + 1}") == 0
            assert each.release()[0] == peers.RELEASED
        assert node.process.wait(PATIENCE) == 0
    assert node.ask("select count(*) from receipt") == [(2,)]
    assert node.ask("select ending from association") == [("released",), ("released",)]


def refuses(port: int) -> bool:
    try:
        Peer(port).socket.close()
    except OSError:
        return True
    return False


def test_a_second_signal_hurries_and_the_rest_is_aborted(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node, associated(node, 2) as two:
        node.process.terminate()
        until(lambda: refuses(node.port))
        began = time.monotonic()
        node.process.terminate()
        assert [each.receive()[0] for each in two] == [peers.ABORT, peers.ABORT]
        assert node.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("role", ["worker", "http"])
def test_a_child_that_does_not_answer_is_killed_in_the_end(tmp_path: Path, role: str) -> None:
    with serving(tmp_path, more=TWO) as node:
        stuck = min(node.children(role))
        os.kill(stuck, signal.SIGSTOP)
        node.process.terminate()
        node.process.terminate()
        assert node.process.wait(PATIENCE) == 0
        assert not Path(f"/proc/{stuck}").exists()


def test_a_service_manager_hands_over_the_sockets_and_is_told_what_happens(tmp_path: Path) -> None:
    configure(tmp_path, more=TWO)
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.settimeout(PATIENCE)
    env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    with doors() as handed, activated(tmp_path, handed, env) as node:
        with Peer(node.port, timeout=60) as early:
            early.send(peers.associate_rq({1: (peers.CT, [peers.IMPLICIT])}))  # it waits, rather than being refused
            hears(told, "READY=1")
            assert early.receive()[0] == peers.ACCEPT
            assert stored(early, "1.2.3.4") == 0
        assert node.get("/healthz") == (200, "ok\n")
        hears(told, "WATCHDOG=1")
        node.process.send_signal(signal.SIGHUP)
        hears(told, "RELOADING=1")
        hears(told, "READY=1")
        assert f"DIMSE listens on port {node.port}, where the service manager has bound it" in node.log
        assert node.stop() == 0
        hears(told, "STOPPING=1")
    told.close()


def hears(told: socket.socket, line: str) -> None:
    """Wait until the service manager is told this."""
    deadline = time.monotonic() + PATIENCE
    while line not in told.recv(4096).decode().splitlines():
        assert time.monotonic() < deadline, line
