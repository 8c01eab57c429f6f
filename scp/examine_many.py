"""Many files in several processes, answered in the order given."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from scp.examine import Bench, Failed, Outcome, examine
from scp.files import Candidate

BATCH = 16
"""Files handed over at once: a message between processes costs about as much as checking a small header."""

AHEAD = 4
"""Batches waiting for each process, so that a long list is not held in memory."""

_bench: list[Bench] = []
"""In a worker process: what it holds files against."""


def examine_all(found: Iterable[Candidate], jobs: int, bench: Callable[[], Bench]) -> Iterator[Outcome]:
    """The outcome of every candidate, in order; `bench` is called once in each process.

    A process that dies takes the batches in flight with it: each of their files is Failed, and so are those behind.
    """
    batches = _batches(found)
    with ProcessPoolExecutor(jobs, initializer=_set_up, initargs=(bench,)) as pool:
        waiting = deque(_submit(pool, batch) for batch in islice(batches, jobs * AHEAD))
        while waiting:
            batch, future = waiting.popleft()
            yield from _outcomes(batch, future)
            waiting.extend(_submit(pool, each) for each in islice(batches, 1))


Batch = tuple[Candidate, ...]


def _batches(found: Iterable[Candidate]) -> Iterator[Batch]:
    each = iter(found)
    while batch := tuple(islice(each, BATCH)):
        yield batch


def _submit(pool: ProcessPoolExecutor, batch: Batch) -> tuple[Batch, Future[list[Outcome]] | None]:
    try:
        return batch, pool.submit(_examine_batch, batch)
    except BrokenProcessPool:
        return batch, None


def _outcomes(batch: Batch, future: Future[list[Outcome]] | None) -> Iterable[Outcome]:
    try:
        if future is not None:
            return future.result()
    except BrokenProcessPool:
        pass
    return [Failed(each.path, "was not checked: a process died over one of the files") for each in batch]


def _set_up(bench: Callable[[], Bench]) -> None:
    # Ctrl-C reaches every process of the terminal; the one that was asked ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bench.append(bench())


def _examine_batch(batch: Batch) -> list[Outcome]:
    return [examine(each, _bench[0]) for each in batch]
