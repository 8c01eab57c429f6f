"""The sockets that the node listens on, bound once and inherited by whoever serves them."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Mapping

log = logging.getLogger("dicomgate")

BACKLOG = 512
"""Connections that the kernel holds until they are accepted."""

_HINTS = {
    "EADDRINUSE": "another program listens there (is dicomgate running already?)",
    "EACCES": "ports below 1024 need the right to bind them (CAP_NET_BIND_SERVICE)",
    "EADDRNOTAVAIL": "this machine has no such address",
}


class CannotListen(Exception):
    """An address cannot be listened on; the message says why, and which setting names it."""


def bind(door: str, host: str, port: int) -> socket.socket:
    """A TCP socket of the door, bound and not listening yet: who connects too early is told so. Raises CannotListen."""
    listener = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may stand for both; without a colon people mean the older one.
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(address)
        return listener
    except OSError as error:
        if listener is not None:
            listener.close()
        raise _explained(error, door, host, port) from error


def take_over(listeners: list[socket.socket], door: str, port: int) -> list[socket.socket]:
    """The sockets that a service manager has bound for a door, wherever the configuration would have it listen.

    Raises CannotListen where they are no TCP.
    """
    for each in listeners:
        if each.family not in (socket.AF_INET, socket.AF_INET6) or each.type != socket.SOCK_STREAM:
            raise CannotListen(f"the socket that was handed over for {door} is not TCP: wanted ListenStream=HOST:PORT")
        each.setblocking(False)
    ports = sorted({each.getsockname()[1] for each in listeners})
    if listeners and port and ports != [port]:
        log.warning(
            "%s listens on port %s, where the service manager has bound it, and not on %s.port, which is %d",
            door.upper(), ", ".join(map(str, ports)), door, port,
        )  # fmt: skip
    return listeners


def refuse_strangers(sockets: Mapping[str, list[socket.socket]]) -> None:
    """Close what was handed over and belongs to no door: whoever connects there would wait for ever."""
    for name, listeners in sockets.items():
        log.error(
            "a socket named %s was handed over, and no door of that name is open "
            "(FileDescriptorName=dimse, tls or http): it is closed",
            name,
        )
        for each in listeners:
            each.close()


def listen(listener: socket.socket, door: str) -> None:
    """Begin to listen on a bound socket. Raises CannotListen."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise _explained(error, door, host, port) from error


def _explained(error: OSError, door: str, host: str, port: int) -> CannotListen:
    why = _HINTS.get(errno.errorcode.get(error.errno or 0, ""), error.strerror or str(error))
    return CannotListen(f"cannot listen on {host}:{port}: {why}; set {door}.port or {door}.host")
