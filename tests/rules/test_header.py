"""What a Header answers."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from rules.encode import UNDEFINED_LENGTHS, Element, encode, header_of, part10
from rules.header import read_header, read_part10
from rules.transfer_syntax import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
)

SYNTAXES = (
    IMPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
)


def test_presence_and_emptiness_are_told_apart() -> None:
    header = header_of({"PatientID": "", "PatientName": "A^B", "StudyID": "  ", "ReferencedStudySequence": []})
    assert [header.has(name) for name in ("PatientID", "PatientName", "PatientSex")] == [True, True, False]
    assert [header.empty(name) for name in ("PatientID", "StudyID", "PatientName")] == [True, True, False]
    assert header.empty("ReferencedStudySequence")
    assert not header.empty("PatientSex")


def test_binary_zeros_are_a_value() -> None:
    assert not header_of({"Rows": 0}).empty("Rows")


def test_a_name_is_a_keyword_a_tag_or_a_written_tag() -> None:
    header = header_of({"Rows": 3, "(0009,1001)": Element("LO", "x")})
    assert header.integer("Rows") == header.integer(0x00280010) == header.integer("(0028,0010)") == 3
    assert header.text("(0009,1001)") == "x"
    with pytest.raises(KeyError, match="Rosw"):
        header.has("Rosw")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_values_are_typed_by_vr(syntax: str) -> None:
    header = header_of(
        {
            "NumberOfFrames": 3,
            "WindowCenter": ["1.5", "x", "-2e1"],
            "Rows": 5,
            "OverlayOrigin": [-1, 2],
            "FrameIncrementPointer": "NumberOfFrames",
            "DiffusionBValue": 0.5,
            "ReferencePixelX0": -70000,
            "ImageType": ["ORIGINAL", "", "AXIAL"],
            "TextValue": "a\\b",
            "EncapsulatedDocument": b"ab",
        },
        syntax,
    )
    assert header.values("NumberOfFrames") == (3,)
    assert header.values("WindowCenter") == (1.5, "x", -20.0)
    assert header.numbers("WindowCenter") == (1.5, -20.0)
    assert header.texts("WindowCenter") == ("1.5", "x", "-2e1")
    assert header.values("OverlayOrigin") == (-1, 2)
    assert header.values("FrameIncrementPointer") == (0x00280008,)
    assert (header.integer("Rows"), header.number("Rows")) == (5, 5.0)
    assert (header.value("DiffusionBValue"), header.integer("DiffusionBValue")) == (0.5, None)
    assert header.value("ReferencePixelX0") == -70000
    assert header.values("ImageType") == ("ORIGINAL", "", "AXIAL")
    assert header.values("TextValue") == ("a\\b",)
    assert header.value("EncapsulatedDocument") == b"ab"
    assert header.texts("Rows") == ("5",)
    assert header.values("PatientID") == ()


@pytest.mark.parametrize("number", ["1_0", "nan", "inf", "1e999", "\u0661", "0x1", "1,5", "", "- 1", "9" * 5000])
def test_what_is_no_number_of_the_standard_stays_text(number: str) -> None:
    header = header_of({"SliceThickness": number.encode("utf-8"), "SeriesNumber": number.encode("utf-8")})
    assert header.numbers("SliceThickness") == header.numbers("SeriesNumber") == ()
    assert header.values("SliceThickness") == header.texts("SliceThickness")


def test_pixel_representation_decides_us_or_ss_in_implicit_vr() -> None:
    for representation, value in ((0, 65535), (1, -1)):
        header = header_of(
            {"PixelRepresentation": representation, "SmallestImagePixelValue": b"\xff\xff"}, IMPLICIT_VR_LITTLE_ENDIAN
        )
        assert header.value("SmallestImagePixelValue") == value


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_items_know_where_they_are(syntax: str) -> None:
    frames = [{"FrameContentSequence": [{"StackID": str(number)}]} for number in range(40)]
    data = encode({"PerFrameFunctionalGroupsSequence": frames}, syntax, UNDEFINED_LENGTHS)
    header = read_header(data, syntax)
    items = header.items("PerFrameFunctionalGroupsSequence")
    content = items[30].items("FrameContentSequence")[0]
    assert content.text("StackID") == "30"
    assert content.path == "PerFrameFunctionalGroupsSequence[31].FrameContentSequence[1]"
    assert content.path_of("StackID") == content.path + ".StackID"
    assert content.path_of(0x00091001) == content.path + ".(0009,1001)"
    assert (header.path, header.path_of("Rows"), header.path_of("(6002,0010)")) == ("", "Rows", "(6002,0010)")
    assert content.parent is not None
    assert content.parent.path == items[30].path
    assert content.root is header
    assert header.items("Rows") == header.items("PatientID") == ()


def test_a_sequence_in_un_is_read_in_implicit_vr() -> None:
    inner = encode({"StudyID": "x"}, IMPLICIT_VR_LITTLE_ENDIAN)
    defined = b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner
    undefined = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + inner + b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    public = header_of({"ReferencedStudySequence": Element("UN", defined)})
    assert public.items("ReferencedStudySequence")[0].text("StudyID") == "x"
    private = read_header(b"\x09\0\x01\x10UN\0\0\xff\xff\xff\xff" + undefined, EXPLICIT_VR_LITTLE_ENDIAN)
    assert private.faults == ()
    assert private.items("(0009,1001)")[0].text("StudyID") == "x"
    assert private.vr("(0009,1001)") == "UN"


def test_private_elements_are_un_in_implicit_vr() -> None:
    header = header_of({"(0009,0010)": "ACME", "(0009,1001)": b"ab"}, IMPLICIT_VR_LITTLE_ENDIAN)
    assert (header.vr("(0009,0010)"), header.vr("(0009,1001)")) == ("LO", "UN")
    assert header.value("(0009,1001)") == b"ab"


def test_pixel_data_is_never_read_and_what_stands_behind_it_is() -> None:
    header = header_of({"Rows": 1, "PixelData": b"abcd", "DataSetTrailingPadding": b"\0\0"})
    assert header.tags() == (0x00280010, 0x7FE00010, 0xFFFCFFFC)
    assert (header.raw("PixelData"), header.length("PixelData")) == (None, 4)
    assert header.pixel_data is not None
    assert (header.pixel_data.vr, header.pixel_data.length, header.pixel_data.complete) == ("OW", 4, True)
    assert header.pixel_offset == 10
    assert header_of({"Rows": 1}).pixel_offset == 10


def test_presence_of_all_three_pixel_elements_is_known() -> None:
    header = header_of({"FloatPixelData": b"abcd", "DoubleFloatPixelData": b"abcdefgh", "PixelData": b"ab"})
    assert all(header.has(name) for name in ("FloatPixelData", "DoubleFloatPixelData", "PixelData"))
    assert header.length("DoubleFloatPixelData") == 8
    assert header.pixel_offset == 0


def test_fragments_are_counted_without_being_read() -> None:
    pixels = Element("OB", [bytes(8), b"abcd", b"ef"], fragments=True)
    header = header_of({"Rows": 1, "PixelData": pixels, "DataSetTrailingPadding": b"\0\0"}, JPEG_BASELINE)
    seen = header.pixel_data
    assert seen is not None
    assert (seen.length, seen.fragments, seen.size, seen.offset_table_length, seen.complete) == (None, 2, 6, 8, True)
    assert header.length("PixelData") == 6
    assert header.has("DataSetTrailingPadding")
    assert header.faults == ()


def test_pixel_data_of_an_icon_is_an_ordinary_element() -> None:
    icons = [{"PixelData": b"ab"}, {"PixelData": Element("OB", [b"", b"abcd"], fragments=True)}]
    header = header_of({"IconImageSequence": icons, "Rows": 1})
    plain, encapsulated = header.items("IconImageSequence")
    assert plain.raw("PixelData") == b"ab"
    assert (encapsulated.raw("PixelData") or b"")[-4:] == b"abcd"
    assert header.pixel_data is None
    assert header.pixel_offset == len(encode({"IconImageSequence": icons, "Rows": 1}))
    assert header.faults == ()


def test_a_part_10_file_has_its_meta_information() -> None:
    header = read_part10(part10({"SOPInstanceUID": "1.2"}, IMPLICIT_VR_LITTLE_ENDIAN))
    assert header.meta is not None
    assert header.meta.text("MediaStorageSOPInstanceUID") == "1.2"
    assert header.transfer_syntax_uid == header.meta.text("TransferSyntaxUID") == IMPLICIT_VR_LITTLE_ENDIAN
    assert header.faults == ()


def test_meta_information_stays_readable_beside_a_deflated_data_set() -> None:
    header = read_part10(part10({"PatientID": "7"}, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN))
    assert header.meta is not None
    assert header.meta.text("TransferSyntaxUID") == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
    assert header.text("PatientID") == "7"


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_every_kind_of_buffer_is_read(form: type) -> None:
    data = part10({"PatientID": "7", "ReferencedStudySequence": [{"StudyID": "1"}] * 9}, EXPLICIT_VR_LITTLE_ENDIAN)
    header = read_part10(form(data))
    assert type(header.raw("PatientID")) is bytes
    (stencil,) = header.stencils("ReferencedStudySequence")
    assert stencil.column("StudyID") == {b"1 ": list(range(1, 10))}


def test_a_memoryview_of_other_items_than_bytes_is_read() -> None:
    data = encode({"PatientID": "1234567890ab"})
    assert read_header(memoryview(data).cast("I"), EXPLICIT_VR_LITTLE_ENDIAN).text("PatientID") == "1234567890ab"


def test_a_mapped_file_can_be_closed_while_the_header_lives(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(part10({"PatientID": "7", "ReferencedStudySequence": [{"StudyID": "1"}] * 9}))
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header = read_part10(mapped)
        (stencil,) = header.stencils("ReferencedStudySequence")
        assert stencil.column("StudyID") == {b"1 ": list(range(1, 10))}
        items = header.items("ReferencedStudySequence")
        header.release()
        mapped.close()
    assert header.has("PatientID")
    assert header.text("PatientID") is None
    assert header.faults == ()
    assert stencil.column("StudyID") == {b"": list(range(1, 10))}
    assert [item.text("StudyID") for item in items] == [None] * 9


def test_memory_for_a_header_does_not_grow_with_the_pixel_data() -> None:
    small, large = (len(header_of({"Rows": 1, "PixelData": bytes(size)}).tags()) for size in (2, 1 << 20))
    assert small == large
