"""What `/metrics` answers: the counts of all processes, and how the node is at this moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from scp import __version__
from scp.certificates import CertificateProblem, validities
from scp.channel import Standing
from scp.database import takes_writes
from scp.metrics import folder_of
from scp.receive import Node
from scp.settings import Settings
from scp.silence import Heard
from scp.spool import backlog


class Scrape:
    """Answers one process's scrapes; `heard` says how the devices are."""

    def __init__(self, settings: Settings, node: Node, heard: Callable[[], Sequence[Heard]]) -> None:
        self._settings = settings
        self._folder = folder_of(settings)
        self._node = node
        self._heard = heard

    def answer(self, standing: Standing | None, accept: str) -> tuple[bytes, str]:
        """The text in the form that is asked for, and its media type."""
        registry = CollectorRegistry(auto_describe=False)
        if self._folder.is_dir():
            MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        registry.register(_Now(self._settings, self._node, standing, self._heard()))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type


class _Now(Collector):
    """States, looked up when they are asked for."""

    def __init__(self, settings: Settings, node: Node, standing: Standing | None, heard: Sequence[Heard]) -> None:
        self._settings = settings
        self._node = node
        self._standing = standing
        self._heard = heard

    def collect(self) -> Iterable[Metric]:
        """Every state, one family each."""
        yield self._build()
        yield from self._processes()
        yield from self._store()
        yield from self._database()
        yield from self._devices()
        yield self._certificates()

    def _build(self) -> Metric:
        rules = self._node.rules
        build = GaugeMetricFamily(
            "dicomgate_build_info", "What runs; always 1.", labels=["version", "edition", "rule_set"]
        )
        build.add_metric([__version__, rules.edition, rules.version], 1)
        return build

    def _processes(self) -> Iterator[Metric]:
        standing = self._standing
        yield _gauge("dicomgate_acceptor_up", "Whether the process that listens answers.", standing is not None)
        if standing is None:
            return
        yield _gauge("dicomgate_open_associations", "Associations that are open.", standing.associations)
        yield _gauge("dicomgate_open_connections", "DIMSE connections that are open.", standing.connections)
        yield _gauge("dicomgate_workers", "Receiving processes that are ready.", standing.workers)
        yield _gauge("dicomgate_workers_wanted", "Receiving processes that should be.", standing.wanted)
        yield _gauge("dicomgate_generation", "Configurations that were taken since the start.", standing.generation)
        yield _counter("dicomgate_process_deaths", "Processes that died and were started again.", standing.deaths)
        yield _counter(
            "dicomgate_connections_refused", "Connections closed at once: too many were open.", standing.refused
        )

    def _store(self) -> Iterator[Metric]:
        store = self._node.store
        yield _gauge("dicomgate_store_free_bytes", "Bytes that may still be written to the store.", store.free)
        yield _gauge("dicomgate_store_min_free_bytes", "Below this, instances are refused.", store.min_free)
        segments, size = backlog(store)
        yield _gauge("dicomgate_spool_segments", "Files of receipts that wait for the database.", segments)
        yield _gauge("dicomgate_spool_bytes", "Bytes of receipts that wait for the database.", size)

    def _database(self) -> Iterator[Metric]:
        began = time.perf_counter()
        up = takes_writes(self._node.engine)
        yield _gauge("dicomgate_database_up", "Whether the audit database takes writes.", up)
        yield _gauge("dicomgate_database_seconds", "Seconds until it began to take one.", time.perf_counter() - began)

    def _devices(self) -> Iterator[Metric]:
        silent = GaugeMetricFamily(
            "dicomgate_device_silent", "Whether a device has been quiet for longer than it may be.", labels=["device"]
        )
        last = GaugeMetricFamily(
            "dicomgate_device_last_instance_timestamp_seconds",
            "When a device's last instance began to arrive, as the audit has it.",
            labels=["device"],
        )
        limit = GaugeMetricFamily(
            "dicomgate_device_quiet_limit_seconds", "How long a device may be quiet.", labels=["device"]
        )
        for each in self._heard:
            silent.add_metric([each.device.name], float(each.silent))
            if each.last is not None:
                last.add_metric([each.device.name], each.last.timestamp())
            if each.device.quiet_hours:
                limit.add_metric([each.device.name], each.device.quiet_hours * 3600)
        yield from (silent, last, limit)

    def _certificates(self) -> Metric:
        ends = GaugeMetricFamily(
            "dicomgate_tls_certificate_end_timestamp_seconds",
            "When a certificate of the TLS port ends, by the setting that names its file: the first of them.",
            labels=["key"],
        )
        first: dict[str, float] = {}
        with suppress(CertificateProblem):  # which the log tells of
            for each in validities(self._settings):
                at = each.not_after.timestamp()
                first[each.key] = min(at, first.get(each.key, at))
        for key, at in first.items():
            ends.add_metric([key], at)
        return ends


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, float(value))


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(name, words, float(value))
