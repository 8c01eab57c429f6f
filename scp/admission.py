"""How many may be served at once: in all, from one address, for one Calling AE Title.

A connection counts from the moment it is accepted, an Association from its A-ASSOCIATE-RQ: peers
that connect and say nothing cannot use up the Associations of those that speak. The acceptor counts
for all workers, and knows which of them holds what, so that a worker's death gives it all back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

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
CALLING_AE_NOT_RECOGNIZED, CALLED_AE_NOT_RECOGNIZED = 3, 7
LOCAL_LIMIT_EXCEEDED = 2


def beyond_limits(cause: str) -> Refusal:
    """The refusal of an Association that is one too many: the peer may try again."""
    return Refusal(TRANSIENT, BY_PRESENTATION, LOCAL_LIMIT_EXCEEDED, cause)


@dataclass(slots=True)
class _Held:
    """What one worker serves."""

    connections: Counter[str] = field(default_factory=Counter)
    associations: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Address and Calling AE Title by the Association's id."""


class Admission:
    """Counts connections and Associations over all workers; for one thread. A worker is named by any number."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        """May be replaced: what is open stays open."""
        self._held: dict[int, _Held] = {}
        self._connections: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._titles: Counter[str] = Counter()

    def connect(self, worker: int, address: str) -> bool:
        """Count a connection; False where there are too many, and then it is not counted."""
        limits = self.limits
        if limits.associations and self._connections.total() >= limits.associations * CONNECTIONS_AN_ASSOCIATION:
            return False
        # One address may hold half of all connections, so that another always finds a place.
        if limits.associations and self._connections[address] >= limits.associations * 2:
            return False
        self._connections[address] += 1
        self._of(worker).connections[address] += 1
        return True

    def disconnect(self, worker: int, address: str) -> None:
        """A connection that was counted has ended."""
        held = self._of(worker)
        if held.connections[address]:
            _take(held.connections, address)
            _take(self._connections, address)

    def open(self, worker: int, id: int, address: str, calling_ae: str) -> str | None:
        """Count an Association; why it is one too many, and then it is not counted."""
        limits = self.limits
        for have, most, whose in (
            (self._addresses.total(), limits.associations, "in all"),
            (self._addresses[address], limits.per_address, f"from {address}"),
            (self._titles[calling_ae], limits.per_ae, f"of {calling_ae}"),
        ):
            if most and have >= most:
                return f"{have} associations {whose} are open, at most {most} are allowed"
        self._of(worker).associations[id] = address, calling_ae
        self._addresses[address] += 1
        self._titles[calling_ae] += 1
        return None

    def close(self, worker: int, id: int) -> None:
        """An Association has ended; nothing where it was not counted."""
        counted = self._of(worker).associations.pop(id, None)
        if counted is not None:
            _take(self._addresses, counted[0])
            _take(self._titles, counted[1])

    def release(self, worker: int) -> int:
        """Give back all that a worker held; how many Associations that were."""
        held = self._held.pop(worker, _Held())
        for address, connections in held.connections.items():
            _take(self._connections, address, connections)
        for address, calling_ae in held.associations.values():
            _take(self._addresses, address)
            _take(self._titles, calling_ae)
        return len(held.associations)

    def load(self, worker: int) -> int:
        """Connections that a worker serves now."""
        return self._held[worker].connections.total() if worker in self._held else 0

    @property
    def connections(self) -> int:
        """Connections open now."""
        return self._connections.total()

    @property
    def associations(self) -> int:
        """Associations open now."""
        return self._addresses.total()

    def _of(self, worker: int) -> _Held:
        return self._held.setdefault(worker, _Held())


def _take(counter: Counter[str], key: str, number: int = 1) -> None:
    counter[key] -= number
    if counter[key] <= 0:
        del counter[key]
