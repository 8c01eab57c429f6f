"""Sizes, limits and addresses in words."""

from __future__ import annotations


def size(number: int) -> str:
    """A number of bytes in the largest unit that leaves no remainder."""
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if number and number % (1 << power) == 0:
            return f"{number >> power} {unit}"
    return f"{number} bytes"


def address(host: str, port: int) -> str:
    """Where something listens."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def limit(number: int) -> str:
    """A limit, which 0 sets none of."""
    return str(number) if number else "no limit of its own"
