"""A restart while a service manager holds the sockets refuses nobody: connections wait for the next node.

`pytest tests/durability/test_restart.py --rounds 20 -s` prints what came of twenty.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import builders
import needs
import peers
from peers import Peer
from serving import Served, activated, configure, doors

PATIENCE = 120.0


class Modality(threading.Thread):
    """Opens an Association a second with dcmtk's dcmsend, whatever becomes of the ones before."""

    def __init__(self, port: int, file: Path) -> None:
        super().__init__(name="modality", daemon=True)
        self._words = [needs.tool("dcmsend"), "-v", "-aec", "DICOMGATE", "127.0.0.1", str(port), str(file)]
        self._running: list[subprocess.Popen[str]] = []
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(1):
            self._running.append(
                subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            )

    def end(self) -> list[tuple[int, str]]:
        """Exit code and words of each, once all have ended."""
        self._ended.set()
        self.join(PATIENCE)
        said = [each.communicate(timeout=PATIENCE)[0] for each in self._running]
        return [(each.returncode, words) for each, words in zip(self._running, said, strict=True)]


def test_restarts_under_load_refuse_nobody(tmp_path: Path, rounds: Callable[[int], int]) -> None:
    configure(tmp_path)
    file = tmp_path / "ct.dcm"
    file.write_bytes(builders.part10(builders.ct(SOPInstanceUID="1.2.3", PixelData=bytes(100_000))))
    wanted = rounds(3)
    with doors() as handed:
        modality = Modality(handed["dimse"].getsockname()[1], file)
        modality.start()
        try:
            for _ in range(wanted):
                with activated(tmp_path, handed) as node:
                    serves(node)
                    assert node.stop() == 0
            with activated(tmp_path, handed) as node:
                serves(node)
                said = modality.end()
                (associations,) = node.eventually("select count(*) from association where opened_at is not null")[0]
        finally:
            modality.end()
    refused = [words for code, words in said if code or "Received C-STORE Response (Success)" not in words]
    print(f"restarted {wanted} times: {len(said)} Associations, {len(refused)} refused or broken off")
    assert refused == []
    assert len(said) >= wanted, "there was load"
    assert associations >= len(said)


def test_who_was_let_in_as_the_node_stops_is_served(tmp_path: Path) -> None:
    """By the node that stops or by the next one; what they sent lies unread in their sockets when the node is told."""
    configure(tmp_path, more="dimse.workers = 2\n")
    heard: list[int] = []
    with doors() as handed, ExitStack() as open_peers:
        with activated(tmp_path, handed) as node:
            serves(node)
            for worker in node.children("worker"):
                os.kill(worker, signal.SIGSTOP)
            port = handed["dimse"].getsockname()[1]
            callers = [open_peers.enter_context(Peer(port, timeout=PATIENCE)) for _ in range(20)]
            threads = [threading.Thread(target=call, args=(each, heard), daemon=True) for each in callers]
            for each in threads:
                each.start()
            serves(node)
            node.process.terminate()
            for worker in node.children("worker"):
                os.kill(worker, signal.SIGCONT)
            assert node.process.wait(PATIENCE) == 0
        with activated(tmp_path, handed) as node:
            serves(node)
            for each in threads:
                each.join(PATIENCE)
            assert node.stop() == 0
    assert (heard.count(peers.ACCEPT), heard.count(peers.RELEASED)) == (20, 20)


def call(peer: Peer, heard: list[int]) -> None:
    """An Association that does nothing, and what was answered."""
    peer.send(peers.associate_rq({1: (peers.CT, [peers.IMPLICIT])}))
    heard.append(peer.receive()[0])
    heard.append(peer.release()[0])


def serves(node: Served) -> None:
    """Until the node has answered, and so takes what waited for it."""
    with urlopen(f"http://127.0.0.1:{node.http_port}/readyz", timeout=PATIENCE) as answer:
        assert answer.status == 200
