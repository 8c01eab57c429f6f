"""Bodies of HTTP requests, read by a thread from the socket itself: no turn of the event loop and no queue in between.

uvicorn's protocol for httptools reads the headers, starts the application and writes the answer, as ever. The
application may ask for the `Body` then: from that moment the event loop leaves the connection alone, and a thread
reads it and feeds the same parser, which knows chunks and lengths, until the body is whole. Relies on names that are
uvicorn's own; a test fails where one of them is gone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import cast

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

READ_AT_ONCE = 1 << 18

FEW = 4
"""Chunks of one reading that are handed on as they are."""

SLOWEST = 1 << 18
"""Bytes that have to come within the time that a client is waited for."""

_EXTENSION = "dicomgate.body"
_FRAMING = (b"content-length", b"transfer-encoding")


class BadBody(Exception):
    """What comes is no HTTP."""


class BrokeOff(Exception):
    """The client is gone before the body was whole."""


class TooSlow(Exception):
    """The client sends less than it has to; the message says how much that is."""


def body_of(scope: Scope) -> Body:
    """The body of a request that `Protocol` has begun to read. Who asks for it closes it, or has `pieces` do so."""
    return cast(Callable[[], Body], scope["extensions"][_EXTENSION])()


class Body:
    """A request's body. One thread reads it, once; any may cut it off."""

    def __init__(self, protocol: Protocol, cycle: RequestResponseCycle, connection: socket.socket | None) -> None:
        self._parser = protocol.parser
        self._cycle = cycle
        self._arrived = [bytes(cycle.body)]
        self._is_whole = not cycle.more_body
        self._connection = connection
        """A descriptor of its own; None where there is nothing to read."""
        self._closing = threading.Lock()

    def pieces(self, patience: float) -> Iterator[bytes]:
        """The body as it comes. Raises BadBody, BrokeOff, and TooSlow after so many seconds with hardly a byte."""
        buffer = _buffers.view
        due, wanted = time.monotonic() + patience, SLOWEST
        while True:
            arrived, self._arrived = self._arrived, []
            # A client may send chunks of a byte: they cost a little each, but not all that is done with a piece.
            yield from arrived if len(arrived) <= FEW else (b"".join(arrived),)
            if self._is_whole:
                return
            got = self._read(buffer, due)
            wanted -= got
            if wanted <= 0:
                due, wanted = time.monotonic() + patience, SLOWEST
            self._feed(buffer[:got])

    def close(self) -> None:
        """Let go of the connection: the event loop reads what is left of it, once the answer is on its way."""
        with self._closing:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def cut(self) -> None:
        """Have the thread that reads find that the connection has ended."""
        with self._closing:
            if self._connection is not None:
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    def _read(self, buffer: memoryview, due: float) -> int:
        left = due - time.monotonic()
        try:
            if self._connection is not None and left > 0:
                self._connection.settimeout(left)
                if got := self._connection.recv_into(buffer):
                    return got
        except TimeoutError:
            left = 0
        except OSError as error:
            raise BrokeOff("the request broke off") from error
        if left > 0:
            raise BrokeOff("the request broke off")
        raise TooSlow(f"less than {SLOWEST} bytes came in the time there is")

    def _feed(self, piece: memoryview) -> None:
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserError as error:
            # What follows the body, before it is answered, is not read: with the answer the connection is closed.
            self._cycle.keep_alive = False
            if not self._is_whole:
                raise BadBody("the body is no HTTP") from error
        except httptools.HttpParserUpgrade:
            return  # to what is not spoken here

    # What the protocol tells while it is fed

    def take(self, piece: bytes) -> None:
        """More of the body."""
        self._arrived.append(piece)

    def end(self) -> None:
        """It is whole."""
        self._is_whole = True


class _Buffers(threading.local):
    """One buffer a thread."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(READ_AT_ONCE))


_buffers = _Buffers()


class _Rest:
    """What a parser tells that knows only the body of a request."""

    def __init__(self, protocol: Protocol) -> None:
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete


class Protocol(HttpToolsProtocol):
    """One connection."""

    _body: Body | None = None
    """What a thread reads now."""
    _is_cut_short = False
    """The parser has taken an offer of another protocol for the end of the request, though a body follows."""

    def data_received(self, data: bytes) -> None:
        """Some of what the client sends."""
        self._unset_keepalive_if_required()
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if self._is_cut_short:
                    self._read_on(data[offer.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning("what came from %s is no HTTP", self.client)
            self.send_400_response("This is no HTTP.")

    def _read_on(self, rest: bytes) -> None:
        """Have another parser read the body, which begins here; what follows behind it has to be another connection."""
        self._is_cut_short = False
        self.cycle.keep_alive = False
        framing = (name + b": " + value for name, value in self.headers if name in _FRAMING)
        self.parser = httptools.HttpRequestParser(_Rest(self))
        self.parser.feed_data(b"\r\n".join((b"POST / HTTP/1.1", *framing, b"\r\n")))
        self.parser.feed_data(rest)

    def on_headers_complete(self) -> None:
        """A request begins, of whose body `body_of` makes a Body."""
        super().on_headers_complete()
        self._is_cut_short = self.parser.should_upgrade() and any(name in _FRAMING for name, _ in self.headers)
        self.scope["extensions"] = {_EXTENSION: partial(self._hand_over, self.cycle)}  # type: ignore[dict-item]

    def on_message_begin(self) -> None:
        """Another request begins; not behind one whose body a thread reads."""
        if self._body is not None:
            raise BadBody("a request before the one in front of it is answered")
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if self._body is not None:
            self._body.take(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        if self._is_cut_short:
            return
        if self._body is not None:
            self._body.end()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The event loop reads again."""
        self._body = None
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over; who reads it is told."""
        if self._body is not None:
            self._body.cut()
        super().connection_lost(exc)

    def _hand_over(self, cycle: RequestResponseCycle) -> Body:
        if not cycle.more_body or cycle.disconnected or self.transport.is_closing():
            return Body(self, cycle, None)
        self.flow.pause_reading()
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection = socket.socket(fileno=os.dup(self.transport.get_extra_info("socket").fileno()))
        self._body = Body(self, cycle, connection)
        return self._body
