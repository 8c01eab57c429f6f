"""What an expression answers, place by place; that every condition of the fact tables has both its examples."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import tables
from rules.build.examples import examples
from rules.conditions import Answer
from rules.encode import header_of
from rules.expressions import Expression, affirmable, answers, compiled, decidable, leaves, words
from rules.header import Header

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
CT, ECG = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.9.1.1"
RATIO = ["NumericValue", "RationalNumeratorValue", "RationalDenominatorValue"]
THIRD = {"RationalNumeratorValue": 1, "RationalDenominatorValue": 3}
SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"


def place(**attributes: object) -> Header:
    return header_of({"InstanceCreationDate": "20200101", **attributes})


def frame_type(*values: str) -> dict[str, object]:
    return {"MRImageFrameTypeSequence": [{"FrameType": list(values)}]}


@pytest.mark.parametrize(
    ("expression", "attributes", "answer"),
    [
        ({"present": "PatientID"}, {"PatientID": ""}, YES),
        ({"present": "PatientID"}, {}, NO),
        ({"absent": "PatientID"}, {}, YES),
        ({"held": "BeamName"}, {"BeamName": ""}, YES),
        ({"held": "PatientID"}, {"BeamSequence": [{}, {"ControlPointSequence": [{"PatientID": ""}]}]}, YES),
        ({"held": "BeamName"}, {"BeamSequence": [{"ControlPointSequence": [{}]}]}, NO),
        ({"filled": "PatientID"}, {"PatientID": ""}, NO),
        ({"filled": "PatientID"}, {"PatientID": "1"}, YES),
        ({"filled": "BeamSequence"}, {"BeamSequence": []}, NO),
        ({"empty": "PatientID"}, {"PatientID": ""}, YES),
        ({"empty": "PatientID"}, {}, NO),
        ({"is": ["ImageType", 1, ["ORIGINAL", "MIXED"]]}, {"ImageType": ["MIXED", "PRIMARY"]}, YES),
        ({"is": ["ImageType", 1, ["ORIGINAL"]]}, {"ImageType": ["DERIVED", "ORIGINAL"]}, NO),
        ({"is": ["ImageType", 3, ["LOCALIZER"]]}, {"ImageType": ["ORIGINAL", "PRIMARY"]}, NO),
        ({"is": ["ImageType", 1, ["ORIGINAL"]]}, {}, NO),
        ({"is": ["ImageType", 1, ["ORIGINAL"]]}, {"ImageType": ""}, UNKNOWN),
        ({"is": ["ScanOptions", 0, ["CG"]]}, {"ScanOptions": ["FC", "CG"]}, YES),
        ({"is": ["SamplesPerPixel", 0, ["1"]]}, {"SamplesPerPixel": 1}, YES),
        ({"is": ["RescaleSlope", 0, ["1"]]}, {"RescaleSlope": "1.0"}, YES),
        ({"is not": ["ImageType", 1, ["DERIVED"]]}, {"ImageType": ["ORIGINAL"]}, YES),
        ({"is not": ["ImageType", 1, ["DERIVED"]]}, {"ImageType": ["DERIVED"]}, NO),
        ({"is not": ["ImageType", 1, ["DERIVED"]]}, {}, UNKNOWN),
        ({"is not": ["ImageType", 3, ["LOCALIZER"]]}, {"ImageType": ["ORIGINAL"]}, UNKNOWN),
        ({"compare": ["NumberOfFrames", ">", 1]}, {"NumberOfFrames": "2"}, YES),
        ({"compare": ["NumberOfFrames", ">", 1]}, {"NumberOfFrames": "1"}, NO),
        ({"compare": ["NumberOfFrames", ">", 1]}, {"NumberOfFrames": "many"}, UNKNOWN),
        ({"compare": ["NumberOfBeams", "!=", 0]}, {}, NO),
        ({"count": ["MaskFrameNumbers", ">", 1]}, {"MaskFrameNumbers": [1, 2]}, YES),
        ({"points to": ["FrameIncrementPointer", "FrameTime"]}, {"FrameIncrementPointer": [0x00181063]}, YES),
        ({"points to": ["FrameIncrementPointer", "FrameTime"]}, {"FrameIncrementPointer": [0x00181065]}, NO),
        ({"private": "SelectorAttribute"}, {"SelectorAttribute": 0x00091001}, YES),
        ({"private": "SelectorAttribute"}, {"SelectorAttribute": 0x00100020}, NO),
        ({"points to a": ["SelectorAttribute", "SQ"]}, {"SelectorAttribute": 0x00081032}, YES),
        ({"points to a": ["SelectorAttribute", "SQ"]}, {"SelectorAttribute": 0x00100020}, NO),
        ({"points to a": ["SelectorAttribute", "SQ"]}, {"SelectorAttribute": 0x00091001}, UNKNOWN),
        ({"points to a": ["SelectorAttribute", "SQ"]}, {}, NO),
        (
            {"as many": ["SelectorFDValue", "NumberOfTableRows"]},
            {"SelectorFDValue": [1.0], "NumberOfTableRows": 1},
            YES,
        ),
        ({"as many": ["SelectorFDValue", "NumberOfTableRows"]}, {"SelectorFDValue": [1.0], "NumberOfTableRows": 2}, NO),
        ({"as many": ["ConceptCodeSequence", "NumberOfTableRows"]}, {"NumberOfTableRows": 1}, NO),
        ({"as many": ["ConceptCodeSequence", "NumberOfTableRows"]}, {"ConceptCodeSequence": [{}]}, UNKNOWN),
        ({"rounded": RATIO}, {"NumericValue": "0.333333", **THIRD}, YES),
        ({"rounded": RATIO}, {"NumericValue": "0.25", "RationalNumeratorValue": 1, "RationalDenominatorValue": 4}, NO),
        ({"rounded": RATIO}, {"NumericValue": "one third", **THIRD}, UNKNOWN),
        (
            {"rounded": RATIO},
            {"NumericValue": "1", "RationalNumeratorValue": 1, "RationalDenominatorValue": 0},
            UNKNOWN,
        ),
        ({"rounded": RATIO}, {"NumericValue": "0.333333"}, UNKNOWN),
        ({"begins": ["CodingSchemeDesignator", ["99"]]}, {"CodingSchemeDesignator": "99LOCAL"}, YES),
        ({"begins": ["CodingSchemeDesignator", ["99"]]}, {"CodingSchemeDesignator": "DCM99"}, NO),
        ({"begins": ["CodingSchemeDesignator", ["99"]]}, {}, NO),
        ({"differ": ["PhysicalDeltaX", "PhysicalDeltaY"]}, {"PhysicalDeltaX": 0.1, "PhysicalDeltaY": 0.2}, YES),
        ({"differ": ["PhysicalDeltaX", "PhysicalDeltaY"]}, {"PhysicalDeltaX": 0.1, "PhysicalDeltaY": -0.1}, NO),
        ({"differ": ["PhysicalDeltaX", "PhysicalDeltaY"]}, {"PhysicalDeltaX": 0.1, "PhysicalDeltaY": 0.1001}, NO),
        ({"differ": ["PhysicalDeltaX", "PhysicalDeltaY"]}, {"PhysicalDeltaX": 0.1}, NO),
        ({"kind": ["ReferencedSOPClassUID", "waveform"]}, {"ReferencedSOPClassUID": CT}, NO),
        ({"kind": ["ReferencedSOPClassUID", "waveform"]}, {"ReferencedSOPClassUID": ECG}, YES),
        ({"kind": ["ReferencedSOPClassUID", "waveform"]}, {}, UNKNOWN),
        ({"characters": "extended"}, {"PatientComments": b"\xe9 "}, YES),
        ({"characters": "extended"}, {"PatientComments": "e"}, NO),
        ({"characters": "extended here"}, {"PatientComments": b"\xe9 "}, YES),
        ({"characters": "extended here"}, {"BeamSequence": [{"BeamName": b"\xe9 "}]}, UNKNOWN),
        ({"characters": "extended here"}, {"BeamSequence": [{"BeamName": "e"}], "Rows": 0xE9E9}, NO),
        ({"as many": ["FloatingPointValues", "Rows"]}, {"FloatingPointValues": b"\0" * 12, "Rows": 3}, YES),
        ({"as many": ["FloatingPointValues", "Rows"]}, {"FloatingPointValues": b"\0" * 12, "Rows": 12}, NO),
        ({"as many": ["FloatingPointValues", "Rows", 3]}, {"FloatingPointValues": b"\0" * 12, "Rows": 1}, YES),
        ({"as many": ["FloatingPointValues", "Rows", 3]}, {"FloatingPointValues": b"\0" * 12, "Rows": 3}, NO),
        ({"refers to": "HL7 documents"}, {}, NO),
        ({"items": ["BeamSequence", ">", 1]}, {"BeamSequence": [{}, {}]}, YES),
        ({"items": ["BeamSequence", ">", 0]}, {}, NO),
        ({"any item": ["BeamSequence", {"present": "BeamName"}]}, {"BeamSequence": [{}, {"BeamName": "a"}]}, YES),
        ({"any item": ["BeamSequence", {"present": "BeamName"}]}, {"BeamSequence": [{}]}, NO),
        ({"points to codes": "SelectorAttribute"}, {"SelectorAttribute": 0x00540220}, YES),
        ({"points to codes": "SelectorAttribute"}, {"SelectorAttribute": 0x00100020}, NO),
        ({"points to codes": "SelectorAttribute"}, {"SelectorAttribute": 0x00082218}, UNKNOWN),
        ({"points to codes": "SelectorAttribute"}, {"SelectorAttribute": 0x00091001}, UNKNOWN),
        ({"points to codes": "SelectorAttribute"}, {}, NO),
        ({"varies": ["BeamSequence", "BeamNumber"]}, {"BeamSequence": [{"BeamNumber": 1}, {"BeamNumber": 2}]}, YES),
        ({"varies": ["BeamSequence", "GantryAngle"]}, {"BeamSequence": [{"GantryAngle": 1.0}, {}]}, NO),
        ({"varies": ["BeamSequence", "GantryAngle"]}, {"BeamSequence": [{"GantryAngle": "1.0"}] * 2}, NO),
        ({"varies": ["BeamSequence", "GantryAngle"]}, {}, NO),
        ({"sop class": ["1.2.3"]}, {"SOPClassUID": "1.2.3"}, YES),
        ({"sop class": ["1.2.3"]}, {"SOPClassUID": "1.2.4"}, NO),
        ({"sop class": ["1.2.3"]}, {}, UNKNOWN),
        ({"transfer syntax": "lossy"}, {}, NO),
        ({"undecidable": "depends on the weather"}, {}, UNKNOWN),
    ],
)
def test_each_question_has_its_answer(expression: Expression, attributes: dict[str, object], answer: Answer) -> None:
    assert compiled(expression)(place(**attributes)) is answer


def test_a_lossy_transfer_syntax_is_seen() -> None:
    lossy = header_of({"InstanceCreationDate": "20200101"}, JPEG_BASELINE)
    assert compiled({"transfer syntax": "lossy"})(lossy) is YES


@pytest.mark.parametrize(
    ("code", "scheme", "answer"),
    [("130108", "DCM", YES), ("130109", "DCM", NO), ("T-1", "SRT", UNKNOWN), ("130108", "99LOCAL", UNKNOWN)],
)
def test_a_code_of_another_scheme_leaves_it_open(code: str, scheme: str, answer: Answer) -> None:
    asked = compiled({"code": ["ViewCodeSequence", [["130108", "DCM"]]]})
    item = {"CodeValue": code, "CodingSchemeDesignator": scheme}
    assert asked(place(ViewCodeSequence=[item])) is answer
    assert asked(place()) is NO


def test_the_item_that_a_number_refers_to_is_found() -> None:
    wedge = {"WedgeNumber": 1, "WedgeType": "PARTIAL"}
    settings = [{"ReferencedWedgeNumber": 1}, {"ReferencedWedgeNumber": 2}, {}, {"ReferencedWedgeNumber": [1, 2]}]
    beam = {"WedgeSequence": [wedge], "ControlPointSequence": [{"WedgePositionSequence": settings}]}
    point = place(BeamSequence=[beam]).item_at("BeamSequence", 1).item_at("ControlPointSequence", 1)
    known, dangling, none, two = (point.item_at("WedgePositionSequence", number) for number in (1, 2, 3, 4))
    there = ["WedgeSequence", "WedgeNumber", "ReferencedWedgeNumber"]
    assert compiled({"matched": there, "at": "above"})(known) is YES
    assert compiled({"matched": there, "at": "above"})(dangling) is NO
    assert compiled({"matched": there, "at": "above"})(none) is UNKNOWN
    assert compiled({"matched": there, "at": "above"})(two) is UNKNOWN
    assert compiled({"matched": there})(known) is NO
    partial = compiled({"matched": [*there, {"is": ["WedgeType", 0, ["PARTIAL"]]}], "at": "above"})
    dynamic = compiled({"matched": [*there, {"is": ["WedgeType", 0, ["DYNAMIC"]]}], "at": "above"})
    assert [partial(known), dynamic(known), partial(dangling), partial(none)] == [YES, NO, UNKNOWN, UNKNOWN]


def test_the_first_and_the_last_item_are_told_by_the_end_of_a_keyword() -> None:
    points = [{"WedgePositionSequence": [{}]}, {}, {"WedgePositionSequence": [{}]}]
    beam = place(IonBeamSequence=[{"IonControlPointSequence": points}]).item_at("IonBeamSequence", 1)
    first, last = (beam.item_at("IonControlPointSequence", number) for number in (1, 3))
    asked = compiled({"item": ["ControlPointSequence", -1]})
    assert [asked(first), asked(last), asked(beam)] == [NO, YES, NO]
    assert asked(last.item_at("WedgePositionSequence", 1)) is YES
    assert compiled({"item": ["ControlPointSequence", 1]})(first) is YES
    assert compiled({"item": ["ControlPointSequence", 1]})(last) is NO
    assert compiled({"item": ["ControlPointSequence", 0]})(beam) is NO


def test_an_attribute_is_looked_up_here_at_the_root_above_and_around() -> None:
    root = place(PatientID="1", BeamSequence=[{"BeamName": "a", "ControlPointSequence": [{"PatientID": ""}]}])
    beam = root.item_at("BeamSequence", 1)
    point = beam.item_at("ControlPointSequence", 1)
    assert compiled({"filled": "PatientID"})(point) is NO
    assert compiled({"filled": "PatientID", "at": "root"})(point) is YES
    assert compiled({"filled": "PatientID", "at": "above"})(point) is NO
    assert compiled({"filled": "PatientID", "at": "around"})(point) is YES
    assert compiled({"present": "BeamName"})(point) is NO
    assert compiled({"present": "BeamName", "at": "above"})(point) is YES
    assert compiled({"item": ["ControlPointSequence", 1]})(point) is YES
    assert compiled({"item": ["ControlPointSequence", 2]})(point) is NO
    assert compiled({"item": ["BeamSequence", 0]})(point) is YES


def test_a_frame_is_asked_of_its_own_groups_and_then_of_the_shared_ones() -> None:
    groups = [{**frame_type("ORIGINAL"), "MREchoSequence": [{}]}, {"MREchoSequence": [{}]}]
    root = place(**{SHARED: [frame_type("DERIVED")], PER_FRAME: groups})
    original = compiled({"is": ["FrameType", 1, ["ORIGINAL"]], "at": "frame"})
    first, second = (each.item_at("MREchoSequence", 1) for each in root.items(PER_FRAME))
    assert original(first) is YES
    assert original(second) is NO


def test_an_attribute_of_the_same_group_comes_before_those_of_others() -> None:
    group = {"MREchoSequence": [{"FrameType": ["ORIGINAL"]}], **frame_type("DERIVED")}
    echo = place(FrameType=["MIXED"], **{PER_FRAME: [group]}).item_at(PER_FRAME, 1).item_at("MREchoSequence", 1)
    assert compiled({"is": ["FrameType", 1, ["ORIGINAL"]], "at": "frame"})(echo) is YES
    assert compiled({"is": ["FrameType", 1, ["MIXED"]], "at": "frame"})(place(FrameType=["MIXED"])) is YES


def test_what_is_shared_is_asked_of_every_frame_and_they_must_agree() -> None:
    original = compiled({"is": ["FrameType", 1, ["ORIGINAL"]], "at": "frame"})

    def shared(*frames: dict[str, object]) -> Header:
        root = place(**{SHARED: [{"MREchoSequence": [{}]}], PER_FRAME: list(frames)})
        return root.item_at(SHARED, 1).item_at("MREchoSequence", 1)

    assert original(shared(frame_type("ORIGINAL"), frame_type("ORIGINAL"))) is YES
    assert original(shared(frame_type("ORIGINAL"), frame_type("DERIVED"))) is UNKNOWN
    assert original(shared(frame_type("ORIGINAL"), {})) is UNKNOWN


def test_any_frame_is_enough_for_frames_and_the_root_does_not_count() -> None:
    asked = compiled({"present": "DerivationImageSequence", "at": "frames"})
    assert asked(place(**{PER_FRAME: [{}, {"DerivationImageSequence": []}]})) is YES
    assert asked(place(**{SHARED: [{"DerivationImageSequence": []}]})) is YES
    assert asked(place(**{PER_FRAME: [{}]})) is NO
    assert compiled({"is": ["FrameType", 1, ["MIXED"]], "at": "frames"})(place(FrameType=["MIXED"])) is NO


def test_a_pointer_into_the_functional_groups_is_told_from_one_to_the_root() -> None:
    asked = compiled({"points to a frame": "DimensionIndexPointer"})
    groups = {SHARED: [frame_type("ORIGINAL")]}
    assert asked(place(DimensionIndexPointer=0x00089007, **groups)) is YES
    assert asked(place(DimensionIndexPointer=0x00100020, PatientID="1", **groups)) is NO
    assert asked(place(DimensionIndexPointer=0x00189074, **groups)) is UNKNOWN


def test_a_pointer_to_a_functional_group_itself_points_into_none() -> None:
    asked = compiled({"points to a frame": "DimensionIndexPointer"})
    assert asked(place(DimensionIndexPointer=0x00189226, **{SHARED: [frame_type("DERIVED")]})) is NO
    assert asked(place(DimensionIndexPointer=0x00189226, **{PER_FRAME: [frame_type("DERIVED")]})) is NO


_ANSWERS: dict[Answer, Expression] = {
    YES: {"present": "InstanceCreationDate"},
    NO: {"absent": "InstanceCreationDate"},
    UNKNOWN: {"undecidable": "depends on the weather"},
}
_RANK = {NO: 0, UNKNOWN: 1, YES: 2}


@given(st.lists(st.sampled_from([YES, NO, UNKNOWN]), min_size=1, max_size=5))
def test_joints_follow_kleene(said: list[Answer]) -> None:
    joined = [_ANSWERS[each] for each in said]
    ranks = [_RANK[each] for each in said]
    assert _RANK[compiled({"all": joined})(place())] == min(ranks)
    assert _RANK[compiled({"any": joined})(place())] == max(ranks)
    assert _RANK[compiled({"not": {"all": joined}})(place())] == 2 - min(ranks)


def test_what_can_be_answered_is_known_without_an_instance() -> None:
    open_, seen = {"undecidable": "depends on the weather"}, {"present": "PatientID"}
    assert answers(open_) == {UNKNOWN}
    assert answers({"all": [open_, seen]}) == {NO}
    assert answers({"not": {"all": [open_, seen]}}) == {YES}
    assert not decidable({"any": [open_, seen]})
    assert decidable({"any": [seen, {"not": seen}]})


@pytest.mark.parametrize(
    "expression",
    [{}, {"presence": "PatientID"}, {"present": "PatientID", "absent": "PatientID"}, {"at": "here"}],
)
def test_what_is_no_expression_is_refused(expression: Expression) -> None:
    with pytest.raises(ValueError, match="not an expression"):
        compiled(expression)


def test_an_unknown_keyword_or_place_is_refused() -> None:
    with pytest.raises(KeyError, match="PatientShoeSize"):
        compiled({"present": "PatientShoeSize"})
    with pytest.raises(ValueError, match="elsewhere"):
        compiled({"present": "PatientID", "at": "elsewhere"})


def test_words_can_follow_since_in_a_message() -> None:
    original = {"is": ["ImageType", 1, ["ORIGINAL", "MIXED"]]}
    either = {"any": [{"absent": "PixelSpacing"}, {"compare": ["NumberOfFrames", ">", 1], "at": "root"}]}
    assert words({"all": [original, either]}) == (
        "ImageType value 1 is ORIGINAL or MIXED and (PixelSpacing is absent or NumberOfFrames > 1 in the Data Set)"
    )


def test_questions_of_the_whole_instance_have_words_too() -> None:
    reference: Expression = {"kind": ["ReferencedSOPClassUID", "tiled"]}
    assert words(reference) == "ReferencedSOPClassUID is that of a tiled image"
    assert words({"refers to": "other Studies"}) == "it refers to other Studies"
    assert words({"begins": ["CodingSchemeDesignator", ["99"]]}) == "CodingSchemeDesignator begins with 99"


def test_a_reason_names_no_alternative_that_nothing_can_affirm() -> None:
    open_, seen = {"undecidable": "depends on the weather"}, {"present": "PatientID"}
    other = {"absent": "PatientName"}
    assert affirmable({"any": [seen, {"all": [other, open_]}, open_]}) == seen
    assert affirmable({"all": [other, {"any": [seen, open_]}]}) == {"all": [other, seen]}
    assert affirmable({"any": [seen, other]}) == {"any": [seen, other]}
    assert affirmable({"any": [open_]}) == {"any": [open_]}


def test_every_condition_of_the_fact_tables_has_an_instance_for_each_answer_that_it_can_give() -> None:
    seen: dict[str, Expression] = {}
    for expression in (*_in_tables(), *_in_corrections()):
        seen.setdefault(repr(expression), expression)
    assert len(seen) > 100
    for expression in seen.values():
        yes, no = examples(expression)
        can = answers(expression)
        asked = compiled(expression)
        assert (yes is not None) == (YES in can), words(expression)
        assert (no is not None) == (NO in can), words(expression)
        assert yes is None or asked(yes.place()) is YES
        assert no is None or asked(no.place()) is NO
        assert list(leaves(expression))


def _in_tables() -> Iterator[Expression]:
    for folder in ("iods", "modules", "macros"):
        for name in tables.names(folder):
            table = tables.read(folder, name)
            for member in ("rows", "modules", "functional groups", "constraints"):
                for row in table.get(member, ()):
                    yield from _of(row[-1])


def _in_corrections() -> Iterator[Expression]:
    given_by_hand = tomllib.loads(Path(tables.FACTS, "corrections.toml").read_text(encoding="utf-8"))
    for each in given_by_hand["condition"]:
        yield from _of(each)


def _of(more: Mapping[str, Any]) -> Iterator[Expression]:
    yield from (more[name] for name in ("if", "may", "never") if isinstance(more.get(name), Mapping))
    for name in ("enumerated if", "defined if"):
        yield from (condition for condition, _ in more.get(name, ()) if isinstance(condition, Mapping))
    for _, _, *types in more.get("types", ()):
        for each in types:
            yield from _of(each)
