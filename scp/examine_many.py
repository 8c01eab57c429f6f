"""Many files in several processes, answered in the order given."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice

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

    A process that dies takes the batches in flight with it. Their files are examined again one by one, so that only
    one that kills its process is Failed.
    """
    batches = _batches(found)
    for first in batches:
        lost = yield from _until_broken(chain([first], batches), jobs, bench)
        yield from _one_by_one(lost, bench)


Batch = tuple[Candidate, ...]


def _batches(found: Iterable[Candidate]) -> Iterator[Batch]:
    each = iter(found)
    while batch := tuple(islice(each, BATCH)):
        yield batch


def _until_broken(
    batches: Iterator[Batch], jobs: int, bench: Callable[[], Bench]
) -> Generator[Outcome, None, deque[Candidate]]:
    """The outcomes in order, until a process dies; returns the files that were handed over and not answered."""
    waiting: deque[tuple[Batch, Future[list[Outcome]]]] = deque()
    batch: Batch = ()
    with _pool(jobs, bench) as pool:
        try:
            for batch in batches:
                waiting.append((batch, pool.submit(_examine_batch, batch)))
                batch = ()
                if len(waiting) == jobs * AHEAD:
                    yield from waiting[0][1].result()
                    waiting.popleft()
            while waiting:
                yield from waiting[0][1].result()
                waiting.popleft()
        except BrokenProcessPool:
            return deque(each for lost in (*(given for given, _ in waiting), batch) for each in lost)
    return deque()


def _one_by_one(files: deque[Candidate], bench: Callable[[], Bench]) -> Iterator[Outcome]:
    """The outcomes in order, each file alone in a process, which the next one takes over where it lives."""
    while files:
        with _pool(1, bench) as pool:
            while files:
                each = files.popleft()
                try:
                    yield from pool.submit(_examine_batch, (each,)).result()
                except BrokenProcessPool:
                    yield Failed(each.path, "was not checked: the process died over it")
                    break


def _pool(jobs: int, bench: Callable[[], Bench]) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, initializer=_set_up, initargs=(bench,))


def _set_up(bench: Callable[[], Bench]) -> None:
    # Ctrl-C reaches every process of the terminal; the one that was asked ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bench.append(bench())


def _examine_batch(batch: Batch) -> list[Outcome]:
    return [examine(each, _bench[0]) for each in batch]
