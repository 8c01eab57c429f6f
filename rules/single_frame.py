"""The SOP Classes of single-frame images: their IODs have pixels, and no Module that has Number of Frames."""

from __future__ import annotations

from functools import cache

from rules.dictionary import tag_of
from rules.iods import iods, modules_of
from rules.modules import module, rows_of

ROWS, NUMBER_OF_FRAMES = tag_of("Rows"), tag_of("NumberOfFrames")


@cache
def single_frame_iods() -> frozenset[str]:
    """The IODs of images that have one frame by nature."""
    return frozenset(name for name in iods() if _holds(name, ROWS) and not _holds(name, NUMBER_OF_FRAMES))


@cache
def single_frame_sop_classes() -> frozenset[str]:
    """The SOP Class UIDs of `single_frame_iods`."""
    return frozenset(uid for name in single_frame_iods() for uid in iods()[name].sop_class_uids)


def _holds(iod: str, tag: int) -> bool:
    """Whether a Module of the IOD, whatever its usage, has the Attribute in the Data Set itself."""
    tables = (module(usage.name) for usage in modules_of(iod))
    return any(row.tag == tag for table in tables if table is not None for row in rows_of(table.within))
