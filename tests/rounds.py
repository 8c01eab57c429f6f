"""One round of a proof: a node under load that ends at a moment nobody chose, and what is true once it is back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from consistency import disagreements
from senders import Poster, Sender, all_acknowledged
from serving import Served, configuration, configure, started
from volumes import Volume

SENDERS = 8
SIZES = (2_000, 20_000, 150_000, 600_000)
"""Bytes of pixel data: one fragment, a few, and more than one PDU holds."""

PATIENCE = 60.0


@dataclass
class Tally:
    """What the rounds of one proof add up to."""

    what: str
    rounds: int = 0
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)
    left_over: int = 0
    """Temporary files after the restart."""

    def add(self, seed: int, acknowledged: dict[str, str], wrong: list[str], left_over: int) -> None:
        """Count one round."""
        self.rounds += 1
        self.acknowledged += len(acknowledged)
        self.wrong += [f"seed {seed}: {each}" for each in wrong]
        self.left_over += left_over

    def judge(self) -> None:
        """Print the sum, and fail where anything was lost."""
        print(self)
        assert self.wrong == []
        assert self.left_over == 0
        assert self.acknowledged >= self.rounds * SENDERS

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.rounds} rounds, {self.acknowledged} acknowledged, {len(self.wrong)} lost or at odds, "
            f"{self.left_over} temporary files left"
        )


def by_dimse(node: Served) -> list[Sender]:
    """Senders, each with instances of a size of its own, so that some are always in the middle of one."""
    return [Sender(node.port, each, 5_000, size=SIZES[each % len(SIZES)]) for each in range(SENDERS)]


def by_http(node: Served) -> list[Sender]:
    """The same over HTTP, several instances a request."""
    return [Poster(node.http_port, each, 5_000, size=SIZES[each % len(SIZES)]) for each in range(SENDERS)]


def load(senders: list[Sender], chance: random.Random) -> list[Sender]:
    """The senders, at work for a while."""
    for each in senders:
        each.start()
    wanted = chance.randint(SENDERS, 300)
    deadline = time.monotonic() + PATIENCE
    while len(all_acknowledged(senders)) < wanted:
        assert time.monotonic() < deadline, f"{wanted} instances are acknowledged"
        senders[0].join(chance.random() / 50)
    return senders


def finish(senders: Sequence[Sender]) -> None:
    """Wait for senders whose node is gone."""
    for each in senders:
        each.join(PATIENCE)
        assert not each.is_alive()


def crash_round(
    folder: Path, url: str, seed: int, tally: Tally, door: Callable[[Served], list[Sender]] = by_dimse
) -> None:
    """Kill a node and all its processes under load, start it again, and compare."""
    configure(folder, url)
    with _under_load(folder, url, seed, door) as (node, senders):
        node.kill()
        finish(senders)
        acknowledged = all_acknowledged(senders)
    tally.add(seed, acknowledged, *_afterwards(folder, url, acknowledged))


def power_round(volume: Volume, folder: Path, url: str, seed: int, tally: Tally) -> None:
    """Take the power from the volume of the store under load: what was not synced is gone. Then as after a crash.

    Only what was acknowledged before counts: while the power of one volume is gone, the node lives on for a moment.
    The folder is configured already.
    """
    with _under_load(folder, url, seed) as (node, senders):
        acknowledged = all_acknowledged(senders)
        volume.lose_power()
        node.kill()
        finish(senders)
    volume.mount_again()
    wrong, left_over = _afterwards(folder, url, acknowledged)
    tally.add(seed, acknowledged, [each for each in wrong if any(uid in each for uid in acknowledged)], left_over)


@contextmanager
def _under_load(
    folder: Path, url: str, seed: int, door: Callable[[Served], list[Sender]] = by_dimse
) -> Iterator[tuple[Served, Sequence[Sender]]]:
    with _started(folder, url) as node:
        yield node, load(door(node), random.Random(seed))


def _afterwards(folder: Path, url: str, acknowledged: dict[str, str]) -> tuple[list[str], int]:
    """What the node and its store disagree on once it is back, and how many temporary files there are still."""
    with _started(folder, url) as node:
        left_over = len(list((node.store / "incoming").iterdir()))
        return disagreements(url, node.store, acknowledged), left_over


def _started(folder: Path, url: str) -> AbstractContextManager[Served]:
    said = configuration(folder)
    return started(folder, said["dimse"]["port"], said["http"]["port"], url)
