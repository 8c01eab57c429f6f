"""What a multi-frame instance says its dimensions are (PS3.3 C.7.6.17); their indices are in `dimension_values`."""

from __future__ import annotations

from collections.abc import Iterator

from rules.dictionary import name_of, tag_of
from rules.encode import Element
from rules.frames import PER_FRAME, frame_places
from rules.header import Header
from rules.model import Example, Problem, Severity
from rules.registry import rule

_POSITION = [{"PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", "0"]}], "FrameContentSequence": [{}]}]


@rule(
    "dimension-organization-undeclared",
    section="C.7.6.17.2",
    severity=Severity.ERROR,
    only_with=["DimensionIndexSequence"],
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


def _organizations(*declared: str, used: str) -> Example:
    return {
        "DimensionOrganizationSequence": [{"DimensionOrganizationUID": each} for each in declared],
        "DimensionIndexSequence": [{"DimensionOrganizationUID": used}],
    }


@rule(
    "dimension-organization-unused",
    section="C.7.6.17.2",
    severity=Severity.NOTE,
    only_with=["DimensionOrganizationSequence"],
    good=[_organizations("1.2.3", used="1.2.3")],
    bad=[_organizations("1.2.3", "1.2.4", used="1.2.3")],
)
def dimension_organization_unused(header: Header) -> Iterator[Problem]:
    """A Dimension Organization is listed, and no dimension belongs to it.

    The list sums up those in use. Readers that match instances by it match too many.
    """
    used = {item.text("DimensionOrganizationUID") for item in header.items("DimensionIndexSequence")}
    for item in header.items("DimensionOrganizationSequence") if used else ():
        uid = item.text("DimensionOrganizationUID")
        if uid is not None and uid not in used:
            yield Problem(item.path_of("DimensionOrganizationUID"), "is that of no Item of DimensionIndexSequence")


@rule(
    "dimension-functional-group",
    section="C.7.6.17.1",
    severity=Severity.ERROR,
    only_with=["DimensionIndexSequence"],
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
    ],
)
def dimension_functional_group(header: Header) -> Iterator[Problem]:
    """A Functional Group Pointer names a group that does not hold the Attribute of its dimension.

    Readers follow the pointer to sort frames, and find nothing.
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
        if holders := [name_of(each) for each, tags in held.items() if attribute in tags]:
            yield Problem(path, f"is {name_of(group)}, and {name_of(attribute)} is in {' and '.join(sorted(holders))}")


@rule(
    "dimension-pointer-forbidden",
    section="C.7.6.17.1",
    severity=Severity.ERROR,
    only_with=["DimensionIndexSequence"],
    good=[{"DimensionIndexSequence": [{"DimensionIndexPointer": 0x00209056, "FunctionalGroupPointer": 0x00209111}]}],
    bad=[
        {"DimensionIndexSequence": [{"DimensionIndexPointer": 0x00209111}]},
        {"DimensionIndexSequence": [{"DimensionIndexPointer": 0x00209157, "FunctionalGroupPointer": 0x00209111}]},
    ],
)
def dimension_pointer_forbidden(header: Header) -> Iterator[Problem]:
    """A dimension is Frame Content Sequence or Dimension Index Values themselves.

    They hold the indices of the dimensions, and cannot be what is indexed.
    """
    for item in header.items("DimensionIndexSequence"):
        pointer = item.integer("DimensionIndexPointer")
        if pointer in _OF_INDICES:
            yield Problem(item.path_of("DimensionIndexPointer"), f"is {name_of(pointer)}")


_OF_INDICES = (tag_of("FrameContentSequence"), tag_of("DimensionIndexValues"))


@rule(
    "dimension-pointer-nowhere",
    section="C.7.6.17.1",
    severity=Severity.NOTE,
    only_with=["DimensionIndexSequence"],
    good=[
        {
            "DimensionIndexSequence": [{"DimensionIndexPointer": 0x00200032, "FunctionalGroupPointer": 0x00209113}],
            PER_FRAME: _POSITION,
        }
    ],
    bad=[{"DimensionIndexSequence": [{"DimensionIndexPointer": 0x00209153}], PER_FRAME: _POSITION}],
)
def dimension_pointer_nowhere(header: Header) -> Iterator[Problem]:
    """A dimension is an Attribute that no frame has.

    Frames may lack it, but where all do, nothing tells what its indices mean.
    """
    places = frame_places(header)
    if not header.has(PER_FRAME) or not places:
        return
    within = {tag for group in places for place in _places_within(group) for tag in place.tags()}
    for item in header.items("DimensionIndexSequence"):
        pointer = item.integer("DimensionIndexPointer")
        if pointer is not None and pointer not in within and not header.has(pointer):
            yield Problem(item.path_of("DimensionIndexPointer"), f"is {name_of(pointer)}, which no frame has")


def _places_within(place: Header) -> Iterator[Header]:
    """An Item and all Items in it."""
    yield place
    for tag in place.nested():
        for item in place.items(tag):
            yield from _places_within(item)


_PRIVATE_GROUP: dict[str, object] = {"(0029,0010)": "ACME", "(0029,1001)": Element("SQ", [{}])}


@rule(
    "dimension-private-creator",
    section="C.7.6.17.1",
    severity=Severity.ERROR,
    only_with=["DimensionIndexSequence"],
    good=[
        {
            "DimensionIndexSequence": [{"DimensionIndexPointer": 0x00291001, "DimensionIndexPrivateCreator": "ACME"}],
            PER_FRAME: [_PRIVATE_GROUP],
        },
    ],
    bad=[
        {
            "DimensionIndexSequence": [{"DimensionIndexPointer": 0x00291001, "DimensionIndexPrivateCreator": "OTHER"}],
            PER_FRAME: [_PRIVATE_GROUP],
        },
    ],
)
def dimension_private_creator(header: Header) -> Iterator[Problem]:
    """A private dimension is given another Private Creator than its block of elements has.

    The numbers of private elements mean nothing without the right creator, so the dimension cannot be found.
    """
    said = [
        (item, tag, item.text(creator), creator)
        for item in header.items("DimensionIndexSequence")
        for pointer, creator in _CREATORS
        if (tag := item.integer(pointer)) is not None and tag & 0x10000
    ]
    creators = _creators(header) if said else {}
    for item, tag, text, creator in said:
        seen = creators.get(tag)
        if text is not None and seen and text not in seen:
            yield Problem(item.path_of(creator), f"is another than that of {name_of(tag)} in the functional groups")


_CREATORS = (
    ("DimensionIndexPointer", "DimensionIndexPrivateCreator"),
    ("FunctionalGroupPointer", "FunctionalGroupPrivateCreator"),
)


def _creators(header: Header) -> dict[int, set[str]]:
    """The Private Creators of each private tag in the functional groups."""
    found: dict[int, set[str]] = {}
    within = [(place, tag) for group in frame_places(header) for place in _places_within(group) for tag in place.tags()]
    for place, tag in within:
        creator = place.text(tag & 0xFFFF0000 | tag >> 8 & 0xFF) if tag & 0x10000 else None
        if creator is not None:
            found.setdefault(tag, set()).add(creator)
    return found


def _held_by_group(header: Header) -> dict[int, frozenset[int]]:
    """The Attributes that stand in each functional group of any frame, by the group's tag."""
    held: dict[int, set[int]] = {}
    for place in frame_places(header):
        for tag in place.nested():
            for group in place.items(tag):
                held.setdefault(tag, set()).update(group.tags())
    return {tag: frozenset(tags) for tag, tags in held.items()}
