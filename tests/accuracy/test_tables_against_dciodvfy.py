"""What the fact tables find in found files and dciodvfy does not: every such class has been adjudicated."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import needs

from rules.engine import check, load_rules
from rules.header import NotDicom, read_part10
from rules.model import Finding, Severity

ADJUDICATED = tomllib.loads(Path(__file__).with_name("adjudicated.toml").read_text(encoding="utf-8"))["difference"]
OF_TABLES = ("attribute-", "functional-group-", "item-count", "module-", "value-not-enumerated")
_ITEM = re.compile(r"\[\d+\]")


def ours(file: Path) -> Iterator[Finding]:
    try:
        header = read_part10(file.read_bytes())
    except NotDicom:
        return
    if any(each.kind == "undecodable" for each in header.faults):
        return  # what the bytes lost is missed, rightly or wrongly
    for each in check(header, load_rules()).findings:
        if each.severity is Severity.ERROR and each.rule.startswith(OF_TABLES):
            yield each


def test_errors_that_dciodvfy_does_not_see_are_adjudicated() -> None:
    corpus = needs.folder("DICOMGATE_CORPUS")
    known = [re.compile(each["pattern"]) for each in ADJUDICATED if each["only"] == "dicomgate"]
    open_ = set()
    with (corpus / "catalog.csv").open(encoding="utf-8") as catalog:
        for row in csv.DictReader(catalog):
            if row["dciodvfy2026_status"] not in {"ok", "rc0", "rc1"}:
                continue
            theirs = (corpus / "dciodvfy-2026" / f"{row['sha256']}.txt").read_text(errors="replace")
            errors = [line for line in theirs.splitlines() if line.startswith("Error")]
            for each in ours(corpus / row["path"]):
                keyword = each.path.rpartition(".")[2].partition("[")[0]
                line = f"{each.rule} {_ITEM.sub('', each.path)}: {each.message}"
                if any(keyword in error for error in errors) or any(pattern.search(line) for pattern in known):
                    continue
                open_.add((row["path"], line))
    assert open_ == set()


def test_every_error_of_the_tables_cites_a_section() -> None:
    corpus = needs.folder("DICOMGATE_CORPUS")
    for file in sorted((corpus / "mutations" / "bases").glob("*.dcm")):
        assert all(each.section.startswith("PS3.") for each in ours(file))
