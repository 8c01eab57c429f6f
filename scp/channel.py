"""What the acceptor and its children say to each other, and how it travels.

A child has a pair of AF_UNIX SOCK_SEQPACKET sockets with the acceptor: a message is one packet of JSON, and the
descriptor of an accepted connection goes with it (SCM_RIGHTS). Either end learns of the other's death as the end of
the channel, so no copy of one may be left open in another process.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from scp.records import Event

LARGEST = 1 << 16
"""Bytes of a message."""

# What the acceptor says


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection was accepted, from there; its descriptor comes with this."""

    address: str
    port: int
    is_tls: bool = False
    """Whether it came to the port of TLS."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The answer to `Opening`: why the Association is refused, or None."""

    ask: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer to `AskStanding`: how the node as a whole is."""

    ask: int
    associations: int
    connections: int
    workers: int
    """Alive and ready, of `wanted`."""
    wanted: int
    generation: int
    port: int
    """Of the DIMSE door."""
    deaths: int
    """Of children, since the start."""
    refused: int
    """Connections that were one too many, since the start."""


@dataclass(frozen=True, slots=True)
class Note:
    """Keep this event: the acceptor has no journal of its own."""

    event: Event


@dataclass(frozen=True, slots=True)
class Recover:
    """Processes died that drew ids under these process numbers: put right what they left half done."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Drain:
    """No more comes: say `Drained` once all is served, or once so many seconds are over and the rest is aborted."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Close everything in order and end, with this event as the last one kept."""

    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Pulse:
    """Say `Alive`."""


# What a child says


@dataclass(frozen=True, slots=True)
class Leased:
    """Ids that are drawn from now on carry this process number."""

    number: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything is open."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What a start is at, in words for a person."""

    what: str


@dataclass(frozen=True, slots=True)
class Alive:
    """The answer to `Pulse`."""

    busy: float
    """Seconds that the committer has been inside one transaction; 0 where it is inside none."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The child cannot start, and ends."""

    why: str


@dataclass(frozen=True, slots=True)
class Opening:
    """An A-ASSOCIATE-RQ is here: may the Association with the id `ask` be opened?"""

    ask: int
    address: str
    calling_ae: str


@dataclass(frozen=True, slots=True)
class Closed:
    """An Association that was, or may have been, admitted is over."""

    id: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A connection from there is over."""

    address: str


@dataclass(frozen=True, slots=True)
class AskStanding:
    """How is the node as a whole?"""

    ask: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was asked by `Recover` is done."""


@dataclass(frozen=True, slots=True)
class Drained:
    """Nothing is being served any more."""


_KINDS: dict[str, TypeAdapter[Any]] = {
    each.__name__: TypeAdapter(each)
    for each in (
        Connection, Admitted, Standing, Note, Recover, Drain, Stop, Pulse,
        Leased, Ready, Doing, Alive, Failed, Opening, Closed, Ended, AskStanding, Recovered, Drained,
    )
}  # fmt: skip


def encode(message: object) -> bytes:
    """One message as it travels."""
    kind = type(message).__name__
    return json.dumps([kind, _KINDS[kind].dump_python(message, mode="json")], separators=(",", ":")).encode()


def decode(data: bytes) -> object:
    """The message that `encode` made this of."""
    kind, fields = json.loads(data)
    return _KINDS[kind].validate_python(fields)


class Channel:
    """One end of a pair; any thread may send."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """The acceptor's end, on which nothing waits, and the child's."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        return cls(ours), cls(theirs)

    def fileno(self) -> int:
        """The descriptor, for who polls it."""
        return self._end.fileno()

    def send(self, message: object, descriptors: Iterable[int] = ()) -> None:
        """Send one message. Raises BlockingIOError where there is no room for it now, OSError where nobody listens."""
        socket.send_fds(self._end, [encode(message)], list(descriptors))

    def receive(self) -> tuple[object, socket.socket | None] | None:
        """The next message, with the connection that came with it; None at the end of the channel.

        Raises BlockingIOError on the acceptor's end where there is none now.
        """
        try:
            data, descriptors, _, _ = socket.recv_fds(self._end, LARGEST, 1)
        except ConnectionResetError:  # it died with messages of ours unread
            return None
        if not data:
            return None
        if not descriptors:
            return decode(data), None
        os.set_inheritable(descriptors[0], False)
        return decode(data), socket.socket(fileno=descriptors[0])

    def close(self) -> None:
        """Let go of this end."""
        self._end.close()
