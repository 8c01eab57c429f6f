"""A stream of multipart/related taken apart as it comes (RFC 2046 5.1, RFC 2387), without a copy of what parts hold.

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

    Raises BadMultipart.
    """

    def __init__(self, boundary: str, receiver: Receiver) -> None:
        if not 0 < len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii() or "\r" in boundary or "\n" in boundary:
            raise BadMultipart(f"a boundary is 1 to {LONGEST_BOUNDARY} ASCII characters")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._receiver = receiver
        # A delimiter belongs to the line break in front of it; at the very beginning there need not be one.
        self._left = b"\r\n"
        """The end of what was fed, where it takes more to tell what it is."""
        self._step = self._preamble
        self._parts = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body."""
        if self._left:
            piece = self._joined(piece)
        at = 0
        while True:
            step, before = self._step, at
            at = step(piece, at)
            if at == before and self._step == step:
                break
        self._left = piece[at:]

    def close(self) -> None:
        """Say that the body ends here."""
        if self._step == self._epilogue:
            return
        if self._step == self._preamble and not self._parts:
            raise BadMultipart("the boundary of the Content-Type never comes")
        raise BadMultipart(f"the body ends inside part {max(self._parts, 1)}")

    def _joined(self, piece: bytes) -> bytes:
        """What was left with the next piece; of a part the piece alone, where no delimiter lies across the two."""
        if self._step != self._rest or len(piece) < len(self._delimiter):
            return self._left + piece
        if self._delimiter in self._left + piece[: len(self._delimiter) - 1]:
            return self._left + piece
        self._receiver.data(memoryview(self._left))
        return piece

    # Each step takes what it can from `at` on, and gives where it stopped; `_step` says what comes next.

    def _preamble(self, piece: bytes, at: int) -> int:
        found = piece.find(self._delimiter, at)
        if found < 0:
            return max(at, len(piece) - len(self._delimiter) + 1)
        self._step = self._behind_delimiter
        return found + len(self._delimiter)

    def _behind_delimiter(self, piece: bytes, at: int) -> int:
        """Two hyphens end the body; white space and a line break begin a part."""
        if len(piece) - at < 2:
            return at
        if piece.startswith(b"--", at):
            self._step = self._epilogue
            return at + 2
        line = piece.find(b"\r\n", at, at + LONGEST_PADDING)
        if line < 0:
            if len(piece) - at >= LONGEST_PADDING or piece[at : at + 1] not in b" \t\r":
                raise BadMultipart(f"no line break behind the boundary of part {self._parts + 1}")
            return at
        if piece[at:line].strip(b" \t"):
            raise BadMultipart(f"text behind the boundary of part {self._parts + 1}")
        self._step = self._headers
        # The line break stays: it is the blank line of a part without headers.
        return line

    def _headers(self, piece: bytes, at: int) -> int:
        end = piece.find(b"\r\n\r\n", at, at + LARGEST_HEADERS)
        if end < 0:
            if len(piece) - at >= LARGEST_HEADERS:
                raise BadMultipart(f"part {self._parts + 1} has more than {LARGEST_HEADERS} bytes of headers")
            return at
        self._parts += 1
        headers = _headers_of(piece[at + 2 : end], self._parts)
        self._receiver.begin(headers)
        self._step = self._body
        # The last line break stays: the delimiter of an empty part may begin with it.
        return end + 2

    def _body(self, piece: bytes, at: int) -> int:
        """The line break that ends the headers is skipped, unless a delimiter begins with it."""
        if len(piece) - at < len(self._delimiter):
            return at
        self._step = self._rest
        return at if piece.startswith(self._delimiter, at) else at + 2

    def _rest(self, piece: bytes, at: int) -> int:
        found = piece.find(self._delimiter, at)
        end = found if found >= 0 else self._delimiter_may_begin(piece, at)
        if end > at:
            self._receiver.data(memoryview(piece)[at:end])
        if found < 0:
            return end
        self._receiver.end()
        self._step = self._behind_delimiter
        return found + len(self._delimiter)

    def _delimiter_may_begin(self, piece: bytes, at: int) -> int:
        """Where the rest of a piece is the beginning of a delimiter; its end, where it is not."""
        begins = max(at, len(piece) - len(self._delimiter) + 1)
        while (begins := piece.find(b"\r", begins)) >= 0:
            if self._delimiter.startswith(piece[begins:]):
                return begins
            begins += 1
        return len(piece)

    def _epilogue(self, piece: bytes, at: int) -> int:
        return len(piece)


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
