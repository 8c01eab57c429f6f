"""Peers that stall, lie, flood and vanish: each gets an end, and a good sender is served meanwhile."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import builders
import peers
import pytest
from peers import Peer
from serving import Served, serving

CT = peers.CT
PATIENCE = 10.0
"""Seconds within which the node must have ended a peer whose own limit is one second."""

numbers = count(1)


@pytest.fixture(scope="module", params=["fast", "stock"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = f"""
dimse.receive_path = "{request.param}"
dimse.workers = 2
dimse.association_timeout = 1
dimse.pdu_timeout = 1
dimse.idle_timeout = 2
dimse.max_associations = 8
dimse.max_associations_per_address = 6
dimse.max_associations_per_ae = 4
dimse.max_instance_size = 1000000
"""
    with serving(tmp_path_factory.mktemp("hostile"), more=limits) as served:
        yield served


@pytest.fixture(autouse=True)
def _a_good_sender_is_served_afterwards(node: Served) -> Iterator[None]:
    yield
    deadline = time.monotonic() + PATIENCE
    while not served_well(node):
        assert time.monotonic() < deadline, node.log


def served_well(node: Served) -> bool:
    """A good sender stores one instance; False where it found no place."""
    uid = f"1.2.9.{next(numbers)}"
    data = builders.data_set(builders.ct(SOPInstanceUID=uid), peers.IMPLICIT)
    with Peer(node.port) as peer:
        if peer.associate(calling="GOOD")[0] != peers.ACCEPT:
            return False
        assert peers.status(peer.store(CT, uid, data)) == 0
        return peer.release()[0] == peers.RELEASED


def ended(peer: Peer) -> list[int]:
    """The types of the PDUs that came until the node closed the connection."""
    peer.socket.settimeout(PATIENCE)
    kinds = []
    while True:
        kind, _ = peer.receive()
        if kind == 0:
            return kinds
        kinds.append(kind)


def events(node: Served, kind: str) -> str:
    return "\n".join(text for (text,) in node.ask(f"select text from event where kind = '{kind}'"))


def eventually(node: Served, kind: str, text: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while text not in events(node, kind):
        assert time.monotonic() < deadline, events(node, kind)


def test_a_connection_that_says_nothing_is_closed_and_recorded(node: Served) -> None:
    with Peer(node.port) as peer:
        assert ended(peer) == []
    eventually(node, "connection-dropped", "no A-ASSOCIATE-RQ came")


@pytest.mark.parametrize(
    "text", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x0bMSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\r\x1c\r", b"\0" * 4096]
)
def test_what_is_not_dicom_is_turned_away(node: Served, text: bytes) -> None:
    with Peer(node.port) as peer:
        peer.send(text)
        assert ended(peer) in ([], [peers.ABORT])


def test_silent_connections_do_not_use_up_the_associations(node: Served) -> None:
    silent = [Peer(node.port) for _ in range(10)]
    assert served_well(node)
    for each in silent:
        each.socket.close()


def test_a_flood_of_connections_is_cut_off_and_recorded_once(node: Served) -> None:
    flood = [Peer(node.port) for _ in range(40)]
    with socket.create_connection(("127.0.0.1", node.port), 10, source_address=("127.0.0.2", 0)) as other:
        other.sendall(peers.associate_rq({1: (CT, [peers.IMPLICIT])}))
        assert other.recv(1) == bytes((peers.ACCEPT,))
    for each in flood:
        each.socket.close()
    eventually(node, "connection-refused", "127.0.0.1: too many connections are open")
    assert events(node, "connection-refused").count("127.0.0.1") == 1


def test_a_stall_inside_a_pdu_ends_the_association(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        peer.send(peers.pdu(peers.DATA, b"\0" * 100)[:50])
        assert ended(peer) in ([], [peers.ABORT])
    eventually(node, "association-broken", "stalled inside a PDU")


def test_a_byte_at_a_time_is_cut_off_too(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        began = time.monotonic()
        whole = peers.pdu(peers.DATA, b"\0" * 1000)
        with pytest.raises(OSError):  # noqa: PT011  # reset or broken pipe, as the kernel has it
            for at in range(len(whole)):
                peer.send(whole[at : at + 1])
                peer.socket.settimeout(0.3)
                try:
                    if not peer.socket.recv(1):
                        raise OSError
                except TimeoutError:
                    continue
        assert time.monotonic() - began < PATIENCE


def test_an_association_that_says_nothing_more_is_aborted(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        assert ended(peer) == [peers.ABORT]


def test_a_pdu_longer_than_announced_is_refused_before_it_is_read(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        peer.send(struct.pack(">BBI", peers.DATA, 0, 0x7FFFFFFF))
        assert ended(peer) == [peers.ABORT]
    eventually(node, "association-broken", "a PDU of 2147483647 bytes")


def test_an_endless_association_request_is_refused(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.send(struct.pack(">BBI", 1, 0, 0x7FFFFFFF))
        assert ended(peer) in ([], [peers.ABORT])


@pytest.mark.parametrize(
    "nonsense",
    [
        peers.pdu(0x42, b"\0" * 10),
        peers.pdu(peers.DATA, b"\xff" * 40),
        peers.p_data(peers.pdv(b"\0" * 9, 1, command=True, last=True)),
        peers.p_data(peers.pdv(peers.c_store_rq(CT, "1.2.3"), 99, command=True, last=True))
        + peers.p_data(peers.pdv(b"", 99, command=False, last=True)),
        peers.p_data(peers.pdv(b"data before any command", 1, command=False, last=True)),
        peers.pdu(1, b""),
    ],
    ids=["unknown-pdu", "pdv-lengths", "command-set", "unknown-context", "data-set-first", "second-request"],
)
def test_nonsense_ends_the_association(node: Served, nonsense: bytes) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        peer.send(nonsense)
        assert ended(peer) in ([], [peers.ABORT])


def test_an_instance_beyond_the_limit_gets_a702_and_is_not_held_in_memory(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        peer.send(peers.p_data(peers.pdv(peers.c_store_rq(CT, "1.2.3"), 1, command=True, last=True)))
        piece = peers.p_data(peers.pdv(b"\0" * 60_000, 1, command=False, last=False))
        for _ in range(40):
            peer.send(piece)
        peer.send(peers.p_data(peers.pdv(b"", 1, command=False, last=True)))
        assert peers.status(peer.response()) == 0xA702
        assert peer.release()[0] == peers.RELEASED


@pytest.mark.parametrize("cut", [3, 20, 120, 200])
@pytest.mark.parametrize("how", ["close", "reset", "abort"])
def test_a_sender_may_vanish_at_any_point_and_leaves_nothing(node: Served, cut: int, how: str) -> None:
    uid = f"1.2.8.{next(numbers)}"
    data = builders.data_set(builders.ct(SOPInstanceUID=uid), peers.IMPLICIT)
    stream = peers.p_data(peers.pdv(peers.c_store_rq(CT, uid), 1, command=True, last=True)) + peers.p_data(
        peers.pdv(data, 1, command=False, last=True)
    )
    with Peer(node.port) as peer:
        peer.associate()
        peer.send(stream[:cut])
        if how == "abort":
            peer.send(peers.pdu(peers.ABORT, b"\0\0\0\0"))
        elif how == "reset":
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    deadline = time.monotonic() + PATIENCE
    while list((node.store / "incoming").iterdir()):
        assert time.monotonic() < deadline


def test_a_flood_from_one_address_is_refused_and_another_address_served(node: Served) -> None:
    held, refused = [], []
    for number in range(12):
        peer = Peer(node.port)
        kind, body = peer.associate(calling=f"FLOOD{number}")
        (held if kind == peers.ACCEPT else refused).append(peer)
        if kind != peers.ACCEPT:
            assert (kind, tuple(body[1:4])) == (peers.REJECT, (2, 3, 2))
    assert len(held) == 6
    with socket.create_connection(("127.0.0.1", node.port), 10, source_address=("127.0.0.2", 0)) as other:
        other.sendall(peers.associate_rq({1: (CT, [peers.IMPLICIT])}))
        assert other.recv(1) == bytes((peers.ACCEPT,))
    for each in held + refused:
        each.socket.close()
    eventually(node, "association-refused", "associations from 127.0.0.1 are open, at most 6 are allowed")


def test_one_title_cannot_hold_every_association(node: Served) -> None:
    held = []
    for _ in range(5):
        peer = Peer(node.port)
        held.append(peer)
        kind, _ = peer.associate(calling="GREEDY")
    assert kind == peers.REJECT
    for each in held:
        each.socket.close()


def test_a_sender_that_does_not_wait_for_answers_fills_no_memory(node: Served) -> None:
    before = memory(node)
    data = b"\0" * 500_000
    with Peer(node.port, timeout=60) as peer:
        peer.associate()
        for number in range(200):
            rq = peers.c_store_rq(CT, "bad uid", number + 1)
            peer.send(peers.p_data(peers.pdv(rq, 1, command=True, last=True)))
            for at in range(0, len(data), 100_000):
                last = at + 100_000 >= len(data)
                peer.send(peers.p_data(peers.pdv(data[at : at + 100_000], 1, command=False, last=last)))
        assert {peers.status(peer.response()) for _ in range(200)} == {0x0117}
    assert memory(node) - before < 40_000


def memory(node: Served) -> int:
    """The most memory that the node's processes have used so far, in KiB."""
    return sum(
        int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0])
        for pid in (node.process.pid, *node.children())
    )
