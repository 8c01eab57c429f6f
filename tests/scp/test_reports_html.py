"""`check --format html`: one page that says it all and asks nobody for anything."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from itertools import pairwise

import pytest
from pages import Page
from reported import RUN, examined, finding, report

from rules.model import Severity
from rules.registry import all_rules
from scp.examine import Examined, Failed

WARNING, NOTE = Severity.WARNING, Severity.NOTE


def page(*outcomes: Examined | Failed) -> Page:
    return Page(report("html", *outcomes))


ALL_KINDS = (
    examined("in/a_1.dcm", finding(), finding("image-type-term-3", severity=WARNING), undecided=3),
    examined("in/b.dcm", finding(), iod="MR Image"),
    examined("in/c.dcm", finding("rule-broke", section="dicomgate", severity=NOTE, path="", tag=""), iod=""),
    examined("in/sound.dcm"),
    Failed("in/gone.dcm", "does not exist"),
)


def test_the_summary_names_figures_rules_and_date() -> None:
    words = page(*ALL_KINDS).words
    assert "Files checked 4" in words
    assert "Errors 2 in 2 files" in words
    assert "Warnings 1 in 1 file" in words
    assert "Notes 1 in 1 file" in words
    assert "Could not be read 1" in words
    assert "Left undecided 3" in words
    assert "2026-01-02 03:04 UTC" in words
    assert "rules 0123456789ab, edition 2025e" in words
    assert f"{RUN.policy.digest[:12]} Verdicts by it accept 2, flag 2" in words


def test_findings_stand_under_their_rule_with_why_it_matters() -> None:
    rule = all_rules()["image-type-value-1"]
    words = page(*ALL_KINDS).words
    assert f"image-type-value-1 error PS3.3 {rule.section} in 2 files {rule.summary} {rule.reason}" in words
    assert "ImageType value 1 (0008,0008) is A, wanted B PS3.3 C.7.6.1.1.2 2 in/a_1.dcm" in words
    assert words.index("image-type-value-1 error") < words.index("image-type-term-3 warning")
    assert "rule-broke note dicomgate in 1 file A rule could not be asked" in words


def test_every_finding_stands_with_its_file() -> None:
    words = page(*ALL_KINDS).words.partition("File by file")[2]
    assert "in/a_1.dcm CT Image flag 3 undecided" in words
    assert "error ImageType value 1 (0008,0008) is A, wanted B image-type-value-1 PS3.3 C.7.6.1.1.2" in words
    assert "in/sound.dcm CT Image 0" in words.partition("Without findings")[2]


def test_a_thing_seen_in_many_frames_and_files_is_one_example() -> None:
    files = [examined(f"{n}.dcm", finding(path="A[2].B", count=40, first="A[2].B", last="A[41].B")) for n in range(30)]
    words = page(*files).words.partition("Findings by rule")[2].partition("File by file")[0]
    assert words.count("A.B value 1") == 1
    assert "is A, wanted B (1,200 times) PS3.3 C.7.6.1.1.2 30 0.dcm" in words


def test_a_rule_that_saw_much_shows_the_most_frequent_and_counts_the_rest() -> None:
    rare = [examined(f"{n}.dcm", finding(message=f"is {n}")) for n in range(40)]
    often = [examined(f"often{n}.dcm", finding(message="is often")) for n in range(2)]
    words = page(*rare, *often).words.partition("Findings by rule")[2].partition("File by file")[0]
    assert words.index("is often") < words.index("is 0 ")
    assert "and 21 other things of this kind" in words


def test_a_repeated_fault_says_how_often_with_its_file() -> None:
    words = page(examined("a.dcm", finding(path="A[2].B", count=40, first="A[2].B", last="A[41].B"))).words
    assert "A[2].B value 1 (0008,0008) is A, wanted B (40 times, last A[41].B)" in words


def test_no_request_leaves_the_page() -> None:
    found = page(*ALL_KINDS)
    addresses = [value for _, attrs in found.tags for name, value in attrs.items() if name in ("src", "href", "action")]
    assert addresses
    assert all(each.startswith("#") for each in addresses)
    assert not re.search(r"url\(|@import|fetch\(|https?:", report("html", *ALL_KINDS))


def test_the_policy_of_the_page_lets_its_own_script_run_and_nothing_else() -> None:
    source = report("html", *ALL_KINDS)
    script = re.search(r"<script>(.*?)</script>", source, re.DOTALL)
    assert script is not None
    digest = b64encode(sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in source


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7 * 7 }}", "\x1b\u202e\udcff\x00"])
def test_what_a_file_says_stays_text(text: str) -> None:
    files = [examined(f"{text}.dcm", finding(message=text, path=text)), Failed(text, text)]
    found = page(*files)
    assert Counter(tag for tag, _ in found.tags)["script"] == 1
    assert "img" not in [tag for tag, _ in found.tags]
    assert text in found.text or not text.isprintable()
    assert "49" not in found.text.partition("Findings by rule")[2]
    assert not set("\x00\x1b\u202e") & set(report("html", *files))


def test_a_name_that_is_no_utf_8_is_shown() -> None:
    assert "caf\\xe9" in page(examined(os.fsdecode(b"caf\xe9"))).text


def test_headings_descend_and_tables_name_their_columns() -> None:
    found = page(*ALL_KINDS)
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attrs.get("scope") for tag, attrs in found.tags if tag == "th")
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [attrs["href"][1:] for tag, attrs in found.tags if tag == "a"]
    assert set(links) <= set(ids)


def test_nothing_checked_is_still_a_page() -> None:
    words = page().words
    assert "DICOM conformance of 0 files" in words
    assert "No rule had anything to say." in words
    assert "<script" not in report("html")
