"""What pixels of CT frames are: Hounsfield Units, unless they are computed from others (PS3.3 C.8.15.3.10)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.frames import PER_FRAME, SHARED, frame_problem, frame_values
from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule

_CT = "Enhanced CT Image"
_TYPE, _GROUP = "CTImageFrameTypeSequence", "PixelValueTransformationSequence"


def _frame(rescale: str, *types: str) -> Example:
    return {_TYPE: [{"FrameType": list(types)}], _GROUP: [{"RescaleType": rescale}]}


def _ct(*frames: Example, **more: object) -> Example:
    return {"SOPClassUID": iods()[_CT].sop_class_uids[0], PER_FRAME: list(frames), **more}


_AXIAL = ("ORIGINAL", "PRIMARY", "VOLUME", "NONE")


@rule(
    "ct-rescale-type",
    section="C.8.15.3.10",
    severity=Severity.ERROR,
    iods=[_CT],
    only_with=[SHARED, PER_FRAME],
    good=[
        _ct(_frame("HU", *_AXIAL), _frame("US", "ORIGINAL", "PRIMARY", "LOCALIZER", "NONE")),
        _ct(_frame("US", "DERIVED", "PRIMARY", "VOLUME", "MEAN")),
        _ct(_frame("EDW", *_AXIAL), MultienergyCTAcquisition="YES"),
    ],
    bad=[_ct(_frame("HU", *_AXIAL), _frame("US", *_AXIAL))],
)
def ct_rescale_type(header: Header) -> Iterator[Problem]:
    """An original CT frame that is no localizer has other units than Hounsfield's.

    Only images of several energies may have others. Viewers show, and programs segment, by Hounsfield Units.
    """
    if header.text("MultienergyCTAcquisition") == "YES":
        return
    original: dict[str, set[int]] = {SHARED: set(), PER_FRAME: set()}
    for seen in frame_values(header, _TYPE, "FrameType"):
        values = [str(each) for each in seen.values]
        if values[:1] == ["ORIGINAL"] and values[2:3] != ["LOCALIZER"]:
            original[seen.frames].update(seen.items)
    for seen in frame_values(header, _GROUP, "RescaleType"):
        if str((*seen.values, "")[0]) == "HU":
            continue
        everywhere = bool(original[SHARED])
        if seen.frames == SHARED:
            if everywhere or original[PER_FRAME]:
                yield seen.problem("is another than HU, and frames are ORIGINAL")
        elif wrong := [number for number in seen.items if everywhere or number in original[PER_FRAME]]:
            yield frame_problem(header, (_GROUP, "RescaleType"), "is another than HU, and the frame ORIGINAL", wrong)
