"""The UIDs of an instance beside one another, and whose roots they are under (PS3.5 9)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

OBJECTS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID")
"""UIDs that each identify another thing."""
RESERVED = "1.2.840.10008."
"""What begins so is defined by the Standard."""
WELL_KNOWN = {"FrameOfReferenceUID": "1.2.840.10008.1.4.", "SOPInstanceUID": "1.2.840.10008.1.5."}
"""What the Standard defines itself: Frames of Reference of atlases, and color palettes (PS3.6 Tables A-1 and A-2)."""
_UNDER = {"0": 39, "1": 39}
"""The highest second component under the first, where ISO/IEC 8824 limits it."""


@rule(
    "uid-shared",
    section="PS3.5 9",
    severity=Severity.ERROR,
    good=[{"StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.2", "SOPInstanceUID": "1.2.3.3"}],
    bad=[
        {"StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.1"},
        {"StudyInstanceUID": "1.2.3.1", "FrameOfReferenceUID": "1.2.3.1"},
    ],
)
def uid_shared(header: Header) -> Iterator[Problem]:
    """Two of the study, the series, the frame of reference and the instance have one UID.

    A UID identifies one object. Whoever looks up the one finds the other, or takes both for the same.
    """
    found = {keyword: header.text(keyword) for keyword in OBJECTS}
    for one, other in combinations(OBJECTS, 2):
        if found[one] and found[one] == found[other]:
            yield Problem(other, f"is the same as {one}, wanted one of its own")


@rule(
    "uid-root",
    section="PS3.5 9",
    severity=Severity.ERROR,
    good=[
        {"SOPInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.840.10008.1.4.1.1"},
        {"SOPInstanceUID": "2.999"},
        {"SOPInstanceUID": "1.2.840.10008.1.5.1"},
    ],
    bad=[{"SOPInstanceUID": "1.2.840.10008.5.1.4.1.1.2.17"}, {"StudyInstanceUID": "9.8.7.6"}],
)
def uid_root(header: Header) -> Iterator[Problem]:
    """A UID of an instance, a series, a study or a frame of reference is under a root that nobody can have.

    The Standard's own root is reserved for what it defines. Roots that ISO/IEC 8824 does not have, those that begin
    with 3 or more, or with 0 or 1 and more than 39, draw a warning: nobody gave them out, so anybody may use them.
    """
    for keyword in OBJECTS:
        uid = header.text(keyword) or ""
        if uid.startswith(RESERVED):
            if not uid.startswith(WELL_KNOWN.get(keyword, " ")):
                yield Problem(keyword, "is under the root of the Standard, reserved for what that defines")
        elif not _is_root(*uid.split(".", 2)[:2]):
            yield Problem(keyword, "is under a root that ISO/IEC 8824 does not have", severity=Severity.WARNING)


def _is_root(first: str, second: str = "") -> bool:
    """Whether there are UIDs that begin so; what is no UID at all is not judged here."""
    if not (first.isdecimal() and second.isdecimal() and len(second) < 9):
        return True
    return first in ("0", "1", "2") and int(second) <= _UNDER.get(first, int(second))
