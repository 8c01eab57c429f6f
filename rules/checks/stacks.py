"""Stacks of frames, and their ordinal numbers (PS3.3 C.7.6.16.2.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rules.frames import PER_FRAME, frame_fields, frame_problem
from rules.header import Header, Stencil
from rules.model import Example, Problem, Severity
from rules.registry import rule

_CONTENT = "FrameContentSequence"
_ZERO = bytes(4)
"""0 as a UL, in either byte order."""
_GEOMETRY = (("PlanePositionSequence", "ImagePositionPatient"), ("PlaneOrientationSequence", "ImageOrientationPatient"))


def _stack(*frames: tuple[int, str]) -> Example:
    return {PER_FRAME: [_frame(place, z) for place, z in frames]}


def _frame(place: int, z: str) -> Mapping[str, object]:
    return {
        _CONTENT: [{"StackID": "1", "InStackPositionNumber": place}],
        "PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", z]}],
    }


@rule(
    "stack-position-differs",
    section="C.7.6.16.2.2.4",
    # Senders round positions, and what counts as the same is left to them.
    severity=Severity.WARNING,
    only_with=[PER_FRAME],
    good=[_stack((1, "0"), (2, "1"), (1, "0.00"))],
    bad=[_stack((1, "0"), (1, "5"))],
)
def stack_position_differs(header: Header) -> Iterator[Problem]:
    """Frames with the same place in one stack lie in different places.

    Only frames of the same position and orientation may share an In-Stack Position Number. Viewers that go through a
    stack by it show the wrong slice.
    """
    places = frame_fields(header, _CONTENT, "InStackPositionNumber")
    if places is None or places.unique():
        return
    stacks = frame_fields(header, _CONTENT, "StackID")
    if stacks is None:
        return
    keys = [((stacks.raw.get(number), place), number) for number, place in sorted(places.raw.items())]
    for sequence, keyword in _GEOMETRY:
        fields = frame_fields(header, sequence, keyword)
        differing = fields.differing(keys) if fields is not None else []
        if differing:
            told = "differs from that of an earlier frame with the same Stack ID and In-Stack Position Number"
            yield frame_problem(header, (sequence, keyword), told, differing)


@rule(
    "ordinal-zero",
    section="C.7.6.16.2.2",
    severity=Severity.WARNING,
    only_with=[PER_FRAME],
    good=[_stack((1, "0"))],
    bad=[_stack((0, "0")), {PER_FRAME: [{_CONTENT: [{"TemporalPositionIndex": 0}]}]}],
)
def ordinal_zero(header: Header) -> Iterator[Problem]:
    """In-Stack Position Number or Temporal Position Index is 0.

    They are ordinal numbers and start with 1; readers that count from 1 miss the frame.
    """
    for keyword in ("InStackPositionNumber", "TemporalPositionIndex"):
        zero = sorted(number for stencil in header.stencils(PER_FRAME) for number in _zeros(stencil, keyword))
        if zero:
            yield frame_problem(header, (_CONTENT, keyword), "is 0, wanted 1 or more", zero)


def _zeros(stencil: Stencil, keyword: str) -> Sequence[int]:
    groups = stencil.exemplar.items(_CONTENT)
    if len(groups) != 1 or _ZERO not in stencil.distinct_at(groups[0], keyword):
        return ()
    return (stencil.column_at(groups[0], keyword) or {})[_ZERO]
