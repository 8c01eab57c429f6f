"""What is told of somebody once in a while, however often it happens."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST = 10_000
"""Somebodies that are remembered; beyond that all are told of anew."""


class Seldom:
    """Remembers when somebody was last told of. For one thread."""

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._told: dict[str, float] = {}

    def is_due(self, whose: str) -> bool:
        """Whether it is to be told now, which counts as told; within the seconds after that it is not."""
        now = self._clock()
        told = self._told.get(whose)
        if told is not None and now - told < self._seconds:
            return False
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[whose] = now
        return True
