"""Where images lie: Image Orientation as directions, and Image Position beside it (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

from rules.frames import PER_FRAME, SHARED, frame_problem, frame_values, problems
from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule

OFF_LENGTH, OFF_RIGHT_ANGLE = 0.01, 0.02
"""How far lengths may be from 1 and the product from 0: cosines rounded to two decimals are no farther off."""

_GROUP, _POSITION = "PlaneOrientationSequence", "PlanePositionSequence"
_VOLUME = "PlaneOrientationVolumeSequence"
_PAIR = ((_POSITION, "ImagePositionPatient"), (_GROUP, "ImageOrientationPatient"))


@rule(
    "orientation-not-orthonormal",
    section="C.7.6.2.1.1",
    severity=Severity.ERROR,
    only_with=["ImageOrientationPatient", "ImageOrientationSlide", SHARED, PER_FRAME],
    good=[
        {"ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]},
        {"ImageOrientationPatient": ["0.71", "0.71", "0", "0", "0", "-1"]},
    ],
    bad=[
        {"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]},
        {"ImageOrientationPatient": ["2", "0", "0", "0", "1", "0"]},
        {"SharedFunctionalGroupsSequence": [{_GROUP: [{"ImageOrientationPatient": ["0", "0", "0", "0", "0", "0"]}]}]},
        {"SharedFunctionalGroupsSequence": [{_VOLUME: [{"ImageOrientationVolume": [1.0, 0.0, 0.0, 0.0, 2.0, 0.0]}]}]},
    ],
)
def orientation_not_orthonormal(header: Header) -> Iterator[Problem]:
    """The row and column directions of an image are not perpendicular vectors of length 1.

    Direction cosines are that by nature. Positions, distances and volumes computed from these are wrong.
    """
    for keyword, section in (("ImageOrientationPatient", None), ("ImageOrientationSlide", "C.8.12.14.1.2")):
        message = not_orthonormal(header.numbers(keyword)) if header.has(keyword) else None
        if message is not None:
            yield Problem(keyword, message, section=section)
    for sequence, keyword, section in (
        (_GROUP, "ImageOrientationPatient", None),
        (_VOLUME, "ImageOrientationVolume", "C.7.6.16.2.22"),
    ):
        values = frame_values(header, sequence, keyword)
        yield from problems(((seen, not_orthonormal(seen.numbers)) for seen in values), section)


def not_orthonormal(cosines: Sequence[float]) -> str | None:
    """What is wrong with six direction cosines; None where nothing is, or where they are not six."""
    if len(cosines) != 6:
        return None
    row, column = cosines[:3], cosines[3:]
    for which, vector in (("row", row), ("column", column)):
        length = sqrt(sum(each * each for each in vector))
        if not abs(length - 1) <= OFF_LENGTH:
            return f"has a {which} vector of length {length:.3g}, wanted 1"
    product = sum(a * b for a, b in zip(row, column, strict=True))
    if not abs(product) <= OFF_RIGHT_ANGLE:
        return f"has row and column vectors whose product is {product:.3g}, wanted 0"
    return None


@rule(
    "position-orientation-pair",
    section="C.7.6.2.1.1",
    # The Standard asks for the pair where it describes the Attributes; the Types of both are what IODs enforce.
    severity=Severity.WARNING,
    only_with=["ImagePositionPatient", "ImageOrientationPatient", SHARED, PER_FRAME],
    good=[
        {
            "ImagePositionPatient": ["0", "0", "0"],
            "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        },
        {
            SHARED: [{_GROUP: [{"ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]}]}],
            PER_FRAME: [{_POSITION: [{"ImagePositionPatient": ["0", "0", "0"]}]}],
        },
    ],
    bad=[
        {"ImagePositionPatient": ["0", "0", "0"]},
        {"ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]},
        {PER_FRAME: [{_POSITION: [{"ImagePositionPatient": ["0", "0", "0"]}], _GROUP: [{}]}]},
    ],
)
def position_orientation_pair(header: Header) -> Iterator[Problem]:
    """An image has Image Position (Patient) without Image Orientation (Patient), or the reverse.

    They are given as a pair: with one of them nobody can tell where a pixel lies in the patient.
    """
    keywords = ("ImagePositionPatient", "ImageOrientationPatient")
    at_root = [header.has(each) and not header.empty(each) for each in keywords]
    if at_root[0] != at_root[1] and not (at_root[1] and _oriented_only(header)):
        lacking, other = keywords if at_root[1] else keywords[::-1]
        yield Problem(lacking, f"is absent or empty, {other} is there")
    shared = [_has(header.items(SHARED)[:1], *each) for each in _PAIR]
    stencils = header.stencils(PER_FRAME)
    if not stencils and shared[0] != shared[1]:
        lone = shared.index(True)
        yield frame_problem(header, _PAIR[1 - lone], f"is absent or empty, {_PAIR[lone][1]} is there", [1], SHARED)
    without: tuple[list[int], list[int]] = ([], [])
    for stencil in stencils:
        having = [shared[at] or _has([stencil.exemplar], *each) for at, each in enumerate(_PAIR)]
        if having[0] != having[1]:
            without[having.index(False)].extend(stencil.numbers)
    for at, frames in enumerate(without):
        if frames:
            yield frame_problem(header, _PAIR[at], f"is absent or empty, {_PAIR[1 - at][1]} is there", sorted(frames))


def _oriented_only(header: Header) -> bool:
    """Whether the IOD asks for the orientation by itself (C.8.17.14)."""
    en_face = iods()["Ophthalmic Optical Coherence Tomography En Face Image"].sop_class_uids
    return header.text("SOPClassUID") in en_face


def _has(places: Sequence[Header], sequence: str, keyword: str) -> bool:
    """Whether functional groups hold a value; Items of one structure agree on it."""
    return any(bool(group.length(keyword)) for place in places for group in place.items(sequence)[:1])


_MATRICES = (
    ("ImageToEquipmentMappingMatrix", "C.7.6.21.1", None),
    # Of the others it is said in a note what they are.
    ("VolumeToTransducerMappingMatrix", "C.8.24.2.2", Severity.WARNING),
    ("VolumeToTableMappingMatrix", "C.8.24.2.2", Severity.WARNING),
)


def _matrix(*rows: float) -> Example:
    return {"VolumeToTableMappingMatrix": [*rows, 0.0, 0.0, 0.0, 1.0]}


@rule(
    "matrix-not-rigid",
    section="C.7.6.21.1",
    severity=Severity.ERROR,
    only_with=[*(keyword for keyword, *_ in _MATRICES)],
    good=[_matrix(1.0, 0.0, 0.0, 9.0, 0.0, 0.0, -1.0, 9.0, 0.0, 1.0, 0.0, 9.0)],
    bad=[
        _matrix(2.0, 0.0, 0.0, 9.0, 0.0, 1.0, 0.0, 9.0, 0.0, 0.0, 1.0, 9.0),
        {"ImageToEquipmentMappingMatrix": [*"1000010000100001"[:15], "2"]},
    ],
)
def matrix_not_rigid(header: Header) -> Iterator[Problem]:
    """A matrix that turns and moves coordinates also stretches or shears them.

    Its three rows are perpendicular directions of length 1, its last is 0, 0, 0, 1. Distances measured through another
    one are wrong.
    """
    for keyword, section, severity in _MATRICES:
        numbers = header.numbers(keyword) if header.has(keyword) else ()
        if len(numbers) != 16:
            continue
        rows = [numbers[at : at + 3] for at in (0, 4, 8)]
        pairs = ((rows[0], rows[1]), (rows[1], rows[2]), (rows[0], rows[2]))
        message = next(filter(None, (not_orthonormal((*one, *other)) for one, other in pairs)), None)
        if message is not None:
            told = "has rows that are no perpendicular directions of length 1"
            yield Problem(keyword, told, severity=severity, section=section)
        elif any(abs(a - b) > OFF_LENGTH for a, b in zip(numbers[12:], (0, 0, 0, 1), strict=True)):
            yield Problem(keyword, "has another last row than 0, 0, 0, 1", severity=severity, section=section)


@rule(
    "first-a-line",
    section="C.8.27.4",
    severity=Severity.ERROR,
    only_with=["FirstALineLocation"],
    good=[{"FirstALineLocation": 0.0}, {"FirstALineLocation": 359.5}],
    bad=[{"FirstALineLocation": -1.0}, {"FirstALineLocation": 361.0}],
)
def first_a_line(header: Header) -> Iterator[Problem]:
    """First A-line Location is no angle from 0 to 360 degrees.

    By it viewers turn the picture of the vessel upright.
    """
    angle = header.number("FirstALineLocation") if header.has("FirstALineLocation") else None
    if angle is not None and not 0 <= angle <= 360:
        yield Problem("FirstALineLocation", f"is {angle:g}, wanted 0 to 360")
