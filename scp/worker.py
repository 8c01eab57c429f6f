"""What the acceptor's children are: one that prepares the node and ends, workers that receive, and those for HTTP.

Each opens its own database connections, ids and journal, after the fork.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

from scp.certificates import CertificateProblem
from scp.channel import Channel, Doing, Failed, Leased, Ready
from scp.child import Line, serve
from scp.config import Settings
from scp.database import DatabaseProblem
from scp.dimse import DimseDoor
from scp.identity import IdentityProblem
from scp.metrics import Metrics
from scp.service import CannotStart, opened, prepare, refuse_open_door
from scp.store import StoreProblem
from scp.tls import Contexts
from scp.web.server import HttpDoor

log = logging.getLogger("dicomgate.child")

Problems = (CannotStart, CertificateProblem, DatabaseProblem, IdentityProblem, StoreProblem)
"""What keeps a process from starting, with a line that says why."""


def prepare_node(settings: Settings, metrics: Metrics, channel: Channel, node_pid: int) -> int:
    """Bring everything in order that all processes rely on; 0 once that is done."""

    def work(line: Line) -> None:
        prepare(settings, metrics, node_pid, lambda what: line.tell(Doing(what)))
        line.tell(Ready())

    return _reporting(channel, work)


def receive_instances(
    settings: Settings,
    metrics: Metrics,
    channel: Channel,
    address: tuple[str, int],
    *,
    is_first: bool,
    stands_in: bool,
) -> int:
    """Serve the Associations that the acceptor, which listens at `address`, hands over.

    The first of the workers records what concerns the node rather than a worker; one that stands in for a dead one
    makes do with what there is.
    """

    def work(line: Line) -> None:
        with opened(settings, metrics, lambda number: line.tell(Leased(number))) as node:
            contexts = None
            if settings.tls.enabled:
                contexts = Contexts(settings, node.committer.note, records=is_first, stands_in=stands_in)
            serve(line, DimseDoor(settings, node, line, address, contexts), node)

    return _reporting(channel, work)


def answer_http(
    settings: Settings, metrics: Metrics, channel: Channel, listeners: list[socket.socket], *, is_first: bool
) -> int:
    """Serve HTTP on sockets that are bound already; the first such process looks after the devices."""

    def work(line: Line) -> None:
        with opened(settings, metrics, lambda number: line.tell(Leased(number))) as node:
            for each in listeners:
                refuse_open_door(settings.http, each.getsockname()[0], node.engine)
            door = HttpDoor(settings, node, listeners, line.standing, watches=is_first)
            door.start()
            serve(line, door, node)

    return _reporting(channel, work)


def _reporting(channel: Channel, work: Callable[[Line], None]) -> int:
    """The exit code of a child that does this work; what goes wrong is said to the acceptor."""
    line = Line(channel)
    try:
        work(line)
        return 0
    except Problems as problem:
        line.tell(Failed(str(problem)))
    except Exception as error:
        log.exception("a process of the node has failed")
        line.tell(Failed(f"{type(error).__name__}: {error}"))
    return 1
