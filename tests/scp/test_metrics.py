"""What is counted: right over all processes, bounded whatever senders call themselves, and never a reason to fail."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import builders
import peers
from databases import a_receipt
from peers import Peer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from serving import Served, serving

import scp
from rules.model import Finding, Severity
from scp import metrics
from scp.metrics import OTHER, TITLES, Metrics, folder_of
from scp.settings import Settings, Store
from scp.verdict import Action, Decision

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(text: str) -> dict[Sample, float]:
    """Every sample of an exposition by its name and labels."""
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def value(found: dict[Sample, float], name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    return sum(each for (named, have), each in found.items() if named == name and labels.items() <= dict(have).items())


def titles(counts: Metrics) -> set[str]:
    """The Calling AE Titles that have series."""
    return {each.labels["calling_ae"] for family in counts._instances.collect() for each in family.samples}


def test_senders_cannot_make_series_without_end() -> None:
    counts = Metrics(named=["CT2"])
    for each in range(200):
        counts.received(a_receipt(each + 1, calling_ae=f"AE{each}"), 0.1)
    counts.received(a_receipt(999, calling_ae="CT2"), 0.1)
    assert titles(counts) == {*(f"AE{each}" for each in range(TITLES)), "CT2", OTHER}


def test_findings_are_counted_by_rule_and_severity() -> None:
    counts = Metrics()
    found = [Finding(rule, Severity.ERROR, "X", "(0008,0008)", "C.1", "is") for rule in ("a", "a", "duplicate-same")]
    decisions = tuple(Decision(each, Action.FLAG, Action.FLAG, 0) for each in found)
    counts.received(replace(a_receipt(1), decisions=decisions), 0.1)
    got = {
        tuple(each.labels.values()): each.value
        for family in counts._findings.collect()
        for each in family.samples
        if each.name.endswith("_total")
    }
    assert got == {("a", "error"): 2, ("duplicate-same", "error"): 1}


def test_counts_are_in_memory_where_the_manager_gives_some() -> None:
    settings = Settings(store=Store(path=Path("/srv/store")))
    assert folder_of(settings, {}) == Path("/srv/store/metrics")
    assert folder_of(settings, {"RUNTIME_DIRECTORY": "/run/dicomgate:/run/other"}) == Path("/run/dicomgate/metrics")


def test_a_folder_that_cannot_be_used_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    counts = metrics.opened(tmp_path / "file", 1, Settings())
    counts.received(a_receipt(1), 0.1)
    assert titles(counts) == {a_receipt(1).calling_ae}


COUNTS_ON = """
import sys, os, json
from pathlib import Path
from scp import metrics
from scp.settings import Settings
folder = Path(sys.argv[1])
for number in (1, 2, 1):
    pid = os.fork()
    if pid == 0:
        counts = metrics.opened(folder, number, Settings())
        for _ in range(10):
            counts.ended("released")
        counts.committed(3, 7 if number == 2 else 0)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
"""


def test_who_takes_the_number_of_the_dead_counts_on(tmp_path: Path) -> None:
    metrics.begin(tmp_path)
    subprocess.run([sys.executable, "-c", COUNTS_ON, tmp_path], check=True, timeout=60)
    assert len(list(tmp_path.glob("*.db"))) == 2 * len(metrics.FILES)
    assert all(each.stat().st_blocks for each in tmp_path.glob("*.db")), "a full volume must not end a process"
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path))  # type: ignore[no-untyped-call]
    found = samples(generate_latest(registry).decode())
    assert value(found, "dicomgate_associations_total", ending="released") == 30
    assert value(found, "dicomgate_commit_batch_instances_sum") == 9
    assert value(found, "dicomgate_commit_queue_instances") == 7
    metrics.begin(tmp_path)
    assert not list(tmp_path.iterdir())


def store(node: Served, number: int, calling: str = "CT2", **changes: object) -> int:
    with Peer(node.port) as peer:
        peer.associate(calling=calling)
        uid = f"1.2.3.{number}"
        data = builders.data_set(builders.ct(SOPInstanceUID=uid, **changes), peers.IMPLICIT)
        status = peers.status(peer.store(peers.CT, uid, data))
        peer.release()
    return status


def test_a_node_tells_of_all_its_processes(tmp_path: Path) -> None:
    more = 'dimse.workers = 2\n[[device]]\nname = "CT two"\nae_titles = "CT2"\n'
    with serving(tmp_path, more=more) as node:
        for each in range(4):
            assert store(node, each) == 0
        assert store(node, 0) == 0
        assert store(node, 9, ImageType=["WRONG", "PRIMARY", "AXIAL"]) == 0xB007
        with Peer(node.port) as peer:
            peer.associate(calling="CT2")
            assert peers.status(peer.store(peers.CT, "1.2..3", b"")) == 0x0117
            first = samples(node.get("/metrics")[1])
            assert value(first, "dicomgate_open_associations") == 1
        victim = min(node.children("worker"))
        os.kill(victim, signal.SIGKILL)
        node.eventually("select 1 from event where kind = 'worker-died'")
        assert store(node, 10) == 0
        code, text = node.get("/metrics")
        accepts = {"accept": "application/openmetrics-text; version=1.0.0"}
        with urlopen(Request(f"http://127.0.0.1:{node.http_port}/metrics", headers=accepts), timeout=10) as answer:
            assert answer.headers["content-type"].startswith("application/openmetrics-text")
            assert list(openmetrics(answer.read().decode()))
    assert code == 200
    found = samples(text)
    assert value(found, "dicomgate_instances_total", door="dimse", calling_ae="CT2", verdict="accept") == 6
    assert value(found, "dicomgate_instances_total", verdict="flag") == 1
    assert value(found, "dicomgate_iod_instances_total", iod="CT Image") == 7
    assert value(found, "dicomgate_findings_total", rule="image-type-value-1") >= 1
    assert value(found, "dicomgate_duplicates_total", kind="same") == 1
    assert value(found, "dicomgate_stage_seconds_count", stage="check") == 7
    assert value(found, "dicomgate_stage_seconds_count", stage="commit") == 8
    assert value(found, "dicomgate_instance_bytes_total") > 7 * 500
    assert value(found, "dicomgate_process_deaths_total") == 1
    assert value(found, "dicomgate_workers_wanted") == 2
    assert value(found, "dicomgate_database_up") == 1
    assert value(found, "dicomgate_store_free_bytes") > 0
    assert value(found, "dicomgate_device_silent", device="CT two") == 0
    assert value(found, "dicomgate_last_instance_timestamp_seconds", calling_ae="CT2") > 1_700_000_000
    families = {each.name for each in text_string_to_metric_families(text)}
    explained = {name.removesuffix("_total") for name in documented()}
    assert families == explained
    assert not re.search("Doe|1\\.2\\.3", text)


def documented() -> set[str]:
    """The names that docs/metrics.md explains."""
    return set(re.findall(r"`(dicomgate_\w+)", (Path(scp.__file__).parent.parent / "docs" / "metrics.md").read_text()))
