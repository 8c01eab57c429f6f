"""Text by Specific Character Set, with pydicom as the oracle."""

from __future__ import annotations

import pydicom.charset
import pytest

from rules.charset import CODECS, codecs_of, decode, is_decodable
from rules.encode import Element, header_of

NAMES = [
    ("ISO_IR 100", "Buc^Jérôme".encode("latin-1")),
    ("ISO_IR 101", "Wałęsa".encode("iso8859-2")),
    ("ISO_IR 109", "Ĉiĝ".encode("iso8859-3")),
    ("ISO_IR 110", "Šūņš".encode("iso8859-4")),
    ("ISO_IR 144", b"\xbb\xee\xda\xd5\xdc\xd1\xe3\xe0\xd3"),
    ("ISO_IR 127", "قباني^لنزار".encode("iso8859-6")),
    ("ISO_IR 126", "Διονυσιος".encode("iso8859-7")),
    ("ISO_IR 138", "שרון^דבורה".encode("iso8859-8")),
    ("ISO_IR 148", "Çavuşoğlu".encode("iso8859-9")),
    ("ISO_IR 166", "นามสกุล".encode("iso8859-11")),
    ("ISO_IR 13", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東".encode()),
    ("GB18030", "Wang^XiaoDong=王^小东".encode("gb18030")),
    ("GBK", "Wang^XiaoDong=王^小东".encode("gbk")),
    ("\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"),
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
    ),
    (
        "\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
    ),
    ("ISO 2022 IR 100\\ISO 2022 IR 144", b"J\xe9r\xf4me=\x1b-L\xbb\xee\xda"),
    ("\\ISO 2022 IR 159", b"\x1b$(D\x30\x21\x30\x22\x1b(B"),
]


@pytest.mark.parametrize(("terms", "name"), NAMES)
def test_names_are_decoded_as_pydicom_decodes_them(terms: str, name: bytes) -> None:
    header = header_of({"SpecificCharacterSet": terms.split("\\"), "PatientName": name})
    encodings = pydicom.charset.convert_encodings(terms.split("\\"))
    wanted = pydicom.charset.decode_bytes(name, encodings, {0x5E, 0x3D})
    assert header.text("PatientName") == wanted
    assert header.text_faults() == ()


@pytest.mark.parametrize(
    ("terms", "name", "wanted"),
    [
        ("ISO_IR 203", "Œuvre €".encode("iso8859-15"), "Œuvre €"),
        ("\\ISO 2022 IR 58", b"Zhang=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "Zhang=张^小东"),
    ],
)
def test_sets_that_pydicom_lacks_are_decoded(terms: str, name: bytes, wanted: str) -> None:
    header = header_of({"SpecificCharacterSet": terms.split("\\"), "PatientName": name})
    assert header.text("PatientName") == wanted


def test_a_backslash_within_a_character_is_no_delimiter() -> None:
    header = header_of({"SpecificCharacterSet": "GBK", "OtherPatientNames": "俓^a\\b".encode("gbk")})
    assert header.texts("OtherPatientNames") == ("俓^a", "b")


def test_the_first_set_holds_again_behind_a_delimiter() -> None:
    codecs = codecs_of(("ISO_IR 100", "ISO 2022 IR 144"))
    assert decode(b"\x1b-L\xbb\\\xe9", codecs) == "Л\\é"


def test_an_item_has_its_own_set_or_the_one_above() -> None:
    name = "Jérôme".encode("latin-1")
    items = [{"PatientName": name}, {"SpecificCharacterSet": "ISO_IR 101", "PatientName": name}]
    header = header_of({"SpecificCharacterSet": "ISO_IR 100", "ReferencedStudySequence": items})
    first, second = header.items("ReferencedStudySequence")
    assert (first.text("PatientName"), second.text("PatientName")) == ("Jérôme", name.decode("iso8859-2"))
    assert first.character_sets() == ("ISO_IR 100",)


def test_what_cannot_be_decoded_is_marked_and_told() -> None:
    header = header_of({"PatientName": b"J\xe9r\xf4me", "StudyID": "ok"})
    assert header.text("PatientName") == "J\ufffdr\ufffdme"
    (fault,) = header.text_faults()
    assert (fault.kind, fault.tag) == ("encoding", 0x00100010)
    assert fault.message == "(0010,0010) has bytes that the default character set cannot decode"
    assert header.faults == ()


def test_in_many_items_undecodable_text_is_told_once_an_attribute() -> None:
    frames = [{"FrameContentSequence": [{"StackID": b"\xff\xff" if number > 5 else "ab"}]} for number in range(90)]
    header = header_of({"SpecificCharacterSet": "ISO_IR 192", "PerFrameFunctionalGroupsSequence": frames})
    (fault,) = header.text_faults()
    assert fault.tag == 0x00209056
    assert "ISO_IR 192" in fault.message


@pytest.mark.parametrize("term", ["ISO-IR 100", "ISO_IR_100", "iso_ir 100", "ISO IR 100"])
def test_misspelt_sets_are_read_and_told(term: str) -> None:
    header = header_of({"SpecificCharacterSet": term, "PatientName": b"J\xe9"})
    assert header.text("PatientName") == "Jé"
    (fault,) = header.text_faults()
    assert fault.tag == 0x00080005


def test_unknown_sets_and_escapes_do_no_harm() -> None:
    header = header_of({"SpecificCharacterSet": ["KLINGON", "ISO 2022 IR 87"], "PatientName": b"a\x1b$Z\xffb\x1b"})
    assert (header.text("PatientName") or "").startswith("a")
    assert [fault.tag for fault in header.text_faults()] == [0x00080005, 0x00100010]
    assert not is_decodable(b"\x1b$Zx", ("ascii",))


def test_every_defined_set_has_a_codec_that_python_knows() -> None:
    for term in CODECS:
        assert decode(b"abc", codecs_of((term,))) == "abc"


def test_other_strings_keep_every_byte() -> None:
    assert header_of({"Modality": Element("CS", b"\xe9T")}).text("Modality") == "éT"


def test_what_is_told_of_a_hostile_set_is_short_and_printable() -> None:
    header = header_of({"SpecificCharacterSet": "\n\x1b[31m" + "x" * 60, "PatientName": b"\xff"})
    for fault in header.text_faults():
        assert fault.message.isprintable()
        assert len(fault.message) < 200
