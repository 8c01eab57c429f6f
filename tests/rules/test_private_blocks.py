from __future__ import annotations

import pytest

from rules.checks.value_syntax import every_value
from rules.encode import Element, header_of
from rules.model import Finding
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

OWN = Element("LO", "own")


def said(attributes: dict[str, object], syntax: str = EXPLICIT_VR_LITTLE_ENDIAN) -> list[tuple[str, str, str]]:
    findings = every_value(header_of(attributes, syntax))
    return [(each.rule, each.severity, each.path) for each in findings if isinstance(each, Finding)]


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
def test_elements_in_a_block_of_their_creator_are_sound(syntax: str) -> None:
    assert said({"(0009,0010)": "MAKER", "(0009,00FF)": "OTHER", "(0009,10FF)": OWN, "(0009,FF00)": OWN}, syntax) == []


def test_one_finding_stands_for_a_block_without_creator() -> None:
    orphans = {"(0009,1001)": OWN, "(0009,1002)": OWN, "(0009,1101)": OWN, "(0009,0010)": None}
    assert said(orphans) == [
        ("private-creator", "error", "(0009,0010)"),
        ("private-creator-missing", "error", "(0009,1001)"),
        ("private-creator-missing", "error", "(0009,1101)"),
    ]


def test_a_creator_serves_its_own_data_set_only() -> None:
    inside = {"(0009,0010)": "MAKER", "SourceImageSequence": [{"(0009,1001)": OWN}]}
    assert said(inside) == [("private-creator-missing", "error", "SourceImageSequence[1].(0009,1001)")]


def test_a_second_block_of_the_same_creator_is_a_warning_within_a_group() -> None:
    assert said({"(0009,0010)": "MAKER", "(0009,0011)": "MAKER ", "(0011,0010)": "MAKER"}) == [
        ("private-creator", "warning", "(0009,0011)")
    ]


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
def test_a_creator_is_text_of_the_default_repertoire(syntax: str) -> None:
    attributes = {"SpecificCharacterSet": "ISO_IR 100", "(0009,0010)": b"M\xdcLLER", "(0009,0011)": b"MA\nKER"}
    assert said(attributes, syntax) == [
        ("value-syntax-text", "error", "(0009,0011)"),
        ("private-creator", "error", "(0009,0010)"),
    ]


@pytest.mark.parametrize("group", ["0001", "0003", "0005", "0007", "FFFF"])
def test_groups_that_are_never_used_are_an_error(group: str) -> None:
    assert ("attribute-group", "error", f"({group},0010)") in said({f"({group},0010)": "MAKER"})


def test_a_tag_outside_all_blocks_is_an_error() -> None:
    for tag in ("(0009,0001)", "(0009,000F)", "(0009,0100)", "(0009,0FFF)"):
        assert said({tag: OWN}) == [("private-tag", "error", tag)]
