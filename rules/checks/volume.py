"""Frames said to be a volume, by Dimension Organization Type 3D or 3D_TEMPORAL (PS3.3 C.7.6.17)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from operator import itemgetter
from statistics import median

from rules.dictionary import name_of, tag_of
from rules.frames import PER_FRAME, FrameValue, frame_problem, frame_values
from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule

_TYPES = ("3D", "3D_TEMPORAL")
SAME_PLANE = 0.001
"""Millimetres between positions that are one plane's."""
SAME_DIRECTION = 0.01
"""Between cosines of one direction: senders round to a few digits."""
OFF_SPACING, OFF_SPACING_MM = 0.01, 0.02
"""How far a spacing may be from the usual one: this part of it, or this many millimetres if that is more."""
MOST_OFF = 0.1
"""But never more than this part of it."""

_NAMES = (
    ("PlanePositionSequence", "ImagePositionPatient", "PlaneOrientationSequence", "ImageOrientationPatient"),
    ("PlanePositionVolumeSequence", "ImagePositionVolume", "PlaneOrientationVolumeSequence", "ImageOrientationVolume"),
)
_AXIAL = ["1", "0", "0", "0", "1", "0"]


def _planes(*positions: str, tilted: int | None = None) -> Example:
    frames = [
        {
            "PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", z]}],
            "PlaneOrientationSequence": [
                {"ImageOrientationPatient": ["1", "0", "0", "0", "0", "1"] if at == tilted else _AXIAL}
            ],
        }
        for at, z in enumerate(positions)
    ]
    return {"DimensionOrganizationType": "3D", PER_FRAME: frames}


@rule(
    "volume-planes-not-parallel",
    section="C.7.6.17",
    severity=Severity.WARNING,
    good=[_planes("0", "1", "2")],
    bad=[_planes("0", "1", "2", tilted=1)],
)
def volume_planes_not_parallel(header: Header) -> Iterator[Problem]:
    """Dimension Organization Type says a volume of parallel planes, and the orientations of frames differ.

    Viewers that stack the frames by that word show a distorted volume.
    """
    for _, _, sequence, keyword in _claimed(header):
        seen = [each for each in frame_values(header, sequence, keyword) if len(each.numbers) == 6]
        first = min(seen, key=lambda each: each.items[0], default=None)
        if first is None:
            continue
        framed = [each for each in seen if each.frames == PER_FRAME]
        other = sorted(number for each in framed if not _alike(each.numbers, first.numbers) for number in each.items)
        if other:
            yield frame_problem(header, (sequence, keyword), "differs from that of the first frame", other)


@rule(
    "volume-spacing-irregular",
    section="C.7.6.17",
    severity=Severity.WARNING,
    good=[
        _planes("0", "1", "2"),
        _planes("0", "0", "2.5", "2.5", "5.0001"),
        {**_planes("0", "1", "5"), "DimensionOrganizationType": "TILED_SPARSE"},
    ],
    bad=[_planes("0", "1", "3"), _planes("0", "1.1", "2", "3", "4")],
)
def volume_spacing_irregular(header: Header) -> Iterator[Problem]:
    """Dimension Organization Type says a volume of equally spaced planes, and the distances between them differ.

    Viewers that stack the frames by that word measure wrong lengths. A plane may be missing.
    """
    for sequence, keyword, orientations, cosines in _claimed(header):
        normal = _normal(list(frame_values(header, orientations, cosines)))
        if normal is None:
            continue
        planes = _along(normal, header, sequence, keyword)
        gaps = [after - before for before, after in pairwise(planes)]
        if len(gaps) < 2:
            continue
        usual = median(gaps)
        off = max(OFF_SPACING * usual, min(OFF_SPACING_MM, MOST_OFF * usual))
        irregular = [at for at, gap in zip(list(planes)[1:], gaps, strict=True) if abs(gap - usual) > off]
        if irregular:
            numbers = sorted(number for at in irregular for number in planes[at])
            told = f"is {_farthest(gaps, usual):.4g} mm from the plane before, others {usual:.4g} mm"
            yield frame_problem(header, (sequence, keyword), told, numbers)


def _claimed(header: Header) -> Iterator[Sequence[str]]:
    """The names of positions and orientations, where all frames of the volume are here."""
    if header.text("DimensionOrganizationType") in _TYPES and not header.has("ConcatenationUID"):
        yield from _NAMES


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= SAME_DIRECTION for a, b in zip(one, other, strict=True))


def _normal(seen: Sequence[FrameValue]) -> tuple[float, float, float] | None:
    """The direction in which planes of one orientation are stacked; None where orientations differ."""
    cosines = [each.numbers for each in seen]
    if not cosines or any(len(each) != 6 or not _alike(each, cosines[0]) for each in cosines):
        return None
    (a, b, c), (d, e, f) = cosines[0][:3], cosines[0][3:]
    return b * f - c * e, c * d - a * f, a * e - b * d


def _along(normal: Sequence[float], header: Header, sequence: str, keyword: str) -> dict[float, list[int]]:
    """The frames of each plane by its place along the normal, ascending; {} where some position is odd."""
    x, y, z = normal
    placed: list[tuple[float, Sequence[int]]] = []
    for stencil in header.stencils(PER_FRAME):
        groups = stencil.exemplar.items(sequence)
        column = stencil.column_at(groups[0], keyword) if len(groups) == 1 else None
        if column is None:
            return {}
        for raw, items in column.items():
            position = _three(groups[0], keyword, raw)
            if position is None:
                return {}
            placed.append((x * position[0] + y * position[1] + z * position[2], items))
    placed.sort(key=itemgetter(0))
    planes: dict[float, list[int]] = {}
    last: float | None = None
    for at, numbers in placed:
        if last is None or at - last > SAME_PLANE:
            planes[at] = []
            last = at
        planes[last].extend(numbers)
    return planes


def _three(place: Header, keyword: str, raw: bytes) -> Sequence[float] | None:
    """Three coordinates. Decimal strings are the common case, and every frame has others: they are parsed in place."""
    if keyword == "ImagePositionPatient":
        try:
            x, y, z = map(float, raw.split(b"\\"))
        except ValueError:
            return None
        return (x, y, z) if isfinite(x + y + z) else None
    numbers = [float(each) for each in place.decode(keyword, raw) if isinstance(each, int | float)]
    return numbers if len(numbers) == 3 else None


def _farthest(gaps: Sequence[float], usual: float) -> float:
    return max(gaps, key=lambda gap: abs(gap - usual))


_US_DIMENSIONS: Mapping[int, tuple[str, str]] = {
    1: ("ImagePositionVolume", "PlanePositionVolumeSequence"),
    2: ("DataType", "ImageDataTypeSequence"),
}


def _ultrasound(*pointers: tuple[str, str]) -> Example:
    items = [{"DimensionIndexPointer": tag_of(a), "FunctionalGroupPointer": tag_of(b)} for a, b in pointers]
    return {
        "SOPClassUID": iods()["Enhanced US Volume"].sop_class_uids[0],
        "DimensionOrganizationType": "3D",
        "DimensionIndexSequence": items,
    }


_TIME = ("TemporalPositionTimeOffset", "TemporalPositionSequence")


@rule(
    "ultrasound-volume-dimensions",
    section="C.8.24.3.3",
    severity=Severity.ERROR,
    iods=["Enhanced US Volume"],
    good=[_ultrasound(_TIME, *_US_DIMENSIONS.values())],
    bad=[_ultrasound(_TIME, _US_DIMENSIONS[1]), _ultrasound(_TIME, _US_DIMENSIONS[2], _US_DIMENSIONS[1])],
)
def ultrasound_volume_dimensions(header: Header) -> Iterator[Problem]:
    """A 3D ultrasound image has not the three dimensions time, Image Position (Volume) and Data Type, in this order.

    Readers tell tissue from flow, and one moment from the next, by these three alone.
    """
    if header.text("DimensionOrganizationType") not in _TYPES or not header.has("DimensionIndexSequence"):
        return
    items = header.items("DimensionIndexSequence")
    if len(items) != 3:
        yield Problem("DimensionIndexSequence", f"has {len(items)} Items, wanted 3")
        return
    for at, (attribute, _) in _US_DIMENSIONS.items():
        pointer = items[at].integer("DimensionIndexPointer")
        if pointer is not None and pointer != tag_of(attribute):
            path = items[at].path_of("DimensionIndexPointer")
            yield Problem(path, f"is {name_of(pointer)}, wanted {attribute}")
