"""The SOP Classes of single-frame images: their IODs have pixels, and no Module that has Number of Frames."""

from __future__ import annotations

from functools import cache

from rules.dictionary import tag_of
from rules.iods import modules_of, storage_sop_classes
from rules.modules import module, rows_of

ROWS, NUMBER_OF_FRAMES = tag_of("Rows"), tag_of("NumberOfFrames")


@cache
def is_single_frame(iod: str) -> bool:
    """Whether the IOD is of images that have one frame by nature."""
    return _holds(iod, ROWS) and not _holds(iod, NUMBER_OF_FRAMES)


def is_single_frame_class(uid: str) -> bool:
    """Whether this is the SOP Class of such an IOD."""
    iod = storage_sop_classes().get(uid)
    return iod is not None and is_single_frame(iod)


def _holds(iod: str, tag: int) -> bool:
    """Whether a Module of the IOD, whatever its usage, has the Attribute in the Data Set itself."""
    tables = (module(usage.name) for usage in modules_of(iod))
    return any(row.tag == tag for table in tables if table is not None for row in rows_of(table.within))
