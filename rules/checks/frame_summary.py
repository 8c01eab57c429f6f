"""Attributes that sum up the frames beside Image Type: Volumetric Properties and the like (PS3.3 C.8.16.1)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.frames import PER_FRAME, SHARED, frame_values
from rules.header import Header
from rules.image_types import TypeFacts, image_type
from rules.iods import iod_in_any_edition, iods
from rules.model import Example, Problem, Severity
from rules.registry import rule
from rules.wording import shown

SUMMED_UP = (
    "PixelPresentation",
    "VolumetricProperties",
    "VolumeBasedCalculationTechnique",
    "ComplexImageComponent",
    "AcquisitionContrast",
)
_MIXED = "MIXED"


def _mr(image: str, *frames: str) -> Example:
    groups = [{"MRImageFrameTypeSequence": [{"VolumetricProperties": each}]} for each in frames]
    uid = iods()["Enhanced MR Image"].sop_class_uids[0]
    return {"SOPClassUID": uid, "NumberOfFrames": str(len(frames)), "VolumetricProperties": image, PER_FRAME: groups}


@rule(
    "image-summary-frames-differ",
    section="C.8.16.1",
    severity=Severity.ERROR,
    only_with=[SHARED, PER_FRAME],
    good=[_mr("VOLUME", "VOLUME", "VOLUME"), _mr("MIXED", "VOLUME", "DISTORTED")],
    bad=[
        _mr("VOLUME", "VOLUME", "DISTORTED"),
        _mr("MIXED", "VOLUME", "VOLUME"),
        _mr("DISTORTED", "VOLUME", "VOLUME"),
    ],
)
def image_summary_frames_differ(header: Header) -> Iterator[Problem]:
    """An Attribute that sums up the frames is neither what all frames have nor, where they differ, MIXED.

    Receivers choose by the Attribute of the image, whether to build a volume of the frames for one, and never look at
    the frames. Where the IOD does not cite the rule it is a warning.
    """
    facts = image_type(iod_in_any_edition(header))
    if facts is None or facts.frames is None or facts.agreement is None or header.has("ConcatenationUID"):
        return
    for keyword in SUMMED_UP:
        here = header.text(keyword) if header.has(keyword) else None
        there = _of_frames(header, facts, keyword) if here is not None else set()
        if not there or _MIXED in there:
            continue
        wanted = next(iter(there)) if len(there) == 1 else _MIXED
        if here != wanted:
            told = "as all frames have" if len(there) == 1 else "since frames differ"
            yield Problem(keyword, f"is {shown(here or '')}, wanted {shown(wanted)} {told}", severity=facts.agreement)


def _of_frames(header: Header, facts: TypeFacts, keyword: str) -> set[str]:
    """What frames have; none where some of them have nothing."""
    assert facts.frames is not None
    seen = list(frame_values(header, facts.frames.sequence, keyword))
    framed = sum(len(each.items) for each in seen if each.frames == PER_FRAME)
    if framed and framed != sum(len(stencil.numbers) for stencil in header.stencils(PER_FRAME)):
        return set()
    if framed and any(each.frames == SHARED for each in seen):
        return set()
    return {str(each.values[0]).strip() for each in seen if each.values}
