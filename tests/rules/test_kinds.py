"""What a SOP Class UID tells of its instances."""

from __future__ import annotations

import pytest

from rules.conditions import Answer
from rules.iods import functional_groups_of, modules_of, storage_sop_classes
from rules.kinds import KINDS, is_kind

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
CT, ENHANCED_CT, XA = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.12.1"
ECG, SLIDE, SEGMENTATION = (f"1.2.840.10008.5.1.4.1.1.{each}" for each in ("9.1.1", "77.1.6", "66.4"))
HANGING_PROTOCOL = "1.2.840.10008.5.1.4.38.1"


@pytest.mark.parametrize(
    ("uid", "kind", "answer"),
    [
        (CT, "multi-frame", NO),
        (ENHANCED_CT, "multi-frame", YES),
        (XA, "multi-frame", UNKNOWN),
        (ECG, "multi-frame", NO),
        (CT, "oriented", YES),
        (ENHANCED_CT, "oriented", YES),
        (XA, "oriented", NO),
        (SLIDE, "oriented", UNKNOWN),
        (CT, "study", YES),
        (HANGING_PROTOCOL, "study", NO),
        (SLIDE, "tiled", YES),
        (SEGMENTATION, "tiled", UNKNOWN),
        (CT, "tiled", NO),
        (ECG, "waveform", YES),
        (CT, "waveform", NO),
    ],
)
def test_an_iod_says_of_what_kind_its_instances_are(uid: str, kind: str, answer: Answer) -> None:
    assert is_kind(uid, kind) is answer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("uid", [None, "", "1.2.3", "1.2.840.10008.5.1.4.1.1.3"])
def test_nothing_is_said_of_a_sop_class_of_no_iod(uid: str | None, kind: str) -> None:
    assert is_kind(uid, kind) is UNKNOWN


def test_every_iod_with_frames_is_multi_frame_or_can_be() -> None:
    for uid, iod in storage_sop_classes().items():
        modules = {each.name for each in modules_of(iod)}
        if functional_groups_of(iod) and "Multi-frame Functional Groups" in modules:
            assert is_kind(uid, "multi-frame") is not NO, iod
