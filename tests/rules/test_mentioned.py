"""What is mentioned anywhere in an instance."""

from __future__ import annotations

import pytest

from rules.conditions import Answer
from rules.encode import header_of
from rules.header import Header
from rules.mentioned import has_extended_characters, references, refers_to
from rules.transfer_syntax import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
CT, CDA = "1.2.840.10008.5.1.4.1.1.2", "2.16.840.1.113883.1.7.2"
PROCEDURE_STEP, HANGING_PROTOCOL = "1.2.840.10008.3.1.2.3.3", "1.2.840.10008.5.1.4.38.1"
SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
EACH_ENCODING = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)


def instance(uid: str = EXPLICIT_VR_LITTLE_ENDIAN, **attributes: object) -> Header:
    return header_of({"SOPInstanceUID": "1.2.1", "StudyInstanceUID": "1.2.5", **attributes}, uid)


def reference(sop_class: str = CT, sop_instance: str = "1.2.3", **more: object) -> dict[str, object]:
    return {"ReferencedSOPClassUID": sop_class, "ReferencedSOPInstanceUID": sop_instance, **more}


def test_an_instance_without_references_refers_to_nothing() -> None:
    for what in ("instances", "this Study", "other Studies", "HL7 documents"):
        assert refers_to(instance(), what) is NO


@pytest.mark.parametrize("uid", EACH_ENCODING)
def test_a_reference_is_seen_in_each_encoding(uid: str) -> None:
    assert refers_to(instance(uid, SourceImageSequence=[reference()]), "instances") is YES


def test_the_study_beside_or_around_a_reference_is_its_study() -> None:
    beside = instance(SourceImageSequence=[reference(StudyInstanceUID="1.2.5")])
    series = {"ReferencedSOPSequence": [reference()]}
    around = instance(
        CurrentRequestedProcedureEvidenceSequence=[{"StudyInstanceUID": "1.2.6", "ReferencedSeriesSequence": [series]}]
    )
    assert (refers_to(beside, "this Study"), refers_to(beside, "other Studies")) == (YES, NO)
    assert (refers_to(around, "this Study"), refers_to(around, "other Studies")) == (NO, YES)


def test_a_reference_alone_leaves_its_study_open() -> None:
    header = instance(SourceImageSequence=[reference()])
    assert refers_to(header, "this Study") is UNKNOWN
    assert refers_to(header, "other Studies") is UNKNOWN


@pytest.mark.parametrize(
    "item",
    [reference(sop_instance="1.2.1"), reference(PROCEDURE_STEP), reference(HANGING_PROTOCOL)],
    ids=["itself", "a procedure step", "what is in no Study"],
)
def test_not_every_reference_is_one_to_an_instance_of_a_study(item: dict[str, object]) -> None:
    header = instance(ReferencedInstanceSequence=[item])
    assert refers_to(header, "instances") is NO
    assert refers_to(header, "this Study") is NO


def test_a_private_sop_class_may_be_anything() -> None:
    assert refers_to(instance(SourceImageSequence=[reference("1.2.840.99.1")]), "instances") is UNKNOWN


def test_the_lists_of_references_are_no_references() -> None:
    listed = [{"SeriesInstanceUID": "1.2.9", "ReferencedInstanceSequence": [reference()]}]
    assert refers_to(instance(ReferencedSeriesSequence=listed), "instances") is NO
    other = [{"StudyInstanceUID": "1.2.6", "ReferencedSeriesSequence": listed}]
    header = instance(StudiesContainingOtherReferencedInstancesSequence=other)
    assert refers_to(header, "other Studies") is NO


def test_references_of_frames_are_seen_once_a_structure() -> None:
    source = [reference(sop_instance=f"1.2.{number}") for number in range(3, 9)]
    frames = [{"DerivationImageSequence": [{"SourceImageSequence": [each]}]} for each in source]
    found = list(references(instance(**{PER_FRAME: frames})))
    (one,) = found
    assert one.sop_class == CT.encode()
    assert {each.rstrip(b"\0") for each in one.instances} == {f"1.2.{number}".encode() for number in range(3, 9)}


def test_unencapsulated_documents_are_known_by_their_class() -> None:
    assert refers_to(instance(ReferencedInstanceSequence=[reference(CDA)]), "HL7 documents") is YES
    assert refers_to(instance(ReferencedInstanceSequence=[reference()]), "HL7 documents") is NO
    assert refers_to(instance(PatientComments=CDA), "HL7 documents") is NO


@pytest.mark.parametrize(
    ("attributes", "extended"),
    [
        ({"PatientName": "A^B"}, False),
        ({"PatientName": b"M\xfcller"}, True),
        ({"PatientName": b"\x1b$B6f"}, True),
        ({"RequestAttributesSequence": [{"RequestedProcedureDescription": b"\xe9 "}]}, True),
        ({"RequestAttributesSequence": [{"RequestedProcedureDescription": "e"}]}, False),
        ({SHARED: [{"FrameContentSequence": [{"FrameComments": b"\xe9 "}]}]}, True),
        ({PER_FRAME: [{"FrameContentSequence": [{"FrameComments": each}]} for each in (b"e ", b"\xe9 ")]}, True),
        ({"Rows": 0xE9E9}, False),
    ],
)
def test_characters_beyond_the_default_ones_are_seen_in_text_alone(
    attributes: dict[str, object], extended: bool
) -> None:
    assert has_extended_characters(instance(**attributes)) is extended
