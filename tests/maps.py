"""The smallest sound Parametric Map, changed by keyword: `parametric_map(BitsAllocated=64)`."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

from minimal import instance

from rules.encode import Element

SHARED = "SharedFunctionalGroupsSequence"
PER_FRAME = "PerFrameFunctionalGroupsSequence"
TYPES = ["DERIVED", "PRIMARY", "VOLUME", "MEAN"]


def parametric_map(**changes: object) -> dict[str, object]:
    """A map of one frame of 32-bit floating point pixels; a keyword that is `...` is left out."""
    attributes = deepcopy(_smallest())
    attributes["ImageType"] = TYPES
    attributes[SHARED] = [shared(*TYPES)]
    attributes |= changes
    return {name: value for name, value in attributes.items() if value is not ...}


def integer_map(**changes: object) -> dict[str, object]:
    """The same with 16-bit integer pixels."""
    integer: dict[str, object] = {
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": b"\0\0",
    }
    made = parametric_map(**{"FloatPixelData": ..., **integer, **changes})
    made[SHARED] = deepcopy(made.get(SHARED, []))
    for group in made[SHARED]:  # type: ignore[attr-defined]
        for mapping in group.get("RealWorldValueMappingSequence", []):
            mapping |= {name: value.value for name, value in mapping.items() if isinstance(value, Element)}
    return made


def shared(*values: str) -> dict[str, object]:
    """The shared functional groups, with this Frame Type."""
    groups = _smallest()[SHARED]
    assert isinstance(groups, list)
    return {**deepcopy(groups[0]), **frame_type(*values)}


def frame() -> dict[str, object]:
    """The functional groups of one frame."""
    groups = _smallest()[PER_FRAME]
    assert isinstance(groups, list)
    return deepcopy(dict(groups[0]))


def frame_type(*values: str) -> dict[str, object]:
    """The Parametric Map Frame Type functional group."""
    return {"ParametricMapFrameTypeSequence": [{"FrameType": list(values)}]}


@cache
def _smallest() -> dict[str, object]:
    return instance("Parametric Map")
