"""Number of Frames (0028,0008), and the frame that represents them (PS3.3 C.7.6.6 and C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.iods import iods
from rules.model import Problem, Severity
from rules.registry import rule
from rules.single_frame import is_single_frame


@rule(
    "number-of-frames-not-positive",
    section="C.7.6.6.1.1",
    severity=Severity.ERROR,
    only_with=["NumberOfFrames"],
    good=[{"NumberOfFrames": "1"}],
    bad=[{"NumberOfFrames": "0"}, {"NumberOfFrames": "-1"}],
)
def number_of_frames_not_positive(header: Header) -> Iterator[Problem]:
    """Number of Frames is not positive.

    It gives the total of the frames that the image holds; readers allocate and loop by this number.
    """
    frames = header.integer("NumberOfFrames")
    if frames is not None and frames < 1:
        yield Problem("NumberOfFrames", f"is {frames}, wanted at least 1")


@rule(
    "number-of-frames-single",
    section="C.7.6.6",
    # No sentence says that the Attribute may not be there; but no Module of the IOD describes frames.
    severity=Severity.WARNING,
    iods=is_single_frame,
    only_with=["NumberOfFrames"],
    good=[{"SOPClassUID": iods()["CT Image"].sop_class_uids[0], "NumberOfFrames": "1"}],
    bad=[{"SOPClassUID": iods()["CT Image"].sop_class_uids[0], "NumberOfFrames": "2"}],
)
def number_of_frames_single(header: Header) -> Iterator[Problem]:
    """An image of a single-frame IOD has several frames.

    Its IOD has no Multi-frame Module. Most receivers show the first frame and none of the others; there is a
    multi-frame SOP Class for almost every kind of image.
    """
    frames = header.integer("NumberOfFrames")
    if frames is not None and frames > 1:
        yield Problem("NumberOfFrames", f"is {frames}, and the IOD is of single-frame images")


@rule(
    "representative-frame-number",
    section="C.7.6.16",
    # It is Type 3 and no sentence bounds it; but a frame that is not there represents nothing.
    severity=Severity.WARNING,
    only_with=["RepresentativeFrameNumber"],
    good=[{"NumberOfFrames": "2", "RepresentativeFrameNumber": 2}],
    bad=[{"NumberOfFrames": "2", "RepresentativeFrameNumber": 3}, {"RepresentativeFrameNumber": 0}],
)
def representative_frame_number(header: Header) -> Iterator[Problem]:
    """Representative Frame Number is not the number of a frame.

    It says which frame to show as an icon; frames count from 1.
    """
    number, frames = header.integer("RepresentativeFrameNumber"), header.integer("NumberOfFrames")
    if number is None:
        return
    if number < 1:
        yield Problem("RepresentativeFrameNumber", f"is {number}, wanted 1 or more")
    elif frames is not None and 0 < frames < number and not header.has("ConcatenationUID"):
        yield Problem("RepresentativeFrameNumber", f"is {number}, wanted 1 to {frames}")
