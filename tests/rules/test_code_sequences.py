from __future__ import annotations

import pytest

from rules.checks.value_syntax import every_value
from rules.encode import header_of
from rules.model import Finding

CODE = {"CodeValue": "T-04000", "CodingSchemeDesignator": "SRT", "CodeMeaning": "Breast"}
LONG = "a code of more than sixteen characters"


def said(*items: dict[str, object], sequence: str = "AnatomicRegionSequence") -> set[tuple[str, str]]:
    findings = every_value(header_of({sequence: list(items)}))
    return {(each.rule, each.path) for each in findings if isinstance(each, Finding)}


@pytest.mark.parametrize(
    "item",
    [
        CODE,
        {"LongCodeValue": LONG, "CodingSchemeDesignator": "L", "CodeMeaning": "x"},
        {"URNCodeValue": "urn:x", "CodeMeaning": "x"},
        {"URNCodeValue": "urn:x", "CodingSchemeDesignator": "L", "CodeMeaning": "x"},
        {"CodingSchemeDesignator": "L", "CodingSchemeUID": "1.2.3"},
        {"StudyDescription": "no code"},
    ],
)
def test_a_sound_entry_draws_nothing(item: dict[str, object]) -> None:
    assert said(item) == set()


@pytest.mark.parametrize(
    ("item", "rule", "keyword"),
    [
        ({"CodeMeaning": "x"}, "code-value", "CodeValue"),
        (CODE | {"CodeValue": None}, "code-value", "CodeValue"),
        (CODE | {"URNCodeValue": "urn:x"}, "code-value", "URNCodeValue"),
        (CODE | {"CodingSchemeDesignator": None}, "code-scheme", "CodingSchemeDesignator"),
        (CODE | {"CodeMeaning": None}, "code-meaning", "CodeMeaning"),
        (CODE | {"CodeValue": "http://a.b/c"}, "code-value-form", "CodeValue"),
        ({"LongCodeValue": "short"} | CODE | {"CodeValue": None}, "code-value-form", "LongCodeValue"),
        (CODE | {"CodeValue": "x" * 17}, "value-syntax-text", "CodeValue"),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_at_its_attribute(item: dict[str, object], rule: str, keyword: str) -> None:
    assert said(item) == {(rule, f"AnatomicRegionSequence[1].{keyword}")}


def test_entries_within_entries_are_judged() -> None:
    inner = {"CodeValue": "1", "CodeMeaning": "x"}
    assert said(CODE | {"EquivalentCodeSequence": [inner]}) == {
        ("code-scheme", "AnatomicRegionSequence[1].EquivalentCodeSequence[1].CodingSchemeDesignator")
    }


def test_of_many_entries_alike_only_those_of_a_wrong_form_count() -> None:
    codes = [LONG, "short", LONG, "brief"]
    items = [{"LongCodeValue": f"{each:40}", "CodingSchemeDesignator": "L", "CodeMeaning": "x"} for each in codes]
    (finding,) = every_value(header_of({"AnatomicRegionSequence": items}))
    assert isinstance(finding, Finding)
    assert (finding.rule, finding.count, finding.first) == (
        "code-value-form",
        2,
        "AnatomicRegionSequence[2].LongCodeValue",
    )


@pytest.mark.parametrize("sequence", ["OutputInformationSequence", "OutputDestinationSequence"])
def test_where_only_a_class_is_asked_for_it_may_stand_alone(sequence: str) -> None:
    assert said({"ReferencedSOPClassUID": "1.2"}, sequence=sequence) == set()
