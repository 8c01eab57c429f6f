"""docs/parametric-map.md: its map passes clean, its rules are there, what it says of them happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from multi_frame import slices

from rules.registry import all_rules
from scp.commands.check import check

PAGE = (Path(__file__).parents[2] / "docs" / "parametric-map.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NO_RULES = {"mm2/s", "mm^2/s", "{ratio}", "1", "scnr", "sec", "s", "DERIVED\\PRIMARY\\"}
"""What stands in code letters and is no rule."""


def test_the_map_of_the_page_passes_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = CODE
    monkeypatch.chdir(tmp_path)
    Path("series").mkdir()
    for number, each in enumerate(slices()):
        each.save_as(f"series/{number}.dcm")
    exec(compile(source, "docs/parametric-map.md", "exec"), {})
    result = CliRunner().invoke(check, ["--format", "jsonl", "adc.dcm"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["iod"], told["findings"], told["verdict"]) == ("Parametric Map", [], "accept")


def test_every_rule_that_the_page_names_exists() -> None:
    named = {each for each in re.findall(r"`([^`\n]+)`", PAGE) if " " not in each} - NO_RULES
    assert len(named) > 40
    assert sorted(named - all_rules().keys()) == []


def test_a_change_to_the_map_is_found_by_the_rule_that_the_page_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = CODE
    monkeypatch.chdir(tmp_path)
    Path("series").mkdir()
    for number, each in enumerate(slices()):
        each.save_as(f"series/{number}.dcm")
    exec(compile(source.replace(', voi_lut_function="LINEAR_EXACT"', ""), "docs/parametric-map.md", "exec"), {})
    result = CliRunner().invoke(check, ["--format", "jsonl", "adc.dcm"])
    assert [each["rule"] for each in json.loads(result.stdout)["findings"]] == ["window-width"]
