"""The Content Items of structured reports: which Value Types the IOD allows anywhere in its tree (PS3.3 A.35)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.iods import iods, storage_sop_classes
from rules.model import Example, Problem, Severity
from rules.registry import rule
from rules.wording import shown

SEQUENCE = "ContentSequence"
_BASIC = frozenset(("TEXT", "CODE", "UIDREF", "PNAME", "COMPOSITE", "IMAGE", "WAVEFORM", "CONTAINER"))
_TIMES = frozenset(("DATETIME", "DATE", "TIME"))
_MEASURED = _BASIC | _TIMES | {"NUM", "SCOORD", "TCOORD"}
ALLOWED = {
    "Basic Text SR": ("A.35.1.3.1", _BASIC | _TIMES),
    "Enhanced SR": ("A.35.2.3.1", _MEASURED),
    "Comprehensive SR": ("A.35.3.3.1", _MEASURED),
    "Key Object Selection Document": ("A.35.4.3.1", _BASIC),
}
"""The section of the Content Constraints and the Value Types, by IOD; those that allow all are left out."""
_OTHERS = frozenset(("NUM", "SCOORD", "SCOORD3D", "TCOORD", "TABLE")) | _TIMES
"""Value Types that some of them do not allow; what is no Value Type at all is told of with its Module."""


def _example(iod: str, *value_types: str) -> Example:
    """A tree of one branch."""
    tree: dict[str, object] = {"SOPClassUID": iods()[iod].sop_class_uids[0]}
    place = tree
    for each in value_types:
        item: dict[str, object] = {"ValueType": each}
        place[SEQUENCE] = [item]
        place = item
    return tree


@rule(
    "content-value-type",
    section="A.35",
    severity=Severity.ERROR,
    iods=list(ALLOWED),
    only_with=[SEQUENCE],
    good=[
        _example("Basic Text SR", "CONTAINER", "DATE"),
        _example("Enhanced SR", "NUM", "SCOORD", "IMAGE"),
        _example("Key Object Selection Document", "IMAGE"),
    ],
    bad=[
        _example("Basic Text SR", "CONTAINER", "NUM"),
        _example("Comprehensive SR", "SCOORD3D"),
        _example("Key Object Selection Document", "TEXT", "DATETIME"),
    ],
)
def content_value_type(header: Header) -> Iterator[Problem]:
    """A Content Item has a Value Type that the IOD does not allow.

    Receivers of a simpler report have nothing to show such an Item with; it belongs in an IOD that has it.
    """
    iod = storage_sop_classes().get(header.text("SOPClassUID") or "", "")
    section, allowed = ALLOWED.get(iod, ("", _OTHERS))
    for item in _items(header):
        value_type = item.text("ValueType")
        if value_type in _OTHERS and value_type not in allowed:
            path = item.path_of("ValueType")
            yield Problem(path, f"is {shown(value_type)}, which {iod} does not allow", section=section)


def _items(place: Header) -> Iterator[Header]:
    for item in place.items(SEQUENCE):
        yield item
        yield from _items(item)
