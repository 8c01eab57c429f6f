"""Measures reception from the sender's side: a node or dcmtk's storescp, and senders that wait for each answer.

    python tests/benchmarks/receive_speed.py [--pixels BYTES] [--count N] [--associations 1,4,8] [--rounds N]
        [--folder FOLDER] [RECEIVER ...]

A receiver is `fast`, `stock`, `fast:syncfs`, `stock:syncfs` or `storescp`; they take turns, each with a fresh folder,
so that what else the machine does meets them alike. A line tells instances a second, milliseconds from the first byte
of an instance to its answer (median and 95th percentile), and CPU milliseconds an instance of all the receiver's
processes. `--folder` should be on a real disk; it is emptied of nothing: unlinking thousands of files makes the next
thousands slower to create on ext4 for some minutes. With `short` in place of a number of associations, each instance
has an Association of its own, from four senders.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import builders
import peers
from serving import free_port, serving

LARGEST_PDU = 131_072
WARMING = 20
SHORT_SENDERS = 4


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("receivers", nargs="*", default=["fast"])
    words.add_argument("--pixels", type=int, default=524_288)
    words.add_argument("--count", type=int, default=400)
    words.add_argument("--associations", default="1,4,8")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--folder", type=Path)
    said = words.parse_args()
    folder = said.folder or Path(tempfile.mkdtemp(prefix="receive-speed-"))
    for number in range(said.rounds):
        for receiver in said.receivers:
            with receiving(receiver, folder / f"{number}-{receiver.replace(':', '-')}-{os.getpid()}") as (port, pid):
                send(port, 1, WARMING, said.pixels, f"{number}.0")
                for place, word in enumerate(said.associations.split(","), 1):
                    before, began = cpu(pid), time.perf_counter()
                    waits = send(port, word, said.count, said.pixels, f"{number}.{place}")
                    took = time.perf_counter() - began
                    print(
                        f"{receiver:12} {word:>5} associations {len(waits) / took:7.1f}/s"
                        f"  {statistics.median(waits) * 1000:7.2f} ms (p95 {waits[len(waits) * 95 // 100] * 1000:7.2f})"
                        f"  CPU {(cpu(pid) - before) / len(waits) * 1000:5.2f} ms  load {os.getloadavg()[0]:.1f}",
                        flush=True,
                    )


@contextmanager
def receiving(receiver: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A receiver's port and process id."""
    if receiver != "storescp":
        path, _, durability = receiver.partition(":")
        more = f'dimse.receive_path = "{path}"\nstore.durability = "{durability or "fsync"}"'
        with serving(folder, more=more) as node:
            yield node.port, node.process.pid
        return
    port = free_port()
    folder.mkdir(parents=True)
    process = subprocess.Popen(
        ["/usr/bin/storescp", "-q", "-od", folder, "-dhl", str(port)], env=os.environ | {"TCP_NODELAY": "1"}
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def send(port: int, associations: int | str, count: int, pixels: int, tag: str) -> list[float]:
    """Send instances, shared among senders that are processes of their own; how long each waited, sorted."""
    short = associations == "short"
    senders = SHORT_SENDERS if short else int(associations)
    reading, writing = os.pipe()
    children = []
    for number in range(senders):
        child = os.fork()
        if child == 0:
            try:
                waits = one_sender(port, number, count // senders, pixels, tag, short)
                os.write(writing, " ".join(f"{each:.6f}" for each in waits).encode() + b"\n")
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        children.append(child)
    os.close(writing)
    with os.fdopen(reading) as file:
        waits = sorted(float(each) for line in file for each in line.split())
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    assert not failed, f"{len(failed)} of {senders} senders failed"
    return waits


def one_sender(port: int, number: int, count: int, pixels: int, tag: str, short: bool) -> list[float]:
    image = {"Columns": 64, "Rows": pixels // 128, "PixelData": os.urandom(pixels // 128 * 128)}
    waits = []
    peer = None
    most = 0
    for index in range(count):
        uid = f"1.2.{os.getpid()}.{tag}.{number}.{index}"
        data = builders.data_set(builders.ct(SOPInstanceUID=uid, **image))
        request = peers.c_store_rq(peers.CT, uid, index % 60_000 + 1)
        began = time.perf_counter()
        if peer is None:
            peer = peers.Peer(port, timeout=60)
            peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, accepted = peer.associate({1: (peers.CT, [peers.EXPLICIT])}, calling=f"SENDER{number}")
            most = min(largest_pdu(accepted), LARGEST_PDU) - 6
        pieces = [peers.p_data(peers.pdv(request, 1, command=True, last=True))]
        for at in range(0, len(data), most):
            piece = peers.pdv(data[at : at + most], 1, command=False, last=at + most >= len(data))
            pieces.append(peers.p_data(piece))
        peer.send(b"".join(pieces))
        status = peers.status(peer.response())
        assert status in (0x0000, 0xB007), f"{status:#06x}"
        if short or index == count - 1:
            peer.release()
            peer.socket.close()
            peer = None
        waits.append(time.perf_counter() - began)
    return waits


def largest_pdu(accepted: bytes) -> int:
    """The Maximum Length of an A-ASSOCIATE-AC (PS3.8 D.1); 0, which is no limit, as the largest."""
    at = accepted.index(b"\x51\0\0\4") + 4
    return int.from_bytes(accepted[at : at + 4], "big") or LARGEST_PDU


def cpu(pid: int) -> float:
    """Seconds of CPU time that a process, its children and those that have ended took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu(int(each)) for each in children)


if __name__ == "__main__":
    main()
