"""Rows of each kind, held against Data Sets: what is required, permitted, counted and listed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minimal import Attributes, instance

from rules import attributes as reader
from rules import judge
from rules.encode import header_of
from rules.engine import check, load_rules
from rules.header import Header, Stencil
from rules.items import ItemTable
from rules.model import Finding, Severity
from rules.plan import MOST_ROOTS, ROOTS, plan

PER_FRAME = "PerFrameFunctionalGroupsSequence"
SHARED = "SharedFunctionalGroupsSequence"
CODE = {"CodeValue": "1", "CodingSchemeDesignator": "99ONE", "CodeMeaning": "one"}


@cache
def _smallest(iod: str) -> Attributes:
    return instance(iod)


def smallest(iod: str, **changes: object) -> Attributes:
    """The smallest instance of the IOD; a keyword that is `...` is left out."""
    whole = {**deepcopy(_smallest(iod)), **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def findings(attributes: Attributes, transfer_syntax_uid: str = "1.2.840.10008.1.2.1") -> tuple[Finding, ...]:
    return check(header_of(attributes, transfer_syntax_uid), load_rules()).findings


def told(attributes: Attributes) -> set[tuple[str, str]]:
    loud = (each for each in findings(attributes) if each.severity is not Severity.NOTE)
    return {(each.rule, each.path) for each in loud}


def test_the_smallest_ct_image_is_sound() -> None:
    assert told(smallest("CT Image")) == set()


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "Modality", "ReferringPhysicianName", "PatientID", "Rows"])
def test_types_1_and_2_are_required(keyword: str) -> None:
    assert told(smallest("CT Image", **{keyword: ...})) == {("attribute-missing", keyword)}


def test_type_1_has_a_value_and_type_2_may_be_empty() -> None:
    attributes = smallest("CT Image", StudyInstanceUID=None, PatientID=None)
    assert told(attributes) == {("attribute-empty", "StudyInstanceUID")}


def test_padding_is_no_value() -> None:
    assert told(smallest("CT Image", Modality="  ")) == {("attribute-empty", "Modality")}


def test_the_strictest_type_of_several_modules_counts() -> None:
    # Manufacturer is Type 2 in General Equipment and Type 1 in Enhanced General Equipment.
    assert told(smallest("CT Image", Manufacturer=None)) == set()
    (found,) = findings(smallest("Parametric Map", Manufacturer=None))
    assert (found.rule, found.path, found.section) == ("attribute-empty", "Manufacturer", "PS3.3 C.7.5.2")


def test_a_module_may_override_the_type_of_another() -> None:
    # SC Equipment makes Modality Type 3.
    assert told(smallest("Secondary Capture Image", Modality=...)) == set()


def test_a_condition_that_is_met_makes_an_attribute_required() -> None:
    color = smallest("Secondary Capture Image", SamplesPerPixel=3, PhotometricInterpretation="RGB")
    assert ("attribute-missing", "PlanarConfiguration") in told(color)
    assert ("attribute-missing", "PlanarConfiguration") not in told({**color, "PlanarConfiguration": 0})


def test_a_condition_that_is_not_met_forbids_an_attribute() -> None:
    assert told(smallest("CT Image", PlanarConfiguration=0)) == {("attribute-not-allowed", "PlanarConfiguration")}


def test_what_another_module_permits_is_permitted() -> None:
    # Bits Stored is forbidden by Parametric Map Image with floating point pixels; a CT has it from Image Pixel.
    assert ("attribute-not-allowed", "BitsStored") in told(smallest("Parametric Map", BitsStored=16, HighBit=15))
    assert told(smallest("CT Image", BitsStored=16)) == set()


def test_a_module_that_is_required_is_required_whole() -> None:
    attributes = smallest("CT Image", MultienergyCTAcquisition="YES")
    assert ("attribute-missing", "MultienergyCTAcquisitionSequence") in told(attributes)


def test_a_module_that_must_not_be_there_is_told_once() -> None:
    attributes = smallest("CT Image", MultienergyCTAcquisition="NO", MultienergyCTAcquisitionSequence=[{}])
    assert ("module-not-allowed", "MultienergyCTAcquisitionSequence") in told(attributes)


def test_a_user_option_module_is_required_whole_once_it_is_used() -> None:
    attributes = smallest("CT Image", ClinicalTrialProtocolID="P")
    assert told(attributes) >= {
        ("attribute-missing", keyword)
        for keyword in (
            "ClinicalTrialSponsorName", "ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName",
        )
    }  # fmt: skip


def test_an_optional_attribute_does_not_put_a_module_to_use() -> None:
    # Clinical Trial Series: Clinical Trial Series Description is Type 3, Coordinating Center Name Type 2.
    assert told(smallest("CT Image", ClinicalTrialSeriesDescription="D")) == set()


def test_attributes_of_other_iods_are_no_fault() -> None:
    assert told(smallest("CT Image", EchoTime="1", BeamName="B")) == set()


def test_items_are_counted() -> None:
    attributes = smallest("CT Image", AnatomicRegionSequence=[CODE, CODE])
    (found,) = findings(attributes)
    assert (found.rule, found.path, found.message) == (
        "item-count", "AnatomicRegionSequence", "has 2 Items, wanted at most 1",
    )  # fmt: skip


def test_a_sequence_of_type_1_has_an_item() -> None:
    record = smallest("Parametric Map", DimensionOrganizationSequence=[])
    assert ("attribute-empty", "DimensionOrganizationSequence") in told(record)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_enumerated_values_are_errors_and_defined_terms_warnings(uid: str) -> None:
    attributes = smallest("Parametric Map", PresentationLUTShape="INVERSE", DimensionOrganizationType="4D")
    found = {(each.rule, each.severity, each.path) for each in findings(attributes, uid)}
    assert found == {
        ("value-not-enumerated", "error", "PresentationLUTShape"),
        ("value-not-defined", "warning", "DimensionOrganizationType"),
    }


def test_numbers_are_compared_as_numbers() -> None:
    assert told(smallest("Ultrasound Image", UltrasoundColorDataPresent=1)) == set()


def test_a_value_outside_two_lists_is_told_once() -> None:
    found = findings(smallest("Parametric Map", PhotometricInterpretation="RGB"))
    assert [each.path for each in found if each.rule == "value-not-enumerated"] == ["PhotometricInterpretation"]


def test_items_that_hold_themselves_are_judged_to_the_bottom() -> None:
    item: dict[str, Any] = {"RelationshipType": "CONTAINS", "ValueType": "TEXT", "TextValue": "t"}
    item["ConceptNameCodeSequence"] = [CODE]
    bottom = {**item, "RelationshipType": "HOLDS"}
    tree = {**item, "ContentSequence": [{**item, "ContentSequence": [bottom]}]}
    found = told(smallest("Basic Text SR", ContentSequence=[tree]))
    path = "ContentSequence[1].ContentSequence[1].ContentSequence[1].RelationshipType"
    assert ("value-not-enumerated", path) in found


def test_other_overlays_than_the_first_are_judged() -> None:
    found = told(smallest("CT Image", **{"(6002,0010)": 8, "(6002,0040)": "X"}))
    assert ("attribute-missing", "(6002,0011)") in found
    assert ("attribute-missing", "OverlayColumns") not in found


def test_many_items_alike_are_one_finding() -> None:
    codes = [{**CODE, "CodeMeaning": "one"}] * 30
    lacking = [{name: value for name, value in CODE.items() if name != "CodeMeaning"}] * 2000
    every = findings(smallest("CT Image", ProcedureCodeSequence=[*codes, *lacking]))
    (found,) = (each for each in every if each.rule == "attribute-missing")
    assert found.count == 2000
    assert found.first == "ProcedureCodeSequence[31].CodeMeaning"
    assert found.last == "ProcedureCodeSequence[2030].CodeMeaning"


def test_of_many_items_alike_the_first_can_be_asked_for_more() -> None:
    points = [{"ControlPointIndex": str(number), "CumulativeMetersetWeight": None} for number in range(9)]
    groups = [{"FractionGroupNumber": "1", "NumberOfBeams": "1"}]
    plan = smallest("RT Plan", FractionGroupSequence=groups, BeamSequence=[{"ControlPointSequence": points}])
    found = [each for each in findings(plan) if each.path.endswith("].GantryAngle")]
    assert [(each.path, each.count) for each in found] == [("BeamSequence[1].ControlPointSequence[1].GantryAngle", 1)]


def test_of_many_items_alike_each_is_asked_what_its_own_number_refers_to() -> None:
    leaf_pairs, circular = (
        {**CODE, "CodeValue": each, "CodingSchemeDesignator": "DCM"} for each in ("130331", "130332")
    )
    devices = [
        {"DeviceIndex": number, "DeviceTypeCodeSequence": [circular if number in (2, 5) else leaf_pairs]}
        for number in range(1, 7)
    ]
    openings = [{"ReferencedDeviceIndex": number} for number in range(1, 7)]
    point = {"RTControlPointIndex": 1, "RTBeamLimitingDeviceOpeningSequence": openings}
    sound = {"RTBeamLimitingDeviceDefinitionSequence": devices, "CArmPhotonElectronControlPointSequence": [point]}
    found = findings(smallest("C-Arm Photon-Electron Radiation", **sound))
    missing = [each for each in found if each.path.endswith("].RTBeamDelimiterGeometrySequence")]
    assert [(each.count, each.first[-34], each.last[-34]) for each in missing] == [(2, "2", "5")]


def test_of_many_items_alike_each_is_asked_of_its_own_text() -> None:
    names = ["a", b"\xe4", "c", "d", b"\xf6", "e"]
    studies = [{"StudyDescription": each, "AccessionNumber": "1"} for each in names]
    found = findings(smallest("Inventory", InventoriedStudiesSequence=studies))
    missing = [each for each in found if each.path.endswith("].SpecificCharacterSet")]
    assert [(each.count, each.first[-23], each.last[-23]) for each in missing] == [(2, "2", "5")]


def each_alone(header: Header, name: str | int, table: ItemTable) -> tuple[Stencil, ...]:
    """What stands in for stencils to judge Item by Item."""
    return tuple(
        Stencil(header.item_at(name, number), range(number, number + 1), table, (replace(layout, numbers=[number]),))
        for number, layout in enumerate(table.layouts, start=1)
    )


FRAME = st.fixed_dictionaries(
    {
        "FrameContentSequence": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "StackID": st.sampled_from(["1", "2", " ", None]),
                    "InStackPositionNumber": st.sampled_from([1, 2]),
                    "TemporalPositionIndex": st.just(1),
                    "CardiacCyclePosition": st.sampled_from(["END_SYSTOLE", "START"]),
                },
            ),
            max_size=2,
        )
    },
    optional={
        "FrameVOILUTSequence": st.lists(
            st.fixed_dictionaries(
                {}, optional={"WindowCenter": st.just("1"), "WindowWidth": st.sampled_from(["1", None])}
            ),
            max_size=2,
        ),
        "RealWorldValueMappingSequence": st.lists(
            st.fixed_dictionaries(
                {"LUTLabel": st.sampled_from(["a", " ", "longer"]), "MeasurementUnitsCodeSequence": st.just([CODE])},
                optional={"LUTExplanation": st.just("e"), "RealWorldValueSlope": st.just(1.0)},
            ),
            min_size=1,
            max_size=2,
        ),
        "PlaneOrientationSequence": st.just([{"ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]}]),
    },
)


@given(frames=st.lists(FRAME, min_size=1, max_size=9), implicit=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_items_judged_together_are_judged_as_if_one_by_one(
    frames: list[Attributes], implicit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes = smallest("Parametric Map", **{PER_FRAME: frames, "NumberOfFrames": str(len(frames))})
    attributes[SHARED] = [{name: value for name, value in attributes[SHARED][0].items() if name not in _VARIED}]
    uid = "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1"
    together = {each for each in findings(attributes, uid) if "-type-" not in each.rule}
    with monkeypatch.context() as patch:
        patch.setattr(reader, "group", each_alone)
        patch.setattr(judge, "FEW_ITEMS", 1 << 30)
        alone = {each for each in findings(attributes, uid) if "-type-" not in each.rule}
    assert together == alone


_VARIED = ("FrameVOILUTSequence", "RealWorldValueMappingSequence", "PlaneOrientationSequence")


def test_the_content_constraints_of_an_iod_are_judged() -> None:
    iod = "Multi-frame Single Bit Secondary Capture Image"
    assert ("value-not-enumerated", "BitsAllocated") in told(smallest(iod, BitsAllocated=8))
    assert ("attribute-not-allowed", "PlanarConfiguration") in told(smallest(iod, PlanarConfiguration=0))
    assert ("module-forbidden", "WindowCenter") in told(smallest(iod, WindowCenter="1", WindowWidth="1"))


def test_a_module_of_references_is_missed_where_instances_are_referenced() -> None:
    reference = {"ReferencedSOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "ReferencedSOPInstanceUID": "1.2.3.9"}
    source = {**reference, "PurposeOfReferenceCodeSequence": [CODE]}
    attributes = smallest("Parametric Map")
    attributes[SHARED][0]["DerivationImageSequence"] = [
        {"DerivationCodeSequence": [CODE], "SourceImageSequence": [source]}
    ]
    assert ("module-missing", "ReferencedSeriesSequence") in told(attributes)
    series = {"SeriesInstanceUID": "1.2.3.8", "ReferencedInstanceSequence": [reference]}
    assert ("module-missing", "ReferencedSeriesSequence") not in told(
        {**attributes, "ReferencedSeriesSequence": [series]}
    )


def test_a_module_whose_attributes_other_modules_have_as_well_is_missed_by_the_first_of_them() -> None:
    attributes = smallest("Digital Mammography X-Ray Image", PresentationIntentType="FOR PRESENTATION")
    del attributes["VOILUTSequence"]
    assert ("module-missing", "WindowCenter") in told(attributes)


def test_plans_forget_the_modules_they_have_seen_before_there_are_too_many() -> None:
    for uid in ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"):
        asked = plan(uid)
        assert asked is not None
        options = [min(each.own) for each in asked.options if each.own and each.usage.usage == "U"]
        for number in range(1 << min(len(options), 8)):
            used = frozenset(tag for bit, tag in enumerate(options) if number >> bit & 1)
            asked.modules(header_of({"Modality": "CT"}), used)
        assert 0 < len(ROOTS) <= MOST_ROOTS
