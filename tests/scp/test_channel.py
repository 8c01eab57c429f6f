from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

import pytest

from scp.channel import (
    Admitted,
    Alive,
    AskStanding,
    Channel,
    Closed,
    Connection,
    Doing,
    Drain,
    Drained,
    Ended,
    Failed,
    Leased,
    Note,
    Opening,
    Pulse,
    Ready,
    Recover,
    Recovered,
    Standing,
    Stop,
    decode,
    encode,
)
from scp.records import Event

EVENT = Event(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC), "kind", "words é", {"a": [1, None]})


@pytest.mark.parametrize(
    "message",
    [
        Connection("::1", 104), Admitted(1, None), Admitted(1, "too many"), Standing(*range(9)), Note(EVENT),
        Recover((1, 2)), Drain(None), Drain(1.5), Stop(), Stop(EVENT), Leased(3), Ready(), Failed("why\nnot"),
        Opening(1, "127.0.0.1", "CT"), Closed(1), Ended("127.0.0.1"), AskStanding(1), Recovered(), Drained(),
        Pulse(), Alive(0.5), Doing("migrates"),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_a_message_comes_as_it_went(message: object) -> None:
    assert decode(encode(message)) == message


def test_a_connection_travels_with_its_message_and_lives_on() -> None:
    ours, theirs = Channel.pair()
    here, there = socket.socketpair()
    ours.send(Connection("10.0.0.1", 5), [there.fileno()])
    there.close()
    heard = theirs.receive()
    assert heard is not None
    message, connection = heard
    assert message == Connection("10.0.0.1", 5)
    assert connection is not None
    assert not os.get_inheritable(connection.fileno())
    here.sendall(b"still open")
    assert connection.recv(100) == b"still open"
    for each in (ours, theirs, here, connection):
        each.close()


def test_either_end_learns_that_the_other_is_gone_after_all_it_said() -> None:
    ours, theirs = Channel.pair()
    theirs.send(Drained())
    theirs.close()
    assert ours.receive() == (Drained(), None)
    assert ours.receive() is None
    with pytest.raises(OSError, match="Broken pipe"):
        ours.send(Drain(None))
    ours.close()


def test_who_does_not_listen_does_not_hold_up_the_acceptor() -> None:
    ours, theirs = Channel.pair()
    with pytest.raises(BlockingIOError):
        for _ in range(100_000):
            ours.send(Note(EVENT))
    with pytest.raises(BlockingIOError):
        ours.receive()
    ours.close()
    theirs.close()
