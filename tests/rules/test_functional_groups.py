"""Where functional groups stand (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Mapping

from maps import PER_FRAME, SHARED, TYPES, frame, parametric_map, shared

from rules.encode import header_of
from rules.engine import check, load_rules
from rules.model import Finding

MEASURES = "PixelMeasuresSequence"
WHOLE = shared(*TYPES)
CONTENT = frame()


def without(groups: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in groups.items() if name not in names}


def findings(shared_groups: Mapping[str, object], *frames: Mapping[str, object], **changes: object) -> list[Finding]:
    groups = {SHARED: [shared_groups], PER_FRAME: list(frames), "NumberOfFrames": str(len(frames))}
    found = check(header_of(parametric_map(**{**groups, **changes})), load_rules()).findings
    return [each for each in found if each.rule.startswith(("functional-group-", "attribute-", "item-count"))]


def test_a_mandatory_group_may_be_shared_or_in_every_frame() -> None:
    measures = {MEASURES: WHOLE[MEASURES]}
    assert findings(WHOLE, CONTENT, CONTENT) == []
    assert findings(without(WHOLE, MEASURES), {**CONTENT, **measures}, {**CONTENT, **measures}) == []


def test_a_mandatory_group_that_is_nowhere_is_told_once() -> None:
    (found,) = findings(without(WHOLE, MEASURES), CONTENT, CONTENT)
    assert (found.rule, found.path, found.tag, found.count) == (
        "functional-group-missing", f"{SHARED}[1].{MEASURES}", "(0028,9110)", 1,
    )  # fmt: skip
    assert found.section == "PS3.3 C.7.6.16.2.1"


def test_a_mandatory_group_that_some_frames_lack_is_told_with_those() -> None:
    having = {**CONTENT, MEASURES: WHOLE[MEASURES]}
    (found,) = findings(without(WHOLE, MEASURES), having, CONTENT, having, CONTENT, having)
    assert (found.rule, found.count) == ("functional-group-missing", 2)
    assert (found.first, found.last) == (f"{PER_FRAME}[2].{MEASURES}", f"{PER_FRAME}[4].{MEASURES}")


def test_a_group_is_not_shared_and_in_a_frame() -> None:
    (found,) = findings(WHOLE, CONTENT, {**CONTENT, MEASURES: WHOLE[MEASURES]})
    assert (found.rule, found.path) == ("functional-group-twice", f"{PER_FRAME}[2].{MEASURES}")


def test_frame_content_stands_in_frames_alone() -> None:
    rules = {each.rule: each.path for each in findings({**WHOLE, **CONTENT}, {}, {})}
    assert rules["functional-group-misplaced"] == f"{SHARED}[1].FrameContentSequence"


def test_frames_and_items_are_as_many() -> None:
    (found,) = findings(WHOLE, CONTENT, CONTENT, NumberOfFrames="3")
    assert (found.rule, found.path, found.tag) == ("functional-group-frame-count", PER_FRAME, "(5200,9230)")


def test_a_conditional_group_is_required_where_its_condition_is_met() -> None:
    found = {each.rule: each.path for each in findings(WHOLE, CONTENT, PixelPresentation="COLOR_RANGE")}
    assert found["functional-group-missing"] == f"{SHARED}[1].StoredValueColorRangeSequence"


def test_frames_are_described_one_by_one_unless_they_are_tiled_in_full() -> None:
    rules = {each.rule for each in findings(WHOLE, **{PER_FRAME: ...})}
    assert "functional-group-frames-missing" in rules
    tiled = {PER_FRAME: ..., "DimensionOrganizationType": "TILED_FULL"}
    rules = {each.rule for each in findings(WHOLE, **tiled, DimensionIndexSequence=...)}
    assert "functional-group-frames-missing" not in rules


def test_tiles_that_have_dimension_indices_are_described_one_by_one_all_the_same() -> None:
    tiled = {PER_FRAME: ..., "DimensionOrganizationType": "TILED_FULL"}
    assert "functional-group-frames-missing" in {each.rule for each in findings(WHOLE, **tiled)}


def test_shared_groups_are_one_item() -> None:
    rules = {(each.rule, each.path) for each in findings(WHOLE, CONTENT, **{SHARED: [WHOLE, WHOLE]})}
    assert ("item-count", SHARED) in rules


def test_the_content_of_a_group_is_judged_in_every_frame() -> None:
    empty = {"FrameContentSequence": []}
    found = [each for each in findings(WHOLE, CONTENT, empty, empty) if each.rule == "attribute-empty"]
    assert [(each.count, each.first, each.last) for each in found] == [
        (2, f"{PER_FRAME}[2].FrameContentSequence", f"{PER_FRAME}[3].FrameContentSequence")
    ]
