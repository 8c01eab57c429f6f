"""deploy/grafana.json and deploy/alerts.yml, held against what a node really says, and asked of a real Prometheus."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import builders
import needs
import peers
import yaml
from peers import Peer
from serving import Served, free_port, serving

import scp

ROOT = Path(scp.__file__).parent.parent
BOARD = json.loads((ROOT / "deploy" / "grafana.json").read_text())
ALERTS = ROOT / "deploy" / "alerts.yml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
PATIENCE = 60.0

NOTHING_YET = {"Refused, beside the policy", "Processes that died"}
"""Panels that show nothing where nothing is wrong."""


def expressions() -> list[tuple[str, str]]:
    """Every panel's expression with its title, as Grafana would ask it."""
    asked = {"$job": "dicomgate", "$instance": ".*", "$__rate_interval": "5m", "$__range": "1h"}
    found = []
    for panel in BOARD["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"]
            for name, value in asked.items():
                text = text.replace(name, value)
            found.append((panel["title"], text))
    return found


def named(text: str) -> set[str]:
    """The metrics that an expression names."""
    return set(re.findall(r"\bdicomgate_\w+", text))


def documented() -> set[str]:
    """The names that docs/metrics.md explains, and those that a histogram makes of them."""
    names = set(re.findall(r"`(dicomgate_\w+)", (ROOT / "docs" / "metrics.md").read_text()))
    return names | {f"{each}_{part}" for each in names for part in ("bucket", "sum", "count")}


def test_panels_and_alarms_name_what_there_is() -> None:
    everything = {name for _, text in expressions() for name in named(text)}
    everything |= {name for rule in RULES for name in named(rule["expr"])}
    assert everything <= documented()
    assert len(everything) > 25


def test_the_dashboard_can_be_imported() -> None:
    assert {each["name"] for each in BOARD["templating"]["list"]} == {"datasource", "job", "instance"}
    ids = [each["id"] for each in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    for each in BOARD["panels"]:
        if each["type"] != "row":
            assert each["datasource"] == {"type": "prometheus", "uid": "$datasource"}
            assert each["targets"], each["title"]
    assert not overlapping([each["gridPos"] for each in BOARD["panels"]])


def overlapping(places: list[dict[str, int]]) -> list[tuple[int, int]]:
    """Squares of the grid that two panels take."""
    taken = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    return sorted({each for each in taken if taken.count(each) > 1}) if len(taken) != len(set(taken)) else []


def test_every_alarm_says_how_bad_it_is_and_what_it_means() -> None:
    for each in RULES:
        assert each["labels"]["severity"] in ("warning", "critical")
        assert each["annotations"]["summary"]
    assert len({each["alert"] for each in RULES}) == len(RULES)


def test_promtool_is_content() -> None:
    run = subprocess.run(
        [needs.tool("promtool"), "check", "rules", ALERTS], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stdout + run.stderr


CASES = [
    ("DicomgateDown", 'up{job="dicomgate"}', "0x10", "3m"),
    ("DicomgateListensNot", "dicomgate_workers", "0x10", "2m"),
    ("DicomgateDeviceSilent", 'dicomgate_device_silent{device="CT 2"}', "1x10", "1m"),
    ("DicomgateProcessDied", "dicomgate_process_deaths_total", "0 0 1x10", "5m"),
    ("DicomgateStoreFillsUp", "dicomgate_store_free_bytes", "10000000000-20000000x400", "6h"),
    ("DicomgateInstancesRefused", 'dicomgate_refusals_total{what="instance",reason="no-room"}', "0 0 3x10", "5m"),
    ("DicomgateNewFinding", 'dicomgate_findings_total{rule="r",severity="error"}', "0x1500 0+1x200", "25h30m"),
    ("DicomgateCertificateEnds", 'dicomgate_tls_certificate_end_timestamp_seconds{key="k"}', "1000000x100", "90m"),
    ("DicomgateManyRejected", 'dicomgate_instances_total{verdict="reject",calling_ae="A"}', "0+1x100", "90m"),
]
"""An alarm, and a series of one value a minute at whose moment it is raised."""


def test_alarms_are_raised_when_they_should_be(tmp_path: Path) -> None:
    still = [{"series": "dicomgate_store_min_free_bytes", "values": "5000000000x1800"}]
    cases = [
        {
            "interval": "1m",
            "input_series": [*still, {"series": series, "values": values}],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                    "eval_time": at,
                    "exp_samples": [{"value": 1}],
                }
            ],
        }
        for alert, series, values, at in CASES
    ]
    quiet = {
        "interval": "1m",
        "input_series": [
            *still,
            {"series": 'up{job="dicomgate"}', "values": "1x300"},
            {"series": "dicomgate_workers", "values": "2x300"},
            {"series": "dicomgate_workers_wanted", "values": "2x300"},
            {"series": "dicomgate_acceptor_up", "values": "1x300"},
            {"series": "dicomgate_database_up", "values": "1x300"},
            {"series": "dicomgate_store_free_bytes", "values": "90000000000-1000x300"},
            {"series": "dicomgate_device_silent", "values": "0x300"},
            {"series": 'dicomgate_instances_total{verdict="accept",calling_ae="A"}', "values": "0+30x300"},
            {"series": 'dicomgate_instances_total{verdict="reject",calling_ae="A"}', "values": "0+1x300"},
            {"series": 'dicomgate_findings_total{rule="r",severity="error"}', "values": "0+1x300"},
        ],
        "promql_expr_test": [{"expr": "count(ALERTS)", "eval_time": "4h", "exp_samples": []}],
    }
    file = tmp_path / "test.yml"
    file.write_text(
        yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [*cases, quiet]})
    )
    run = subprocess.run(
        [needs.tool("promtool"), "test", "rules", file], capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr


@dataclass
class Prometheus:
    """One that runs, and scrapes a node."""

    port: int

    def ask(self, path: str, **parameters: str) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(parameters)}", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        assert found["status"] == "success", found
        data: dict[str, Any] = found["data"]
        return data

    def query(self, text: str) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self.ask("query", query=text)["result"]
        return result


@contextmanager
def prometheus(folder: Path, node: Served) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the node and evaluated the rules."""
    program = needs.tool("prometheus")
    port = free_port()
    folder.mkdir()
    configuration = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "dicomgate", "static_configs": [{"targets": [f"127.0.0.1:{node.http_port}"]}]}],
    }
    configuration["global"]["scrape_timeout"] = "200ms"  # type: ignore[index]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    asked = Prometheus(port)
    try:
        deadline = time.monotonic() + PATIENCE
        while not is_ready(asked):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield asked
    finally:
        process.terminate()
        process.wait(PATIENCE)


def is_ready(asked: Prometheus) -> bool:
    """Whether it has two scrapes, and has evaluated every rule."""
    try:
        scraped = asked.query("count_over_time(dicomgate_instances_total[1m]) >= 3")
        rules = [rule for group in asked.ask("rules")["groups"] for rule in group["rules"]]
    except OSError:
        return False
    return bool(scraped) and bool(rules) and all(each["health"] != "unknown" for each in rules)


def test_a_real_prometheus_answers_every_panel_and_evaluates_every_alarm(tmp_path: Path) -> None:
    needs.tool("prometheus")
    more = 'dimse.workers = 1\n[[device]]\nname = "CT two"\nae_titles = "CT2"\nquiet_hours = 0.0005\n'
    with serving(tmp_path / "node", more=more) as node:
        for number in range(2):
            with Peer(node.port) as peer:
                peer.associate(calling="CT2")
                changed = builders.ct(SOPInstanceUID=f"1.2.3.{number}", ImageType=["WRONG", "PRIMARY", "AXIAL"])
                peer.store(peers.CT, f"1.2.3.{number}", builders.data_set(changed, peers.IMPLICIT))
                peer.release()
        node.eventually("select 1 from event where kind = 'device-silent'")
        with prometheus(tmp_path / "prometheus", node) as asked:
            empty = {title for title, text in expressions() if not asked.query(text)}
            assert empty <= NOTHING_YET
            rules = [rule for group in asked.ask("rules")["groups"] for rule in group["rules"]]
            assert {each["name"]: each.get("lastError") for each in rules if each["health"] != "ok"} == {}
            assert len(rules) == len(RULES)
            deadline = time.monotonic() + PATIENCE
            while not asked.query('ALERTS{alertname="DicomgateDeviceSilent", alertstate="firing"}'):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert node.stop() == 0
