"""What may be wrong with bytes, and how far the reader goes along: Fault, Limits, NotDicom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEEPEST = 40
"""Sequences within Sequences for which Python's stack is deep enough."""

Kind = Literal["undecodable", "encoding"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Malformed input, as seen: where (bytes from the start of the data), at which tag, and what.

    "undecodable" stops or damages reading; with "encoding" all can be read the same. The message holds no value.
    """

    offset: int
    tag: int | None
    message: str
    kind: Kind = "undecodable"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an instance is read. What exceeds a limit is a Fault, and what came before it stays readable."""

    depth: int = 32
    """Sequences within Sequences, 40 at most: the walk goes down by recursion."""
    elements: int = 2_000_000
    """Elements and Items, over all Data Sets that are walked."""
    header_bytes: int = 1 << 30
    """Bytes in front of the pixel data."""
    inflated_bytes: int = 1 << 27
    """Bytes that a deflated Data Set may grow to; they are held in memory."""
    faults: int = 200
    """Faults that are told one by one."""

    def __post_init__(self) -> None:
        if self.depth > DEEPEST:
            raise ValueError(f"depth {self.depth} is more than {DEEPEST}")


LIMITS = Limits()


class NotDicom(ValueError):
    """Bytes that are no DICOM at all; the message is one plain line."""
