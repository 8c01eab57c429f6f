from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maps import PER_FRAME, SHARED, TYPES, frame, frame_type, parametric_map, shared

from rules import engine, iods, topics
from rules.checks.faults import malformed
from rules.checks.frame_type import MOST_TYPES
from rules.editions import NEWEST
from rules.encode import Element, encode, header_of
from rules.engine import RuleSet, check, load_rules
from rules.faults import Fault
from rules.header import Header, read_header
from rules.image_types import image_type
from rules.model import Problem, Severity, Undecided
from rules.registry import all_rules, run
from rules.tally import MOST_FINDINGS

EXPLICIT = "1.2.840.10008.1.2.1"


def test_the_edition_is_known_or_refused() -> None:
    assert load_rules() == load_rules("2025e")
    with pytest.raises(ValueError, match="1999a"):
        load_rules("1999a")


def test_the_version_is_a_short_digest_that_stays() -> None:
    assert load_rules().version == load_rules().version
    assert len(load_rules().version) == 12


def test_an_unlisted_sop_class_has_no_iod_and_nothing_but_notes() -> None:
    checked = check(header_of({"SOPClassUID": "1.2.3.4"}), load_rules())
    assert (checked.iod, checked.edition, checked.undecided) == ("", "2025e", 0)
    assert {each.severity for each in checked.findings} == {Severity.NOTE}
    assert [each.path for each in checked.findings if each.rule == "unlisted-sop-class"] == ["SOPClassUID"]
    assert "PatientID" in {each.path for each in checked.findings if each.rule == "unlisted-attribute-absent"}


def test_an_empty_data_set_is_judged() -> None:
    assert check(read_header(b"", EXPLICIT), load_rules()).iod == ""


def test_a_rule_that_breaks_is_a_finding_and_costs_no_other() -> None:
    rule = all_rules()["lossy-without-history"]

    def breaks(header: Header) -> Iterator[Problem]:
        raise KeyError(header.text("ContentLabel"))
        yield

    (found,) = run(replace(rule, check=breaks), header_of({"ContentLabel": "SECRET"}))
    assert (found.rule, found.severity, found.section) == ("rule-broke", Severity.ERROR, "dicomgate")
    assert found.message == "lossy-without-history raised KeyError"


def test_a_topic_that_breaks_is_a_finding_and_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(header: Header) -> Iterator[topics.Said]:
        raise RuntimeError
        yield

    usual = topics.topics("Parametric Map", NEWEST, topics._deciding())
    monkeypatch.setattr(topics, "topics", lambda iod, edition, deciding: (breaks, *usual))
    topics._structure.cache_clear()
    for _ in range(3):
        found = check(header_of(parametric_map(BitsAllocated=8)), load_rules()).findings
        assert {"rule-broke", "value-not-enumerated"} <= {each.rule for each in found}
    topics._structure.cache_clear()


def test_tables_that_break_are_a_finding_and_cost_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(uid: str, edition: str) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(engine, "plan", breaks)
    found = check(header_of(parametric_map(ImageType=["ORIGINAL", *TYPES[1:]])), load_rules()).findings
    assert {each.rule for each in found} == {"rule-broke", "image-type-value-1"}


def test_a_hundred_thousand_faults_are_a_thousand_findings_and_a_number() -> None:
    items = [
        {"CodeValue": f"{number}", "CodingSchemeDesignator": "DCM", "CodeMeaning": "x" * 65} for number in range(99)
    ]
    private = {f"(0009,{number:04X})": Element("CS", "lower") for number in range(0x1000, 0x2000)}
    attributes = parametric_map(**private, ConceptNameCodeSequence=items)
    found = check(header_of(attributes), load_rules()).findings
    assert len(found) <= MOST_FINDINGS + 1
    assert found[-1].rule == "findings-cut-off"


def test_malformed_bytes_are_findings_that_come_first() -> None:
    data = encode(parametric_map(BitsAllocated=8))
    found = check(read_header(data[:-2], EXPLICIT), load_rules()).findings
    assert found[0].rule == "undecodable"
    assert found[0].tag == "(7FE0,0008)"


def test_one_frame_type_over_2000_frames_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    judge = topics.frame_types.__globals__["judge"]
    monkeypatch.setitem(topics.frame_types.__globals__, "judge", lambda seen: calls.append(seen) or judge(seen))
    wrong = frame_type("ORIGINAL", *TYPES[1:])
    groups = {name: value for name, value in shared(*TYPES).items() if name not in wrong}
    frames = {"NumberOfFrames": "2000", SHARED: [groups], PER_FRAME: [{**frame(), **wrong}] * 2000}
    findings = check(header_of(parametric_map(**frames)), load_rules()).findings
    (found,) = (each for each in findings if each.rule.startswith("frame-type-"))
    assert len(calls) == 1
    assert (found.rule, found.count) == ("frame-type-value-1", 2000)
    assert found.first == f"{PER_FRAME}[1].ParametricMapFrameTypeSequence[1].FrameType"
    assert found.last == f"{PER_FRAME}[2000].ParametricMapFrameTypeSequence[1].FrameType"
    assert found.path == found.first
    assert found.tag == "(0008,9007)"


def test_a_finding_carries_the_contract() -> None:
    attributes = parametric_map(ImageType=["ORIGINAL", *TYPES[1:]])
    (found,) = check(header_of(attributes), load_rules()).findings
    assert (found.rule, found.severity, found.path, found.tag, found.value_number, found.section, found.message) == (
        "image-type-value-1", "error", "ImageType", "(0008,0008)", 1, "PS3.3 C.8.32.2", "is ORIGINAL, wanted DERIVED",
    )  # fmt: skip


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    return load_rules()


CLASSES = list(iods.storage_sop_classes())
VALUES = st.lists(st.text(max_size=20).filter(lambda text: text.isascii()), max_size=7)


@given(uid=st.sampled_from(CLASSES), values=VALUES, frame=VALUES, raw=st.binary(max_size=40))
def test_no_values_make_the_engine_raise_or_a_rule_break(
    rule_set: RuleSet, uid: str, values: list[str], frame: list[str], raw: bytes
) -> None:
    header = header_of(
        {
            "SOPClassUID": uid,
            "ImageType": values,
            "ICCProfile": raw,
            SHARED: [frame_type(*frame)],
            PER_FRAME: [frame_type(*frame), {}, frame_type()],
        }
    )
    assert "rule-broke" not in {each.rule for each in check(header, rule_set).findings}


@given(cut=st.integers(0, 600), at=st.integers(0, 600), byte=st.integers(0, 255))
def test_no_damage_makes_the_engine_raise_or_a_rule_break(rule_set: RuleSet, cut: int, at: int, byte: int) -> None:
    data = bytearray(encode(parametric_map(ConceptNameCodeSequence=[{"CodeValue": "1"}])))
    data[at % len(data)] = byte
    checked = check(read_header(bytes(data[: len(data) - cut]), EXPLICIT), rule_set)
    assert "rule-broke" not in {each.rule for each in checked.findings}


def test_a_fault_that_is_met_twice_is_one_finding() -> None:
    fault = Fault(12, 0x00080008, "is odd")
    (found,) = malformed((fault, replace(fault, offset=40)))
    assert (found.rule, found.path, found.count, found.message) == ("undecodable", "ImageType", 2, "is odd (byte 12)")
    (mild,) = malformed((replace(fault, kind="encoding", tag=0x00091001),))
    assert (mild.rule, mild.tag) == ("encoding", "(0009,1001)")


def test_a_fault_that_repeats_over_items_is_one_finding() -> None:
    items = [{"ContentDescription": "map"}] * 3
    attributes = parametric_map(AlternateContentDescriptionSequence=items)
    (found,) = check(header_of(attributes), load_rules()).findings
    assert (found.rule, found.count) == ("attribute-missing", 3)
    assert found.first == "AlternateContentDescriptionSequence[1].LanguageCodeSequence"
    assert found.last == "AlternateContentDescriptionSequence[3].LanguageCodeSequence"


def test_frames_that_all_differ_cost_no_more_than_their_share() -> None:
    types = [{**frame_type(*TYPES[:3], f"T{number}"), "FrameComments": "c" * (number % 60)} for number in range(3000)]
    facts = image_type("Parametric Map")
    assert facts is not None
    said = list(topics.frame_types(header_of(parametric_map(**{SHARED: [{}], PER_FRAME: types})), facts))
    assert sum(isinstance(each, Undecided) for each in said) == 3000 - MOST_TYPES
    assert len(said) - (3000 - MOST_TYPES) < 2 * MOST_TYPES
