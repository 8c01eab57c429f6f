"""A sender made of bytes: says exactly what a test wants said, right or wrong (PS3.8 9.3, PS3.7 9.3)."""

from __future__ import annotations

import socket
from struct import pack, unpack_from

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"

FRAGMENT = 100_000
"""Bytes of a Data Set in one PDU: below the Maximum Length that a node announces."""

ACCEPT, REJECT, DATA, RELEASE, RELEASED, ABORT = 2, 3, 4, 5, 6, 7


def item(kind: int, body: bytes) -> bytes:
    return pack(">BBH", kind, 0, len(body)) + body


def pdu(kind: int, body: bytes) -> bytes:
    return pack(">BBI", kind, 0, len(body)) + body


def associate_rq(contexts: dict[int, tuple[str, list[str]]], calling: str = "PEER", called: str = "DICOMGATE") -> bytes:
    """An A-ASSOCIATE-RQ that proposes {context id: (abstract syntax, transfer syntaxes)}."""
    body = pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode())
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, syntaxes) in contexts.items():
        inner = item(0x30, abstract.encode()) + b"".join(item(0x40, each.encode()) for each in syntaxes)
        body += item(0x20, bytes((number, 0, 0, 0)) + inner)
    body += item(0x50, item(0x51, pack(">I", 16384)) + item(0x52, b"1.2.826.0.1.3680043.9.9999"))
    return pdu(1, body)


def pdv(data: bytes, context: int, *, command: bool, last: bool) -> bytes:
    """A presentation data value item."""
    return pack(">IBB", len(data) + 2, context, command | last << 1) + data


def p_data(*items: bytes) -> bytes:
    return pdu(DATA, b"".join(items))


def element(tag: int, value: bytes) -> bytes:
    """An element in Implicit VR Little Endian."""
    value += b"\0" * (len(value) % 2)
    return pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def command(*elements: tuple[int, bytes]) -> bytes:
    """A command set with its group length."""
    body = b"".join(element(tag, value) for tag, value in elements)
    return element(0x00000000, pack("<I", len(body))) + body


def c_store_rq(sop_class: str, sop_instance: str, message: int = 1, data_set: bool = True) -> bytes:
    return command(
        (0x00000002, sop_class.encode()),
        (0x00000100, pack("<H", 0x0001)),
        (0x00000110, pack("<H", message)),
        (0x00000700, pack("<H", 0)),
        (0x00000800, pack("<H", 1 if data_set else 0x0101)),
        (0x00001000, sop_instance.encode()),
    )


def c_echo_rq(message: int = 1) -> bytes:
    return command(
        (0x00000002, VERIFICATION.encode()),
        (0x00000100, pack("<H", 0x0030)),
        (0x00000110, pack("<H", message)),
        (0x00000800, pack("<H", 0x0101)),
    )


class Peer:
    """One connection to a node."""

    def __init__(self, port: int, timeout: float = 15.0, source: str | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, (source, 0) if source else None)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> tuple[int, bytes]:
        """Type and body of the next PDU; (0, b"") where the node has closed the connection."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        return head[0], self._exactly(int.from_bytes(head[2:6], "big"))

    def associate(
        self, contexts: dict[int, tuple[str, list[str]]] | None = None, calling: str = "PEER"
    ) -> tuple[int, bytes]:
        self.send(associate_rq(contexts or {1: (CT, [IMPLICIT])}, calling))
        return self.receive()

    def store(
        self, sop_class: str, sop_instance: str, data_set: bytes, context: int = 1, message: int = 1
    ) -> dict[int, bytes]:
        """Send one C-STORE; the elements of the response's command set."""
        self.send(p_data(pdv(c_store_rq(sop_class, sop_instance, message), context, command=True, last=True)))
        for at in range(0, len(data_set) or 1, FRAGMENT):
            last = at + FRAGMENT >= len(data_set)
            self.send(p_data(pdv(data_set[at : at + FRAGMENT], context, command=False, last=last)))
        return self.response()

    def response(self) -> dict[int, bytes]:
        """The elements of the next response, as {tag: value}."""
        kind, body = self.receive()
        assert kind == DATA, f"PDU of type {kind}: {body[:16].hex()}"
        elements, at = {}, 6
        while at < len(body):
            group, number, length = unpack_from("<HHI", body, at)
            elements[group << 16 | number] = body[at + 8 : at + 8 + length]
            at += 8 + length
        return elements

    def release(self) -> tuple[int, bytes]:
        self.send(pdu(RELEASE, b"\0\0\0\0"))
        return self.receive()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return data
            if not more:
                return data
            data += more
        return data


def status(response: dict[int, bytes]) -> int:
    return int.from_bytes(response[0x00000900], "little")


def comment(response: dict[int, bytes]) -> str:
    return response.get(0x00000902, b"").decode("ascii").strip()


def offending(response: dict[int, bytes]) -> list[int]:
    raw = response.get(0x00000901, b"")
    pairs = [unpack_from("<HH", raw, at) for at in range(0, len(raw), 4)]
    return [group << 16 | number for group, number in pairs]
