from __future__ import annotations

import json

from click.testing import CliRunner, Result

from rules.registry import all_rules
from scp.commands.rules import rules


def run(*arguments: str) -> Result:
    return CliRunner().invoke(rules, arguments)


def test_the_list_has_a_line_for_every_rule() -> None:
    lines = run("list").output.splitlines()
    assert len(lines) == len(all_rules())
    assert lines[0].split("\t")[0] == "attribute-empty"


def test_the_list_as_json_has_words_and_examples() -> None:
    told = {each["rule"]: each for each in json.loads(run("list", "--format", "json").output)}
    assert told.keys() == all_rules().keys()
    assert told["image-type-value-2"]["bad"]


def test_one_rule_is_shown_with_its_examples() -> None:
    result = run("show", "frame-type-value-4")
    assert result.exit_code == 0
    assert "MIXED" in result.output
    assert json.loads(run("show", "frame-type-value-4", "--format", "json").output)["severity"] == "error"


def test_an_unknown_rule_is_a_wrong_command_line_with_a_hint() -> None:
    result = run("show", "image-type-valu-1")
    assert result.exit_code == 2
    assert "image-type-value-1" in result.output


def test_coverage_tells_every_iod_in_the_shape_of_the_contract() -> None:
    told = json.loads(run("coverage", "--format", "json").output)
    assert len(told) == 171
    assert set(told[0]) == {
        "iod", "sop_class_uids", "modules", "attributes", "conditions", "undecided_conditions", "image_type",
    }  # fmt: skip
    assert len(run("coverage").output.splitlines()) == 171


def test_what_is_asked_of_an_iod_or_an_attribute_is_shown() -> None:
    assert "    M  Patient, PS3.3 C.7.1.1" in run("show", "CT Image").output.splitlines()
    assert json.loads(run("show", "BitsAllocated", "--format", "json").output)["name"] == "BitsAllocated"
    assert "LABELMAP" not in run("show", "SegmentationType", "--edition", "2020").output
    assert run("show", "CT Image", "--edition", "2019a").exit_code == 2
