"""Number of Frames (0028,0008) by itself (PS3.3 C.7.6.6 and C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule


@rule(
    "number-of-frames-not-positive",
    section="C.7.6.6.1.1",
    severity=Severity.ERROR,
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
