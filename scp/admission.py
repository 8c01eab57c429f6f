"""How many may be served at once: in all, from one address, for one Calling AE Title.

A connection counts from the moment it is accepted, an Association from its A-ASSOCIATE-RQ: peers
that connect and say nothing cannot use up the Associations of those that speak.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

CONNECTIONS_AN_ASSOCIATION = 4
"""Open connections allowed for each Association allowed: those still silent, or closing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Associations in all, from one address, for one Calling AE Title; 0 is no limit of its own."""

    associations: int
    per_address: int
    per_ae: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An A-ASSOCIATE-RJ (PS3.8 section 9.3.4): Result, Source, Reason, and the cause in words for the audit."""

    result: int
    source: int
    reason: int
    cause: str


TRANSIENT, PERMANENT = 2, 1
BY_USER, BY_PRESENTATION = 1, 3
CALLED_AE_NOT_RECOGNIZED = 7
LOCAL_LIMIT_EXCEEDED = 2


class Admission:
    """Counts connections and Associations; safe to use from any thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._connections: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._titles: Counter[str] = Counter()

    def connect(self, address: str) -> bool:
        """Count a connection; False where there are too many, and then it is not counted."""
        limits = self._limits
        with self._lock:
            if limits.associations and self._connections.total() >= limits.associations * CONNECTIONS_AN_ASSOCIATION:
                return False
            # One address may hold half of all connections, so that another always finds a place.
            if limits.associations and self._connections[address] >= limits.associations * 2:
                return False
            self._connections[address] += 1
            return True

    def disconnect(self, address: str) -> None:
        """A connection that was counted has ended."""
        with self._lock:
            _take(self._connections, address)

    def open(self, address: str, calling_ae: str) -> Refusal | None:
        """Count an Association; the refusal where there are too many, and then it is not counted."""
        limits = self._limits
        with self._lock:
            for have, most, whose in (
                (self._addresses.total(), limits.associations, "in all"),
                (self._addresses[address], limits.per_address, f"from {address}"),
                (self._titles[calling_ae], limits.per_ae, f"of {calling_ae}"),
            ):
                if most and have >= most:
                    cause = f"{have} associations {whose} are open, at most {most} are allowed"
                    return Refusal(TRANSIENT, BY_PRESENTATION, LOCAL_LIMIT_EXCEEDED, cause)
            self._addresses[address] += 1
            self._titles[calling_ae] += 1
            return None

    def close(self, address: str, calling_ae: str) -> None:
        """An Association that was counted has ended."""
        with self._lock:
            _take(self._addresses, address)
            _take(self._titles, calling_ae)

    @property
    def associations(self) -> int:
        """Associations open now."""
        with self._lock:
            return self._addresses.total()


def _take(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
