"""A stream of multipart/related taken apart as it comes (RFC 2046 5.1, RFC 2387), in memory of one chunk.

What real clients send is read: text in front of the first boundary, folded headers, headers without a blank after
the colon, parts without headers. What is cut off or out of order is refused.
"""

from __future__ import annotations

from typing import Protocol

LONGEST_BOUNDARY = 70
LARGEST_HEADERS = 1 << 16
"""Bytes of the headers of one part; a body part of DICOM has some 100."""

LONGEST_PADDING = 1 << 10
"""Bytes of white space behind a boundary."""


class BadMultipart(ValueError):
    """The body is not what its Content-Type says; the message says where and why."""


class Receiver(Protocol):
    """What is told of the parts, in order: begin, data as often as there is some, end."""

    def begin(self, headers: dict[str, str]) -> None:
        """A part begins; names of headers are in lower case, the last of equal ones counts."""

    def data(self, piece: memoryview) -> None:
        """Some bytes of it, good until the call returns."""

    def end(self) -> None:
        """It is whole."""


class Multipart:
    """Takes pieces of a body with `feed`, and tells a Receiver of its parts; `close` once the body is at its end.

    Raises BadMultipart. Each call costs time linear in what was fed.
    """

    def __init__(self, boundary: str, receiver: Receiver) -> None:
        if not 0 < len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii() or "\r" in boundary or "\n" in boundary:
            raise BadMultipart(f"a boundary is 1 to {LONGEST_BOUNDARY} ASCII characters")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._receiver = receiver
        # A delimiter belongs to the line break in front of it; at the very beginning there need not be one.
        self._buffer = bytearray(b"\r\n")
        self._step = self._preamble
        self._parts = 0

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes of the body."""
        self._buffer += piece
        at = 0
        while True:
            step, before = self._step, at
            at = step(at)
            if at == before and self._step == step:
                break
        if at:
            del self._buffer[:at]

    def close(self) -> None:
        """Say that the body ends here."""
        if self._step == self._epilogue:
            return
        if self._step == self._preamble and not self._parts:
            raise BadMultipart("the boundary of the Content-Type never comes")
        raise BadMultipart(f"the body ends inside part {max(self._parts, 1)}")

    # Each step takes what it can from `at` on, and gives where it stopped; `_step` says what comes next.

    def _preamble(self, at: int) -> int:
        found = self._buffer.find(self._delimiter, at)
        if found < 0:
            return max(at, len(self._buffer) - len(self._delimiter) + 1)
        self._step = self._behind_delimiter
        return found + len(self._delimiter)

    def _behind_delimiter(self, at: int) -> int:
        """Two hyphens end the body; white space and a line break begin a part."""
        if len(self._buffer) - at < 2:
            return at
        if self._buffer.startswith(b"--", at):
            self._step = self._epilogue
            return at + 2
        line = self._buffer.find(b"\r\n", at, at + LONGEST_PADDING)
        if line < 0:
            if len(self._buffer) - at >= LONGEST_PADDING or self._buffer[at : at + 1] not in b" \t\r":
                raise BadMultipart(f"no line break behind the boundary of part {self._parts + 1}")
            return at
        if self._buffer[at:line].strip(b" \t"):
            raise BadMultipart(f"text behind the boundary of part {self._parts + 1}")
        self._step = self._headers
        # The line break stays: it is the blank line of a part without headers.
        return line

    def _headers(self, at: int) -> int:
        end = self._buffer.find(b"\r\n\r\n", at, at + LARGEST_HEADERS)
        if end < 0:
            if len(self._buffer) - at >= LARGEST_HEADERS:
                raise BadMultipart(f"part {self._parts + 1} has more than {LARGEST_HEADERS} bytes of headers")
            return at
        self._parts += 1
        headers = _headers_of(bytes(self._buffer[at + 2 : end]), self._parts)
        self._receiver.begin(headers)
        self._step = self._body
        # The last line break stays: the delimiter of an empty part may begin with it.
        return end + 2

    def _body(self, at: int) -> int:
        # The line break that ends the headers is skipped, unless a delimiter begins with it.
        self._step = self._rest
        if len(self._buffer) - at < len(self._delimiter):
            self._step = self._body
            return at
        return at if self._buffer.startswith(self._delimiter, at) else at + 2

    def _rest(self, at: int) -> int:
        found = self._buffer.find(self._delimiter, at)
        end = found if found >= 0 else max(at, len(self._buffer) - len(self._delimiter) + 1)
        if end > at:
            with memoryview(self._buffer) as whole, whole[at:end] as piece:
                self._receiver.data(piece)
        if found < 0:
            return end
        self._receiver.end()
        self._step = self._behind_delimiter
        return found + len(self._delimiter)

    def _epilogue(self, at: int) -> int:
        return len(self._buffer)


def _headers_of(raw: bytes, part: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in raw.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        if not line:
            continue
        name, colon, value = line.partition(b":")
        if not colon or not name.strip():
            raise BadMultipart(f"part {part} has a header without a colon")
        headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    return headers
