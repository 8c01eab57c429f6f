"""A child's side of its channel: it serves a door until the acceptor says stop, or is gone.

The main thread reads the channel and does nothing that can block; all else runs in threads of the door.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from typing import Any, Protocol

from scp.channel import (
    Admitted,
    Alive,
    AskStanding,
    Channel,
    Closed,
    Connection,
    Drain,
    Drained,
    Ended,
    Note,
    Opening,
    Pulse,
    Ready,
    Recover,
    Recovered,
    Standing,
    Stop,
)
from scp.receive import Node
from scp.recovery import recover_after

log = logging.getLogger("dicomgate.child")

ANSWER = 10.0
"""Seconds within which the acceptor must answer; it does nothing else than answer."""

LOOK = 5.0
"""Seconds between looks at whether all threads live."""

TICK = 0.05
UNHURRIED_TICK = 0.5
"""Seconds between looks at whether a door that is being closed has become quiet."""


class Door(Protocol):
    """What a child serves."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is being served that is worth waiting for."""

    @property
    def is_sound(self) -> bool:
        """Whether the threads that it cannot do without are alive."""

    def take(self, connection: socket.socket, address: str, port: int, *, is_tls: bool) -> None:
        """Serve a connection that the acceptor accepted."""

    def drain(self, hurry: bool) -> None:
        """Serve what is open and nothing new. With `hurry` there is a deadline: do not wait for the silent."""

    def abort(self) -> None:
        """End what is still being served."""


class Line:
    """The child's end of the channel. Any thread may tell and ask; only the main thread hears."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._asked: dict[int, _Question] = {}
        self._next_ask = 0
        self._gone = False

    def tell(self, message: object) -> None:
        """Say something, which is lost where the acceptor is gone."""
        try:
            self._channel.send(message)
        except OSError:
            self._gone = True

    def standing(self, seconds: float = 1.0) -> Standing | None:
        """How the node as a whole is; None where the acceptor does not answer in time."""
        with self._lock:
            self._next_ask += 1
            ask = self._next_ask
        answer = self._ask(AskStanding(ask), seconds)
        return answer if isinstance(answer, Standing) else None

    def open(self, id: int, address: str, calling_ae: str) -> str | None:
        """Ask for an Association's place; why there is none for it."""
        answer = self._ask(Opening(id, address, calling_ae), ANSWER)
        if isinstance(answer, Admitted):
            return answer.refused
        self.close(id)  # it may have been counted all the same
        return "the acceptor does not answer"

    def close(self, id: int) -> None:
        """Give an Association's place back."""
        self.tell(Closed(id))

    def disconnect(self, address: str) -> None:
        """Give a connection's place back."""
        self.tell(Ended(address))

    def hear(self, seconds: float | None) -> tuple[object, socket.socket | None] | None:
        """What comes next; (None, None) where nothing does in time, None where the acceptor is gone."""
        if not select.select([self._channel], [], [], seconds)[0]:
            return None, None
        heard = self._channel.receive()
        if heard is None:
            self._gone = True
            with self._lock:
                for question in self._asked.values():
                    question.answered.set()
        return heard

    def settle(self, answer: Admitted | Standing) -> None:
        """Hand an answer to the thread that waits for it."""
        with self._lock:
            question = self._asked.get(answer.ask)
        if question is not None:
            question.answer = answer
            question.answered.set()

    def _ask(self, message: Any, seconds: float) -> object:
        question = _Question()
        with self._lock:
            if self._gone:
                return None
            self._asked[message.ask] = question
        self.tell(message)
        question.answered.wait(seconds)
        with self._lock:
            del self._asked[message.ask]
        return question.answer


class _Question:
    __slots__ = ("answer", "answered")

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: object = None


class Broken(Exception):
    """A thread has died that this process cannot do without: another process is to take its place."""


def serve(line: Line, door: Door, node: Node) -> None:
    """Serve until told to stop. A door that was told to drain is waited for, at most as long as was said.

    Raises Broken.
    """
    recovery = _Recovery(line, node)
    draining, drained, deadline = False, False, float("inf")
    line.tell(Ready())
    while True:
        wait = LOOK if not draining or drained else UNHURRIED_TICK if deadline == float("inf") else TICK
        heard = line.hear(wait)
        if not (draining or door.is_sound) or not node.committer.is_alive:
            raise Broken("a thread has died that this process cannot do without")
        if heard is None:
            log.warning("the acceptor is gone: this process ends")
            door.drain(hurry=True)
            door.abort()
            break
        match heard:
            case Connection(address, port, is_tls), connection if connection is not None:
                door.take(connection, address, port, is_tls=is_tls)
            case (Admitted() | Standing()) as answer, _:
                line.settle(answer)
            case Pulse(), _:
                line.tell(Alive(node.committer.busy))
            case Note(event), _:
                node.committer.note(event)
            case Recover(numbers), _:
                recovery.start(numbers)
            case Drain(seconds), _:
                draining = True
                deadline = float("inf") if seconds is None else time.monotonic() + seconds
                door.drain(hurry=seconds is not None)
            case Stop(event), _:
                door.drain(hurry=True)
                door.abort()
                if event is not None:
                    node.committer.note(event)
                break
        if draining and not drained and (door.is_quiet or time.monotonic() >= deadline):
            door.abort()
            drained = True
            line.tell(Drained())
    recovery.stop()


class _Recovery:
    """Puts right, in a thread, what processes left that died."""

    def __init__(self, line: Line, node: Node) -> None:
        self._line = line
        self._node = node
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, numbers: tuple[int, ...]) -> None:
        self._thread = threading.Thread(target=self._run, args=(frozenset(numbers),), name="recovery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self, numbers: frozenset[int]) -> None:
        try:
            done = recover_after(self._node, numbers, self._stopping)
        except Exception:
            log.exception("what a process left could not be put right; the next start tries again")
            done = True
        if done:
            self._line.tell(Recovered())
