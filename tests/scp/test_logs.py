"""The log: lines for people and for machines, cheap ones, and no flood."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import builders
import peers
import pytest
from peers import Peer
from serving import serving

from scp.logs import AGAIN, SAID, Form, Lines, log_instance, read_by_journal
from scp.records import Receipt

NOW = datetime(2026, 11, 25, tzinfo=UTC)
TEXT = {name: "" for name, kind in Receipt.__annotations__.items() if kind == "str"}
RECEIPT = Receipt(
    **{
        **TEXT,
        "id": 1,
        "received_at": NOW,
        "door": "dimse",
        "association_id": 7345678901234567890,
        "calling_ae": "CT2",
        "address": "192.0.2.17",
        "device": None,
        "patient_id": "P-123",
        "patient_name": "Doe^Jane",
        "size": 525312,
        "verdict": "flag",
        "status": 0xB007,
        "ticket": "7XK2M9QD4T",
        "iod": "CT Image",
        "undecided": 0,
        "repeat_of": None,
        "stored": None,
        "receive_ms": 1.0,
        "check_ms": 1.0,
    }
)


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    made = logging.getLogger("dicomgate.test")
    made.propagate = False
    made.setLevel(logging.INFO)
    yield made
    made.handlers.clear()


def lines(log: logging.Logger, form: Form = "text", journal: bool = False) -> io.StringIO:
    """Where the log's lines go."""
    stream = io.StringIO()
    log.handlers[:] = [Lines(stream, form, "worker-1", journal)]
    return stream


def test_an_instance_is_one_line_with_ticket_and_association_and_without_its_patient(log: logging.Logger) -> None:
    said = lines(log)
    log_instance(log, RECEIPT, 0.0)
    (line,) = said.getvalue().splitlines()
    assert re.fullmatch(
        r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    worker-1\[\d+\] dicomgate\.test: "
        r"7XK2M9QD4T CT Image from CT2: flag, 0 findings, 525312 bytes, [\d.]+ ms, association 7345678901234567890",
        line,
    )


def test_for_machines_its_values_are_keys(log: logging.Logger) -> None:
    said = lines(log, "json")
    log_instance(log, RECEIPT, 0.0)
    line = json.loads(said.getvalue())
    assert line.pop("message").startswith("7XK2M9QD4T CT Image from CT2: flag")
    assert line.pop("ms") > 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "worker": "worker-1", "pid": os.getpid(), "logger": "dicomgate.test", "ticket": "7XK2M9QD4T",
        "association": "7345678901234567890", "calling_ae": "CT2", "address": "192.0.2.17", "sender": "CT2",
        "door": "dimse", "iod": "CT Image", "verdict": "flag", "findings": 0, "bytes": 525312,
    }  # fmt: skip


def test_at_the_other_door_the_token_is_the_sender(log: logging.Logger) -> None:
    said = lines(log)
    log_instance(log, replace(RECEIPT, association_id=None, calling_ae="", token="ct-room", repeat_of=3), 0.0)
    assert "7XK2M9QD4T CT Image from ct-room: repeat," in said.getvalue()
    assert "association" not in said.getvalue()


def test_the_journal_is_told_the_priority_of_every_line(log: logging.Logger) -> None:
    said = lines(log, journal=True)
    log.info("well")
    log.warning("hm")
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("ouch")
    found = said.getvalue().splitlines()
    assert [each[:3] for each in found[:2]] == ["<6>", "<4>"]
    assert len(found) > 4
    assert {each[:3] for each in found[2:]} == {"<3>"}


def test_a_traceback_is_one_line_of_json(log: logging.Logger) -> None:
    said = lines(log, "json")
    log.error("ouch", exc_info=ValueError("no"))
    line = json.loads(said.getvalue())
    assert line["traceback"].endswith("ValueError: no")


def test_nobody_can_write_a_line_of_his_own(log: logging.Logger) -> None:
    said = lines(log)
    log.info("from %s", "A\nB")
    assert len(said.getvalue().splitlines()) == 1


def test_who_reads_it_is_told_by_the_descriptor(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        there = os.fstat(stream.fileno())
        env = {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        assert read_by_journal(env, stream.fileno())
        assert not read_by_journal({}, stream.fileno())
    with (tmp_path / "another").open("w") as stream:
        assert not read_by_journal(env, stream.fileno())


def warn(log: logging.Logger, words: str, address: str, at: float) -> None:
    record = logging.LogRecord(log.name, logging.WARNING, "", 0, words, ({"address": address},), None)
    record.created = at
    log.handle(record)


def test_repetition_is_left_out_and_counted(log: logging.Logger) -> None:
    said = lines(log)
    for each in range(100):
        warn(log, "%(address)s knocks", "192.0.2.1", 1000.0 + each / 10)
    warn(log, "%(address)s knocks", "192.0.2.2", 1011)
    warn(log, "%(address)s rings", "192.0.2.1", 1012)
    assert len(said.getvalue().splitlines()) == SAID + 2
    said.truncate(0)
    warn(log, "%(address)s sings", "192.0.2.1", 1000 + AGAIN + 1)
    first, second = said.getvalue().lstrip("\0").splitlines()
    assert first.endswith(": 95 more like this were left out: 192.0.2.1 knocks")
    assert " WARNING worker-1[" in first
    assert second.endswith("192.0.2.1 sings")
    warn(log, "%(address)s knocks", "192.0.2.1", 1000 + AGAIN + 2)
    assert said.getvalue().endswith("192.0.2.1 knocks\n")


def test_what_is_not_the_same_is_no_repetition(log: logging.Logger) -> None:
    said = lines(log)
    for each in range(20):
        log.warning("%s", f"device {each} is silent")
    assert len(said.getvalue().splitlines()) == 20


def test_what_was_left_out_is_told_at_the_end(log: logging.Logger) -> None:
    said = lines(log, "json")
    for _ in range(20):
        log.warning("knock")
    log.handlers[0].flush()
    assert json.loads(said.getvalue().splitlines()[-1])["left_out"] == 20 - SAID


def test_many_senders_need_no_more_memory(log: logging.Logger) -> None:
    said = lines(log)
    for each in range(5000):
        warn(log, "%(address)s knocks", f"address {each}", 1000.0)
    assert 1000 < len(said.getvalue().splitlines()) < 1010


SETS_UP = """
import logging
from scp.logs import set_up_logs
from scp.settings import Log
set_up_logs(Log(level={level!r}, format="text"))
for name in ("dicomgate.x", "pynetdicom.assoc", "elsewhere"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)("says " + level)
"""


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("error", ["dicomgate.x error"]),
        ("info", ["dicomgate.x info", "dicomgate.x warning", "dicomgate.x error"]),
        ("debug", [f"dicomgate.x {each}" for each in ("debug", "info", "warning", "error")]),
    ],
)
def test_levels_work_and_pynetdicom_is_quiet(level: str, wanted: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SETS_UP.format(level=level)], capture_output=True, text=True, check=True, timeout=60
    )
    found = [(line.split()[1], re.sub(r".*\] (\S+): says (.*)", r"\1 \2", line)) for line in run.stderr.splitlines()]
    others = ["elsewhere warning", "elsewhere error"]
    bridged = ["pynetdicom.assoc warning", "pynetdicom.assoc error"] if level == "debug" else []
    assert [said for _, said in found] == wanted + bridged + others
    assert {how for how, said in found if said.startswith("pynetdicom")} <= {"DEBUG"}


def test_a_node_says_one_line_an_instance_and_one_an_association(tmp_path: Path) -> None:
    with serving(tmp_path, more='dimse.workers = 1\nlog.format = "json"\n') as node:
        with Peer(node.port) as peer:
            peer.associate(calling="CT2")
            data = builders.data_set(builders.ct(SOPInstanceUID="1.2.3"), peers.IMPLICIT)
            peer.store(peers.CT, "1.2.3", data)
            peer.release()
        ((ticket, association),) = node.eventually("select ticket, association_id from receipt")
        node.stop()
        said = [json.loads(line) for line in node.log.splitlines() if line.startswith("{")]
    assert [each["association"] for each in said if each.get("ticket") == ticket] == [str(association)]
    (ended,) = (each for each in said if "ending" in each)
    assert (ended["association"], ended["calling_ae"], ended["instances"]) == (str(association), "CT2", 1)
    assert "Doe" not in node.log
