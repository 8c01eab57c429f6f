"""A restart while a service manager holds the sockets refuses nobody: connections wait for the next node.

`pytest tests/durability/test_restart.py --rounds 20 -s` prints what came of twenty.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import builders
import needs
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


def serves(node: Served) -> None:
    """Until the node has answered, and so takes what waited for it."""
    with urlopen(f"http://127.0.0.1:{node.http_port}/readyz", timeout=PATIENCE) as answer:
        assert answer.status == 200
