"""Dimensions of a multi-frame instance (PS3.3 C.7.6.17)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.dictionary import name_of
from rules.frames import PER_FRAME, frame_places
from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

_POSITION = [{"PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", "0"]}], "FrameContentSequence": [{}]}]


@rule(
    "dimension-organization-undeclared",
    section="C.7.6.17.2",
    severity=Severity.ERROR,
    good=[
        {
            "DimensionOrganizationSequence": [{"DimensionOrganizationUID": "1.2.3"}],
            "DimensionIndexSequence": [{"DimensionOrganizationUID": "1.2.3"}],
        },
    ],
    bad=[
        {
            "DimensionOrganizationSequence": [{"DimensionOrganizationUID": "1.2.3"}],
            "DimensionIndexSequence": [{"DimensionOrganizationUID": "1.2.4"}],
        },
    ],
)
def dimension_organization_undeclared(header: Header) -> Iterator[Problem]:
    """A dimension belongs to a Dimension Organization that the instance does not list.

    The Dimension Organization Sequence sums up those in use; a reader that matches instances by it misses this one.
    """
    declared = {item.text("DimensionOrganizationUID") for item in header.items("DimensionOrganizationSequence")}
    if not declared:
        return
    for item in header.items("DimensionIndexSequence"):
        uid = item.text("DimensionOrganizationUID")
        if uid is not None and uid not in declared:
            yield Problem(
                item.path_of("DimensionOrganizationUID"), "is not among those of DimensionOrganizationSequence"
            )


@rule(
    "dimension-functional-group",
    section="C.7.6.17.1",
    severity=Severity.ERROR,
    good=[
        {
            "DimensionIndexSequence": [
                {"DimensionIndexPointer": 0x00200032, "FunctionalGroupPointer": 0x00209113},
                {"DimensionIndexPointer": 0x00209113},
            ],
            PER_FRAME: _POSITION,
        }
    ],
    bad=[
        {
            "DimensionIndexSequence": [{"DimensionIndexPointer": 0x00200032, "FunctionalGroupPointer": 0x00209111}],
            PER_FRAME: _POSITION,
        },
        {
            "DimensionIndexSequence": [{"DimensionIndexPointer": 0x00209113, "FunctionalGroupPointer": 0x00209113}],
            PER_FRAME: _POSITION,
        },
    ],
)
def dimension_functional_group(header: Header) -> Iterator[Problem]:
    """A Functional Group Pointer names a group that does not hold the Attribute of its dimension.

    Readers follow the pointer to sort frames, and find nothing. Where the dimension is a functional group itself, there
    is no pointer.
    """
    indices = [each for each in header.items("DimensionIndexSequence") if each.has("FunctionalGroupPointer")]
    if not indices:
        return
    held = _held_by_group(header)
    for item in indices:
        attribute, group = item.integer("DimensionIndexPointer"), item.integer("FunctionalGroupPointer")
        if attribute is None or group is None or attribute in held.get(group, frozenset()):
            continue
        path = item.path_of("FunctionalGroupPointer")
        if attribute in held:
            yield Problem(path, f"is present, though {name_of(attribute)} is a functional group itself")
        elif holders := [name_of(each) for each, tags in held.items() if attribute in tags]:
            yield Problem(path, f"is {name_of(group)}, and {name_of(attribute)} is in {' and '.join(sorted(holders))}")


def _held_by_group(header: Header) -> dict[int, frozenset[int]]:
    """The Attributes that stand in each functional group of any frame, by the group's tag."""
    held: dict[int, set[int]] = {}
    for place in frame_places(header):
        for tag in place.tags():
            for group in place.items(tag):
                held.setdefault(tag, set()).update(group.tags())
    return {tag: frozenset(tags) for tag, tags in held.items()}
