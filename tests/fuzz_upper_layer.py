"""Associations with random damage, against a node: it may not crash, nor leak threads, descriptors or files.

    python tests/fuzz_upper_layer.py --seconds 600 [--seed 7] [--path fast|stock]

A trial is what a good sender says, cut into PDUs, presentation data values and segments at random; most are then
damaged: bytes, lengths and types changed, PDUs left out, doubled, swapped, cut off. The peer hangs up in one of
several ways. `tests/hostile/test_fuzz_upper_layer.py` runs a bounded number of the same trials.
"""

from __future__ import annotations

import argparse
import random
import re
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import builders
import peers
from peers import CT, Peer
from serving import Served, serving

LIMITS = """
dimse.receive_path = "{path}"
dimse.association_timeout = 5
dimse.pdu_timeout = 5
dimse.idle_timeout = 5
dimse.max_associations = 200
dimse.max_associations_per_address = 200
dimse.max_associations_per_ae = 200
dimse.max_instance_size = 100000
dimse.maximum_pdu = 16384
"""
PATIENCE = 30.0
"""Seconds within which the node must have ended a peer, and settled after the last."""

CHECKED_EVERY = 100
"""Trials after which a good sender must be served."""

SLACK = 12
"""Descriptors beyond those of before: of the folders that hold the last minutes, and of logs and databases."""

_TRACEBACK = re.compile(r"^Traceback .*\n(?:  .*\n)*.+", re.MULTILINE)

CONTEXTS = {
    1: (CT, [peers.IMPLICIT]),
    3: (CT, [peers.EXPLICIT]),
    5: (peers.VERIFICATION, [peers.IMPLICIT]),
}


@dataclass
class Report:
    """What was seen; `broken` is what should not have been."""

    trials: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        seen = ", ".join(f"{kind} {number}" for kind, number in self.answers.most_common())
        return f"{self.trials} trials; {seen}; {len(self.broken)} broken"


def run(folder: Path, path: str, seeds: Iterator[int]) -> Report:
    """A trial a seed against a node of its own, and a look at what they left."""
    report = Report()
    with serving(folder, more=LIMITS.format(path=path)) as node:
        report.broken += well_served(node, 0)
        before = held(node.process.pid)
        for seed in seeds:
            try:
                trial(node.port, seed, report.answers)
            except TimeoutError:
                report.broken.append(f"seed {seed}: the node did not end the connection")
            report.trials += 1
            if report.trials % CHECKED_EVERY == 0:
                report.broken += well_served(node, report.trials)
            if node.process.poll() is not None or len(report.broken) > 20:
                break
        report.broken += left(node, before)
    return report


def trial(port: int, seed: int, answers: Counter[str]) -> None:
    """One connection of a peer that is made up from the seed."""
    chance = random.Random(seed)
    pdus = said(chance, seed)
    if chance.random() < 0.85:
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            damage(chance, pdus)
    with Peer(port, timeout=PATIENCE) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if pdus and pdus[0] == request(seed) and chance.random() < 0.95:
                peer.send(pdus.pop(0))
                kind, _ = peer.receive()
                answers[f"PDU {kind}"] += 1
            stream = b"".join(pdus)
            for piece in pieces(chance, stream):
                peer.send(piece)
            how = chance.randrange(4)
            if how == 0:
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                answers["reset by us"] += 1
                return
            if how == 1:
                answers["closed by us"] += 1
                return
            peer.socket.shutdown(socket.SHUT_WR)
            while True:
                kind, _ = peer.receive()
                if kind == 0:
                    answers["end"] += 1
                    return
                answers[f"PDU {kind}"] += 1
        except (BrokenPipeError, ConnectionResetError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            answers["reset by the node"] += 1


def request(seed: int) -> bytes:
    """The A-ASSOCIATE-RQ that it all begins with."""
    return peers.associate_rq(CONTEXTS, calling=f"FUZZ{seed % 50}")


def said(chance: random.Random, seed: int) -> list[bytes]:
    """What a good sender says, PDU by PDU, answers not waited for."""
    pdus = [request(seed)]
    for number in range(chance.randrange(4)):
        if chance.random() < 0.3:
            pdus.append(peers.p_data(peers.pdv(peers.c_echo_rq(number + 1), 5, command=True, last=True)))
            continue
        context = chance.choice((1, 3))
        uid = f"1.2.5.{seed + 1}.{number + 1}"
        syntax = CONTEXTS[context][1][0]
        data = builders.data_set(
            builders.ct(SOPInstanceUID=uid, PixelData=bytes(chance.choice((32, 200, 9000)))), syntax
        )
        values = list(cut(chance, peers.c_store_rq(CT, uid, number + 1), context, command=True))
        values += cut(chance, data, context, command=False)
        while values:
            together = chance.choice((1, 1, 2, 7))
            body, values = values[:together], values[together:]
            pdus.append(peers.p_data(*body))
    if chance.random() < 0.6:
        pdus.append(peers.pdu(peers.RELEASE, b"\0\0\0\0"))
    elif chance.random() < 0.5:
        pdus.append(peers.pdu(peers.ABORT, b"\0\0\0\0"))
    return pdus


def cut(chance: random.Random, message: bytes, context: int, *, command: bool) -> Iterator[bytes]:
    """A command set or Data Set as presentation data values."""
    size = chance.choice((len(message), len(message), 3000, 100, 13))
    for at in range(0, len(message), size):
        yield peers.pdv(message[at : at + size], context, command=command, last=at + size >= len(message))


def damage(chance: random.Random, pdus: list[bytes]) -> None:
    """Do one wrong thing to what is said."""
    if not pdus:
        return
    # The request is spared mostly: what follows is not looked at without it.
    at = chance.randrange(min(1, len(pdus) - 1) if chance.random() < 0.9 else 0, len(pdus))
    one = bytearray(pdus[at] or b"\0")
    how = chance.randrange(12)
    if how == 0:
        del pdus[at]
        return
    if how == 1:
        pdus.insert(at, pdus[at])
        return
    if how == 2:
        other = chance.randrange(len(pdus))
        pdus[at], pdus[other] = pdus[other], pdus[at]
        return
    if how == 3:
        pdus.insert(at, peers.pdu(chance.randrange(256), chance.randbytes(chance.choice((0, 4, 4, 40)))))
        return
    if how == 4:
        del one[chance.randrange(len(one)) :]
    elif how == 5:
        one[0] = chance.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 255))
    elif how == 6:
        one[2:6] = chance.choice((b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xff", b"\0\0\x40\0", chance.randbytes(4)))
    elif how == 7 and len(one) > 12:
        one[6:10] = chance.choice((b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\2", b"\xff\xff\xff\xff", chance.randbytes(4)))
    elif how == 8 and len(one) > 12:
        one[10] = chance.randrange(256)
    elif how == 9 and len(one) > 12:
        one[11] = chance.choice((0, 1, 2, 3, 4, 255))
    elif how == 10:
        start = chance.randrange(len(one))
        one[start:start] = chance.randbytes(chance.randrange(1, 30))
    else:
        for _ in range(chance.choice((1, 3, 20))):
            one[chance.randrange(len(one))] = chance.randrange(256)
    pdus[at] = bytes(one)


def pieces(chance: random.Random, stream: bytes) -> Iterator[bytes]:
    """The stream as it is sent: whole, in segments, or cut off."""
    if chance.random() < 0.1:
        stream = stream[: chance.randrange(len(stream) + 1)]
    size = chance.choice((len(stream) or 1, 5000, 700, 50))
    for at in range(0, len(stream), size):
        yield stream[at : at + size]


def well_served(node: Served, number: int) -> list[str]:
    """What a good sender misses, which may be nothing."""
    uid = f"1.2.4.{number + 1}"
    data = builders.data_set(builders.ct(SOPInstanceUID=uid), peers.IMPLICIT)
    try:
        with Peer(node.port, timeout=PATIENCE) as peer:
            assert peer.associate(CONTEXTS, calling="GOOD")[0] == peers.ACCEPT, "no Association"
            assert peers.status(peer.store(CT, uid, data)) == 0, "not stored"
            assert peer.release()[0] == peers.RELEASED, "not released"
    except (AssertionError, OSError) as error:
        return [f"after {number} trials a good sender is not served: {error!r}"]
    return []


def held(pid: int) -> tuple[int, int]:
    """Threads and descriptors of a process and its children."""
    proc = Path(f"/proc/{pid}")
    threads, descriptors = (sum(1 for _ in (proc / each).iterdir()) for each in ("task", "fd"))
    for child in (proc / "task" / str(pid) / "children").read_text().split():
        more_threads, more_descriptors = held(int(child))
        threads, descriptors = threads + more_threads, descriptors + more_descriptors
    return threads, descriptors


def left(node: Served, before: tuple[int, int]) -> list[str]:
    """What the trials left in the node, once it had time to settle."""
    if node.process.poll() is not None:
        return [f"the node ended with {node.process.returncode}: {node.log[-2000:]}"]
    deadline = time.monotonic() + PATIENCE
    while True:
        threads, descriptors = held(node.process.pid)
        files = len(list((node.store / "incoming").iterdir()))
        broken = []
        if threads > before[0] + 1:
            broken.append(f"{threads} threads, before {before[0]}")
        if descriptors > before[1] + SLACK:
            broken.append(f"{descriptors} descriptors, before {before[1]}")
        if files:
            broken.append(f"{files} temporary files")
        if not broken or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    kinds = {re.findall(r'  File ".*, in (.*)', each)[-1]: each for each in _TRACEBACK.findall(node.log)}
    return broken + list(kinds.values())


def _until(end: float, seed: int) -> Iterator[int]:
    while time.monotonic() < end:
        yield seed
        seed += 1


def main() -> int:
    """Run for the time asked for, on one path or half of it on each, and print what was seen; 1 where it was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--path", choices=("fast", "stock"))
    asked = parser.parse_args()
    paths = [asked.path] if asked.path else ["fast", "stock"]
    wrong = 0
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            seeds = _until(time.monotonic() + asked.seconds / len(paths), asked.seed)
            report = run(Path(folder), path, seeds)
        print(f"{path}: {report}")
        print("\n".join(report.broken[:20]))
        wrong += len(report.broken)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
