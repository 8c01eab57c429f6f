"""The Parametric Map Image Module, Attribute by Attribute (PS3.3 C.8.32.2)."""

from __future__ import annotations

import pytest
from maps import SHARED, TYPES, integer_map, parametric_map, shared

from rules.checks.multiplicity import multiplicity
from rules.encode import Element, encode, header_of
from rules.engine import check, load_rules
from rules.header import Header, read_header
from rules.model import Finding, Severity
from rules.modules import module, rows_of

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


def findings(header: Header) -> tuple[Finding, ...]:
    return check(header, load_rules()).findings


def told(attributes: dict[str, object]) -> set[tuple[str, str]]:
    return {(each.rule, each.path) for each in findings(header_of(attributes))}


def icc(device: bytes = b"scnr") -> bytes:
    return (b"\0\0\0\x80" + bytes(8) + device + b"RGB XYZ " + bytes(12) + b"acsp").ljust(128, b"\0")


RANGE = [{"MinimumStoredValueMapped": 0.0, "MaximumStoredValueMapped": 1.0}]
COLOR = {
    SHARED: [{**shared(*TYPES), "StoredValueColorRangeSequence": RANGE}],
    "PixelPresentation": "COLOR_RANGE",
    "PaletteColorLookupTableUID": "1.2.840.10008.1.5.1",
    "ICCProfile": icc(),
}


def test_the_module_has_its_24_attributes() -> None:
    table = module("Parametric Map Image")
    assert table is not None
    assert len(list(rows_of(table.within))) == 24


@pytest.mark.parametrize("attributes", [parametric_map(), integer_map(), integer_map(**COLOR), parametric_map(**COLOR)])
def test_nothing_is_found_in_a_sound_module(attributes: dict[str, object]) -> None:
    assert findings(header_of(attributes)) == ()


@pytest.mark.parametrize(
    "keyword",
    [
        "InstanceNumber", "ContentLabel", "ContentDescription", "SamplesPerPixel", "PhotometricInterpretation",
        "BitsAllocated", "BitsStored", "HighBit", "PresentationLUTShape", "LossyImageCompression",
        "BurnedInAnnotation", "RecognizableVisualFeatures", "ContentQualification", "PaletteColorLookupTableUID",
        "ICCProfile",
    ],
)  # fmt: skip
def test_a_required_attribute_is_missed(keyword: str) -> None:
    assert ("attribute-missing", keyword) in told(integer_map(**{**COLOR, keyword: ...}))


@pytest.mark.parametrize(
    "keyword",
    ["InstanceNumber", "ContentLabel", "PresentationLUTShape", "BurnedInAnnotation", "ICCProfile", "BitsStored"],
)
def test_an_empty_type_1_attribute_is_found(keyword: str) -> None:
    assert ("attribute-empty", keyword) in told(integer_map(**{**COLOR, keyword: None}))


def test_an_image_type_that_is_absent_or_empty_has_its_own_findings() -> None:
    assert told(parametric_map(ImageType=...)) == {("image-type-missing", "ImageType")}
    assert told(parametric_map(ImageType=None)) == {("image-type-empty", "ImageType")}


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PixelPresentation", "COLOUR_RANGE"),
        ("SamplesPerPixel", 3),
        ("PhotometricInterpretation", "MONOCHROME1"),
        ("BitsAllocated", 32),
        ("BitsStored", 12),
        ("HighBit", 11),
        ("PresentationLUTShape", "INVERSE"),
        ("LossyImageCompression", "02"),
        ("BurnedInAnnotation", "YES"),
        ("RecognizableVisualFeatures", "MAYBE"),
        ("ContentQualification", "CLINICAL"),
    ],
)
def test_a_value_outside_the_enumerated_values_is_an_error(keyword: str, value: object) -> None:
    found = [each for each in findings(header_of(integer_map(**{keyword: value}))) if each.path == keyword]
    assert [(each.rule, each.severity) for each in found] == [("value-not-enumerated", Severity.ERROR)]


def test_bits_allocated_follows_the_kind_of_pixel_data() -> None:
    double = parametric_map(FloatPixelData=..., DoubleFloatPixelData=b"\0" * 8)
    assert told({**double, "BitsAllocated": 64}) == set()
    assert ("value-not-enumerated", "BitsAllocated") in told(double)
    assert ("value-not-enumerated", "BitsAllocated") in told(parametric_map(BitsAllocated=16))


def test_bits_stored_is_forbidden_with_floating_point_pixels() -> None:
    assert told(parametric_map(BitsStored=16, HighBit=15)) == {
        ("attribute-not-allowed", "BitsStored"),
        ("attribute-not-allowed", "HighBit"),
    }


def test_a_palette_makes_its_uid_unnecessary_but_not_forbidden() -> None:
    tables = {
        f"{color}PaletteColorLookupTable{part}": value
        for color in ("Red", "Green", "Blue")
        for part, value in (("Descriptor", [1, 0, 16]), ("Data", b"\0\0"))
    }
    assert told(integer_map(**{**COLOR, **tables, "PaletteColorLookupTableUID": ...})) == set()


def test_ratio_and_method_are_required_under_a_lossy_transfer_syntax() -> None:
    header = header_of(parametric_map(LossyImageCompression="01"), JPEG_BASELINE)
    assert {(each.rule, each.path) for each in findings(header)} == {
        ("attribute-missing", "LossyImageCompressionRatio"),
        ("attribute-missing", "LossyImageCompressionMethod"),
        ("pixel-data-format", "FloatPixelData"),
    }


def test_ratio_and_method_are_only_missed_where_the_loss_may_be_inherited() -> None:
    header = header_of(parametric_map(LossyImageCompression="01"))
    assert {(each.rule, each.severity) for each in findings(header)} == {("lossy-without-history", Severity.WARNING)}
    assert check(header, load_rules()).undecided > 0


def test_codes_are_checked_item_by_item() -> None:
    code = {"CodeValue": "1", "CodingSchemeDesignator": "99X", "CodeMeaning": "One"}
    assert told(parametric_map(ConceptNameCodeSequence=[code])) == set()
    for keyword in code:
        lacking = {name: value for name, value in code.items() if name != keyword}
        assert ("attribute-missing", f"ConceptNameCodeSequence[1].{keyword}") in told(
            parametric_map(ConceptNameCodeSequence=[lacking])
        )


def test_too_many_items_are_found() -> None:
    code = {"CodeValue": "1", "CodingSchemeDesignator": "99X", "CodeMeaning": "One"}
    assert told(parametric_map(ConceptNameCodeSequence=[code, code])) == {("item-count", "ConceptNameCodeSequence")}
    creator = {"PersonIdentificationCodeSequence": [code], "InstitutionName": "A"}
    assert told(parametric_map(ContentCreatorIdentificationCodeSequence=[creator])) == set()
    assert told(parametric_map(ContentCreatorIdentificationCodeSequence=[creator, creator])) == {
        ("item-count", "ContentCreatorIdentificationCodeSequence")
    }


def test_an_alternate_description_needs_its_language() -> None:
    assert told(parametric_map(AlternateContentDescriptionSequence=[{"ContentDescription": "map"}])) == {
        ("attribute-missing", "AlternateContentDescriptionSequence[1].LanguageCodeSequence")
    }


@pytest.mark.parametrize(
    ("keyword", "value", "rule"),
    [
        ("InstanceNumber", "one", "value-syntax-integer"),
        ("ContentLabel", "lower", "value-syntax-code"),
        ("PaletteColorLookupTableUID", "1.2.x", "value-syntax-uid"),
        ("ContentDescription", "D" * 65, "value-syntax-text"),
        ("PresentationLUTShape", ["IDENTITY", "IDENTITY"], "value-multiplicity"),
        ("SamplesPerPixel", [1, 1], "value-multiplicity"),
        ("ContentLabel", Element("LO", "MAP"), "value-encoded-vr"),
        ("SamplesPerPixel", Element("UL", 1), "value-encoded-vr"),
        ("ICCProfile", b"no profile", "icc-profile"),
        ("ICCProfile", icc(b"prtr"), "icc-profile"),
    ],
)
def test_a_malformed_value_is_an_error(keyword: str, value: object, rule: str) -> None:
    assert (rule, keyword) in told(integer_map(**{**COLOR, keyword: value}))


def test_a_description_is_measured_in_characters_not_bytes() -> None:
    assert told(parametric_map(SpecificCharacterSet="ISO_IR 192", ContentDescription="é" * 64)) == set()


@pytest.mark.parametrize("transfer_syntax_uid", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_the_encoding_makes_no_difference(transfer_syntax_uid: str) -> None:
    assert findings(header_of(integer_map(**COLOR), transfer_syntax_uid)) == ()
    broken = findings(header_of(integer_map(BitsAllocated=8), transfer_syntax_uid))
    assert [(each.path, each.message) for each in broken] == [("BitsAllocated", "is 8, wanted 16")]


def test_no_finding_holds_free_text() -> None:
    secret = "Doe^Jane"
    attributes = parametric_map(
        ImageType=[secret, secret],
        ContentLabel=secret,
        ContentDescription=[secret, secret],
        PhotometricInterpretation=secret,
        InstanceNumber=secret,
        LossyImageCompressionMethod=secret,
    )
    found = findings(header_of(attributes))
    assert len(found) > 6
    assert not any("Doe" in each.message or "Jane" in each.message for each in found)


def test_a_truncated_map_is_judged_as_far_as_it_goes() -> None:
    whole = encode(parametric_map(ContentQualification="CLINICAL"))
    found = findings(read_header(whole[: len(whole) // 2], "1.2.840.10008.1.2.1"))
    assert "undecodable" in {each.rule for each in found}
    assert "value-not-enumerated" in {each.rule for each in found}


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("PixelPresentation", ["MONOCHROME"]),
        ("LossyImageCompression", ["00", "01"]),
        ("RecognizableVisualFeatures", ["YES", "NO"]),
        ("ContentQualification", ["PRODUCT", "RESEARCH", "SERVICE"]),
    ],
)
def test_every_enumerated_value_is_accepted(keyword: str, values: list[str]) -> None:
    for value in values:
        rules = {rule for rule, _ in told(parametric_map(**{keyword: value}))}
        assert "value-not-enumerated" not in rules


@pytest.mark.parametrize(
    ("vm", "numbers"),
    [("1", (1, 1, 1)), ("1-3", (1, 3, 1)), ("2-n", (2, None, 1)), ("2-2n", (2, None, 2)), ("3-3n", (3, None, 3))],
)
def test_a_multiplicity_is_read(vm: str, numbers: tuple[int, int | None, int]) -> None:
    assert multiplicity(vm) == numbers
