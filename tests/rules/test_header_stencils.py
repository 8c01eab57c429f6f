"""Items of one structure are told as one, and a column says what each Item would."""

from __future__ import annotations

import pytest

from rules.encode import UNDEFINED_LENGTHS, Element, Layout, encode, header_of
from rules.header import Header, read_header
from rules.transfer_syntax import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

FRAMES = "PerFrameFunctionalGroupsSequence"
SYNTAXES = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)


def frame(number: int, **more: object) -> dict[str, object]:
    return {
        "FrameContentSequence": [{"StackID": "1", "InStackPositionNumber": number}],
        "PlanePositionSequence": [{"ImagePositionPatient": [0, 0, number * 10**number]}],
    } | more


def frames(*items: dict[str, object]) -> Header:
    return header_of({FRAMES: list(items)})


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("layout", [Layout(), UNDEFINED_LENGTHS, Layout(undefined_items=True)])
def test_items_that_differ_in_values_only_are_one_stencil(syntax: str, layout: Layout) -> None:
    data = encode({FRAMES: [frame(number % 5) for number in range(100)], "Rows": 1}, syntax, layout)
    header = read_header(data, syntax)
    (stencil,) = header.stencils(FRAMES)
    assert stencil.numbers == range(1, 101)
    assert stencil.exemplar.path == f"{FRAMES}[1]"
    assert stencil.column("FrameContentSequence", "StackID") == {b"1 ": list(range(1, 101))}
    positions = stencil.column("PlanePositionSequence", "ImagePositionPatient")
    assert positions is not None
    assert positions[b"0\\0\\10"] == list(range(2, 101, 5))
    assert len(positions) == 5
    assert header.faults == ()


def test_another_structure_is_another_stencil() -> None:
    odd = {"FrameContentSequence": [{"StackID": "1"}]}
    first, second = frames(frame(1), odd, frame(2), odd, frame(3)).stencils(FRAMES)
    assert (list(first.numbers), list(second.numbers)) == ([1, 3, 5], [2, 4])


def test_a_value_without_bytes_is_another_structure_and_padding_is_not() -> None:
    items = [{"StudyID": "x"}, {"StudyID": ""}, {"StudyID": "  "}]
    first, second = header_of({"ReferencedStudySequence": items}).stencils("ReferencedStudySequence")
    assert (list(first.numbers), list(second.numbers)) == ([1, 3], [2])
    assert first.column("StudyID") == {b"x ": [1], b"  ": [3]}
    assert second.exemplar.empty("StudyID")


def test_the_same_lengths_with_other_tags_are_never_the_same_stencil() -> None:
    items = [{"StudyID": "x"}, {"SeriesNumber": "1"}, {"(0020,0010)": Element("LO", "x")}]
    stencils = header_of({"ReferencedStudySequence": items}).stencils("ReferencedStudySequence")
    assert [list(each.numbers) for each in stencils] == [[1], [2], [3]]


def test_values_that_look_like_structure_do_not_pass_for_it() -> None:
    hidden = encode({"Rows": 1})
    items = [{"EncapsulatedDocument": hidden}, {"EncapsulatedDocument": bytes(len(hidden))}]
    (stencil,) = header_of({"ReferencedStudySequence": items}).stencils("ReferencedStudySequence")
    assert stencil.column("EncapsulatedDocument") == {hidden: [1], bytes(len(hidden)): [2]}


def test_items_in_other_character_sets_are_apart() -> None:
    items = [{"SpecificCharacterSet": f"ISO_IR {number}", "StudyID": "x"} for number in (100, 101, 100)]
    first, second = header_of({"ReferencedStudySequence": items}).stencils("ReferencedStudySequence")
    assert (list(first.numbers), list(second.numbers)) == ([1, 3], [2])


def test_a_place_that_is_not_there_has_no_column() -> None:
    two = {"FrameContentSequence": [{"StackID": "1"}, {"StackID": "2"}]}
    (stencil,) = frames(two, two, two).stencils(FRAMES)
    assert stencil.column("FrameContentSequence", "StackID") is None
    assert stencil.column("FrameContentSequence") is None
    assert stencil.column("PlanePositionSequence", "ImagePositionPatient") is None
    second = stencil.exemplar.items("FrameContentSequence")[1]
    assert stencil.column_at(second, "StackID") == {b"2 ": [1, 2, 3]}
    assert stencil.distinct_at(second, "StackID") == {b"2 "}
    assert frames().stencils(FRAMES) == ()
    assert header_of({"Rows": 1}).stencils(FRAMES) == ()


def test_a_column_is_decoded_by_the_exemplar() -> None:
    (stencil,) = frames(frame(3), frame(4)).stencils(FRAMES)
    place = stencil.exemplar.items("FrameContentSequence")[0]
    column = stencil.column_at(place, "InStackPositionNumber") or {}
    assert [place.decode("InStackPositionNumber", raw) for raw in column] == [(3,), (4,)]


def test_the_last_item_of_the_data_is_compared_within_its_bounds() -> None:
    data = encode({FRAMES: [frame(1), frame(1), frame(1)]})
    header = read_header(data[:-3], EXPLICIT_VR_LITTLE_ENDIAN)
    assert [list(each.numbers) for each in header.stencils(FRAMES)] == [[1, 2], [3]]
    assert header.faults[0].kind == "undecodable"


def test_fragments_within_items_count_as_structure() -> None:
    icons = [{"PixelData": Element("OB", [b"", fragment], fragments=True)} for fragment in (b"ab", b"cd", b"ab")]
    items = [{"IconImageSequence": [icon], "StudyID": "x"} for icon in icons]
    header = header_of({"ReferencedImageSequence": items})
    (stencil,) = header.stencils("ReferencedImageSequence")
    column = stencil.column("IconImageSequence", "PixelData") or {}
    assert [numbers for _, numbers in sorted(column.items())] == [[1, 3], [2]]


def test_a_place_is_counted_by_the_items_of_each_level() -> None:
    inner = [{"PatientID": "a"}, {"PatientID": "b"}]
    header = header_of({"BeamSequence": [{"ControlPointSequence": inner}, {"ControlPointSequence": inner}]})
    (outer,) = header.stencils("BeamSequence")
    within = outer.exemplar.items("ControlPointSequence")
    (nested,) = outer.exemplar.stencils("ControlPointSequence")
    assert nested.column("PatientID") == {b"a ": [1], b"b ": [2]}
    assert nested.distinct_at(nested.exemplar, "PatientID") == {b"a ", b"b "}
    assert outer.column_at(within[1], "PatientID") == {b"b ": [1, 2]}
    assert outer.distinct_at(within[0], "PatientID") == {b"a "}
