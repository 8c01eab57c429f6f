from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.checks.value_place import MOST_KINDS
from rules.checks.value_syntax import LOOKED_AT, every_value
from rules.encode import DEFINED, UNDEFINED_LENGTHS, Element, Layout, encode, header_of
from rules.header import Header, read_header
from rules.model import Finding, Rule, Undecided
from rules.registry import all_rules
from rules.transfer_syntax import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

SYNTAXES = [
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
]
MINE = ("value-syntax-", "attribute-g", "attribute-r", "attribute-u", "private-", "code-", "reference-", "file-meta-")
OTHERS = {
    "value-padding", "value-undecodable", "value-character-set", "value-multiplicity", "value-encoded-vr",
    "value-length", "value-not-finite",
}  # fmt: skip
RULES = [each for each in all_rules().values() if each.id.startswith(MINE) or each.id in OTHERS]


def found(header: Header) -> list[Finding]:
    findings = list(every_value(header))
    assert not any(isinstance(each, Undecided) for each in findings)
    return [each for each in findings if isinstance(each, Finding)]


def said(attributes: dict[str, object], syntax: str = EXPLICIT_VR_LITTLE_ENDIAN) -> list[tuple[str, str]]:
    return [(each.rule, each.path) for each in found(header_of(attributes, syntax))]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_examples_of_each_rule_hold(rule: Rule) -> None:
    for example in rule.good:
        assert rule.id not in {each.rule for each in found(header_of(example))}
    for example in rule.bad:
        assert rule.id in {each.rule for each in found(header_of(example))}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_fault_is_found_in_every_encoding_at_every_depth(syntax: str) -> None:
    broken = {"StudyDate": "20200231", "ImageOrientationPatient": ["1", "0"], "RealWorldValueSlope": float("inf")}
    item: dict[str, object] = dict(broken)
    for _ in range(3):
        item = {"SourceImageSequence": [item]}
    inside = "SourceImageSequence[1]." * 3
    wanted = {
        ("value-syntax-date", "StudyDate"),
        ("value-multiplicity", "ImageOrientationPatient"),
        ("value-not-finite", "RealWorldValueSlope"),
    }
    assert set(said(broken, syntax)) == wanted
    assert set(said(item, syntax)) == {(rule, inside + path) for rule, path in wanted}


@pytest.mark.parametrize("layout", [DEFINED, UNDEFINED_LENGTHS])
def test_a_fault_that_repeats_over_items_is_told_once(layout: Layout) -> None:
    days = ["20200101", "20200231", "20200102", "20200230", "20200103", "2020023"]
    items = [{"SourceImageSequence": [{"StudyDate": day}]} for day in days]
    data = encode({"PerFrameFunctionalGroupsSequence": items}, layout=layout)
    (finding,) = found(read_header(data, EXPLICIT_VR_LITTLE_ENDIAN))
    place = "PerFrameFunctionalGroupsSequence[{}].SourceImageSequence[1].StudyDate"
    assert (finding.path, finding.count) == (place.format(2), 3)
    assert (finding.first, finding.last) == (place.format(2), place.format(6))


def test_items_of_different_structure_share_one_finding_too() -> None:
    items = [{"StudyDate": "20200231"}, {"StudyDate": "20200231", "Modality": "CT"}, {"Modality": "CT"}]
    (finding,) = found(header_of({"SourceImageSequence": items}))
    assert (finding.count, finding.first, finding.last) == (
        2,
        "SourceImageSequence[1].StudyDate",
        "SourceImageSequence[2].StudyDate",
    )


def test_a_fault_of_structure_counts_every_item_of_that_structure() -> None:
    items = [{"ReferencedSOPClassUID": "1.2"}] * 4
    (finding,) = found(header_of({"ReferencedImageSequence": items}))
    assert (finding.rule, finding.count) == ("reference-incomplete", 4)
    assert finding.last == "ReferencedImageSequence[4].ReferencedSOPInstanceUID"


def test_of_several_wrong_values_the_first_is_named_and_the_others_are_counted() -> None:
    (finding,) = found(header_of({"ImagePositionPatient": ["1", "a", "b"]}))
    assert finding.value_number == 2
    assert finding.message.endswith("1 more value is wrong too")


def test_padding_is_a_habit_and_told_once_for_all_attributes() -> None:
    header = header_of({"Manufacturer": b"abc\0", "StationName": b"abc\0", "StudyDescription": b"abc\0"})
    (finding,) = found(header)
    assert (finding.rule, finding.severity, finding.count) == ("value-padding", "warning", 3)
    assert (finding.first, finding.last) == ("Manufacturer", "StudyDescription")


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "", "ADC"]},
        {"OtherPatientIDs": None, "ImageOrientationPatient": " ", "StudyDate": ""},
        {"StudyDescription": "x" * 63 + " "},
        {"OperatorsName": ["x" * 64, "y" * 64]},
        {"PixelSpacing": ["0.12345678901234", "0.12345678901234"]},
        {"ImageType": ["A" * 16, "B" * 16]},
        {"PatientComments": "a\\b"},
        {"DataSetTrailingPadding": b"\0" * 5},
        {"SmallestImagePixelValue": Element("SS", -1), "OverlayData": Element("OB", b"\0\0")},
        {"(0009,0010)": "MAKER", "(0009,1001)": Element("UN", b"\xff\xfe"), "(0009,1002)": Element("OB", b"\0\1")},
        {"SourceImageSequence": []},
    ],
)
def test_what_is_unusual_and_legal_draws_no_warning(attributes: dict[str, object]) -> None:
    assert [each for each in found(header_of(attributes)) if each.severity != "note"] == []


@pytest.mark.parametrize(
    ("character_set", "text"),
    [
        ("ISO_IR 100", "Ünïcödé wörds ohne Zahl".encode("latin-1")),
        ("ISO_IR 192", ("日" * 64).encode()),
        ("ISO_IR 13", "ﾔﾏﾀﾞ".encode("shift_jis")),
        (["", "ISO 2022 IR 87"], b"Yamada=\x1b$B;3ED\x1b(B"),
        ("GB18030", "\u7528".encode("gb18030") * 64),
    ],
)
def test_lengths_count_characters_not_bytes(character_set: object, text: bytes) -> None:
    assert said({"SpecificCharacterSet": character_set, "StudyDescription": text}) == []


def test_text_of_a_character_set_is_too_long_by_its_characters() -> None:
    assert said({"SpecificCharacterSet": "ISO_IR 192", "StationName": "ä" * 17}) == [
        ("value-syntax-text", "StationName")
    ]


def test_a_backslash_within_a_multi_byte_character_is_no_delimiter() -> None:
    raw = b"\x81\\"
    assert len(raw.decode("gb18030")) == 1
    assert said({"SpecificCharacterSet": "GB18030", "StudyDescription": raw}) == []


@pytest.mark.parametrize(
    "terms", ["", "ISO_IR 13", "GBK", ["ISO 2022 IR 6", "ISO 2022 IR 149"], ["", "ISO 2022 IR 58"]]
)
def test_character_sets_that_go_together_are_sound(terms: object) -> None:
    assert said({"SpecificCharacterSet": terms}) == []


@pytest.mark.parametrize(
    ("terms", "severity"),
    [("ISO_IR 6", "warning"), (["ISO_IR 192", "GBK"], "error"), (["ISO 2022 IR 149", "ISO 2022 IR 6"], "warning")],
)
def test_character_sets_that_do_not_go_together_are_told(terms: object, severity: str) -> None:
    (finding,) = found(header_of({"SpecificCharacterSet": terms}))
    assert (finding.rule, finding.severity) == ("value-character-set", severity)


def test_an_escape_sequence_wants_several_character_sets() -> None:
    raw = b"\x1b$B;3ED\x1b(B"
    assert said({"SpecificCharacterSet": "ISO_IR 100", "StudyDescription": raw})[0][0] == "value-syntax-text"
    assert said({"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "StudyDescription": raw}) == []


def test_the_character_set_of_an_item_is_its_own() -> None:
    item = {"SpecificCharacterSet": "ISO_IR 100", "StudyDescription": b"f\xfcr"}
    assert said({"SpecificCharacterSet": "ISO_IR 192", "SourceImageSequence": [item]}) == []
    del item["SpecificCharacterSet"]
    assert said({"SpecificCharacterSet": "ISO_IR 192", "SourceImageSequence": [item]})[0][0] == "value-undecodable"


def test_a_standard_attribute_in_un_is_judged_by_the_dictionary() -> None:
    assert said({"StudyDate": Element("UN", b"20200231")}) == [("value-syntax-date", "StudyDate")]
    assert said({"Rows": Element("UN", b"\1\0\2\0")}) == [("value-multiplicity", "Rows")]
    assert said({"Rows": Element("UN", b"\1\0\2\0")}, EXPLICIT_VR_BIG_ENDIAN) == [("value-multiplicity", "Rows")]


def test_a_un_is_little_endian_in_every_transfer_syntax() -> None:
    nan_in_little, nan_in_big = b"\0" * 6 + b"\xf8\x7f", b"\x7f\xf8" + b"\0" * 6
    for raw, rules in ((nan_in_little, ["value-not-finite"]), (nan_in_big, [])):
        found_rules = [rule for rule, _ in said({"RealWorldValueSlope": Element("UN", raw)}, EXPLICIT_VR_BIG_ENDIAN)]
        assert found_rules == rules


def test_a_value_of_another_vr_is_judged_by_that_vr() -> None:
    assert said({"StudyDate": Element("LO", "yesterday")}) == [("value-encoded-vr", "StudyDate")]


def test_a_vr_that_the_dictionary_leaves_open_is_no_fault() -> None:
    for vr in ("US", "SS"):
        assert said({"LargestImagePixelValue": Element(vr, 1)}) == []
    assert said({"LargestImagePixelValue": Element("UL", 1)}) == [("value-encoded-vr", "LargestImagePixelValue")]


def test_private_values_are_judged_by_their_vr_and_never_quoted() -> None:
    (finding,) = found(header_of({"(0009,0010)": "MAKER", "(0009,1001)": Element("CS", "Secret")}))
    assert (finding.rule, finding.path) == ("value-syntax-code", "(0009,1001)")
    assert "Secret" not in finding.message


def test_a_patients_values_are_never_quoted_and_short_codes_are() -> None:
    (finding,) = found(header_of({"PatientWeight": "77,1"}))
    assert "77" not in finding.message
    (finding,) = found(header_of({"Modality": "mr"}))
    assert finding.message.endswith("seen mr")
    (finding,) = found(header_of({"Modality": "Doe^Jane"}))
    assert "Doe" not in finding.message


def test_pixel_data_is_left_alone() -> None:
    assert said({"PixelData": Element("OW", b"\1\2" * 100)}) == []
    icon = {"IconImageSequence": [{"PixelData": Element("OB", b"\1\2")}]}
    assert said(icon) == []


@settings(max_examples=150)
@given(st.binary(max_size=400), st.sampled_from(SYNTAXES[:3]))
def test_no_bytes_make_it_raise(data: bytes, syntax: str) -> None:
    assert "rule-broke" not in {each.rule for each in found(read_header(data, syntax))}


@settings(max_examples=150)
@given(st.data())
def test_damage_anywhere_never_makes_it_raise(data: st.DataObject) -> None:
    code = {"CodeValue": "1", "CodingSchemeDesignator": "L", "CodeMeaning": "x", "LongCodeValue": "y"}
    whole = bytearray(
        encode(
            {
                "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
                "StudyDate": "20200131",
                "(0009,0010)": "MAKER",
                "(0009,1001)": Element("DS", "1"),
                "AnatomicRegionSequence": [code, code, code],
                "RealWorldValueSlope": 1.0,
                "PatientName": b"\x1b$B;3ED\x1b(B^A",
            }
        )
    )
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    header = read_header(bytes(whole[:cut]), EXPLICIT_VR_LITTLE_ENDIAN)
    assert "rule-broke" not in {each.rule for each in found(header)}


def test_an_enormous_field_that_is_not_plain_is_left_undecided_and_a_plain_one_is_not() -> None:
    long = "A" * 16 + "\\" + "a\\" * LOOKED_AT
    assert said({"(0009,0010)": "MAKER", "(0009,1001)": Element("UC", long)}) == []
    (undecided,) = every_value(header_of({"ImageType": long}, IMPLICIT_VR_LITTLE_ENDIAN))
    assert isinstance(undecided, Undecided)
    assert undecided.path == "ImageType"


def test_a_released_header_has_nothing_left_to_judge() -> None:
    header = header_of({"Rows": 4})
    header.release()
    assert found(header) == []


def test_after_very_many_kinds_of_findings_the_rest_is_undecided() -> None:
    groups = range(0x0011, 0x0011 + 2 * (MOST_KINDS + 10), 2)
    attributes = {f"({group:04X},0001)": Element("LO", "x") for group in groups}
    *findings, undecided = sorted(every_value(header_of(attributes)), key=lambda each: isinstance(each, Undecided))
    assert len(findings) == MOST_KINDS
    assert isinstance(undecided, Undecided)
