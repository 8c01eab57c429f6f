"""Malformed input is a Fault, in plain words with offset and tag; nothing raises, hangs or reads past the end."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Mapping

import damage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.encode import UNDEFINED_LENGTHS, Element, Layout, encode, part10
from rules.header import LIMITS, Fault, Header, Limits, NotDicom, read_header, read_part10
from rules.transfer_syntax import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
)

ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
UNDEFINED = b"\xff\xff\xff\xff"
SEQUENCE = b"\x08\0\x10\x11SQ\0\0"
"""(0008,1110) Referenced Study Sequence; a length follows."""
ROWS = encode({"Rows": 1})


def explicit(data: bytes, limits: Limits = LIMITS) -> Header:
    return read_header(data, EXPLICIT_VR_LITTLE_ENDIAN, limits=limits)


def told(header: Header) -> list[tuple[str, str]]:
    return [(fault.kind, fault.message) for fault in header.faults]


def test_a_value_past_the_end_is_told_and_what_came_before_stays() -> None:
    header = explicit(encode({"PatientName": "A^B", "PatientID": "x" * 100})[:-50])
    assert header.text("PatientName") == "A^B"
    assert not header.has("PatientID")
    assert header.faults == (
        Fault(20, 0x00100020, "length 100 of (0010,0020) runs 50 bytes past the end of the data", "undecodable"),
    )


def test_bytes_too_few_for_an_element_are_told() -> None:
    assert told(explicit(ROWS + b"\x28\0\x11")) == [
        ("undecodable", "3 bytes are left at the end of the data, too few for an element")
    ]
    assert told(explicit(ROWS + b"\x40\0\x11\0OB\0\0\1")) == [
        ("undecodable", "the data end within the header of (0040,0011)")
    ]


def test_no_bytes_are_no_data_set() -> None:
    assert told(explicit(b"")) == [("undecodable", "the Data Set has no elements")]


@pytest.mark.parametrize("cut", range(1, 24, 5))
def test_an_open_sequence_keeps_the_items_that_are_whole(cut: int) -> None:
    items = [{"StudyID": "1"}, {"StudyID": "2"}]
    data = encode({"ReferencedStudySequence": items}, layout=UNDEFINED_LENGTHS)[:-cut]
    header = explicit(data)
    assert [fault.kind for fault in header.faults][:1] == ["undecodable"]
    assert header.items("ReferencedStudySequence")[0].text("StudyID") == "1"


def test_an_item_longer_than_its_sequence_is_cut_at_its_end() -> None:
    body = ITEM + struct.pack("<I", 100) + encode({"StudyID": "1"})
    header = explicit(SEQUENCE + struct.pack("<I", len(body)) + body + ROWS)
    assert told(header) == [("undecodable", "length 100 of Item 1 of (0008,1110) runs 90 bytes past the end")]
    assert header.items("ReferencedStudySequence")[0].text("StudyID") == "1"
    assert header.integer("Rows") == 1


def test_a_fault_in_a_defined_length_costs_only_its_item() -> None:
    broken = ITEM + struct.pack("<I", 10) + b"\x20\0\x10\0SH\x40\0ab"
    sound = ITEM + struct.pack("<I", 10) + encode({"StudyID": "7"})
    body = broken + sound
    header = explicit(SEQUENCE + struct.pack("<I", len(body)) + body + ROWS)
    assert told(header) == [("undecodable", "length 64 of (0020,0010) runs 62 bytes past the end of its Item")]
    assert [item.text("StudyID") for item in header.items("ReferencedStudySequence")] == [None, "7"]
    assert header.has("Rows")


def test_something_else_than_an_item_is_told() -> None:
    header = explicit(SEQUENCE + struct.pack("<I", 10) + encode({"StudyID": "7"}) + ROWS)
    assert told(header) == [("undecodable", "(0020,0010) where an Item of (0008,1110) was to begin")]
    assert header.has("Rows")


def test_a_missing_item_delimiter_ends_with_the_sequence() -> None:
    data = SEQUENCE + UNDEFINED + ITEM + UNDEFINED + encode({"StudyID": "7"}) + SEQUENCE_END + ROWS
    header = explicit(data)
    assert [kind for kind, _ in told(header)] == ["undecodable"]
    assert header.items("ReferencedStudySequence")[0].text("StudyID") == "7"
    assert header.integer("Rows") == 1


@pytest.mark.parametrize("delimiter", [ITEM_END, SEQUENCE_END])
def test_delimiters_out_of_place_are_stepped_over(delimiter: bytes) -> None:
    header = explicit(encode({"PatientID": "7"}) + delimiter + ROWS)
    assert [kind for kind, _ in told(header)] == ["encoding"]
    assert header.has("Rows")


def test_an_item_out_of_place_is_stepped_over() -> None:
    inner = encode({"StudyID": "7"})
    header = explicit(encode({"PatientID": "7"}) + ITEM + struct.pack("<I", len(inner)) + inner + ROWS)
    assert told(header) == [("undecodable", "(FFFE,E000) where an element was to begin")]
    assert header.tags() == (0x00100020, 0x00280010)


def test_order_and_repetition_are_faults_of_encoding() -> None:
    header = explicit(ROWS + encode({"PatientID": "7"}) + encode({"Rows": 2}))
    assert told(header) == [
        ("encoding", "(0010,0020) comes after (0028,0010), wanted ascending tags"),
        ("encoding", "(0028,0010) is there twice; the last one counts"),
    ]
    assert header.integer("Rows") == 2


def test_a_sequence_that_comes_again_as_text_is_text() -> None:
    sequence = encode({"ReferencedStudySequence": [{"StudyID": "7"}]}, layout=UNDEFINED_LENGTHS)
    header = explicit(sequence + b"\x08\0\x10\x11LO\x02\0ab")
    assert header.items("ReferencedStudySequence") == ()
    assert header.text("ReferencedStudySequence") == "ab"


def test_odd_lengths_and_broken_words_are_told_and_read() -> None:
    header = explicit(b"\x10\0\x20\0LO\x03\0abc" + b"\x28\0\x10\0US\x03\0\1\0\2" + b"\x28\0\x11\0UL\x06\0\1\0\0\0\2\0")
    assert told(header) == [
        ("encoding", "(0010,0020) has length 3, wanted an even one"),
        ("encoding", "(0028,0010) has length 3, wanted an even one"),
        ("encoding", "(0028,0011) has length 6, wanted a multiple of 4"),
    ]
    assert (header.text("PatientID"), header.values("Rows"), header.values("Columns")) == ("abc", (1,), (1,))


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN),
        (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN),
        (EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN),
        (EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN),
        (JPEG_BASELINE, IMPLICIT_VR_LITTLE_ENDIAN),
        (DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN),
    ],
)
def test_a_data_set_in_another_encoding_than_said_is_read_all_the_same(said: str, written: str) -> None:
    header = read_header(encode({"ImageType": ["ORIGINAL", "PRIMARY"], "Rows": 258}, written), said)
    assert [fault.kind for fault in header.faults] == ["encoding"]
    assert (header.values("ImageType"), header.integer("Rows")) == (("ORIGINAL", "PRIMARY"), 258)


def test_tags_out_of_order_at_the_start_do_not_change_the_encoding() -> None:
    data = encode({"PatientID": ""}) + encode({"Modality": "CT", "PixelData": b"\xff" * 60000})
    assert told(explicit(data)) == [("encoding", "(0008,0060) comes after (0010,0020), wanted ascending tags")]


@pytest.mark.parametrize("size", [2, 60000])
def test_explicit_vr_is_recognised_whatever_the_letters_would_be_as_a_length(size: int) -> None:
    data = encode({"ImageType": ["ORIGINAL"], "PatientID": "7", "PixelData": b"\xff" * size})
    header = read_header(data, IMPLICIT_VR_LITTLE_ENDIAN)
    assert header.text("PatientID") == "7"


def test_a_length_that_looks_like_a_vr_is_a_length_where_implicit_vr_was_said() -> None:
    data = encode({"ImageType": b"x" * int.from_bytes(b"DS", "little"), "PatientID": "7"}, IMPLICIT_VR_LITTLE_ENDIAN)
    header = read_header(data, IMPLICIT_VR_LITTLE_ENDIAN)
    assert (header.faults, header.text("PatientID")) == ((), "7")


def test_a_transfer_syntax_that_nobody_knows_is_recognised_silently() -> None:
    header = read_header(encode({"PatientID": "7"}, IMPLICIT_VR_LITTLE_ENDIAN), "1.3.6.1.4.1.5962.300.2")
    assert (header.faults, header.text("PatientID")) == ((), "7")


@pytest.mark.parametrize(
    ("vr", "length", "value", "seen"),
    [
        (b"ZZ", b"\0\0\2\0\0\0", b"ab", "(0009,1001) has the VR ZZ, which PS3.5 does not define"),
        (b"ZZ", b"\2\0", b"ab", "(0009,1001) has the VR ZZ, which PS3.5 does not define"),
        (b"  ", b"\2\0", b"ab", "(0009,1001) has two bytes that are no VR; read as UN"),
        (b"\2\0", b"\0\0", b"ab", "(0009,1001) has no VR, wanted explicit VR; read as implicit VR"),
    ],
)
def test_a_vr_that_is_none_is_told_and_read_past(vr: bytes, length: bytes, value: bytes, seen: str) -> None:
    header = explicit(b"\x08\0\x60\0CS\2\0CT" + b"\x09\0\x01\x10" + vr + length + value + ROWS)
    assert told(header) == [("encoding", seen)]
    assert (header.raw("(0009,1001)"), header.integer("Rows")) == (b"ab", 1)


def test_nesting_has_a_limit() -> None:
    data = b""
    for _ in range(100):
        data = SEQUENCE + UNDEFINED + ITEM + UNDEFINED + data + ITEM_END + SEQUENCE_END
    assert ("undecodable", "Sequences are nested more than 32 deep") in told(explicit(data))
    attributes: dict[str, object] = {}
    for _ in range(30):
        attributes = {"ContentSequence": [attributes]}
    assert told(explicit(encode(attributes))) == []
    with pytest.raises(ValueError, match="41"):
        Limits(depth=41)


def test_the_number_of_elements_has_a_limit() -> None:
    data = b"".join(struct.pack("<HHHH", 9, number, 0x4F4C, 0) for number in range(100, 200))
    header = explicit(data, Limits(elements=50))
    assert told(header) == [("undecodable", "more than 50 elements")]
    assert len(header.tags()) == 50
    items = SEQUENCE + struct.pack("<I", 800) + (ITEM + b"\0\0\0\0") * 100
    assert ("undecodable", "more than 50 elements") in told(explicit(items, Limits(elements=50)))
    assert ("undecodable", "more than 50 elements") in told(explicit(ROWS * 100, Limits(elements=50)))


def test_the_bytes_before_the_pixel_data_have_a_limit() -> None:
    data = encode({"PatientComments": "x" * 100, "PixelData": b"ab"})
    assert told(explicit(data, Limits(header_bytes=50))) == [
        ("undecodable", "more than 50 bytes in front of the pixel data")
    ]


def test_faults_are_summed_up_beyond_a_limit() -> None:
    faults = explicit(ROWS * 100, Limits(faults=5)).faults
    assert len(faults) == 6
    assert sum(fault.message == "more faults follow; the first 5 are told" for fault in faults) == 1


def test_a_fault_that_repeats_over_items_is_told_once() -> None:
    broken = ITEM + struct.pack("<I", 11) + b"\x20\0\x10\0SH\x03\0abc"
    header = explicit(SEQUENCE + struct.pack("<I", len(broken) * 50) + broken * 50)
    assert told(header) == [("encoding", "(0020,0010) has length 3, wanted an even one")]


def test_a_deflate_bomb_stops_at_the_limit_and_its_beginning_is_read() -> None:
    stream = zlib.compressobj(wbits=-15)
    data = stream.compress(encode({"PatientID": "7", "PixelData": bytes(1 << 22)})) + stream.flush()
    tracemalloc.start()
    header = read_header(data, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, limits=Limits(inflated_bytes=1 << 16))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 19
    assert header.text("PatientID") == "7"
    assert len(header.source.data) == 1 << 16
    assert ("undecodable", "the deflated stream grows to more than 65536 bytes") in told(header)


def test_a_deflated_stream_that_is_cut_or_wrapped_is_told() -> None:
    data = encode({"PatientID": "7", "PatientComments": "".join(map(str, range(900)))})
    stream = zlib.compressobj(wbits=-15)
    deflated = stream.compress(data) + stream.flush()
    cut = read_header(deflated[:-200], DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
    assert cut.text("PatientID") == "7"
    assert any(fault.message == "the deflated stream is cut off" for fault in cut.faults)
    wrapped = read_header(zlib.compress(data), DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
    assert told(wrapped) == [("encoding", "the deflated stream has a zlib header, wanted none")]
    assert wrapped.text("PatientID") == "7"
    assert read_header(b"\xff" * 90, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN).faults[0].kind == "undecodable"


def test_fragments_without_an_end_are_told() -> None:
    pixels = Element("OB", [b"", b"abcd"], fragments=True)
    data = encode({"Rows": 1, "PixelData": pixels}, JPEG_BASELINE)
    for cut, seen in (
        (8, "the data end within the fragments of (7FE0,0010)"),
        (10, "length 4 of a fragment of (7FE0,0010) runs 2 bytes past the end"),
    ):
        header = read_header(data[:-cut], JPEG_BASELINE)
        assert told(header) == [("undecodable", seen)]
        assert header.has("PixelData")
        assert header.pixel_data is not None
        assert not header.pixel_data.complete


def test_pixel_data_cut_off_is_still_there() -> None:
    header = explicit(encode({"Rows": 1, "PixelData": bytes(100)})[:-60])
    assert told(header) == [("undecodable", "length 100 of (7FE0,0010) runs 60 bytes past the end of the data")]
    assert header.has("PixelData")
    assert header.pixel_data is not None
    assert not header.pixel_data.complete


def test_zeros_at_the_end_are_one_fault() -> None:
    header = explicit(ROWS + bytes(1000))
    assert told(header) == [("encoding", "1000 zero bytes follow the last element")]


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"", "is empty"),
        (b"hello\nworld, this is no DICOM", "is text, not DICOM"),
        (b"\xff\xd8\xff\xe0" + bytes(300), "is a JPEG picture, not DICOM"),
        (b"%PDF-1.7" + bytes(300), "is a PDF document, not DICOM"),
        (b"PK\3\4" + bytes(300), "is a ZIP archive, not DICOM"),
        (bytes(1000), "begins with zeros, not as DICOM does"),
        (bytes(range(128, 256)) * 3, "is not DICOM: no DICM prefix after 128 bytes, and no Data Set at the start"),
        ("Grüße, " * 200, "is text, not DICOM"),
    ],
)
def test_what_is_no_dicom_is_called_by_its_name(data: bytes | str, seen: str) -> None:
    with pytest.raises(NotDicom, match=f"^{seen}$"):
        read_part10(data.encode() if isinstance(data, str) else data)


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN])
def test_a_bare_data_set_is_recognised(syntax: str) -> None:
    header = read_part10(encode({"ImageType": ["ORIGINAL", "PRIMARY"], "Rows": 3}, syntax))
    assert told(header) == [("encoding", "a bare Data Set: no preamble, no File Meta Information")]
    assert (header.integer("Rows"), header.meta, header.transfer_syntax_uid) == (3, None, "")


def test_broken_meta_information_does_not_hide_the_data_set() -> None:
    sound = part10({"PatientID": "7"})
    assert told(read_part10(sound[128 + 4 :])) == [("encoding", "the preamble and the DICM prefix are missing")]
    nameless = read_part10(part10({"PatientID": "7"}, TransferSyntaxUID=None))
    assert told(nameless) == [("undecodable", "no Transfer Syntax UID (0002,0010); the encoding is recognised")]
    lying = bytearray(sound)
    lying[140] += 10
    header = read_part10(lying)
    assert [kind for kind, _ in told(header)] == ["encoding"]
    assert nameless.text("PatientID") == header.text("PatientID") == "7"
    implicit = encode({"TransferSyntaxUID": EXPLICIT_VR_LITTLE_ENDIAN}, IMPLICIT_VR_LITTLE_ENDIAN)
    header = read_part10(bytes(128) + b"DICM" + implicit + encode({"PatientID": "7"}))
    assert [kind for kind, _ in told(header)] == ["encoding"]
    assert header.text("PatientID") == "7"
    assert told(read_part10(bytes(128) + b"DICM"))[0][0] == "undecodable"


SYNTAXES = st.sampled_from(
    (
        EXPLICIT_VR_LITTLE_ENDIAN,
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    )
)
LAYOUTS = st.builds(Layout, st.booleans(), st.booleans())


@given(st.data(), damage.DATA_SETS, SYNTAXES, LAYOUTS)
@settings(deadline=5000, max_examples=120)
def test_damaged_bytes_never_raise_and_are_never_read_past(
    draw: st.DataObject, attributes: Mapping[str, object], syntax: str, layout: Layout
) -> None:
    data = draw.draw(damage.damaged(encode({**attributes, "PixelData": b"abcd"}, syntax, layout)))
    said = draw.draw(SYNTAXES)
    header = read_header(memoryview(b"before" + data + b"behind")[6:-6], said)
    damage.ask_everything(header, len(header.source.data))
    assert header.faults == read_header(data, said).faults
    assert isinstance(header.text_faults(), tuple)


@given(st.binary(max_size=600))
@settings(deadline=5000, max_examples=60)
def test_any_bytes_are_a_header_or_no_dicom(data: bytes) -> None:
    for prefix in (b"", bytes(128) + b"DICM", b"\x08\0\x05\0"):
        try:
            header = read_part10(prefix + data)
        except NotDicom:
            continue
        damage.ask_everything(header, len(header.source.data))


@given(st.data(), damage.DATA_SETS, SYNTAXES, LAYOUTS)
@settings(deadline=5000, max_examples=60)
def test_damage_changes_no_byte_before_it(
    draw: st.DataObject, attributes: Mapping[str, object], syntax: str, layout: Layout
) -> None:
    if syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        return
    data = encode({**attributes, "PatientComments": "the last"}, syntax, layout)
    cut = draw.draw(st.integers(0, len(data)))
    whole, part = read_header(data, syntax), read_header(data[:cut], syntax)
    for tag in whole.tags():
        _, offset, length = whole.element(tag) or (None, 0, 0)
        if offset + length <= cut and not whole.is_sequence(tag):
            assert part.raw(tag) == whole.raw(tag)
