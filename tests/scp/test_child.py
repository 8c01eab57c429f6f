"""What a child makes of what it hears, without a node."""

from __future__ import annotations

import socket
import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scp import child
from scp.channel import Admitted, Channel, Closed, Drain, Drained, Note, Opening, Ready, Stop
from scp.child import Broken, Line, serve
from scp.service import stop_event


class FakeDoor:
    """A door that is quiet when a test says so, and remembers what it was told."""

    def __init__(self) -> None:
        self.is_sound = True
        self.is_quiet = False
        self.told: list[str] = []

    def take(self, connection: socket.socket, address: str, port: int) -> None:
        connection.close()

    def drain(self, hurry: bool) -> None:
        self.told.append("hurry" if hurry else "drain")

    def abort(self) -> None:
        self.told.append("abort")


class Child:
    """`serve` in a thread, with the acceptor's end of its channel."""

    def __init__(self) -> None:
        self.ours, self._theirs = Channel.pair()
        self.door, self.noted, self.raised = FakeDoor(), [], None  # type: ignore[var-annotated]
        self.line = Line(self._theirs)
        committer = SimpleNamespace(is_alive=True, note=self.noted.append)
        self.node: Any = SimpleNamespace(committer=committer)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            serve(self.line, self.door, cast(Any, self.node))
        except Broken as error:
            self.raised = error

    def says(self) -> object:
        deadline = time.monotonic() + 10
        while True:
            try:
                heard = self.ours.receive()
                return None if heard is None else heard[0]
            except BlockingIOError:
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def ends(self) -> bool:
        self.thread.join(10)
        self.ours.close()
        self._theirs.close()
        return not self.thread.is_alive()


def test_it_drains_says_so_and_stops_with_a_last_event() -> None:
    it = Child()
    assert it.says() == Ready()
    it.ours.send(Drain(None))
    it.door.is_quiet = True
    assert it.says() == Drained()
    last = stop_event()
    it.ours.send(Stop(last))
    assert it.ends()
    assert it.noted == [last]
    assert it.door.told[0] == "drain"


def test_a_deadline_ends_what_will_not() -> None:
    it = Child()
    assert it.says() == Ready()
    it.ours.send(Drain(0.05))
    assert it.says() == Drained()
    assert it.door.told == ["hurry", "abort"]
    it.ours.send(Stop())
    assert it.ends()


def test_without_an_acceptor_it_ends() -> None:
    it = Child()
    assert it.says() == Ready()
    it.ours.close()
    assert it.ends()
    assert it.door.told == ["hurry", "abort"]


@pytest.mark.parametrize("broken", ["door", "committer"])
def test_a_process_whose_threads_have_died_gives_up_its_place(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    monkeypatch.setattr(child, "LOOK", 0.01)
    it = Child()
    assert it.says() == Ready()
    if broken == "door":
        it.door.is_sound = False
    else:
        it.node.committer.is_alive = False
    assert it.ends()
    assert it.raised is not None


def test_an_answer_reaches_who_asked_and_without_one_the_place_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    it = Child()
    assert it.says() == Ready()
    answers: list[str | None] = []
    asking = threading.Thread(target=lambda: answers.append(it.line.open(5, "127.0.0.1", "CT")))
    asking.start()
    assert it.says() == Opening(5, "127.0.0.1", "CT")
    it.ours.send(Note(stop_event()))
    it.ours.send(Admitted(5, "too many"))
    asking.join(10)
    assert answers == ["too many"]
    monkeypatch.setattr(child, "ANSWER", 0.05)
    assert it.line.open(6, "127.0.0.1", "CT") == "the acceptor does not answer"
    assert [it.says(), it.says()] == [Opening(6, "127.0.0.1", "CT"), Closed(6)]
    it.ours.send(Stop())
    assert it.ends()
