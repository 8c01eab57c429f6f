"""Files with one fault put in: those on Image Type, Frame Type and the Parametric Map Image Module are judged right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import needs
import pytest

from rules import tables
from rules.dictionary import format_tag, keyword_of, tag_of
from rules.engine import check, load_rules
from rules.header import read_part10
from rules.model import Finding, Severity

NOT_IN_THE_MODULE = {
    # The Palette Color Lookup Table Module, the pixel data and other IODs are not the module's.
    "ct_pi_rgb.dcm", "ct_ba_8.dcm", "emr_lossy.dcm", "emr_cq_absent.dcm",
}  # fmt: skip


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[dict[str, Any]]]:
    folder = needs.folder("DICOMGATE_CORPUS") / "mutations"
    out = tmp_path_factory.mktemp("mutations")
    subprocess.run([sys.executable, folder / "mutate.py", out], check=True, stdout=subprocess.DEVNULL, timeout=120)
    cases = json.loads((out / "expectations.json").read_text())
    return folder / "bases", out, [each for each in cases if each["tag"] in covered() or "_ok_" in each["file"]]


def covered() -> set[str]:
    rows = [*tables.read("modules", "parametric-map-image")["rows"]]
    rows += [
        *tables.read("macros", "content-identification")["rows"],
        *tables.read("macros", "content-creator")["rows"],
    ]
    keywords = {keyword for keyword, _, _ in rows if keyword.isidentifier() and keyword != "include"}
    sequences = {sequence for sequence, *_ in tables.read("frame_types")["rows"]}
    return {format_tag(tag_of(each)) for each in keywords | sequences | {"FrameType"}}


def findings(file: Path) -> set[Finding]:
    return set(check(read_part10(file.read_bytes()), load_rules()).findings)


def right(case: dict[str, Any], new: set[Finding]) -> bool:
    loud = {each for each in new if each.severity is not Severity.NOTE}
    if case["severity"] == "none":
        return not loud
    keyword = keyword_of(tag_of(case["tag"])) or ""
    here = {each for each in loud if each.tag == case["tag"] or f"{keyword}[" in each.path or keyword in each.message}
    return case["severity"] in {each.severity for each in here}


def test_each_fault_is_found_at_its_place_and_no_legal_change_is(
    mutated: tuple[Path, Path, list[dict[str, Any]]],
) -> None:
    bases, out, cases = mutated
    wrong = []
    for case in cases:
        new = findings(out / case["file"]) - findings(bases / case["base"])
        if case["file"] not in NOT_IN_THE_MODULE and not right(case, new):
            wrong.append((case["file"], case["text"], sorted(f"{each.rule} {each.path}" for each in new)))
    assert wrong == []
    assert len(cases) > 60
