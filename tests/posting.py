"""A STOW-RS client made of bytes: says exactly what a test wants said, right or wrong (PS3.18 10.5)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from builders import EXPLICIT

from rules.encode import part10

BOUNDARY = "a-boundary"
RELATED = f"multipart/related; type=application/dicom; boundary={BOUNDARY}"
STUDIES = "/dicom-web/studies"


@dataclass(frozen=True)
class Answered:
    """Status code, headers and body of an answer."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def module(self) -> dict[str, Any]:
        """The Store Instances Response Module, in the JSON Model."""
        assert self.headers["content-type"] == "application/dicom+json"
        found: dict[str, Any] = json.loads(self.body)
        return found

    def items(self, tag: str) -> list[dict[str, Any]]:
        """The Items of one of its Sequences; none where it is absent."""
        return list(self.module.get(tag, {}).get("Value", []))

    @property
    def why(self) -> str:
        """The words of an answer that has no module."""
        return str(json.loads(self.body)["detail"])


def file(attributes: dict[str, object], syntax: str = EXPLICIT) -> bytes:
    """An instance as a Part 10 file."""
    return part10(attributes, syntax)


def multipart(parts: Iterable[bytes], kind: str = "application/dicom", boundary: str = BOUNDARY) -> bytes:
    """A multipart/related body."""
    head = f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode()
    return b"".join(head + each + b"\r\n" for each in parts) + f"--{boundary}--".encode()


def post(
    port: int,
    body: bytes | Iterable[bytes],
    content_type: str = RELATED,
    path: str = STUDIES,
    source: str = "",
    **headers: str,
) -> Answered:
    """POST a body, in chunks where it is an iterable; what was answered. `source` is the address it comes from."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=60, source_address=(source, 0) if source else None
    )
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            "POST", path, body, {"Content-Type": content_type, **named}, encode_chunked=not isinstance(body, bytes)
        )
        answer = connection.getresponse()
        return Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
