"""Which facts an instance is judged by, edition by edition."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from minimal import instance

from rules.editions import EDITIONS, NEWEST, rows_in
from rules.encode import header_of
from rules.engine import check, load_rules


def told(attributes: dict[str, Any], edition: str) -> set[tuple[str, str]]:
    """Rule and path of what is found, notes left out."""
    found = check(header_of(attributes), load_rules(edition))
    assert found.edition == edition
    return {(each.rule, each.path) for each in found.findings if each.severity != "note"}


def changed(iod: str, **changes: Any) -> dict[str, Any]:
    attributes = deepcopy(instance(iod)) | changes
    return {name: value for name, value in attributes.items() if value is not None}


def test_the_newest_edition_is_the_default() -> None:
    assert load_rules() == load_rules(NEWEST)
    assert [load_rules(each).edition for each in EDITIONS] == list(EDITIONS) == ["2020", "2024b", "2025e"]


def test_an_edition_that_is_not_here_is_refused() -> None:
    with pytest.raises(ValueError, match="no rules for edition 2019a, only for 2020, 2024b or 2025e"):
        load_rules("2019a")


def test_a_term_that_came_later_is_none_yet() -> None:
    segmentation = changed("Segmentation", SegmentationType="LABELMAP")
    outside = ("value-not-enumerated", "SegmentationType")
    assert [outside in told(segmentation, each) for each in EDITIONS] == [True, False, False]


def test_a_term_that_was_retired_is_one_still() -> None:
    slide = changed("VL Whole Slide Microscopy Image", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"])
    retired = ("image-type-retired-term", "ImageType")
    assert [retired in told(slide, each) for each in EDITIONS] == [False, True, True]


def test_an_attribute_that_came_later_is_not_missed() -> None:
    image = changed("Ophthalmic Optical Coherence Tomography En Face Image", OphthalmicFrameLocationSequence=None)
    missing = ("attribute-missing", "OphthalmicFrameLocationSequence")
    assert [missing in told(image, each) for each in EDITIONS] == [False, True, True]


def test_a_type_that_was_another_is_asked_for() -> None:
    structures = changed("RT Structure Set", ROIContourSequence=None)
    missing = ("attribute-missing", "ROIContourSequence")
    assert [missing in told(structures, each) for each in EDITIONS] == [True, False, False]


def test_a_module_that_came_later_is_not_missed() -> None:
    segmentation = changed("Segmentation", SegmentationType="LABELMAP", PhotometricInterpretation="PALETTE COLOR")
    missing = ("attribute-missing", "ICCProfile")
    assert [missing in told(segmentation, each) for each in EDITIONS] == [False, False, True]


def test_an_iod_that_came_later_is_unlisted() -> None:
    header = header_of(instance("Photoacoustic Image"))
    found = [check(header, load_rules(each)) for each in EDITIONS]
    assert [each.iod for each in found] == ["", "Photoacoustic Image", "Photoacoustic Image"]
    assert "unlisted-sop-class" in {each.rule for each in found[0].findings}


def test_rows_below_one_that_was_not_there_go_with_it() -> None:
    gone = {"then": {"2020": None}}
    rows = [["A", "1", {}], ["B", "1", gone], [">C", "1", {}], [">>D", "1", {}], ["E", "1", {}]]
    assert [row[0] for row in rows_in(rows, "2020")] == ["A", "E"]
    assert rows_in(rows, "2024b") == rows_in(rows, NEWEST) == rows


def test_lists_of_an_earlier_edition_take_the_place_of_all_lists() -> None:
    row = [
        "A",
        "1",
        {"enumerated if": [], "listed in": "C.1", "if": {}, "then": {"2020": {"defined": ["X"], "type": "3"}}},
    ]
    (was,) = rows_in([row], "2020")
    name, kind, more = was
    assert (name, kind) == ("A", "3")
    assert {each: said for each, said in more.items() if each != "then"} == {"if": {}, "defined": ["X"]}
