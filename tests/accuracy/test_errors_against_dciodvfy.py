"""Errors over found files: whatever only one of dicomgate and dciodvfy reports has been adjudicated, line by line.

A line is matched where the other side has an error at the same Attribute of the same file. Files whose bytes one side
could not read to the end are compared in that alone: what the bytes lost is missed, rightly or wrongly.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import needs
import pytest

from rules.dictionary import keyword_of, tag_of
from rules.engine import check, load_rules
from rules.header import read_part10
from rules.model import Finding, Severity

ADJUDICATED = tomllib.loads(Path(__file__).with_name("adjudicated.toml").read_text(encoding="utf-8"))["difference"]
SUMS_UP = "Error - Dicom dataset contains invalid data values for Value Representations"
"""Says once more what other lines say."""
UNREAD = re.compile(r"read failed|Seek failed|Tags out of order")
"""Lines of dciodvfy on bytes that it could not read on from."""
ENCODING = ("undecodable", "encoding")
"""Rules of dicomgate on the same."""
_ITEM = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Compared:
    """One file: its path and what each side says, a line and the Attributes that it is about."""

    path: str
    ours: tuple[tuple[str, frozenset[str]], ...]
    theirs: tuple[tuple[str, frozenset[str]], ...]


@cache
def compared() -> tuple[Compared, ...]:
    corpus = needs.folder("DICOMGATE_CORPUS")
    with (corpus / "catalog.csv").open(encoding="utf-8") as catalog:
        rows = [row for row in csv.DictReader(catalog) if row["dciodvfy2026_status"] in {"ok", "rc0", "rc1"}]
    return tuple(_compared(corpus, row["path"], row["sha256"]) for row in rows)


def _compared(corpus: Path, path: str, digest: str) -> Compared:
    header = read_part10((corpus / path).read_bytes())
    errors = [each for each in check(header, load_rules()).findings if each.severity is Severity.ERROR]
    output = (corpus / "dciodvfy-2026" / f"{digest}.txt").read_text(errors="replace")
    lines = sorted({line.rstrip() for line in output.splitlines() if line.startswith("Error")} - {SUMS_UP})
    if any(UNREAD.search(line) for line in lines) or any(each.rule == "undecodable" for each in errors):
        errors = [each for each in errors if each.rule in ENCODING]
        lines = [line for line in lines if UNREAD.search(line)]
        bytes_ = frozenset(("the bytes",))
        return Compared(path, tuple((told(each), bytes_) for each in errors), tuple((line, bytes_) for line in lines))
    ours = ((told(each), frozenset((_plain(each.path), _plain(each.tag)))) for each in errors)
    return Compared(path, tuple(ours), tuple((line, frozenset(about(line))) for line in lines))


def told(finding: Finding) -> str:
    """A finding as the patterns see it: without the numbers of Items."""
    return f"{finding.rule} {_ITEM.sub('', finding.path)}: {finding.message}"


def about(line: str) -> Iterator[str]:
    """The Attributes that a line of dciodvfy names: by tag, by name, by keyword."""
    for group, element in re.findall(r"\(0x([0-9a-f]{4}),0x([0-9a-f]{4})\)", line):
        yield f"{group}{element}"
        yield _plain(keyword_of(int(group + element, 16)) or "")
    for name in re.findall(r"(?:Element=|attribute )<([^>]*)>", line):
        yield _plain(name)
    for word in re.findall(r"\b[A-Z][A-Za-z0-9]+\b", re.sub(r"<[^>]*>", "", line)):
        if _is_keyword(word):
            yield _plain(word)
    if " Pixel Data " in line:
        yield "pixeldata"


@cache
def _is_keyword(word: str) -> bool:
    try:
        return word[0].isupper() and bool(tag_of(word))
    except KeyError:
        return False


def _plain(name: str) -> str:
    """A path, a tag or an Attribute's name as the letters of its keyword: "Patient's Sex" is "patientsex"."""
    last = _ITEM.sub("", name.rpartition(".")[2])
    return re.sub(r"'s\b|[^a-z0-9]", "", last.lower())


def unmatched(one: Iterable[tuple[str, frozenset[str]]], other: Iterable[tuple[str, frozenset[str]]]) -> Iterator[str]:
    known = frozenset(each for _, attributes in other for each in attributes)
    for line, attributes in one:
        if attributes.isdisjoint(known):
            yield line


@pytest.mark.parametrize("side", ["dicomgate", "dciodvfy"])
def test_an_error_that_only_one_side_reports_is_adjudicated(side: str) -> None:
    known = [re.compile(each["pattern"]) for each in ADJUDICATED if each["only"] == side]
    open_ = set()
    for file in compared():
        sides = (file.ours, file.theirs) if side == "dicomgate" else (file.theirs, file.ours)
        for line in unmatched(*sides):
            if not any(pattern.search(f"{line} in {file.path}") for pattern in known):
                open_.add((file.path, line))
    assert open_ == set()


def test_lines_are_matched_by_the_attribute_they_are_about() -> None:
    line = "Error - Unrecognized enumerated value <ONE> for value 1 of attribute <Patient's Sex>"
    assert list(unmatched([(line, frozenset(about(line)))], [("", frozenset(("patientsex",)))])) == []
    assert list(unmatched([(line, frozenset(about(line)))], [("", frozenset(("patientage",)))])) == [line]
    assert "pixelaspectratio" in about("Error - PixelAspectRatio may not be present when it has a ratio of 1:1")
    assert "sopinstanceuid" in about('Error - Illegal root for UID - "9.9" in (0x0008,0x0018) SOP Instance UID')


def test_every_error_of_dicomgate_cites_a_section() -> None:
    corpus = needs.folder("DICOMGATE_CORPUS")
    for file in sorted((corpus / "mutations" / "bases").glob("*.dcm")):
        findings = check(read_part10(file.read_bytes()), load_rules()).findings
        assert all(each.section.startswith("PS3.") for each in findings)
