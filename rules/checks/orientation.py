"""Image Orientation (Patient) and (Slide) as directions (PS3.3 C.7.6.2.1.1 and C.8.12.2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

from rules.frames import frame_values
from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

TOLERANCE = 0.01
"""How far lengths may be from 1 and the product from 0: senders round to a few digits."""

_GROUP = "PlaneOrientationSequence"


@rule(
    "orientation-not-orthonormal",
    section="C.7.6.2.1.1",
    severity=Severity.ERROR,
    good=[
        {"ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]},
        {"ImageOrientationPatient": ["0.7071", "0.7071", "0", "0", "0", "-1"]},
    ],
    bad=[
        {"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]},
        {"ImageOrientationPatient": ["2", "0", "0", "0", "1", "0"]},
        {"SharedFunctionalGroupsSequence": [{_GROUP: [{"ImageOrientationPatient": ["0", "0", "0", "0", "0", "0"]}]}]},
    ],
)
def orientation_not_orthonormal(header: Header) -> Iterator[Problem]:
    """The row and column directions of an image are not perpendicular vectors of length 1.

    Direction cosines are that by nature. Positions, distances and volumes computed from these are wrong.
    """
    for keyword in ("ImageOrientationPatient", "ImageOrientationSlide"):
        message = _wrong(header.numbers(keyword)) if header.has(keyword) else None
        if message is not None:
            yield Problem(keyword, message)
    for seen in frame_values(header, _GROUP, "ImageOrientationPatient"):
        message = _wrong(seen.numbers)
        if message is not None:
            yield seen.problem(message)


def _wrong(cosines: Sequence[float]) -> str | None:
    """What is wrong with six direction cosines; None where nothing is, or where they are not six."""
    if len(cosines) != 6:
        return None
    row, column = cosines[:3], cosines[3:]
    for which, vector in (("row", row), ("column", column)):
        length = sqrt(sum(each * each for each in vector))
        if not abs(length - 1) <= TOLERANCE:
            return f"has a {which} vector of length {length:.3g}, wanted 1"
    product = sum(a * b for a, b in zip(row, column, strict=True))
    if not abs(product) <= TOLERANCE:
        return f"has row and column vectors whose product is {product:.3g}, wanted 0"
    return None
