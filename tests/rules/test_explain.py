"""What `rules show` says of IODs and Attributes."""

from __future__ import annotations

import pytest

from rules.explain import Explained, Line, explain
from rules.iods import iods


def lines(explained: Explained | None, head: str) -> dict[str, Line]:
    assert explained is not None
    return {each.of: each for each in dict(explained.parts).get(head, ())}


@pytest.mark.parametrize("name", ["CT Image", "ct image", "1.2.840.10008.5.1.4.1.1.2"])
def test_an_iod_goes_by_its_name_or_sop_class(name: str) -> None:
    explained = explain(name)
    assert explained is not None
    assert explained.name == "CT Image"
    modules = lines(explained, "Modules")
    assert modules["Patient"] == Line("Patient", "M", "C.7.1.1", ())
    assert modules["Multi-energy CT Image"].says == ("required where MultienergyCTAcquisition is YES",)


def test_content_constraints_and_functional_groups_are_told() -> None:
    explained = explain("Enhanced PET Image")
    assert lines(explained, "Content Constraints")["VOI LUT"].says == ("must not be there",)
    assert lines(explained, "Functional groups")["Frame Content"].says == ("only per-frame",)
    framed = lines(explain("Enhanced US Volume"), "Content Constraints")
    assert "USImageDescriptionSequence.VolumetricProperties" in framed
    nested = lines(explain("General ECG"), "Content Constraints")
    assert nested["WaveformSequence"].says == ("1 to 4 Items",)
    assert nested["WaveformSequence.WaveformSampleInterpretation"].says == ("Enumerated Values: SS",)


@pytest.mark.parametrize("name", ["BitsAllocated", "(0028,0100)"])
def test_an_attribute_goes_by_its_keyword_or_tag(name: str) -> None:
    explained = explain(name)
    assert explained is not None
    assert explained.heading == "(0028,0100), VR US, VM 1"
    assert lines(explained, "Modules")["CT Image"].says == ("Enumerated Values: 16 (PS3.3 C.8.2.1.1.4)",)
    assert "Ophthalmic Photography 16 Bit Image: BitsAllocated" in lines(explained, "Content Constraints")


def test_an_attribute_within_another_is_told_with_its_path() -> None:
    told = lines(explain("ContourGeometricType"), "Modules")
    assert list(told) == ["ROI Contour: ROIContourSequence.ContourSequence.ContourGeometricType"]


def test_an_edition_is_told_as_it_was() -> None:
    (now,), (then,) = (lines(explain("SegmentationType", each), "Modules").values() for each in ("2025e", "2020"))
    assert now.says == ("Enumerated Values: BINARY, FRACTIONAL, LABELMAP",)
    assert then.says[0].startswith("Enumerated Values: BINARY, FRACTIONAL")
    assert "LABELMAP" not in then.says[0]


def test_what_nobody_knows_is_nothing() -> None:
    assert explain("NoSuchThing") is None
    assert explain("(0009,1001)") is None


@pytest.mark.parametrize("iod", iods())
def test_every_iod_can_be_told(iod: str) -> None:
    explained = explain(iod)
    assert explained is not None
    assert explained.page().startswith(f"{iod}\n  PS3.3 ")
    assert set(explained.as_json()) >= {"name", "heading", "modules"}
