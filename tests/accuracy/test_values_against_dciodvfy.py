"""The form of every value over found files: every difference with dciodvfy has been adjudicated."""

from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path

import needs
import pytest

from rules.checks.value_syntax import every_value
from rules.header import read_part10
from rules.model import Finding

ADJUDICATED = tomllib.loads(Path(__file__).with_name("adjudicated.toml").read_text(encoding="utf-8"))["difference"]
INVALID = re.compile(r"Error - Value invalid for this VR - \(0x(....),0x(....)\)")


def ours(file: Path) -> list[Finding]:
    return [each for each in every_value(read_part10(file.read_bytes())) if isinstance(each, Finding)]


def tag_in(line: str) -> str:
    match = INVALID.search(line)
    return f"({match[1]},{match[2]})".upper() if match else ""


@pytest.mark.parametrize("side", ["dicomgate", "dciodvfy"])
def test_what_only_one_side_calls_an_invalid_value_is_adjudicated(side: str) -> None:
    corpus = needs.folder("DICOMGATE_CORPUS")
    known = [re.compile(each["pattern"]) for each in ADJUDICATED if each["only"] == side]
    open_ = set()
    with (corpus / "catalog.csv").open(encoding="utf-8") as catalog:
        for row in csv.DictReader(catalog):
            if row["dciodvfy2026_status"] not in {"ok", "rc0", "rc1"}:
                continue
            findings = ours(corpus / row["path"])
            output = corpus / "dciodvfy-2026" / f"{row['sha256']}.txt"
            theirs = [line for line in output.read_text(errors="replace").splitlines() if tag_in(line)]
            if side == "dicomgate":
                there = {tag_in(line) for line in theirs}
                lines = [
                    f"{each.rule} {each.path}: {each.message}"
                    for each in findings
                    if each.severity == "error" and each.rule.startswith("value-syntax") and each.tag not in there
                ]
            else:
                here = {each.tag for each in findings if each.severity == "error"}
                lines = [line for line in theirs if tag_in(line) not in here]
            open_ |= {(row["path"], line) for line in lines if not any(each.search(line) for each in known)}
    assert open_ == set()
