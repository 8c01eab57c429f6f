"""Frames as tiles of a total pixel matrix (PS3.3 C.7.6.17.3 and C.8.12.14)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.frames import PER_FRAME, FrameValue, frame_values, problems
from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule

_WSI = "VL Whole Slide Microscopy Image"
_SINGLE = ("LABEL", "OVERVIEW", "THUMBNAIL")
"""Image Flavors of whole slide images that are one frame and no tiles."""

_MATRIX: Example = {
    "DimensionOrganizationType": "TILED_FULL",
    "TotalPixelMatrixColumns": 100,
    "TotalPixelMatrixRows": 50,
    "TotalPixelMatrixFocalPlanes": 1,
    "Columns": 32,
    "Rows": 32,
}
"""4 x 2 tiles."""


@rule(
    "tiled-full-frame-count",
    section="C.7.6.17.3",
    severity=Severity.ERROR,
    only_with=["TotalPixelMatrixFocalPlanes"],
    good=[
        {**_MATRIX, "NumberOfFrames": "8"},
        {**_MATRIX, "TotalPixelMatrixFocalPlanes": 3, "OpticalPathSequence": [{}, {}], "NumberOfFrames": "48"},
        {**_MATRIX, "NumberOfFrames": "3", "ConcatenationUID": "1.2", "ConcatenationFrameOffsetNumber": 5},
    ],
    bad=[
        {**_MATRIX, "NumberOfFrames": "7"},
        {**_MATRIX, "TotalPixelMatrixFocalPlanes": 2, "NumberOfFrames": "8"},
        {**_MATRIX, "OpticalPathSequence": [{}, {}], "NumberOfFrames": "8"},
        {**_MATRIX, "NumberOfFrames": "4", "ConcatenationUID": "1.2", "ConcatenationFrameOffsetNumber": 5},
    ],
)
def tiled_full_frame_count(header: Header) -> Iterator[Problem]:
    """A TILED_FULL image has not one frame for each tile of each focal plane, optical path and segment.

    Readers find a tile by counting: with one frame too few or too many, all that follow are in the wrong place.
    """
    frames, wanted = header.integer("NumberOfFrames"), _tiles(header)
    if frames is None or wanted is None or frames < 1:
        return
    if header.has("ConcatenationUID"):
        end = frames + (header.integer("ConcatenationFrameOffsetNumber") or 0)
        if end > wanted:
            yield Problem("NumberOfFrames", f"is {frames}, which ends at frame {end} of {wanted} in the Concatenation")
    elif frames != wanted:
        yield Problem("NumberOfFrames", f"is {frames}, wanted {wanted} as the total pixel matrix has tiles")


def _tiles(header: Header) -> int | None:
    """The frames of a TILED_FULL image or Concatenation; None where it is none, or its Attributes do not tell."""
    if header.text("DimensionOrganizationType") != "TILED_FULL" or _flavor(header) in _SINGLE:
        return None
    tiles = header.integer("TotalPixelMatrixFocalPlanes")
    if tiles is None:
        return None
    for total, size in (("TotalPixelMatrixColumns", "Columns"), ("TotalPixelMatrixRows", "Rows")):
        whole, part = header.integer(total), header.integer(size)
        if whole is None or part is None or whole < 1 or part < 1:
            return None
        tiles *= -(-whole // part)
    if header.has("OpticalPathSequence"):
        tiles *= len(header.items("OpticalPathSequence"))
    if header.text("SegmentationType") in ("BINARY", "FRACTIONAL"):
        tiles *= len(header.items("SegmentSequence"))
    return tiles or None


def _flavor(header: Header) -> str | None:
    return (*header.texts("ImageType"), "", "", "")[2]


@rule(
    "tiles-overlap-in-full",
    section="C.8.12.14",
    severity=Severity.ERROR,
    only_with=["TilesOverlap"],
    good=[{**_MATRIX, "TilesOverlap": "NONE"}],
    bad=[{**_MATRIX, "TilesOverlap": "FIXED"}],
)
def tiles_overlap_in_full(header: Header) -> Iterator[Problem]:
    """Tiles are said to overlap, and Dimension Organization Type is TILED_FULL.

    Tiles that lie in the order of their frames alone do not overlap; readers put them side by side.
    """
    said = header.text("TilesOverlap")
    if said is not None and said != "NONE" and header.text("DimensionOrganizationType") == "TILED_FULL":
        yield Problem("TilesOverlap", "is another than NONE, the only one for TILED_FULL")


def _at(column: int, row: int) -> Example:
    position = {"ColumnPositionInTotalImagePixelMatrix": column, "RowPositionInTotalImagePixelMatrix": row}
    return {
        **_MATRIX,
        "DimensionOrganizationType": "TILED_SPARSE",
        PER_FRAME: [{"PlanePositionSlideSequence": [position]}],
    }


@rule(
    "tile-outside-matrix",
    section="C.8.12.6.1",
    severity=Severity.WARNING,
    only_with=["TotalPixelMatrixColumns", "TotalPixelMatrixRows"],
    good=[_at(1, 1), _at(97, 33)],
    bad=[_at(0, 1), _at(101, 1), _at(1, 51)],
)
def tile_outside_matrix(header: Header) -> Iterator[Problem]:
    """A tile begins outside the total pixel matrix.

    The first pixel of the matrix is 1, the last the total. Viewers that build the whole from its tiles leave this one
    out, or fail.
    """
    for keyword, total in (
        ("ColumnPositionInTotalImagePixelMatrix", "TotalPixelMatrixColumns"),
        ("RowPositionInTotalImagePixelMatrix", "TotalPixelMatrixRows"),
    ):
        end = header.integer(total)
        if end is not None:
            values = frame_values(header, "PlanePositionSlideSequence", keyword)
            yield from problems((seen, _outside(seen, end)) for seen in values)


def _outside(seen: FrameValue, end: int) -> str | None:
    return next((f"is {at:g}, wanted 1 to {end}" for at in seen.numbers if not 1 <= at <= end), None)


def _tiled(*columns: int, **more: object) -> Example:
    """Tiles of a whole slide image that begin in these columns."""
    places = ({"ColumnPositionInTotalImagePixelMatrix": at, "RowPositionInTotalImagePixelMatrix": 1} for at in columns)
    frames = [{"PlanePositionSlideSequence": [place]} for place in places]
    return {**_MATRIX, "SOPClassUID": iods()[_WSI].sop_class_uids[0], PER_FRAME: frames, **more}


@rule(
    "tile-off-grid",
    section="A.32.8.4.1.2",
    severity=Severity.ERROR,
    iods=[_WSI],
    only_with=[PER_FRAME],
    good=[_tiled(1, 33, 97), _tiled(5, 37), _tiled(1, 30, TilesOverlap="FIXED")],
    bad=[_tiled(1, 34), _tiled(1, 33, 64)],
)
def tile_off_grid(header: Header) -> Iterator[Problem]:
    """A tile of a whole slide image is not a whole number of tiles away from the first one.

    Viewers count tiles to find one; between two places of the grid it is not found, or hides part of its neighbours.
    Tiles that are said to overlap are left out.
    """
    if (header.text("TilesOverlap") or "NONE") != "NONE":
        return
    for keyword, size in (
        ("ColumnPositionInTotalImagePixelMatrix", "Columns"),
        ("RowPositionInTotalImagePixelMatrix", "Rows"),
    ):
        step = header.integer(size)
        if step is None or step < 1:
            continue
        first: float | None = None
        for seen in frame_values(header, "PlanePositionSlideSequence", keyword):
            for at in seen.numbers:
                first = at if first is None else first
                if (at - first) % step:
                    yield seen.problem(f"is {at:g}, no multiple of {size} {step} away from {first:g}")


def _slide(flavor: str, **more: object) -> Example:
    uid = iods()[_WSI].sop_class_uids[0]
    return {"SOPClassUID": uid, "ImageType": ["ORIGINAL", "PRIMARY", flavor, "NONE"], **more}


@rule(
    "slide-label-frames",
    section="C.8.12.4",
    severity=Severity.ERROR,
    iods=[_WSI],
    only_with=["NumberOfFrames"],
    good=[_slide("LABEL", NumberOfFrames="1"), _slide("VOLUME", NumberOfFrames="9")],
    bad=[_slide("LABEL", NumberOfFrames="2"), _slide("OVERVIEW", NumberOfFrames="9")],
)
def slide_label_frames(header: Header) -> Iterator[Problem]:
    """A picture of the label, the whole slide or a thumbnail has several frames.

    Such images are a single frame, by whose Image Type viewers tell them from tiles.
    """
    frames, flavor = header.integer("NumberOfFrames"), _flavor(header)
    if frames is not None and frames > 1 and flavor in _SINGLE:
        # Of the label it is an Enumerated Value; of the others C.7.6.17.3 takes it for granted.
        severity = None if flavor == "LABEL" else Severity.WARNING
        yield Problem("NumberOfFrames", f"is {frames}, wanted 1 for Image Type value 3 {flavor}", severity=severity)


@rule(
    "slide-pyramid-flavor",
    section="A.32.8.3",
    severity=Severity.ERROR,
    iods=[_WSI],
    only_with=["PyramidUID"],
    good=[_slide("VOLUME", PyramidUID="1.2.3"), _slide("THUMBNAIL", PyramidUID="1.2.3"), _slide("LABEL")],
    bad=[_slide("LABEL", PyramidUID="1.2.3")],
)
def slide_pyramid_flavor(header: Header) -> Iterator[Problem]:
    """A picture that is neither a volume nor a thumbnail is said to be a layer of a Multi-Resolution Pyramid.

    Viewers zoom through the layers of a pyramid, and the label would be one of them.
    """
    flavor = _flavor(header)
    if header.has("PyramidUID") and flavor and flavor not in ("VOLUME", "THUMBNAIL"):
        yield Problem("PyramidUID", "is present, only for Image Type value 3 VOLUME and THUMBNAIL")
