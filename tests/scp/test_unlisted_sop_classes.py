"""Instances of private and unknown SOP Classes: they get the general checks, and every output says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import ct, part10
from click.testing import CliRunner

from rules.encode import header_of
from rules.engine import check as checked
from rules.engine import load_rules
from rules.model import Severity
from scp.commands.check import check

PRIVATE = "1.2.3.4.5"
NEWER = "1.2.840.10008.5.1.4.1.1.999"


def told(form: str, *paths: str) -> str:
    return CliRunner().invoke(check, ["--format", form, *paths], catch_exceptions=False).stdout


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DICOMGATE_CONFIG", raising=False)
    Path("private.dcm").write_bytes(part10(ct(SOPClassUID=PRIVATE, StudyDate="20250231", PatientID=None)))
    return "private.dcm"


@pytest.mark.parametrize("uid", [PRIVATE, NEWER])
def test_values_are_judged_and_modules_are_not(uid: str) -> None:
    found = checked(header_of(ct(SOPClassUID=uid, StudyDate="20250231", KVP=None, PatientID=None)), load_rules())
    assert found.iod == ""
    assert {(each.rule, each.severity, each.path) for each in found.findings} == {
        ("unlisted-sop-class", Severity.NOTE, "SOPClassUID"),
        ("unlisted-attribute-absent", Severity.NOTE, "PatientID"),
        ("value-syntax-date", Severity.ERROR, "StudyDate"),
    }


def test_without_a_sop_class_the_identity_is_missed() -> None:
    found = checked(header_of(ct(SOPClassUID=None, SOPInstanceUID=None)), load_rules()).findings
    errors = {(each.rule, each.path) for each in found if each.severity is Severity.ERROR}
    assert errors == {("instance-identity-absent", "SOPClassUID"), ("instance-identity-absent", "SOPInstanceUID")}


def test_a_media_directory_is_of_no_patient_and_has_no_identity() -> None:
    found = checked(header_of({"FileSetID": "ONE", "DirectoryRecordSequence": []}), load_rules()).findings
    assert [each.rule for each in found] == ["unlisted-sop-class"]


def test_text_says_so(file: str) -> None:
    assert f"SOP Class {PRIVATE} (general checks only)" in told("text", file)


def test_json_says_so_by_an_empty_iod_and_a_note(file: str) -> None:
    (one,) = json.loads(told("json", file))
    assert (one["iod"], one["sop_class_uid"]) == ("", PRIVATE)
    (note,) = [each for each in one["findings"] if each["rule"] == "unlisted-sop-class"]
    assert note["message"] == "is of no composite IOD of this edition: its Modules are not checked"


def test_the_page_says_so_of_the_file_and_of_the_sop_class(file: str) -> None:
    page = told("html", file)
    assert f"SOP Class {PRIVATE} (general checks only)" in page
    assert "gets the general checks only" in page
