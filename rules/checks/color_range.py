"""Stored values that are shown in colour (PS3.3 C.7.6.16.2.26)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.encoding import PIXEL_DATA
from rules.frames import PER_FRAME, SHARED, frame_values, problems
from rules.header import Header
from rules.model import Example, Problem, Severity
from rules.registry import rule

_GROUP = "StoredValueColorRangeSequence"
_LEAST, _MOST = "MinimumStoredValueMapped", "MaximumStoredValueMapped"


def _range(least: float, most: float, **more: object) -> Example:
    return {SHARED: [{_GROUP: [{_LEAST: least, _MOST: most}]}], **more}


@rule(
    "color-range-order",
    section="C.7.6.16.2.26",
    # The Standard calls them minimum and maximum, and leaves it at that.
    severity=Severity.WARNING,
    only_with=[SHARED, PER_FRAME],
    good=[_range(0.0, 9.0)],
    bad=[_range(9.0, 0.0), _range(1.0, 1.0)],
)
def color_range_order(header: Header) -> Iterator[Problem]:
    """The least stored value that has a colour is not below the greatest.

    The palette is stretched between the two; a viewer that divides by their distance shows one colour, or none.
    """
    for seen in frame_values(header, _GROUP, _LEAST):
        most = seen.group.number(_MOST)
        if most is not None:
            yield from problems((seen, f"is {at:g}, wanted less than {most:g}") for at in seen.numbers if at >= most)


_BITS = {"PixelData": bytes(2), "BitsStored": 16, "PixelRepresentation": 0}


@rule(
    "color-range-beyond-stored",
    section="C.7.6.16.2.26",
    severity=Severity.NOTE,
    only_with=[SHARED, PER_FRAME],
    good=[_range(0.0, 65535.0, **_BITS), _range(-1.0, 9.0, FloatPixelData=bytes(4))],
    bad=[_range(-1.0, 9.0, **_BITS), _range(0.0, 65536.0, **_BITS)],
)
def color_range_beyond_stored(header: Header) -> Iterator[Problem]:
    """The range of colours reaches beyond what the pixels can hold.

    Some colours of the palette are never seen then, which may be meant.
    """
    bits, representation = header.integer("BitsStored"), header.integer("PixelRepresentation")
    if not header.has(PIXEL_DATA) or bits is None or not 0 < bits <= 32 or representation not in (0, 1):
        return
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if representation else (0, (1 << bits) - 1)
    for keyword in (_LEAST, _MOST):
        for seen in frame_values(header, _GROUP, keyword):
            told = (f"is {at:g}, and pixels hold {least} to {most}" for at in seen.numbers if not least <= at <= most)
            yield from problems((seen, each) for each in told)
