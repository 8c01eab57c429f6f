"""What PS3.7 and PS3.8 let a sender do, and where it may stop: the same on both receive paths."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from itertools import count

import builders
import peers
import pytest
from peers import CT, MR, Peer
from serving import Served, serving

BIG_ENDIAN, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
CONTEXTS = {
    1: (CT, [peers.IMPLICIT]),
    3: (CT, [peers.EXPLICIT]),
    5: (CT, [BIG_ENDIAN]),
    7: (CT, [DEFLATED]),
    9: (peers.VERIFICATION, [peers.IMPLICIT]),
    11: (MR, [peers.IMPLICIT]),
}
MAXIMUM = 131_072
"""Bytes of a PDU's body that the node announces it takes."""

PATIENCE = 15.0

numbers = count(1)


@pytest.fixture(scope="module", params=["fast", "stock"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    more = f'dimse.receive_path = "{request.param}"\ndimse.max_associations_per_ae = 1000'
    with serving(tmp_path_factory.mktemp("protocol"), more=more) as served:
        yield served


def fresh() -> str:
    return f"1.2.6.{next(numbers)}"


def ct(uid: str, syntax: str = peers.IMPLICIT, **changes: object) -> bytes:
    return builders.data_set(builders.ct(SOPInstanceUID=uid, **changes), syntax)


def echo(message: int, context: int = 9) -> bytes:
    return peers.p_data(peers.pdv(peers.c_echo_rq(message), context, command=True, last=True))


def responded_to(response: dict[int, bytes]) -> int:
    return int.from_bytes(response[0x00000120], "little")


def kept(node: Served, uid: str) -> bytes:
    ((stored,),) = node.ask(f"select stored from receipt where sop_instance_uid = '{uid}'")
    return (node.store / stored).read_bytes()


def test_each_context_has_its_own_encoding_and_they_may_take_turns(node: Served) -> None:
    sent = {}
    with Peer(node.port) as peer:
        assert peer.associate(CONTEXTS)[0] == peers.ACCEPT
        for turn in range(8):
            context = (1, 3, 5, 7)[turn % 4]
            uid, syntax = fresh(), CONTEXTS[context][1][0]
            sent[uid] = ct(uid, syntax, PixelData=bytes(range(200)) * 200)
            assert peers.status(peer.store(CT, uid, sent[uid], context, turn + 1)) == 0x0000
            peer.send(echo(100 + turn))
            assert responded_to(peer.response()) == 100 + turn
        assert peer.release()[0] == peers.RELEASED
    for uid, data in sent.items():
        assert kept(node, uid).endswith(data)


def test_pipelined_stores_and_echoes_are_all_answered_and_stores_in_order(node: Served) -> None:
    """Asynchronous operations are not negotiated (PS3.7 D.3.3.3), but senders that do not wait are served."""
    stream, stores, echoes = b"", [], []
    for turn in range(12):
        uid = fresh()
        stream += peers.p_data(
            peers.pdv(peers.c_store_rq(CT, uid, turn + 1), 1, command=True, last=True),
            peers.pdv(ct(uid), 1, command=False, last=True),
        )
        stores.append(turn + 1)
        if turn % 3 == 0:
            stream += echo(100 + turn)
            echoes.append(100 + turn)
    with Peer(node.port) as peer:
        peer.associate(CONTEXTS)
        peer.send(stream)
        answers = [peer.response() for _ in range(len(stores) + len(echoes))]
        assert peer.release()[0] == peers.RELEASED
    assert {peers.status(each) for each in answers} == {0x0000}
    told = [responded_to(each) for each in answers]
    assert [each for each in told if each < 100] == stores
    assert [each for each in told if each >= 100] == echoes


@pytest.mark.parametrize("size", [0, 1, 2])
def test_fragments_may_be_tiny_or_empty(node: Served, size: int) -> None:
    uid = fresh()
    data = ct(uid)
    step = size or 500
    with Peer(node.port) as peer:
        peer.associate(CONTEXTS)
        pieces = [peers.pdv(peers.c_store_rq(CT, uid), 1, command=True, last=True)]
        for at in range(0, len(data), step):
            if size == 0:
                pieces.append(peers.pdv(b"", 1, command=False, last=False))
            pieces.append(peers.pdv(data[at : at + step], 1, command=False, last=False))
        pieces.append(peers.pdv(b"", 1, command=False, last=True))
        peer.send(b"".join(peers.p_data(*pieces[at : at + 200]) for at in range(0, len(pieces), 200)))
        assert peers.status(peer.response()) == 0x0000
    assert kept(node, uid).endswith(data)


@pytest.mark.parametrize("count_of_values", [1, 3])
def test_pdus_may_be_as_large_as_was_announced(node: Served, count_of_values: int) -> None:
    uid = fresh()
    data = ct(uid, PixelData=bytes(range(250)) * 4000)
    each = MAXIMUM // count_of_values - 6
    step = each * count_of_values
    with Peer(node.port) as peer:
        kind, body = peer.associate(CONTEXTS)
        assert kind == peers.ACCEPT
        assert struct.pack(">BxHI", 0x51, 4, MAXIMUM) in body
        peer.send(peers.p_data(peers.pdv(peers.c_store_rq(CT, uid), 1, command=True, last=True)))
        for start in range(0, len(data), step):
            values = [
                peers.pdv(data[at : at + each], 1, command=False, last=at + each >= len(data))
                for at in range(start, min(start + step, len(data)), each)
            ]
            peer.send(peers.p_data(*values))
        assert peers.status(peer.response()) == 0x0000
    assert kept(node, uid).endswith(data)


def test_a_pdu_beyond_what_was_announced_is_refused(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate(CONTEXTS)
        peer.send(peers.p_data(peers.pdv(peers.c_store_rq(CT, fresh()), 1, command=True, last=True)))
        peer.send(peers.p_data(peers.pdv(bytes(2 * MAXIMUM), 1, command=False, last=True))[:MAXIMUM])
        assert ending(peer) == [peers.ABORT]
    nothing_is_left(node)


def test_a_command_set_may_be_split_anywhere_and_into_any_number_of_values(node: Served) -> None:
    """Over values of one PDU, over PDUs of their own, and a byte a value."""
    with Peer(node.port, timeout=60) as peer:
        peer.associate(CONTEXTS)
        length = len(peers.c_store_rq(CT, fresh()))
        for cut in (*range(1, length, 7), length - 1):
            uid = fresh()
            command = peers.c_store_rq(CT, uid)
            first = peers.pdv(command[:cut], 1, command=True, last=False)
            second = peers.pdv(command[cut:], 1, command=True, last=True)
            data = peers.pdv(ct(uid), 1, command=False, last=True)
            whole = peers.p_data(first, second, data) if cut % 2 else peers.p_data(first) + peers.p_data(second, data)
            peer.send(whole)
            assert peers.status(peer.response()) == 0x0000
        uid = fresh()
        command = peers.c_store_rq(CT, uid)
        pieces = [
            peers.pdv(command[at : at + 1], 1, command=True, last=at + 1 == len(command)) for at in range(len(command))
        ]
        peer.send(b"".join(map(peers.p_data, pieces)))
        peer.send(peers.p_data(peers.pdv(ct(uid), 1, command=False, last=True)))
        assert peers.status(peer.response()) == 0x0000
        assert peer.release()[0] == peers.RELEASED


def test_segments_may_end_anywhere(node: Served) -> None:
    """Heads of PDUs and presentation data values are split between reads: a byte a segment, as far as TCP lets it."""
    uid = fresh()
    data = ct(uid)
    stream = peers.p_data(
        peers.pdv(peers.c_store_rq(CT, uid), 1, command=True, last=True),
        peers.pdv(data[:9], 1, command=False, last=False),
    ) + peers.p_data(peers.pdv(data[9:], 1, command=False, last=True))
    with Peer(node.port) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.associate(CONTEXTS)
        for at in range(len(stream)):
            peer.send(stream[at : at + 1])
        assert peers.status(peer.response()) == 0x0000
        assert peer.release()[0] == peers.RELEASED
    assert kept(node, uid).endswith(data)


def messages() -> tuple[bytes, str]:
    """An echo and a store, the store in several PDUs; and the UID of what is stored."""
    uid = fresh()
    data = ct(uid)
    return (
        echo(1)
        + peers.p_data(peers.pdv(peers.c_store_rq(CT, uid, 2), 1, command=True, last=True))
        + peers.p_data(peers.pdv(data[:300], 1, command=False, last=False))
        + peers.p_data(peers.pdv(data[300:], 1, command=False, last=True))
    ), uid


LENGTH = len(messages()[0])
POINTS = sorted({*range(0, 90, 9), *range(90, LENGTH, 61), LENGTH - 1, LENGTH})
"""Where a sender stops: in each head, in commands, between PDUs, in the Data Set, and after all of it."""


@pytest.mark.parametrize("how", ["abort", "release", "close", "half-close", "reset"])
def test_a_sender_may_stop_at_every_point(node: Served, how: str) -> None:
    for point in POINTS:
        stream, _ = messages()
        with Peer(node.port) as peer:
            peer.associate(CONTEXTS)
            peer.send(stream[:point])
            if how == "abort":
                # In the middle of a PDU these ten bytes are its next.
                peer.send(peers.pdu(peers.ABORT, b"\0\0\0\0"))
                peer.socket.shutdown(socket.SHUT_WR)
                ending(peer)
            elif how == "release":
                peer.send(peers.pdu(peers.RELEASE, b"\0\0\0\0"))
                peer.socket.shutdown(socket.SHUT_WR)
                ending(peer)
            elif how == "half-close":
                peer.socket.shutdown(socket.SHUT_WR)
                ending(peer)
            elif how == "reset":
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    nothing_is_left(node)
    with Peer(node.port) as peer:
        uid = fresh()
        peer.associate(CONTEXTS)
        assert peers.status(peer.store(CT, uid, ct(uid))) == 0x0000
        assert peer.release()[0] == peers.RELEASED


def test_a_release_between_messages_is_answered(node: Served) -> None:
    stream, uid = messages()
    with Peer(node.port) as peer:
        peer.associate(CONTEXTS)
        peer.send(stream)
        answers = [peer.response(), peer.response()]
        assert {peers.status(each) for each in answers} == {0x0000}
        assert peer.release()[0] == peers.RELEASED
    node.eventually(
        "select 1 from association a join receipt r on r.association_id = a.id "
        f"where r.sop_instance_uid = '{uid}' and a.ending = 'released' and a.instances = 1 and a.echoes = 1"
    )


@pytest.mark.parametrize("kind", [0x00, 0x08, 0x42, 0xFF])
@pytest.mark.parametrize("inside", [False, True], ids=["between-messages", "inside-a-message"])
def test_an_unknown_pdu_ends_the_association(node: Served, kind: int, inside: bool) -> None:
    with Peer(node.port) as peer:
        peer.associate(CONTEXTS)
        if inside:
            peer.send(peers.p_data(peers.pdv(peers.c_store_rq(CT, fresh()), 1, command=True, last=True)))
            peer.send(peers.p_data(peers.pdv(b"\0" * 100, 1, command=False, last=False)))
        peer.send(peers.pdu(kind, b"\0" * 30))
        assert ending(peer) in ([], [peers.ABORT])
    nothing_is_left(node)


def test_messages_of_two_contexts_do_not_mix(node: Served) -> None:
    """A Data Set goes on in the context of its command set (PS3.8 E.2): in another, it is nobody's."""
    with Peer(node.port) as peer:
        peer.associate(CONTEXTS)
        peer.send(peers.p_data(peers.pdv(peers.c_store_rq(CT, fresh()), 1, command=True, last=True)))
        peer.send(peers.p_data(peers.pdv(b"\0" * 100, 3, command=False, last=True)))
        kinds = ending_or_refused(peer)
        assert kinds in ([], [peers.ABORT], ["refused"])
    nothing_is_left(node)


def ending(peer: Peer) -> list[int]:
    """The types of the PDUs that came until the node closed the connection, answers left out."""
    peer.socket.settimeout(PATIENCE)
    kinds = []
    while True:
        try:
            kind, _ = peer.receive()
        except ConnectionError:
            return kinds
        if kind == 0:
            return kinds
        if kind != peers.DATA:
            kinds.append(kind)


def ending_or_refused(peer: Peer) -> list[object]:
    """As `ending`; or that the instance got a failure, and a release was answered."""
    peer.socket.settimeout(PATIENCE)
    kind, body = peer.receive()
    if kind != peers.DATA:
        return [kind] if kind else []
    assert int.from_bytes(body[body.index(b"\0\0\0\x09\2\0\0\0") + 8 :][:2], "little") >= 0xA000
    assert peer.release()[0] == peers.RELEASED
    return ["refused"]


def nothing_is_left(node: Served) -> None:
    deadline = time.monotonic() + PATIENCE
    while list((node.store / "incoming").iterdir()):
        assert time.monotonic() < deadline, "temporary files are left"
