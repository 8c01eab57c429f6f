"""Whether an instance lists the instances that its frames refer to (PS3.3 C.12.2)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.frames import PER_FRAME, SHARED, frame_places
from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

_SOURCE: dict[str, object] = {
    "DerivationImageSequence": [{"SourceImageSequence": [{"ReferencedSOPInstanceUID": "1.2.3"}]}]
}


@rule(
    "instance-reference-missing",
    section="A.75.3",
    severity=Severity.ERROR,
    iods=["Parametric Map"],
    good=[
        {PER_FRAME: [_SOURCE], "ReferencedSeriesSequence": [{"SeriesInstanceUID": "1.2.4"}]},
        {PER_FRAME: [_SOURCE], "StudiesContainingOtherReferencedInstancesSequence": [{"StudyInstanceUID": "1.2.5"}]},
        {PER_FRAME: [{"DerivationImageSequence": []}]},
    ],
    bad=[{PER_FRAME: [_SOURCE]}, {SHARED: [{"ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2.3"}]}]}],
)
def instance_reference_missing(header: Header) -> Iterator[Problem]:
    """Frames refer to other instances, and the Common Instance Reference Module is absent.

    It says which Series and Study those instances are in; without it they cannot be retrieved.
    """
    if header.has("ReferencedSeriesSequence") or header.has("StudiesContainingOtherReferencedInstancesSequence"):
        return
    for place in frame_places(header):
        for keyword, inner in (("ReferencedImageSequence", None), ("DerivationImageSequence", "SourceImageSequence")):
            items = place.items(keyword)
            if any(item.items(inner) if inner else item.has("ReferencedSOPInstanceUID") for item in items):
                yield Problem("ReferencedSeriesSequence", f"is absent, though {place.path_of(keyword)} names instances")
                return
