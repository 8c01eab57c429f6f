"""The Content Items of structured reports: which of them the IOD allows, and which below which (PS3.3 A.35, C.17.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from rules.dictionary import tag_of
from rules.header import Header
from rules.iods import content_tree_of, iod_in_any_edition, iods
from rules.model import Example, Problem, Severity
from rules.registry import rule
from rules.wording import shown

SEQUENCE = "ContentSequence"
TARGET = "ReferencedContentItemIdentifier"
RELATIONSHIP = "RelationshipType"
TIME = "ObservationDateTime"
_ANY = "any"


@dataclass(frozen=True, slots=True)
class Tree:
    """What the Content Constraints of an IOD allow in its tree.

    `strange` are the Value Types that they do not allow, `left_open` those of which they were not read to say anything.
    `targets` are the Value Types of what a Content Item may have, by its own and by the relationship; "any" stands for
    all. `by_reference` are the relationships that may name their target by its position; None where that is left open.
    """

    section: str
    strange: frozenset[str]
    left_open: frozenset[str]
    targets: Mapping[tuple[str, str], frozenset[str]]
    by_reference: frozenset[str] | None
    ancestors: bool
    """Whether a target may be one of those above its source."""

    def takes(self, source: str, relationship: str, target: str) -> bool:
        """Whether a Content Item may have this one by this relationship, as far as is known."""
        if not self.left_open.isdisjoint((source, target)):
            return True
        allowed = self.targets.get((source, relationship)) or self.targets.get((_ANY, relationship)) or frozenset()
        return target in allowed or _ANY in allowed


def _example(iod: str, *items: Mapping[str, object]) -> Example:
    """A tree of one branch, each Item below the one before it."""
    tree: dict[str, object] = {"SOPClassUID": iods()[iod].sop_class_uids[0], "ValueType": "CONTAINER"}
    place = tree
    for each in items:
        item = dict(each)
        place[SEQUENCE] = [item]
        place = item
    return tree


def _typed(*value_types: str) -> list[Mapping[str, object]]:
    return [{"ValueType": each} for each in value_types]


def _of(relationship: str, value_type: str) -> Mapping[str, object]:
    return {RELATIONSHIP: relationship, "ValueType": value_type}


def _naming(relationship: str, *position: int) -> Mapping[str, object]:
    return {RELATIONSHIP: relationship, TARGET: list(position)}


@rule(
    "content-value-type",
    section="A.35",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[
        _example("Basic Text SR", *_typed("CONTAINER", "DATE")),
        _example("Enhanced SR", *_typed("NUM", "SCOORD", "IMAGE")),
        _example("Key Object Selection Document", *_typed("IMAGE")),
        _example("Extensible SR", *_typed("TABLE")),
        _example("Comprehensive 3D SR", *_typed("TABLE")),
    ],
    bad=[
        _example("Basic Text SR", *_typed("CONTAINER", "NUM")),
        _example("Comprehensive SR", *_typed("SCOORD3D")),
        _example("Key Object Selection Document", *_typed("TEXT", "DATETIME")),
        _example("Spectacle Prescription Report", *_typed("IMAGE")),
        _example("Mammography CAD SR", *_typed("WAVEFORM")),
    ],
)
def content_value_type(header: Header) -> Iterator[Problem]:
    """A Content Item has a Value Type that the IOD does not allow.

    Receivers of a simpler report have nothing to show such an Item with; it belongs in an IOD that has it.
    """
    yield from _found(header).value_types


@rule(
    "content-relationship",
    section="A.35",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[
        _example("Basic Text SR", _of("CONTAINS", "TEXT"), _of("INFERRED FROM", "IMAGE")),
        _example("Enhanced SR", _of("HAS CONCEPT MOD", "CODE")),
        _example("Comprehensive SR", _of("HAS OBS CONTEXT", "CONTAINER")),
        _example("Key Object Selection Document", _of("HAS CONCEPT MOD", "CODE"), _of("HAS CONCEPT MOD", "CODE")),
        _example("Extensible SR", _of("CONTAINS", "SCOORD3D"), _of("INFERRED FROM", "CONTAINER")),
        _example("Comprehensive 3D SR", _of("CONTAINS", "TABLE"), _of("HAS PROPERTIES", "NUM")),
    ],
    bad=[
        _example("Basic Text SR", _of("CONTAINS", "TEXT"), _of("CONTAINS", "TEXT")),
        _example("Enhanced SR", _of("HAS CONCEPT MOD", "NUM")),
        _example("Key Object Selection Document", _of("CONTAINS", "CODE")),
        _example("Extensible SR", _of("CONTAINS", "TEXT"), _of("CONTAINS", "TEXT")),
        _example("Comprehensive SR", _of("CONTAINS", "IMAGE"), _of("SELECTED FROM", "IMAGE")),
        _example("Procedure Log", _of("CONTAINS", "CONTAINER")),
        _example("Comprehensive SR", _of("CONTAINS", "PNAME"), _naming("INFERRED FROM", 1, 1)),
    ],
)
def content_relationship(header: Header) -> Iterator[Problem]:
    """A Content Item is below one that may not have it by that relationship.

    Each IOD lists what may have what; receivers that build the report from the list drop such an Item, or show it
    where it says something else.
    """
    yield from _found(header).relationships


@rule(
    "content-by-reference",
    section="A.35",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[
        _example("Comprehensive SR", _of("CONTAINS", "NUM"), _naming("INFERRED FROM", 1, 1)),
        _example("Colon CAD SR", _of("CONTAINS", "NUM"), _naming("INFERRED FROM", 1, 1)),
        _example("Basic Text SR", _of("CONTAINS", "TEXT")),
    ],
    bad=[
        _example("Basic Text SR", _of("CONTAINS", "TEXT"), _naming("INFERRED FROM", 1, 2)),
        _example("Comprehensive SR", _naming("CONTAINS", 1, 1)),
        _example("Comprehensive SR", _of("CONTAINS", "NUM"), _naming("INFERRED FROM", 1, 2)),
        _example("Comprehensive SR", _of("CONTAINS", "NUM"), _naming("INFERRED FROM", 1)),
        _example("Colon CAD SR", _of("CONTAINS", "CODE"), _naming("HAS PROPERTIES", 1, 2)),
    ],
)
def content_by_reference(header: Header) -> Iterator[Problem]:
    """A relationship names its target by position where the IOD does not allow that, or names one above or none.

    Most reports are plain trees, and receivers of them do not look a position up; a target above its source makes a
    loop that a reader may never leave. That a position is that of none is a warning.
    """
    yield from _found(header).references


def _log(*times: str) -> Example:
    entries = [{**_of("CONTAINS", "CODE"), TIME: each} for each in times]
    return {"SOPClassUID": iods()["Procedure Log"].sop_class_uids[0], SEQUENCE: entries}


@rule(
    "procedure-log-order",
    section="A.35.7.3.1.2",
    severity=Severity.ERROR,
    iods=["Procedure Log"],
    only_with=[SEQUENCE],
    good=[
        _log("20260102101112", "20260102101112", "20260102101113.5"),
        _log("20260102101112+0100", "20260102091113+0000"),
        _log("2026x"),
    ],
    bad=[_log("20260102101112", "20260102101111"), _log("202601021011"), _log("20260102")],
)
def procedure_log_order(header: Header) -> Iterator[Problem]:
    """An entry of a procedure log is earlier than the one before it, or its time is not told to the second.

    A log is read from its beginning; an entry out of order tells another story. Times of different offsets from UTC
    are not compared.
    """
    before, offset = "", ""
    for item in header.items(_CONTENT):
        said = item.text(TIME) or ""
        seen = _MOMENT.fullmatch(said)
        if _code(item, _RELATIONSHIP) != "CONTAINS" or seen is None:
            continue
        path = item.path_of(TIME)
        if len(seen["digits"]) < _TO_THE_SECOND:
            yield Problem(path, "is not given to the second")
        elif before and seen["offset"] == offset and seen["digits"] + seen["fraction"] < before:
            yield Problem(path, "is earlier than that of the entry before")
        before, offset = seen["digits"] + seen["fraction"], seen["offset"]


_MOMENT = re.compile(r"(?P<digits>[0-9]{4,14})(?P<fraction>(?:\.[0-9]{1,6})?)(?P<offset>(?:[+-][0-9]{4})?)")
_TO_THE_SECOND = 14


@dataclass(frozen=True, slots=True)
class Found:
    """What is wrong in a tree."""

    value_types: list[Problem] = field(default_factory=list)
    relationships: list[Problem] = field(default_factory=list)
    references: list[Problem] = field(default_factory=list)


def _found(root: Header) -> Found:
    """What is wrong in the tree of an instance, found out once: a report may have thousands of Content Items."""
    found: Found | None = root.source.answers.get("content tree")
    if found is None:
        found = Found()
        iod = iod_in_any_edition(root)
        tree = _tree(iod)
        if tree is not None:
            _look(root, _code(root, _VALUE_TYPE), (1,), tree, iod, found)
        root.source.answers["content tree"] = found
    return found


def _look(source: Header, of: str, position: tuple[int, ...], tree: Tree, iod: str, found: Found) -> None:
    """Hold the Content Items of a source of this Value Type, at this position, against the tree, and those below."""
    for number, item in enumerate(source.items(_CONTENT), 1):
        relationship = _code(item, _RELATIONSHIP)
        named = item.has(_TARGET)
        target = _target_of(item, relationship, position, tree, iod, found) if named else _code(item, _VALUE_TYPE)
        if relationship in _RELATIONSHIPS and {of, target} <= _KNOWN and not tree.takes(of, relationship, target):
            told = f"is {relationship} from {of} to {target}, which {iod} does not allow"
            found.relationships.append(Problem(item.path_of(_RELATIONSHIP), told, section=tree.section))
        # What is no Value Type at all is told of with its Module.
        if target in tree.strange and not named:
            told = f"is {shown(target)}, which {iod} does not allow"
            found.value_types.append(Problem(item.path_of(_VALUE_TYPE), told, section=tree.section))
        if item.has(_CONTENT):
            _look(item, target, (*position, number), tree, iod, found)


def _target_of(item: Header, relationship: str, source: tuple[int, ...], tree: Tree, iod: str, found: Found) -> str:
    """The Value Type of the Content Item that another one names by its position; "" where it cannot be had."""
    position, path = item.integers(_TARGET), item.path_of(_TARGET)
    if tree.by_reference is not None and relationship in _RELATIONSHIPS - tree.by_reference:
        told = f"is of {relationship}, which {iod} has by value alone"
        found.references.append(Problem(path, told, section=tree.section))
        return ""
    if not tree.ancestors and 0 < len(position) < len(source) and source[: len(position)] == position:
        found.references.append(Problem(path, "is the position of a Content Item above", section=tree.section))
    target = _at(item.root, position)
    if target is None and position:
        told, section = "is the position of no Content Item", "C.17.3.2.5"
        found.references.append(Problem(path, told, section=section, severity=Severity.WARNING))
    return "" if target is None else _code(target, _VALUE_TYPE)


def _at(root: Header, position: tuple[int, ...]) -> Header | None:
    """The Content Item at a position: 1 is the Data Set, what follows counts Items (PS3.3 C.17.3.2.5)."""
    place = root if position[:1] == (1,) else None
    for number in position[1:]:
        items = place.items(_CONTENT) if place is not None else ()
        place = items[number - 1] if 1 <= number <= len(items) else None
    return place


def _code(place: Header, tag: int) -> str:
    return (place.raw(tag) or b"").strip(b" \0").decode("ascii", "replace")


_CONTENT, _VALUE_TYPE, _RELATIONSHIP, _TARGET = map(tag_of, (SEQUENCE, "ValueType", RELATIONSHIP, TARGET))
_KNOWN = frozenset(
    ("TEXT", "CODE", "NUM", "DATETIME", "DATE", "TIME", "UIDREF", "PNAME", "COMPOSITE", "IMAGE", "WAVEFORM")
) | {"SCOORD", "SCOORD3D", "TCOORD", "CONTAINER", "TABLE"}
"""The Value Types (PS3.3 C.17.3.2.1)."""
_RELATIONSHIPS = frozenset(
    ("CONTAINS", "HAS OBS CONTEXT", "HAS ACQ CONTEXT", "HAS CONCEPT MOD", "HAS PROPERTIES", "INFERRED FROM")
) | {"SELECTED FROM"}
"""The Relationship Types (PS3.3 C.17.3.2.4)."""


@cache
def _tree(iod: str) -> Tree | None:
    """What an IOD allows; None where it says nothing of Content Items."""
    said = content_tree_of(iod)
    if not said:
        return None
    by_reference: Sequence[str] | None = said.get("by reference")
    left_open = frozenset(said.get("open", "").split())
    targets: dict[tuple[str, str], frozenset[str]] = {}
    for sources, relationship, below in said["relations"]:
        for source in sources.split():
            targets[source, relationship] = frozenset(below.split())
    return Tree(
        section=said["section"],
        strange=frozenset() if said["value types"] == _ANY else _KNOWN - left_open - set(said["value types"].split()),
        left_open=left_open,
        targets=targets,
        by_reference=None if by_reference is None else frozenset(by_reference),
        ancestors=not said.get("no ancestors", False),
    )
