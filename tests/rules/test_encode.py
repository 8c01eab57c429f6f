"""What `encode` writes, byte by byte, and what it refuses."""

from __future__ import annotations

import pytest

from rules.encode import UNDEFINED_LENGTHS, Element, Layout, encode, header_of, part10
from rules.header import read_part10
from rules.transfer_syntax import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
)


def test_elements_are_laid_out_by_transfer_syntax() -> None:
    assert encode({"Rows": 258}) == b"\x28\0\x10\0US\2\0\2\1"
    assert encode({"Rows": 258}, EXPLICIT_VR_BIG_ENDIAN) == b"\0\x28\0\x10US\0\2\1\2"
    assert encode({"Rows": 258}, IMPLICIT_VR_LITTLE_ENDIAN) == b"\x28\0\x10\0\2\0\0\0\2\1"
    assert encode({"PixelData": b"abc"}) == b"\xe0\x7f\x10\0OW\0\0\4\0\0\0abc\0"


def test_tags_ascend_whatever_the_order_given() -> None:
    assert encode({"Rows": 1, "PatientID": "7"}) == encode({"PatientID": "7"}) + encode({"Rows": 1})


def test_strings_are_padded_to_even_length() -> None:
    assert encode({"StudyID": "abc"})[8:] == b"abc "
    assert encode({"SOPInstanceUID": "1.2"})[8:] == b"1.2\0"
    assert encode({"StudyID": b"abc"})[8:] == b"abc "
    assert encode({"ImageType": ["A", None, "B"]})[8:] == b"A\\\\B"


@pytest.mark.parametrize("nothing", [None, "", [], b""])
def test_nothing_has_no_bytes(nothing: object) -> None:
    assert encode({"StudyID": nothing}) == b"\x20\0\x10\0SH\0\0"


def test_sequences_have_defined_or_undefined_lengths() -> None:
    item = encode({"StudyID": "ab"})
    nested = {"ReferencedStudySequence": [{"StudyID": "ab"}]}
    head = b"\x08\0\x10\x11SQ\0\0"
    assert encode(nested) == head + b"\x12\0\0\0\xfe\xff\0\xe0\x0a\0\0\0" + item
    assert encode(nested, layout=UNDEFINED_LENGTHS) == (
        head
        + b"\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
        + item
        + b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    )
    assert encode(nested, layout=Layout(undefined_items=True))[8:12] == b"\x1a\0\0\0"
    assert encode({"ReferencedStudySequence": []}) == head + b"\0\0\0\0"


def test_a_choice_of_vrs_is_decided_by_value_and_pixel_representation() -> None:
    assert header_of({"SmallestImagePixelValue": 5}).vr("SmallestImagePixelValue") == "US"
    assert header_of({"SmallestImagePixelValue": -5}).vr("SmallestImagePixelValue") == "SS"
    assert header_of({"SmallestImagePixelValue": 5, "PixelRepresentation": 1}).vr("SmallestImagePixelValue") == "SS"
    assert header_of({"LUTData": [1, 2]}).vr("LUTData") == "US"
    assert header_of({"LUTData": b"ab"}).vr("LUTData") == "OW"


def test_an_element_says_its_own_vr() -> None:
    assert header_of({"Rows": Element("SS", -1)}).value("Rows") == -1
    assert header_of({"(0009,1001)": Element("SQ", [{"StudyID": "1"}])}).items("(0009,1001)")[0].text("StudyID") == "1"


def test_text_is_written_in_its_character_set() -> None:
    assert encode({"SpecificCharacterSet": "ISO_IR 192", "PatientName": "é"})[-2:] == "é".encode()
    assert encode({"SpecificCharacterSet": "ISO_IR 100", "PatientName": "é"})[-2:] == b"\xe9 "
    items = [{"PatientName": "é"}]
    assert (
        header_of({"SpecificCharacterSet": "ISO_IR 100", "ReferencedStudySequence": items})
        .items("ReferencedStudySequence")[0]
        .text("PatientName")
        == "é"
    )


def test_pixel_data_is_encapsulated_where_the_transfer_syntax_says_so() -> None:
    data = encode({"PixelData": b"abc"}, JPEG_BASELINE)
    fragments = b"\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0\4\0\0\0abc\0\xfe\xff\xdd\xe0\0\0\0\0"
    assert data == b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" + fragments


@pytest.mark.parametrize(
    ("attributes", "seen"),
    [
        ({"Rows": "x"}, r"\(0028,0010\): 'x' does not go into the VR US"),
        ({"Rows": 70000}, "does not go into the VR US"),
        ({"ReferencedStudySequence": "x"}, "wants a list of mappings, not str"),
        ({"PatientName": "é"}, "no Specific Character Set in force has all its letters"),
        ({"StudyID": "x" * 70000}, "70000 bytes do not go into the VR SH"),
        ({"EncapsulatedDocument": 5}, "does not go into the VR OB"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(attributes: dict[str, object], seen: str) -> None:
    with pytest.raises(ValueError, match=seen):
        encode(attributes)


def test_a_keyword_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError, match="Rosw"):
        encode({"Rosw": 1})


def test_a_file_has_preamble_prefix_and_meta_information() -> None:
    data = part10(
        {"SOPClassUID": "1.2", "SOPInstanceUID": "1.2.3"}, ImplementationVersionName="X", MediaStorageSOPClassUID=None
    )
    assert data[:132] == bytes(128) + b"DICM"
    header = read_part10(data)
    assert header.meta is not None
    assert header.meta.text("ImplementationVersionName") == "X"
    assert not header.meta.has("MediaStorageSOPClassUID")
    assert header.meta.text("MediaStorageSOPInstanceUID") == "1.2.3"
    assert header.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    assert header.faults == ()
