from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest
from minimal import instance
from type_cases import cases, on_types

from rules.encode import header_of
from rules.engine import RuleSet, check, load_rules
from rules.facts import canonical
from rules.image_types import image_type
from rules.iods import iods
from rules.model import Finding, Severity
from rules.tables import file_name

CASES = Path(__file__).parents[1] / "cases"
IMAGES = [name for name in iods() if image_type(name) is not None]


@cache
def rule_set() -> RuleSet:
    return load_rules()


def told(finding: Finding) -> str:
    """A finding in one line of an expected.txt."""
    number = f" value {finding.value_number}" if finding.value_number else ""
    count = f" ({finding.count} times, to {finding.last})" if finding.count > 1 else ""
    return f"{finding.severity} {finding.rule} {finding.path}{number}: {finding.message}{count} [{finding.section}]"


Choose = Callable[[Iterable[Finding]], Iterable[Finding]]


def answer(headers: Mapping[str, Mapping[str, object]], choose: Choose = tuple) -> str:
    """What an expected.txt says of these headers, of the findings that are chosen."""
    lines = []
    for name, header in headers.items():
        checked = check(header_of(header), rule_set())
        lines.append(f"{name} ({checked.iod or 'unlisted'})")
        lines += [f"  {told(finding)}" for finding in choose(checked.findings)]
    return "\n".join(lines) + "\n"


def compare(file: Path, found: str, update: bool) -> None:
    if update:
        file.write_text(found, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == found


@pytest.mark.parametrize("iod", IMAGES)
def test_each_rule_on_types_finds_its_case_and_leaves_the_legal_one_alone(iod: str, update: bool) -> None:
    folder = CASES / "image_type" / file_name(iod)
    if update:
        folder.mkdir(parents=True, exist_ok=True)
        made = cases(iod, rule_set())
        rows = [[name, header] for name, header in made.items()]
        (folder / "headers.json").write_text(canonical({"iod": iod, "headers": rows}), encoding="utf-8")
    headers = dict(json.loads((folder / "headers.json").read_text(encoding="utf-8"))["headers"])
    for name, header in headers.items():
        rules = {each.rule for each in on_types(check(header_of(header), rule_set()).findings)}
        assert (name in rules) if name != "legal" else not rules
    compare(folder / "expected.txt", answer(headers, on_types), update)


STORIES = sorted(each.parent for each in CASES.rglob("header.json"))


@pytest.mark.parametrize("folder", STORIES, ids=lambda each: each.name)
def test_a_story_ends_as_expected(folder: Path, update: bool) -> None:
    header = json.loads((folder / "header.json").read_text(encoding="utf-8"))
    compare(folder / "expected.txt", answer({folder.name: header}, on_types), update)


FOUND = sorted(each.parent for each in CASES.glob("found/*/change.json"))


@pytest.mark.parametrize("folder", FOUND, ids=lambda each: each.name)
def test_a_fault_once_found_is_judged_as_expected(folder: Path, update: bool) -> None:
    case = json.loads((folder / "change.json").read_text(encoding="utf-8"))
    attributes = instance(case["iod"])
    for path, value in case["change"].items():
        place = attributes
        *steps, keyword = path.split("/")
        for sequence, number in zip(steps[::2], steps[1::2], strict=True):
            place = place[sequence][int(number) - 1]
        place[keyword] = value.encode("latin-1") if keyword == "PixelData" else value
    compare(folder / "expected.txt", answer({folder.name: attributes}, _loud), update)


def _loud(findings: Iterable[Finding]) -> list[Finding]:
    return [each for each in findings if each.severity is not Severity.NOTE]


def test_every_image_iod_has_its_cases() -> None:
    folders = {each.parent.name for each in CASES.glob("image_type/*/headers.json")}
    assert folders == {file_name(each) for each in IMAGES}
    assert len(IMAGES) == 62
