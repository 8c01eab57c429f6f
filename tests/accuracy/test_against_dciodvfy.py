"""Image Type and Frame Type over found files: every difference with dciodvfy has been adjudicated."""

from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path

import needs
import pytest

from rules.engine import check, load_rules
from rules.header import read_part10

ADJUDICATED = tomllib.loads(Path(__file__).with_name("adjudicated.toml").read_text(encoding="utf-8"))["difference"]
ON_TYPES = re.compile(r"Image ?Type|Frame ?Type")


def ours(file: Path) -> list[str]:
    findings = check(read_part10(file.read_bytes()), load_rules()).findings
    loud = [each for each in findings if each.severity != "note"]
    return [f"{each.severity} {each.rule} {each.path}: {each.message}" for each in loud if "-type-" in each.rule]


def theirs(file: Path) -> list[str]:
    return [line for line in file.read_text(errors="replace").splitlines() if ON_TYPES.search(line)]


def only(one: list[str], other: list[str]) -> list[str]:
    """What one side says, where the other says nothing, or nothing as grave."""
    if not other:
        return one
    grave = [line for line in one if line.lower().startswith("error")]
    return [] if any(line.lower().startswith("error") for line in other) else grave


def test_every_difference_has_a_reason_and_a_section() -> None:
    for each in ADJUDICATED:
        assert each["only"] in {"dicomgate", "dciodvfy"}
        assert each["right"] in {"dicomgate", "dciodvfy", "both"}
        assert each["section"].startswith("PS3.")
        assert each["reason"].endswith(".")
        re.compile(each["pattern"])


@pytest.mark.parametrize("side", ["dicomgate", "dciodvfy"])
def test_what_only_one_side_reports_is_adjudicated(side: str) -> None:
    corpus = needs.folder("DICOMGATE_CORPUS")
    known = [re.compile(each["pattern"]) for each in ADJUDICATED if each["only"] == side]
    open_ = []
    with (corpus / "catalog.csv").open(encoding="utf-8") as catalog:
        for row in csv.DictReader(catalog):
            if row["dciodvfy2026_status"] not in {"ok", "rc0", "rc1"}:
                continue
            here = ours(corpus / row["path"]), theirs(corpus / "dciodvfy-2026" / f"{row['sha256']}.txt")
            lines = only(*here) if side == "dicomgate" else only(here[1], here[0])
            open_ += [(row["path"], line) for line in lines if not any(each.search(line) for each in known)]
    assert open_ == []
