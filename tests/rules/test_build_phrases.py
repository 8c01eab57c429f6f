"""How phrases about presence become structure, and that what is not wholly understood is not read."""

from __future__ import annotations

import pytest

from rules.build.clauses import Structure, condition
from rules.build.mentions import marker
from rules.build.phrases import Phrase, permits, read, said
from rules.build.values import item_count, plain_number

NAMES = {
    "image type": "ImageType",
    "pixel data": "PixelData",
    "number of frames": "NumberOfFrames",
    "frame type": "FrameType",
    "control point sequence": "ControlPointSequence",
}
TAGS = {
    "(0008,0008)": "ImageType",
    "(7FE0,0010)": "PixelData",
    "(0028,0008)": "NumberOfFrames",
    "(0008,9007)": "FrameType",
    "(0008,0016)": "SOPClassUID",
}
marked = marker(NAMES, TAGS)


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("{A} is present", {"present": "A"}),
        ("{A} is not present", {"absent": "A"}),
        ("{A} is absent or empty", {"any": [{"absent": "A"}, {"empty": "A"}]}),
        ("{A} has a Value", {"filled": "A"}),
        ("{A} is present and is not empty", {"filled": "A"}),
        ("{A} is YES", {"is": ["A", 0, ["YES"]]}),
        ("{A} equals YES or NO", {"is": ["A", 0, ["YES", "NO"]]}),
        ("{A} is present with a Value of TWO WORDS", {"is": ["A", 0, ["TWO WORDS"]]}),
        ("the Value of {A} is one of the following: X, Y, or Z", {"is": ["A", 0, ["X", "Y", "Z"]]}),
        ("{A} Value 3 is X", {"is": ["A", 3, ["X"]]}),
        ("Value 2 of {A} is X", {"is": ["A", 2, ["X"]]}),
        ("{A} is not X", {"is not": ["A", 0, ["X"]]}),
        ("{A} is other than X or Y", {"is not": ["A", 0, ["X", "Y"]]}),
        ("{A} is absent, or is present and has the Value NO", {"any": [{"absent": "A"}, {"is": ["A", 0, ["NO"]]}]}),
        ("{A} is greater than 1", {"compare": ["A", ">", 1]}),
        ("{A} is non-zero", {"compare": ["A", "!=", 0]}),
        ("{A} points to {B}", {"points to": ["A", "B"]}),
        ("the number of Items in {A} is greater than 1", {"items": ["A", ">", 1]}),
        ("either {A} or {B} is present", {"any": [{"present": "A"}, {"present": "B"}]}),
        ("{A}, {B} and {C} are not present", {"all": [{"absent": "A"}, {"absent": "B"}, {"absent": "C"}]}),
        ("neither {A} nor {B} is present", {"all": [{"absent": "A"}, {"absent": "B"}]}),
        ('{SOPClassUID} is "1.2.3" (A Name)', {"sop class": ["1.2.3"]}),
        ('{SOPClassUID} is not "1.2.3"', {"not": {"sop class": ["1.2.3"]}}),
        ("the first Item of {A}", {"item": ["A", 1]}),
        ("{A} is X and {B} is Y", {"all": [{"is": ["A", 0, ["X"]]}, {"is": ["B", 0, ["Y"]]}]}),
        (
            "{A} is present and {B} is present, or {C} is present",
            {"any": [{"all": [{"present": "A"}, {"present": "B"}]}, {"present": "C"}]},
        ),
        (
            "{A} is present or {B} is present, and {C} is present",
            {"all": [{"any": [{"present": "A"}, {"present": "B"}]}, {"present": "C"}]},
        ),
    ],
)
def test_a_regular_clause_is_read(text: str, structure: Structure) -> None:
    assert condition(text) == structure


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{A}",
        "the patient is tall",
        "{A} is present and the patient is tall",
        "{A} is present or {B} is present and {C} is present",
        "{A} or {B} is not present",
        "{A} is small",
        "{A} is X unless {B} is Y",
    ],
)
def test_what_is_ambiguous_or_not_wholly_understood_is_not_read(text: str) -> None:
    assert condition(text) is None


def test_attributes_are_found_by_tag_and_by_name() -> None:
    assert marked("Required if Image Type (0008,0008) Value 1 is X") == "Required if {ImageType} Value 1 is X"
    assert marked("if the Number of Frames is 2.") == "if the {NumberOfFrames} is 2."
    assert marked("if Frame Type ( 0008, 9007 ) is X") == "if {FrameType} is X"
    assert marked("if Something Else (0099,0099) is X") == "if Something Else <unknown> is X"


def test_only_what_speaks_of_presence_is_kept() -> None:
    text = "A number.\nOne Item is enough.\nRequired if Pixel Data is present. May be present otherwise.\nSee elsewhere"
    assert said(text) == "Required if Pixel Data is present.\nMay be present otherwise."
    assert said("A number.") == ""


def test_bullets_below_a_colon_belong_to_the_sentence() -> None:
    text = (
        "Required if:\nImage Type (0008,0008) is X, or\nPixel Data (7FE0,0010) is present.\nMay be present otherwise."
    )
    phrase = read(said(text), marked)
    assert phrase is not None
    assert phrase.required == {"any": [{"is": ["ImageType", 0, ["X"]]}, {"present": "PixelData"}]}
    assert phrase.may == "always"


REQUIRED: Structure = {"present": "PixelData"}


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Required if Pixel Data is present.", Phrase(REQUIRED)),
        ("Required if Pixel Data is present, may be present otherwise.", Phrase(REQUIRED, "always")),
        ("Required if Pixel Data is present.\nShall not be present otherwise.", Phrase(REQUIRED)),
        (
            "Required if Pixel Data is present.\nMay be present otherwise only if Image Type is X.",
            Phrase(REQUIRED, {"is": ["ImageType", 0, ["X"]]}),
        ),
        (
            "Required if Pixel Data is present.\nShall not be present if Image Type is X.",
            Phrase(REQUIRED, None, {"is": ["ImageType", 0, ["X"]]}),
        ),
        (
            "Required for first Item of Control Point Sequence, or if Angle changes during Beam.",
            Phrase({"item": ["ControlPointSequence", 1]}, "always"),
        ),
    ],
)
def test_required_permitted_and_forbidden_are_kept_apart(text: str, phrase: Phrase) -> None:
    assert read(text, marked) == phrase


@pytest.mark.parametrize(
    "text",
    [
        "Required if Pixel Data is present.\nRequired if Image Type is X.",
        "Required if Pixel Data is present.\nMay be present if the moon is full.",
        "Required if contrast was given.",
        "May be present if Pixel Data is present.",
        "Required if Angle changes during Beam.",
    ],
)
def test_a_phrase_is_read_whole_or_not_at_all(text: str) -> None:
    assert read(text, marked) is None


def test_permission_is_seen_in_a_phrase_that_is_decided_by_hand() -> None:
    assert permits("Required if contrast was given.\nMay be present otherwise.")
    assert not permits("Required if contrast was given.\nMay be present otherwise if Pixel Data is present.")


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("Only a single Item shall be included in this Sequence.", "1", (1, 1)),
        ("Only a single Item is permitted in this Sequence.", "3", (0, 1)),
        ("One or more Items shall be included in this Sequence.", "1C", (1, None)),
        ("One or more Items shall be included in this Sequence.", "2", (0, None)),
        ("Zero or one Item shall be included in this Sequence.", "2", (0, 1)),
        ("Two Items shall be included in this Sequence.", "1", (2, 2)),
        ("A description.", "1", None),
    ],
)
def test_items_are_counted_and_only_type_1_needs_one(
    text: str, kind: str, count: tuple[int, int | None] | None
) -> None:
    assert item_count(text, kind) == count


def test_numbers_are_written_as_values_are() -> None:
    assert [plain_number(each) for each in ("00", "01", "0001H", "YES")] == ["0", "1", "1", "YES"]
