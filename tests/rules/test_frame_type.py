from __future__ import annotations

from dataclasses import replace

from maps import PER_FRAME, SHARED, TYPES, frame_type, parametric_map

from rules.checks.frame_type import frame_types
from rules.encode import Element, header_of
from rules.engine import Checked, check, load_rules
from rules.image_types import image_type
from rules.iods import iods
from rules.model import Undecided

LEGACY = "Legacy Converted Enhanced MR Image"
ENHANCED = "Enhanced MR Image"


def checked(attributes: dict[str, object]) -> Checked:
    """What is found on types alone."""
    found = check(header_of(attributes), load_rules())
    return replace(found, findings=tuple(each for each in found.findings if "-type-" in each.rule))


def rules_of(attributes: dict[str, object]) -> list[str]:
    return [each.rule for each in checked(attributes).findings]


def mr(iod: str, image: list[str], *frames: list[str]) -> dict[str, object]:
    groups = [{"MRImageFrameTypeSequence": [{"FrameType": each}]} for each in frames]
    return {"SOPClassUID": iods()[iod].sop_class_uids[0], "ImageType": image, SHARED: [{}], PER_FRAME: groups}


def test_frames_may_differ_where_image_type_says_mixed() -> None:
    frames = [frame_type(*TYPES[:3], each) for each in ("MEAN", "MAXIMUM")]
    assert rules_of(parametric_map(ImageType=[*TYPES[:3], "MIXED"], **{SHARED: [{}], PER_FRAME: frames})) == []


def test_disagreement_is_an_error_where_the_iod_cites_the_rule_and_a_warning_in_a_map() -> None:
    mean, maximum = ["DERIVED", "PRIMARY", "VOLUME", "MEAN"], ["DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"]
    (strict,) = checked(mr(ENHANCED, mean, maximum)).findings
    (mild,) = checked(parametric_map(ImageType=maximum)).findings
    assert (strict.rule, strict.severity) == ("image-type-frames-differ", "error")
    assert (mild.rule, mild.severity) == ("image-type-frames-differ", "warning")


def test_the_image_flavor_of_frames_may_differ_from_that_of_the_image() -> None:
    types = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    assert rules_of(mr(ENHANCED, types, [*types[:2], "T2", "NONE"], [*types[:2], "", "NONE"])) == []


def test_mixed_in_a_frame_is_for_converted_frames_alone() -> None:
    mixed = ["MIXED", "PRIMARY", "VOLUME", "MIXED"]
    assert rules_of(mr(LEGACY, mixed, mixed)) == []
    assert rules_of(mr(ENHANCED, mixed, mixed)) == ["frame-type-value-1", "frame-type-value-4"]


def test_value_4_may_be_empty_where_frames_were_converted() -> None:
    types = ["ORIGINAL", "PRIMARY", "VOLUME", ""]
    assert rules_of(mr(LEGACY, types, types)) == []
    assert rules_of(mr(ENHANCED, types, types)) == ["image-type-value-4", "frame-type-value-4"]


def test_mixed_is_left_open_in_one_part_of_a_concatenation() -> None:
    attributes = parametric_map(ImageType=[*TYPES[:3], "MIXED"], ConcatenationUID="1.2.3")
    assert rules_of(attributes) == []
    facts = image_type("Parametric Map")
    assert facts is not None
    said = frame_types(header_of(attributes), facts)
    assert sum(isinstance(each, Undecided) for each in said) == 1


def test_the_group_of_another_iod_does_not_stand_in() -> None:
    wrong = {"MRImageFrameTypeSequence": [{"FrameType": TYPES}]}
    (found,) = checked(parametric_map(**{SHARED: [wrong]})).findings
    assert (found.rule, found.tag) == ("frame-type-group-missing", "(0040,9092)")


def test_a_group_that_only_some_frames_lack_is_found_in_those() -> None:
    frames = [frame_type(*TYPES), {}, frame_type(*TYPES), {}]
    (found,) = checked(parametric_map(**{SHARED: [{}], PER_FRAME: frames})).findings
    assert (found.rule, found.count) == ("frame-type-group-missing", 2)
    assert found.first == f"{PER_FRAME}[2].ParametricMapFrameTypeSequence"
    assert found.last == f"{PER_FRAME}[4].ParametricMapFrameTypeSequence"


def test_a_projection_among_original_frames_is_found() -> None:
    types = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    attributes = mr(ENHANCED, types, types, types, types)
    for number, technique in ((0, "NONE"), (2, "MAX_IP")):
        item = attributes[PER_FRAME][number]["MRImageFrameTypeSequence"][0]  # type: ignore[index]  # built above
        item["VolumeBasedCalculationTechnique"] = technique
    (found,) = checked(attributes).findings
    assert found.rule == "frame-type-original-volume"
    assert found.path == f"{PER_FRAME}[3].MRImageFrameTypeSequence[1].FrameType"


def test_spaces_around_values_do_not_count() -> None:
    assert rules_of(parametric_map(ImageType=["DERIVED ", " PRIMARY", *TYPES[2:]])) == []


def test_nul_at_the_end_does() -> None:
    (found,) = checked(parametric_map(ImageType=[*TYPES[:3], "MEAN\0"])).findings
    assert (found.rule, found.section) == ("image-type-syntax", "PS3.5 6.2")


def test_an_image_type_with_another_vr_is_judged_all_the_same() -> None:
    found = checked(parametric_map(ImageType=Element("OB", b"ORIGINAL\\PRIMARY\\VOLUME\\MEAN"))).findings
    assert [each.rule for each in found] == ["image-type-syntax", "image-type-value-1"]
