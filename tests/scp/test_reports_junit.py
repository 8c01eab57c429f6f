"""`check --format junit`: what Jenkins and GitLab read of it."""

from __future__ import annotations

import os
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reported import examined, finding, report

from rules.model import Severity
from scp.examine import Examined, Failed

WARNING, NOTE = Severity.WARNING, Severity.NOTE


def suites(*outcomes: Examined | Failed) -> ET.Element:
    return ET.fromstring(report("junit", *outcomes).encode())


def case(*outcomes: Examined | Failed) -> ET.Element:
    (found,) = suites(*outcomes).iter("testcase")
    return found


def test_a_suite_is_an_iod_and_a_case_a_file() -> None:
    found = suites(examined("b.dcm"), examined("c.dcm", iod="MR Image"), examined("a.dcm"), examined("p.dcm", iod=""))
    told = {suite.get("name"): [each.get("name") for each in suite.iter("testcase")] for suite in found}
    assert told == {
        "CT Image": ["b.dcm", "a.dcm"],
        "MR Image": ["c.dcm"],
        "SOP Class of no listed IOD": ["p.dcm"],
    }
    assert all(each.get("classname") == suite.get("name") for suite in found for each in suite.iter("testcase"))


def test_counts_are_right_in_each_suite_and_over_all() -> None:
    found = suites(
        examined("a.dcm", finding(), finding("image-type-count")),
        examined("b.dcm", finding(severity=WARNING)),
        examined("c.dcm", finding(), iod="MR Image"),
        Failed("d.dcm", "is empty"),
    )
    names = ("tests", "failures", "errors")
    assert [found.get(name) for name in names] == ["4", "2", "1"]
    assert {each.get("name"): [each.get(name) for name in names] for each in found} == {
        "CT Image": ["2", "1", "0"],
        "Could not be read": ["1", "0", "1"],
        "MR Image": ["1", "1", "0"],
    }
    for suite in (found, *found):
        assert suite.get("failures") == str(len(list(suite.iter("failure"))))
        assert suite.get("errors") == str(len(list(suite.iter("error"))))


def test_errors_are_a_failure_whose_text_is_the_findings() -> None:
    failure = case(examined("a.dcm", finding(), finding("image-type-count"), finding(severity=WARNING))).find("failure")
    assert failure is not None
    assert failure.get("message") == "2 errors: image-type-value-1, image-type-count"
    assert (failure.text or "").splitlines() == [
        "error: ImageType value 1 (0008,0008) is A, wanted B [image-type-value-1, PS3.3 C.7.6.1.1.2]",
        "error: ImageType value 1 (0008,0008) is A, wanted B [image-type-count, PS3.3 C.7.6.1.1.2]",
    ]


def test_warnings_and_notes_are_output_of_a_case_that_passes() -> None:
    found = case(examined("a.dcm", finding(severity=WARNING), finding(severity=NOTE, path="", tag=""), undecided=2))
    assert [each.tag for each in found] == ["system-out"]
    lines = (found.findtext("system-out") or "").splitlines()
    assert lines[:2] == ["verdict accept", "2 requirements undecided"]
    assert [line.split(":")[0] for line in lines[2:]] == ["warning", "note"]


def test_a_sound_file_is_a_case_with_nothing_to_say_and_its_time_in_seconds() -> None:
    found = case(examined("a.dcm"))
    assert (list(found), found.get("time")) == ([], "0.000500")


def test_what_could_not_be_read_is_an_error() -> None:
    error = case(Failed("a.dcm", "is empty")).find("error")
    assert error is not None
    assert (error.get("message"), error.text) == ("is empty", "is empty")


def test_nothing_checked_is_a_report_without_suites() -> None:
    found = suites()
    assert (found.get("tests"), list(found)) == ("0", [])


@pytest.mark.parametrize("name", [b"\x00\x1b[2J", b"]]>&<\"'", b"\xff\xfe", "\ufffe\u202e\U0001f4a9".encode()])
def test_any_bytes_of_a_name_make_good_xml(name: bytes) -> None:
    found = case(examined(os.fsdecode(name), finding()))
    assert found.get("name")


@given(st.text(), st.text(), st.binary(min_size=1))
def test_no_text_breaks_the_xml(message: str, path: str, name: bytes) -> None:
    found = suites(
        examined(os.fsdecode(name), finding(message=message, path=path), finding(message=message, severity=NOTE)),
        Failed(os.fsdecode(name), message),
    )
    assert len(list(found.iter("testcase"))) == 2
