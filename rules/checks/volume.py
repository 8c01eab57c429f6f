"""Frames said to be a volume, by Dimension Organization Type 3D or 3D_TEMPORAL (PS3.3 C.7.6.17)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from operator import itemgetter
from statistics import median

from rules.checks.orientation import not_orthonormal
from rules.dictionary import name_of, tag_of
from rules.frames import PER_FRAME, SHARED, FrameValue, frame_problem, frame_values, problems
from rules.header import Header
from rules.iods import iods
from rules.model import Example, Finding, Problem, Severity
from rules.registry import rule, run, table_rule

_TYPES = ("3D", "3D_TEMPORAL")
SAME_PLANE = 0.001
"""Millimetres between positions that are one plane's."""
SAME_DIRECTION = 0.01
"""Between cosines of one direction: senders round to a few digits."""
OFF_SPACING, OFF_SPACING_MM = 0.01, 0.02
"""How far a spacing may be from the usual one: this part of it, or this many millimetres if that is more."""
MOST_OFF = 0.1
"""But never more than this part of it."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Frames that are said to be one volume.

    `position` names the functional group and the Attribute that say where a frame lies; `oriented` are the distinct
    orientations. `planes` are the frames of each plane by its place along the normal, in millimetres and ascending;
    none where orientations differ or some position is odd.
    """

    header: Header
    position: tuple[str, str]
    oriented: tuple[FrameValue, ...]
    planes: Mapping[float, Sequence[int]]

    @property
    def gaps(self) -> list[float]:
        """The distances from each plane to the next."""
        return [after - before for before, after in pairwise(self.planes)]


def volumes(header: Header) -> Iterator[Finding]:
    """Judge an instance that says it is a volume, and has all frames of it."""
    if header.text("DimensionOrganizationType") not in _TYPES or header.has("ConcatenationUID"):
        return
    for sequence, keyword, orientations, cosines in _NAMES:
        oriented = tuple(frame_values(header, orientations, cosines))
        normal = _normal(oriented)
        planes = {} if normal is None else _along(normal, header, sequence, keyword)
        volume = Volume(header, (sequence, keyword), oriented, planes)
        yield from run(NOT_PARALLEL, volume)
        yield from run(IRREGULAR, volume)
        yield from run(DIFFERS, volume)


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


def _measured(spacing: str, *positions: str) -> Example:
    return {**_planes(*positions), SHARED: [{"PixelMeasuresSequence": [{"SpacingBetweenSlices": spacing}]}]}


def _not_parallel(volume: Volume) -> Iterator[Problem]:
    """Dimension Organization Type says a volume of parallel planes, and the orientations of frames differ.

    Viewers that stack the frames by that word show a distorted volume.
    """
    seen = [each for each in volume.oriented if len(each.numbers) == 6]
    first = min(seen, key=lambda each: each.items[0], default=None)
    if first is None:
        return
    framed = [each for each in seen if each.frames == PER_FRAME]
    other = sorted(number for each in framed if not _alike(each.numbers, first.numbers) for number in each.items)
    if other:
        names = (first.sequence, first.keyword)
        yield frame_problem(volume.header, names, "differs from that of the first frame", other)


NOT_PARALLEL = table_rule(
    "volume-planes-not-parallel",
    section="C.7.6.17",
    severity=Severity.WARNING,
    good=[_planes("0", "1", "2")],
    bad=[_planes("0", "1", "2", tilted=1)],
)(_not_parallel)


def _irregular(volume: Volume) -> Iterator[Problem]:
    """Dimension Organization Type says a volume of equally spaced planes, and the distances between them differ.

    Viewers that stack the frames by that word measure wrong lengths. A plane may be missing.
    """
    gaps = volume.gaps
    if len(gaps) < 2:
        return
    usual = median(gaps)
    off = _off(usual)
    irregular = [at for at, gap in zip(list(volume.planes)[1:], gaps, strict=True) if abs(gap - usual) > off]
    if irregular:
        numbers = sorted(number for at in irregular for number in volume.planes[at])
        farthest = max(gaps, key=lambda gap: abs(gap - usual))
        told = f"is {farthest:.4g} mm from the plane before, others {usual:.4g} mm"
        yield frame_problem(volume.header, volume.position, told, numbers)


IRREGULAR = table_rule(
    "volume-spacing-irregular",
    section="C.7.6.17",
    severity=Severity.WARNING,
    good=[
        _planes("0", "1", "2"),
        _planes("0", "0", "2.5", "2.5", "5.0001"),
        {**_planes("0", "1", "5"), "DimensionOrganizationType": "TILED_SPARSE"},
    ],
    bad=[_planes("0", "1", "3"), _planes("0", "1.1", "2", "3", "4")],
)(_irregular)


def _differs(volume: Volume) -> Iterator[Problem]:
    """Spacing Between Slices is another than the distance between the planes of a volume.

    It is that distance, from centre to centre. Viewers that go by it show the volume too long or too short.
    """
    gaps = volume.gaps
    if gaps and max(gaps) - min(gaps) <= _off(min(gaps)):
        said = frame_values(volume.header, "PixelMeasuresSequence", "SpacingBetweenSlices")
        yield from problems((each, _another(each.numbers[:1], gaps[0])) for each in said)


def _another(said: Sequence[float], spacing: float) -> str | None:
    wrong = [each for each in said if abs(each - spacing) > _off(spacing)]
    return f"is {wrong[0]:g}, and planes are {spacing:.4g} mm apart" if wrong else None


DIFFERS = table_rule(
    "volume-spacing-differs",
    section="C.7.6.16.2.1",
    severity=Severity.WARNING,
    good=[_measured("1", "0", "1", "2"), _measured("1", "0", "3", "4")],
    bad=[_measured("2", "0", "1", "2")],
)(_differs)


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


def _off(spacing: float) -> float:
    """How far another distance may be from this one."""
    return max(OFF_SPACING * spacing, min(OFF_SPACING_MM, MOST_OFF * spacing))


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
    only_with=["DimensionIndexSequence"],
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


SAME_AXIS = 0.001
"""How far, in cosines and millimetres, a frame may be off the axes of its volume: what is computed is rounded."""
_ALONG_AXES: Mapping[tuple[str, str], tuple[float, ...]] = {
    ("PlanePositionVolumeSequence", "ImagePositionVolume"): (0, 0),
    ("PlaneOrientationVolumeSequence", "ImageOrientationVolume"): (1, 0, 0, 0, 1, 0),
}
"""What frames of an ultrasound volume have as their first values."""


def _placed(position: Sequence[float] = (0, 0, 7), orientation: Sequence[float] = (1, 0, 0, 0, 1, 0)) -> Example:
    values = (list(map(float, position)), list(map(float, orientation)))
    groups = {group: [{name: said}] for (group, name), said in zip(_ALONG_AXES, values, strict=True)}
    return {"SOPClassUID": iods()["Enhanced US Volume"].sop_class_uids[0], PER_FRAME: [groups]}


@rule(
    "ultrasound-volume-axes",
    section="A.59.4.1.2",
    severity=Severity.ERROR,
    iods=["Enhanced US Volume"],
    only_with=[PER_FRAME, SHARED],
    good=[_placed(), _placed((-0.0, 0, -3)), _placed(orientation=(0.9999999, 1e-9, 0, 0, 1, 0))],
    bad=[_placed((1, 0, 0)), _placed((0, -0.5, 0)), _placed(orientation=(0, 1, 0, 1, 0, 0))],
)
def ultrasound_volume_axes(header: Header) -> Iterator[Problem]:
    """A frame of an ultrasound volume does not begin on the volume's third axis, or lies across the other two.

    Rows and columns are parallel to the axes of the volume: readers stack the frames, and where one is turned or moved
    within its plane the stack is sheared.
    """
    for (group, keyword), wanted in _ALONG_AXES.items():
        values = frame_values(header, group, keyword)
        yield from problems((seen, _off_axes(seen.numbers, wanted)) for seen in values)


def _off_axes(numbers: Sequence[float], wanted: Sequence[float]) -> str | None:
    if not_orthonormal(numbers):  # which is told by a rule of its own
        return None
    for number, (seen, axis) in enumerate(zip(numbers, wanted, strict=False), 1):
        if abs(seen - axis) > SAME_AXIS:
            return f"has {seen:g} as value {number}, wanted {axis:g}"
    return None
