"""What the node counts, for Prometheus: a file a process, which the process that is asked adds up.

Each process counts in memory that files of its own hold (prometheus-client's multiprocess form), so that no count is
lost with it: the process that takes its number goes on where it ended. What is a state rather than a count is looked
up when somebody asks; see `scp.web.scrape`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram, values

from scp.admission import (
    BY_PRESENTATION,
    BY_USER,
    CALLED_AE_NOT_RECOGNIZED,
    CALLING_AE_NOT_RECOGNIZED,
    LOCAL_LIMIT_EXCEEDED,
    Refusal,
)
from scp.arrival import DIFFERENT, SAME, TRANSCODED
from scp.records import Receipt
from scp.settings import Settings

log = logging.getLogger("dicomgate")

TITLES = 50
"""Calling AE Titles that get series of their own, a process, beside those that the devices name."""

OTHER = "other"
"""What stands for the Calling AE Titles beyond."""

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

FILES = {"counter": 1 << 20, "histogram": 1 << 18, "gauge_max": 1 << 18, "gauge_sum": 1 << 16}
"""Bytes of each process's files. They are given room at once: a volume that is full later must end no process."""

REFUSED = {
    0x0117: "uid-malformed",
    0x0122: "sop-class",
    0xA700: "no-room",
    0xA701: "database-gone",
    0xA702: "limit-reached",
    0xA703: "own-fault",
    0xC000: "undecodable",
    0xC122: "transfer-syntax",
}
"""Why an instance was refused, by DIMSE Status."""

REJECTED = {
    (BY_USER, CALLED_AE_NOT_RECOGNIZED): "called-ae",
    (BY_USER, CALLING_AE_NOT_RECOGNIZED): "calling-ae",
    (BY_USER, 1): "not-allowed",
    (BY_PRESENTATION, LOCAL_LIMIT_EXCEEDED): "limit-reached",
}
"""Why an Association was rejected, by Source and Reason of its A-ASSOCIATE-RJ (PS3.8 section 9.3.4)."""

ENDINGS = ("released", "aborted", "broken", "lost", "silent")
"""How Associations end; silent are connections that never asked for one."""

_DUPLICATES = {SAME: "same", DIFFERENT: "different", TRANSCODED: "transcoded"}


class Metrics:
    """What one process counts; thread-safe. Made after the fork; without a folder the counts are its own alone."""

    def __init__(self, folder: Path | None = None, number: int = 0, named: Collection[str] = ()) -> None:
        if folder is not None:
            _count_in(folder, number)
        self._named = set(named)
        """Calling AE Titles that have series of their own."""
        self._most = len(self._named) + TITLES
        self._instances = Counter(
            "dicomgate_instances_total",
            "Instances that have their receipt.",
            ["door", "calling_ae", "verdict"],
            registry=None,
        )
        self._by_iod = Counter(
            "dicomgate_iod_instances_total",
            "The same instances by IOD.",
            ["iod", "verdict"],
            registry=None,
        )
        self._bytes = Counter(
            "dicomgate_instance_bytes_total",
            "Bytes of their Data Sets.",
            ["door", "calling_ae"],
            registry=None,
        )
        self._last = Gauge(
            "dicomgate_last_instance_timestamp_seconds",
            "When the last instance of a Calling AE Title began to arrive, since the node's start.",
            ["calling_ae"],
            registry=None,
            multiprocess_mode="max",
        )
        self._findings = Counter("dicomgate_findings_total", "Findings.", ["rule", "severity"], registry=None)
        self._duplicates = Counter(
            "dicomgate_duplicates_total",
            "Instances whose SOP Instance UID was kept already: the same bytes, different ones, or another Transfer "
            "Syntax.",
            ["kind"],
            registry=None,
        )
        stages = Histogram(
            "dicomgate_stage_seconds",
            "Seconds that an instance takes to be received, to be checked, and to be made durable.",
            ["stage"],
            registry=None,
            buckets=SECONDS,
        )
        self._receive, self._check, self._commit = (stages.labels(each) for each in ("receive", "check", "commit"))
        self._batch = Histogram(
            "dicomgate_commit_batch_instances", "Instances of a commit.", registry=None, buckets=BATCHES
        )
        self._queue = Gauge(
            "dicomgate_commit_queue_instances",
            "Instances that wait for the next commit.",
            registry=None,
            multiprocess_mode="sum",
        )
        self._queue.set(0)
        self._queued = 0
        self._associations = Counter(
            "dicomgate_associations_total",
            "Associations that ended, by how; silent: connections that never asked for one.",
            ["ending"],
            registry=None,
        )
        self._refusals = Counter(
            "dicomgate_refusals_total",
            "Associations, instances and requests that were refused beside the policy.",
            ["what", "reason"],
            registry=None,
        )
        # What has not happened yet counts 0: an alarm that looks for a rise sees the first.
        for each in ENDINGS:
            self._associations.labels(each)
        for what, reasons in (("association", REJECTED), ("instance", REFUSED)):
            for reason in reasons.values():
                self._refusals.labels(what, reason)
        for each in _DUPLICATES.values():
            self._duplicates.labels(each)
        self._of: dict[tuple[str, str, str], tuple[Counter, Counter, Gauge]] = {}
        """By door, Calling AE Title and verdict: finding a child by its labels costs more than counting."""
        self._iods: dict[tuple[str, str], Counter] = {}
        self._rules: dict[tuple[str, str], Counter] = {}

    def received(self, receipt: Receipt, commit_seconds: float) -> None:
        """Count an instance that has its receipt."""
        title = self._title(receipt.calling_ae)
        key = receipt.door, title, receipt.verdict
        of = self._of.get(key)
        if of is None:
            of = self._of[key] = (
                self._instances.labels(*key),
                self._bytes.labels(receipt.door, title),
                self._last.labels(title),
            )
        instances, size, last = of
        instances.inc()
        size.inc(receipt.size)
        last.set(receipt.received_at.timestamp())
        _child(self._iods, self._by_iod, (receipt.iod or "unknown", receipt.verdict)).inc()
        if receipt.size:
            self._receive.observe(receipt.receive_ms / 1000)
            self._check.observe(receipt.check_ms / 1000)
        self._commit.observe(commit_seconds)
        if receipt.decisions:
            self._found(receipt)

    def committed(self, batch: int, waiting: int) -> None:
        """Count a commit of so many instances, while so many more wait."""
        if batch:
            self._batch.observe(batch)
        if waiting != self._queued:
            self._queued = waiting
            self._queue.set(waiting)

    def ended(self, ending: str) -> None:
        """Count an Association's end."""
        self._associations.labels(ending).inc()

    def rejected(self, refusal: Refusal) -> None:
        """Count an A-ASSOCIATE-RJ."""
        self._refusals.labels("association", REJECTED.get((refusal.source, refusal.reason), OTHER)).inc()

    def refused(self, status: int) -> None:
        """Count an instance of which nothing is kept, by its DIMSE Status."""
        self._refusals.labels("instance", REFUSED.get(status, OTHER)).inc()

    def turned_away(self, code: int) -> None:
        """Count an HTTP request that was refused as a whole."""
        self._refusals.labels("request", str(code)).inc()

    def _title(self, calling_ae: str) -> str:
        if calling_ae in self._named:
            return calling_ae
        if len(self._named) >= self._most:
            return OTHER
        self._named.add(calling_ae)
        return calling_ae

    def _found(self, receipt: Receipt) -> None:
        counts: dict[tuple[str, str], int] = {}
        for each in receipt.decisions:
            key = each.finding.rule, each.finding.severity.value
            counts[key] = counts.get(key, 0) + 1
        for key, number in counts.items():
            _child(self._rules, self._findings, key).inc(number)
            if key[0] in _DUPLICATES:
                self._duplicates.labels(_DUPLICATES[key[0]]).inc()


def folder_of(settings: Settings, env: Mapping[str, str] = os.environ) -> Path:
    """Where the counts are: the service manager's runtime folder, which is memory, or else within the store."""
    runtime = env.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(runtime or settings.store.path.absolute()) / "metrics"


def begin(folder: Path) -> None:
    """Begin to count anew. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in (*folder.glob("*.db"), *folder.glob("*.new")):
        each.unlink()


def opened(folder: Path, number: int, settings: Settings) -> Metrics:
    """The counts of the process with this number, which no other has at the same time."""
    named = {title for device in settings.device for title in device.ae_titles if not set("*?[") & set(title)}
    try:
        _make_room(folder, number)
    except OSError as error:
        log.error("nothing is counted for /metrics in this process: %s", error)
        return Metrics(named=named)
    return Metrics(folder, number, named)


def _make_room(folder: Path, number: int) -> None:
    for name, size in FILES.items():
        path = folder / f"{name}_{number}.db"
        if path.exists():
            continue
        made = path.with_suffix(".new")
        fd = os.open(made, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(fd, 0, size)
            made.rename(path)  # whole at once: who adds the files up may come at any moment
        except OSError:
            with suppress(OSError):
                made.unlink()
            raise
        finally:
            os.close(fd)


def _count_in(folder: Path, number: int) -> None:
    """Have what is made of the library from now on count in files; its only way is by the process as a whole."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


def _child(known: dict[tuple[str, str], Counter], parent: Counter, labels: tuple[str, str]) -> Counter:
    child = known.get(labels)
    if child is None:
        child = known[labels] = parent.labels(*labels)
    return child
