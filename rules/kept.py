"""What was worked out and may be wanted again: so much at most, and what was not asked for lately goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key. Senders choose what is worked out, so that there has to be an end to it for all of them together.

    There are two halves: what is asked for moves to the younger one, and once that is full the older one is dropped.
    """

    __slots__ = ("_half", "_older", "_size", "_size_of", "_younger")

    def __init__(self, most: int, size_of: Callable[[K], int] = lambda _: 1) -> None:
        """`most` is how much is kept, by the sizes of the keys; as it stands, their number."""
        self._half = most // 2
        self._size_of = size_of
        self._size = 0
        self._younger: dict[K, V] = {}
        self._older: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._younger) + len(self._older)

    def get(self, key: K) -> V | None:
        """What is kept under a key; None where nothing is."""
        found = self._younger.get(key)
        if found is None:
            found = self._older.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> V:
        """Keep a value; gives it back."""
        if self._size >= self._half:
            self._older, self._younger, self._size = self._younger, {}, 0
        self._younger[key] = value
        self._size += self._size_of(key)
        return value
