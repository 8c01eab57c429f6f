"""Shutters and collimators (PS3.3 C.7.6.11, C.7.6.16.2.16 and C.8.19.6.12)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.frames import PER_FRAME, SHARED, frame_values, problems
from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

_CORNERS = 3
"""Vertices that a polygon has at least: its origin, and two more."""
_KINDS = (
    ("ShutterShape", "VerticesOfThePolygonalShutter", "FrameDisplayShutterSequence", "C.7.6.11", "C.7.6.16.2.16"),
    ("CollimatorShape", "VerticesOfThePolygonalCollimator", "CollimatorShapeSequence", "C.8.7.3", "C.8.19.6.12"),
)


@rule(
    "shape-repeated",
    section="C.7.6.11",
    severity=Severity.ERROR,
    only_with=[*(shape for shape, *_ in _KINDS), SHARED, PER_FRAME],
    good=[{"ShutterShape": ["RECTANGULAR", "CIRCULAR"]}],
    bad=[
        {"ShutterShape": ["CIRCULAR", "CIRCULAR"]},
        {SHARED: [{"CollimatorShapeSequence": [{"CollimatorShape": ["POLYGONAL", "POLYGONAL"]}]}]},
    ],
)
def shape_repeated(header: Header) -> Iterator[Problem]:
    """A shutter or a collimator has one shape twice.

    Each shape has one set of edges, and all are applied at once.
    """
    for shape, _, group, section, group_section in _KINDS:
        if header.has(shape) and _repeated(header.texts(shape)):
            yield Problem(shape, "has one shape twice", section=section)
        for seen in frame_values(header, group, shape):
            if _repeated(tuple(str(each) for each in seen.values)):
                yield from problems([(seen, "has one shape twice")], group_section)


def _repeated(shapes: tuple[str, ...]) -> bool:
    return len({each.strip() for each in shapes}) < len(shapes)


@rule(
    "polygon-vertices",
    section="C.7.6.11",
    severity=Severity.ERROR,
    only_with=[*(vertices for _, vertices, *_ in _KINDS), SHARED, PER_FRAME],
    good=[{"VerticesOfThePolygonalShutter": ["1", "1", "1", "9", "9", "9"]}],
    bad=[
        {"VerticesOfThePolygonalShutter": ["1", "1", "9", "9"]},
        {SHARED: [{"CollimatorShapeSequence": [{"VerticesOfThePolygonalCollimator": ["1", "1"]}]}]},
    ],
)
def polygon_vertices(header: Header) -> Iterator[Problem]:
    """The polygon of a shutter or a collimator has fewer than three vertices.

    It encloses nothing, so that everything or nothing is hidden.
    """
    for _, vertices, group, section, group_section in _KINDS:
        if header.length(vertices):
            message = _too_few(len(header.texts(vertices)))
            if message is not None:
                yield Problem(vertices, message, section=section)
        for seen in frame_values(header, group, vertices):
            yield from problems([(seen, _too_few(len(seen.values)))], group_section)


def _too_few(values: int) -> str | None:
    return f"has {values // 2} vertices, wanted at least {_CORNERS}" if values < 2 * _CORNERS else None
