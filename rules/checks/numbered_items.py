"""What is described once and numbered, and referred to by frames: segments, agents, energies (PS3.3 C.8.20.2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rules.checks.value_place import Place
from rules.dictionary import tag_of
from rules.frames import PER_FRAME, SHARED
from rules.header import Header
from rules.model import Example, Problem, Severity
from rules.registry import rule

_LABEL_MAP = "LABELMAP"


class _Described(NamedTuple):
    """Items of `sequence` are told apart by `number`; frames name them in Items of `group` by `reference`."""

    sequence: str
    number: str
    section: str
    group: str = ""
    reference: str = ""
    group_section: str = ""


_ALL = (
    _Described(
        "SegmentSequence",
        "SegmentNumber",
        "C.8.20.2.4",
        "SegmentIdentificationSequence",
        "ReferencedSegmentNumber",
        "C.8.20.3.1",
    ),
    _Described(
        "ContrastBolusAgentSequence",
        "ContrastBolusAgentNumber",
        "C.7.6.4b",
        "ContrastBolusUsageSequence",
        "ContrastBolusAgentNumber",
        "C.7.6.16.2.12",
    ),
    _Described(
        "RadiopharmaceuticalInformationSequence",
        "RadiopharmaceuticalAgentNumber",
        "C.8.22.4",
        "RadiopharmaceuticalUsageSequence",
        "RadiopharmaceuticalAgentNumber",
        "C.7.6.16.2.19",
    ),
    _Described("MultienergyCTXRaySourceSequence", "XRaySourceIndex", "C.8.2.2.1"),
    _Described("MultienergyCTXRayDetectorSequence", "XRayDetectorIndex", "C.8.2.2.2"),
    _Described("MultienergyCTPathSequence", "MultienergyCTPathIndex", "C.8.2.2.3"),
)


def _segments(*numbers: int, **more: object) -> dict[str, object]:
    return {"SegmentSequence": [{"SegmentNumber": number} for number in numbers], **more}


@rule(
    "item-numbers",
    section="C.8.20.2.4",
    severity=Severity.ERROR,
    only_with=["MultienergyCTAcquisitionSequence", *(each.sequence for each in _ALL)],
    good=[
        _segments(1, 2, 3, SegmentationType="BINARY"),
        _segments(7, 0, SegmentationType=_LABEL_MAP),
        {"ContrastBolusAgentSequence": [{"ContrastBolusAgentNumber": 1}]},
    ],
    bad=[
        _segments(1, 3, SegmentationType="BINARY"),
        _segments(0, 1, SegmentationType="FRACTIONAL"),
        _segments(4, 4, SegmentationType=_LABEL_MAP),
        {"ContrastBolusAgentSequence": [{"ContrastBolusAgentNumber": 2}]},
    ],
)
def item_numbers(header: Header) -> Iterator[Problem]:
    """Segments, agents or energies are not numbered 1, 2, 3 in the order of their Items.

    Frames name them by these numbers. In a label map the numbers are the values of pixels, and need only differ.
    """
    for place in (header, *header.items("MultienergyCTAcquisitionSequence")):
        for each in _ALL:
            if place.has(each.sequence):
                yield from _misnumbered(place, each)


def _misnumbered(place: Header, each: _Described) -> Iterator[Problem]:
    free = place.text("SegmentationType") == _LABEL_MAP
    met: set[int] = set()
    for wanted, item in enumerate(place.items(each.sequence), start=1):
        number = item.integer(each.number)
        if number is None:
            continue
        path = item.path_of(each.number)
        if number in met:
            yield Problem(path, f"is {number}, that of an earlier Item", section=each.section)
        elif number != wanted and not free:
            yield Problem(path, f"is {number}, wanted {wanted}", section=each.section)
            return
        met.add(number)


def _used(number: int) -> Mapping[str, object]:
    return {"SegmentIdentificationSequence": [{"ReferencedSegmentNumber": number}]}


def _agent(number: int) -> Example:
    frame = {"ContrastBolusUsageSequence": [{"ContrastBolusAgentNumber": number}]}
    return {"ContrastBolusAgentSequence": [{"ContrastBolusAgentNumber": 1}], SHARED: [frame]}


@rule(
    "item-number-undeclared",
    section="C.8.20.3.1",
    severity=Severity.ERROR,
    only_with=[SHARED, PER_FRAME],
    good=[_segments(1, 2, **{PER_FRAME: [_used(2), _used(1)]}), _agent(1)],
    bad=[_segments(1, 2, **{PER_FRAME: [_used(2), _used(3)]}), _agent(2)],
)
def item_number_undeclared(header: Header) -> Iterator[Problem]:
    """A frame names a segment or an agent by a number that none has.

    What the frame shows is not described anywhere; viewers leave it out, or show it without a name.
    """
    for each in _ALL:
        if not each.group or not header.items(each.sequence):
            continue
        declared = {item.integer(each.number) for item in header.items(each.sequence)}
        for place in _groups(header, each.group):
            yield from _undeclared(place, each, declared)


def _groups(header: Header, sequence: str) -> Iterator[Place]:
    """The Items of a functional group, those of frames of one structure as one."""
    for name in (SHARED, PER_FRAME):
        for stencil in header.stencils(name):
            yield from (Place(item, stencil) for item in stencil.exemplar.items(sequence))


def _undeclared(place: Place, each: _Described, declared: set[int | None]) -> Iterator[Problem]:
    for raw, frames in place.fields(tag_of(each.reference)).items() if place.header.has(each.reference) else ():
        seen = place.header.decode(each.reference, raw)
        unknown = [value for value in seen if isinstance(value, int) and value not in declared]
        if unknown:
            told = f"is {unknown[0]}, which no Item of {each.sequence} has"
            yield place.problem(each.reference, told, frames or None, section=each.group_section)


@rule(
    "segment-number-one",
    section="C.8.20.3.1",
    severity=Severity.ERROR,
    only_with=[SHARED, PER_FRAME],
    good=[_segments(1, 2, **{PER_FRAME: [_used(2)]})],
    bad=[
        _segments(
            1, 2, **{PER_FRAME: [{"SegmentIdentificationSequence": [{"ReferencedSegmentNumber": [1, 2]}]}, _used(2)]}
        )
    ],
)
def segment_number_one(header: Header) -> Iterator[Problem]:
    """A frame is said to show several segments.

    A frame of a Segmentation is one segment; by two numbers nobody can tell which pixels are whose.
    """
    for place in _groups(header, "SegmentIdentificationSequence"):
        if place.header.has("ReferencedSegmentNumber"):
            for raw, frames in place.fields(tag_of("ReferencedSegmentNumber")).items():
                if len(raw) > _WORD:
                    yield place.problem("ReferencedSegmentNumber", f"has {len(raw) // _WORD} values, wanted 1", frames)


_WORD = 2
"""Bytes of a US."""
