"""The Content Items of structured reports: which of them the IOD allows, and which below which (PS3.3 A.35, C.17.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rules.header import Header
from rules.iods import content_tree_of, iods, storage_sop_classes
from rules.model import Example, Problem, Severity
from rules.registry import rule
from rules.wording import shown

SEQUENCE = "ContentSequence"
TARGET = "ReferencedContentItemIdentifier"
RELATIONSHIP = "RelationshipType"
_ANY = "any"


@dataclass(frozen=True, slots=True)
class Tree:
    """What the Content Constraints of an IOD allow in its tree.

    `value_types` is None where they allow all, `left_open` are those of which they were not read to say anything.
    `targets` are the Value Types of what a Content Item may have, by its own and by the relationship; "any" stands for
    all. `by_reference` are the relationships that may name their target by its position; None where that is left open.
    """

    section: str
    value_types: frozenset[str] | None
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
    iod = _iod(header)
    tree = _tree(iod)
    if tree is None or tree.value_types is None:
        return
    others = _KNOWN - tree.value_types - tree.left_open
    for item in _items(header):
        value_type = item.text("ValueType")
        # What is no Value Type at all is told of with its Module.
        if value_type in others:
            path = item.path_of("ValueType")
            yield Problem(path, f"is {shown(value_type)}, which {iod} does not allow", section=tree.section)


@rule(
    "content-relationship",
    section="A.35",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[
        _example("Basic Text SR", _of("CONTAINS", "TEXT"), _of("INFERRED FROM", "IMAGE")),
        _example("Enhanced SR", _of("HAS CONCEPT MOD", "CODE")),
        _example("Comprehensive SR", _of("HAS OBS CONTEXT", "CONTAINER")),
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
    ],
)
def content_relationship(header: Header) -> Iterator[Problem]:
    """A Content Item is below one that may not have it by that relationship.

    Each IOD lists what may have what; receivers that build the report from the list drop such an Item, or show it
    where it says something else.
    """
    iod = _iod(header)
    tree = _tree(iod)
    if tree is None:
        return
    for source, item in _related(header):
        relationship, target = item.text(RELATIONSHIP), item.text("ValueType")
        of = source.text("ValueType")
        if of not in _KNOWN or target not in _KNOWN or relationship not in _RELATIONSHIPS:
            continue
        if not tree.takes(of, relationship, target):
            told = f"is {relationship} from {of} to {target}, which {iod} does not allow"
            yield Problem(item.path_of(RELATIONSHIP), told, section=tree.section)


@rule(
    "content-by-reference",
    section="A.35",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[
        _example("Comprehensive SR", _of("CONTAINS", "NUM"), _naming("INFERRED FROM", 1, 1, 2)),
        _example("Colon CAD SR", _of("CONTAINS", "NUM"), _naming("INFERRED FROM", 1, 2)),
        _example("Basic Text SR", _of("CONTAINS", "TEXT")),
    ],
    bad=[
        _example("Basic Text SR", _of("CONTAINS", "TEXT"), _naming("INFERRED FROM", 1, 2)),
        _example("Comprehensive SR", _naming("CONTAINS", 1, 2)),
        _example("Comprehensive SR", _of("CONTAINS", "NUM"), _naming("INFERRED FROM", 1)),
        _example("Colon CAD SR", _of("CONTAINS", "CODE"), _naming("HAS PROPERTIES", 1, 2)),
    ],
)
def content_by_reference(header: Header) -> Iterator[Problem]:
    """A relationship names its target by position where the IOD does not allow that, or names one above its source.

    Most reports are plain trees, and receivers of them do not look a position up; a target above its source makes a
    loop that a reader may never leave.
    """
    iod = _iod(header)
    tree = _tree(iod)
    if tree is None:
        return
    for item, above in _references(header, (1,)):
        relationship, path = item.text(RELATIONSHIP) or "", item.path_of(TARGET)
        target = tuple(item.values(TARGET))
        if tree.by_reference is not None and relationship in _RELATIONSHIPS - tree.by_reference:
            yield Problem(path, f"is of {relationship}, which {iod} has by value alone", section=tree.section)
        elif not tree.ancestors and target and len(target) < len(above) and above[: len(target)] == target:
            yield Problem(path, "is the position of a Content Item above", section=tree.section)


_KNOWN = frozenset(
    ("TEXT", "CODE", "NUM", "DATETIME", "DATE", "TIME", "UIDREF", "PNAME", "COMPOSITE", "IMAGE", "WAVEFORM")
) | {"SCOORD", "SCOORD3D", "TCOORD", "CONTAINER", "TABLE"}
"""The Value Types (PS3.3 C.17.3.2.1)."""
_RELATIONSHIPS = frozenset(
    ("CONTAINS", "HAS OBS CONTEXT", "HAS ACQ CONTEXT", "HAS CONCEPT MOD", "HAS PROPERTIES", "INFERRED FROM")
) | {"SELECTED FROM"}
"""The Relationship Types (PS3.3 C.17.3.2.4)."""


def _iod(header: Header) -> str:
    return storage_sop_classes().get(header.text("SOPClassUID") or "", "")


@cache
def _tree(iod: str) -> Tree | None:
    """What an IOD allows; None where it says nothing of Content Items."""
    said = content_tree_of(iod)
    if not said:
        return None
    by_reference: Sequence[str] | None = said.get("by reference")
    targets: dict[tuple[str, str], frozenset[str]] = {}
    for sources, relationship, below in said["relations"]:
        for source in sources.split():
            targets[source, relationship] = frozenset(below.split())
    return Tree(
        section=said["section"],
        value_types=None if said["value types"] == _ANY else frozenset(said["value types"].split()),
        left_open=frozenset(said.get("open", "").split()),
        targets=targets,
        by_reference=None if by_reference is None else frozenset(by_reference),
        ancestors=not said.get("no ancestors", False),
    )


def _items(place: Header) -> Iterator[Header]:
    for item in place.items(SEQUENCE):
        yield item
        yield from _items(item)


def _related(source: Header) -> Iterator[tuple[Header, Header]]:
    """Every Content Item with the one that has it."""
    for item in source.items(SEQUENCE):
        yield source, item
        yield from _related(item)


def _references(source: Header, position: tuple[int, ...]) -> Iterator[tuple[Header, tuple[int, ...]]]:
    """Every Item that names its target by position, with the position of its source."""
    for number, item in enumerate(source.items(SEQUENCE), 1):
        if item.has(TARGET):
            yield item, position
        else:
            yield from _references(item, (*position, number))
