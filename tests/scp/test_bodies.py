"""Bodies of HTTP requests as clients send them: in chunks, late, malformed, one behind the other, or never whole."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import ct
from posting import RELATED, STUDIES, file, multipart, post
from serving import Served, serving

PATIENCE = 20.0

_numbers = iter(range(1, 1_000_000))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    more = "http.idle_timeout = 5\nhttp.max_requests_per_client = 0"
    with serving(tmp_path_factory.mktemp("node"), more=more) as served:
        yield served


def a_body(size: int = 1000) -> bytes:
    """One sound CT image that was not sent before."""
    return multipart([file(ct(SOPInstanceUID=f"1.2.7.{next(_numbers)}", PixelData=bytes(size)))])


def head(length: int | None, *more: str) -> bytes:
    """The head of a Store request; in chunks where its length is not known."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = [f"POST {STUDIES} HTTP/1.1", "Host: x", f"Content-Type: {RELATED}", framing, *more]
    return "\r\n".join([*lines, "", ""]).encode()


def connected(node: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", node.http_port), PATIENCE)


def answer(client: socket.socket) -> tuple[int, bytes]:
    """Code and head of the next answer, whose body is read as well."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = client.recv(1)
        assert more, got
        got += more
    length = int(got.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while length:
        length -= len(client.recv(length))
    return int(got.split()[1]), got


def test_one_connection_serves_many_requests(node: Served) -> None:
    with connected(node) as client:
        for size in (10, 2_000_000, 1000):
            body = a_body(size)
            client.sendall(head(len(body)) + body)
            assert answer(client)[0] == 200
            client.sendall(head(None))
            body = a_body(size)
            for at in range(0, len(body), 70_000):
                piece = body[at : at + 70_000]
                client.sendall(b"%x;an=extension\r\n%b\r\n" % (len(piece), piece))
            client.sendall(b"0\r\nTrailer: x\r\n\r\n")
            assert answer(client)[0] == 200


def test_chunks_may_be_of_one_byte(node: Served) -> None:
    body = a_body(100_000)
    with connected(node) as client:
        client.sendall(head(None) + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        assert answer(client)[0] == 200


def test_a_client_may_wait_to_be_told_to_go_on(node: Served) -> None:
    with connected(node) as client:
        body = a_body(500_000)
        client.sendall(head(len(body), "Expect: 100-continue"))
        assert answer(client)[0] == 100
        client.sendall(body)
        assert answer(client)[0] == 200


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("late", [0, 200, 2000])
def test_an_offer_of_another_protocol_is_let_pass(node: Served, late: int, chunked: bool) -> None:
    """HTTP clients of Java make it with the first request of a connection, and expect an answer to the request."""
    body = a_body(500_000)
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    offer = "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
    sent = head(None if chunked else len(body), *offer) + framed
    with connected(node) as client:
        client.sendall(sent[:late])
        client.sendall(sent[late:])
        code, told = answer(client)
        assert code == 200
        assert b"connection: close" in told
        assert client.recv(1) == b""


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_what_is_sent_before_the_answer_is_not_taken_for_body(node: Served, chunked: bool, late: bool) -> None:
    """The second is answered, or the connection is closed behind the first; the first loses nothing by it."""
    first, second = a_body(700_000), a_body()
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(first), first) if chunked else first
    sent = head(None if chunked else len(first)) + framed + head(len(second)) + second
    before = node.held
    with connected(node) as client:
        at = 300_000 if late else len(sent)
        client.sendall(sent[:at])
        client.sendall(sent[at:])
        code, told = answer(client)
        assert code == 200
        if b"connection: close" in told:
            assert client.recv(1) == b""
            assert node.held == before + 1
        else:
            assert answer(client)[0] == 200
            assert node.held == before + 2


@pytest.mark.parametrize("ahead", [b"", b"8\r\n12345678\r\n"])
def test_what_is_no_chunk_ends_the_connection(node: Served, ahead: bytes) -> None:
    before = node.held
    with connected(node) as client:
        client.sendall(head(None, "Expect: 100-continue"))
        assert answer(client)[0] == 100
        client.sendall(ahead + b"no number\r\n")
        assert answer(client)[0] == 400
        assert client.recv(1) == b""
    assert node.held == before


def test_who_sends_too_little_is_not_listened_to_any_longer(node: Served) -> None:
    with connected(node) as client:
        client.sendall(head(1000) + b"--")
        code, told = answer(client)
        assert code == 408
        assert b"connection: close" in told
        assert client.recv(1) == b""


def test_a_refused_request_leaves_the_connection_in_order(node: Served) -> None:
    """The rest of its body is read, and not taken for the next request."""
    body = a_body(3_000_000)
    with connected(node) as client:
        client.sendall(head(len(body)).replace(b"multipart/related", b"multipart/mixed"))
        assert answer(client)[0] == 415
        client.sendall(body)
        body = a_body()
        client.sendall(head(len(body)) + body)
        assert answer(client)[0] == 200


def test_slow_clients_keep_nobody_waiting(node: Served) -> None:
    before = node.held
    waiting = [connected(node) for _ in range(100)]
    try:
        for each in waiting:
            each.sendall(head(1_000_000) + a_body(100_000)[:50_000])
        node.until_held(before + 100)
        assert post(node.http_port, a_body()).code == 200
    finally:
        for each in waiting:
            each.close()
    node.until_held(before + 1)


def test_a_body_under_way_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with serving(tmp_path) as node:
        with connected(node) as client:
            client.sendall(head(1_000_000) + a_body(100_000)[:50_000])
            node.until_held(1)
            assert node.stop() == 0
        assert node.held == 0
