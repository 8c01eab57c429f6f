"""multipart/related as clients write it, in pieces of any size; and what is none."""

from __future__ import annotations

import random
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.multipart import BadMultipart, Multipart

Part = tuple[dict[str, str], bytes]


class Parts:
    """A Receiver that remembers."""

    def __init__(self) -> None:
        self.whole: list[Part] = []
        self._headers: dict[str, str] = {}
        self._data = b""

    def begin(self, headers: dict[str, str]) -> None:
        self._headers, self._data = headers, b""

    def data(self, piece: memoryview) -> None:
        assert len(piece)
        self._data += bytes(piece)

    def end(self) -> None:
        self.whole.append((self._headers, self._data))


def parts(body: bytes, boundary: str = "b", size: int = 1 << 20) -> list[Part]:
    found = Parts()
    parser = Multipart(boundary, found)
    for at in range(0, len(body), size):
        parser.feed(body[at : at + size])
    parser.close()
    return found.whole


DICOM = {"content-type": "application/dicom"}

BODIES = [
    pytest.param(b"--b\r\nContent-Type: application/dicom\r\n\r\nDATA\r\n--b--", [(DICOM, b"DATA")], id="one"),
    pytest.param(b"--b\r\ncontent-type:application/dicom\r\n\r\nDATA\r\n--b--\r\n", [(DICOM, b"DATA")], id="no blank"),
    pytest.param(b"\r\n--b\r\nA: b\r\n\r\nDATA\r\n--b--", [({"a": "b"}, b"DATA")], id="line first"),
    pytest.param(
        b"This is a message\r\nof parts.\r\n--b\r\nContent-Type: application/dicom\r\n\r\nDATA\r\n--b--\r\nbye",
        [(DICOM, b"DATA")],
        id="preamble and epilogue",
    ),
    pytest.param(
        b"--b  \t\r\nContent-Type:\r\n application/dicom\r\n\r\nDATA\r\n--b--", [(DICOM, b"DATA")], id="folded, padded"
    ),
    pytest.param(b"--b\r\n\r\nDATA\r\n--b--", [({}, b"DATA")], id="no headers"),
    pytest.param(b"--b\r\nContent-Type: application/dicom\r\n\r\n\r\n--b--", [(DICOM, b"")], id="empty"),
    pytest.param(b"--b\r\nContent-Type: application/dicom\r\n\r\n--b--", [(DICOM, b"")], id="empty, one line break"),
    pytest.param(
        b"--b\r\nA: 1\r\n\r\none\r\n--b\r\nA: 2\r\n\r\n\r\n--c\r\ntwo--b\r\n-\r\n--b--",
        [({"a": "1"}, b"one"), ({"a": "2"}, b"\r\n--c\r\ntwo--b\r\n-")],
        id="almost a boundary",
    ),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("body", "wanted"), BODIES)
def test_parts_are_found_however_the_body_comes(body: bytes, wanted: list[Part], size: int) -> None:
    assert parts(body, size=size) == wanted


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 64))
def test_what_is_between_boundaries_comes_through_as_it_is(contents: list[bytes], size: int) -> None:
    boundary = "a boundary that no 300 bytes of chance hold"
    body = b"".join(b"--%b\r\nContent-Type: x/y\r\n\r\n%b\r\n" % (boundary.encode(), each) for each in contents)
    found = parts(body + b"--" + boundary.encode() + b"--", boundary, size)
    assert [data for _, data in found] == contents


def test_the_standard_library_writes_what_is_read() -> None:
    message = MIMEMultipart("related", boundary="b")
    content = random.Random(1).randbytes(3000)
    message.attach(MIMEApplication(content, "dicom", lambda _: None))
    _, _, body = message.as_bytes().replace(b"\n", b"\r\n").partition(b"\r\n\r\n")
    assert parts(body)[0][0]["content-type"] == "application/dicom"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "never comes"),
        (b"no boundary at all", "never comes"),
        (b"--other\r\n\r\nDATA\r\n--other--", "never comes"),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nDATA", "inside part 1"),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nDATA\r\n--b", "inside part 1"),
        (b"--b\r\nContent-Type: applica", "inside part 1"),
        (b"--bx\r\n\r\nDATA\r\n--b--", "behind the boundary"),
        (b"--b text\r\n\r\nDATA\r\n--b--", "behind the boundary"),
        (b"--b\r\nno colon\r\n\r\nDATA\r\n--b--", "without a colon"),
        (b"--b\r\nA: " + b"a" * (1 << 20) + b"\r\n\r\nDATA\r\n--b--", "bytes of headers"),
        (b"--b" + b" " * 5000, "no line break"),
    ],
)
@pytest.mark.parametrize("size", [1, 1 << 21])
def test_what_is_no_multipart_is_refused_and_says_why(body: bytes, why: str, size: int) -> None:
    if size == 1:
        body = body[:200_000]
    with pytest.raises(BadMultipart, match=why):
        parts(body, size=size)


@pytest.mark.parametrize("boundary", ["", "b" * 71, "b\r\n", "ü"])
def test_a_boundary_has_its_bounds(boundary: str) -> None:
    with pytest.raises(BadMultipart):
        Multipart(boundary, Parts())
