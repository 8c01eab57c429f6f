"""Distances between pixels and between planes (PS3.3 10.7.1.3 and C.7.6.16.2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from rules.frames import PER_FRAME, SHARED, frame_values, problems
from rules.header import Header
from rules.iods import iods, modules_of
from rules.model import Example, Problem, Severity
from rules.registry import rule

_GROUP = "PixelMeasuresSequence"


def _measures(keyword: str, *values: str) -> Example:
    value = values[0] if len(values) == 1 else list(values)
    return {"Rows": 4, "Columns": 4, "SharedFunctionalGroupsSequence": [{_GROUP: [{keyword: value}]}]}


@rule(
    "pixel-spacing-not-positive",
    section="10.7.1.3",
    severity=Severity.ERROR,
    only_with=["PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", SHARED, PER_FRAME],
    good=[
        {"Rows": 4, "Columns": 4, "PixelSpacing": ["0.5", "0.5"]},
        {"Rows": 1, "Columns": 4, "PixelSpacing": ["0", "0.5"]},
        _measures("PixelSpacing", "0.5", "0.25"),
    ],
    bad=[
        {"Rows": 4, "Columns": 4, "PixelSpacing": ["0.5", "0"]},
        {"Rows": 1, "Columns": 4, "ImagerPixelSpacing": ["0.5", "-0.5"]},
        _measures("PixelSpacing", "0", "0.25"),
    ],
)
def pixel_spacing_not_positive(header: Header) -> Iterator[Problem]:
    """A distance between pixels is not positive.

    Only where there is a single row, or a single column, may the distance to the next be 0. Lengths and areas measured
    with it are 0, or have the wrong sign.
    """
    sizes = header.integer("Rows"), header.integer("Columns")
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        message = _too_small(header.numbers(keyword), sizes) if header.has(keyword) else None
        if message is not None:
            yield Problem(keyword, message)
    yield from problems(
        (seen, _too_small(seen.numbers, sizes)) for seen in frame_values(header, _GROUP, "PixelSpacing")
    )


def _too_small(spacings: Sequence[float], sizes: Sequence[int | None]) -> str | None:
    if len(spacings) != 2:
        return None
    for which, spacing, size in zip(("row", "column"), spacings, sizes, strict=True):
        if spacing < 0 or (spacing == 0 and size != 1):
            return f"has a {which} spacing of {spacing:g}, wanted more than 0"
    return None


@rule(
    "slice-spacing-negative",
    section="C.7.6.16.2.1",
    severity=Severity.ERROR,
    only_with=[SHARED, PER_FRAME, "SpacingBetweenSlices"],
    good=[
        _measures("SpacingBetweenSlices", "0.5"),
        _measures("SpacingBetweenSlices", "0"),
        {"SOPClassUID": iods()["Nuclear Medicine Image"].sop_class_uids[0], "SpacingBetweenSlices": "-0.5"},
    ],
    bad=[
        _measures("SpacingBetweenSlices", "-0.5"),
        {"SOPClassUID": iods()["CT Image"].sop_class_uids[0], "SpacingBetweenSlices": "-0.5"},
    ],
)
def slice_spacing_negative(header: Header) -> Iterator[Problem]:
    """Spacing Between Slices of the image plane or of the Pixel Measures is negative.

    It is a distance there; only in the NM Image IOD does its sign tell a direction.
    """
    if header.has("SpacingBetweenSlices") and header.text("SOPClassUID") in _with_image_plane():
        for value in header.numbers("SpacingBetweenSlices"):
            if value < 0:
                yield Problem("SpacingBetweenSlices", f"is {value:g}, wanted 0 or more", section="C.7.6.2")
    for seen in frame_values(header, _GROUP, "SpacingBetweenSlices"):
        negative = [f"is {value:g}, wanted 0 or more" for value in seen.numbers if value < 0]
        yield from problems([(seen, negative[0])] if negative else [])


@cache
def _with_image_plane() -> frozenset[str]:
    """The SOP Classes whose IOD has the Image Plane Module."""
    planes = (each for each in iods().values() if any(usage.name == "Image Plane" for usage in modules_of(each.name)))
    return frozenset(uid for iod in planes for uid in iod.sop_class_uids)


@rule(
    "slice-thickness-not-positive",
    section="C.7.6.16.2.1",
    severity=Severity.NOTE,
    only_with=[SHARED, PER_FRAME],
    good=[_measures("SliceThickness", "0.5")],
    bad=[_measures("SliceThickness", "0"), _measures("SliceThickness", "-1")],
)
def slice_thickness_not_positive(header: Header) -> Iterator[Problem]:
    """Slice Thickness of the Pixel Measures is not positive.

    No sentence forbids it, but volumes computed with it are 0 or negative.
    """
    for seen in frame_values(header, _GROUP, "SliceThickness"):
        thin = [f"is {value:g}" for value in seen.numbers if value <= 0]
        yield from problems([(seen, thin[0])] if thin else [])
