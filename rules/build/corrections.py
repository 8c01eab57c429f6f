"""What a person decided where the published tables are silent, broken or at odds: `facts/corrections.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from rules.build.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Corrections:
    """The decisions, by what they are about; `used` fills while the tables are built.

    A condition is found by table name, keyword and the digest of the printed phrase, so that a phrase that changes in
    a new edition is asked about again.
    """

    conditions: Mapping[tuple[str, str, str], Phrase]
    rows: Mapping[tuple[str, str], Mapping[str, Any]]
    lines: Mapping[tuple[str, int], Mapping[str, Any]]
    terms: Mapping[str, Mapping[str, Any]]
    """Lists of values by the section that has them."""
    unlisted: frozenset[tuple[str, str]]
    """Rows that take any value that their VR allows, or whose list is nowhere at hand, by table and row."""
    tables: tuple[Mapping[str, Any], ...]
    iods: tuple[Mapping[str, Any], ...]
    moved: Mapping[str, str]
    placement: Mapping[str, str]
    sections: Mapping[str, str]
    renamed: Mapping[str, str]
    """What an IOD was called in 2020."""
    kept: tuple[str, ...]
    """How the differences begin that a person has looked at."""
    constraints: Mapping[str, tuple[Mapping[str, Any], ...]]
    unconstrained: Mapping[str, str]
    """Why an IOD has none, for those that have none."""
    trees: Mapping[str, Mapping[str, Any]]
    """What the Content Constraints of an IOD allow in a tree of Content Items."""
    used: set[object] = field(default_factory=set)

    def unused(self) -> list[str]:
        """Decisions that no row asked for: left over from an edition before, or misspelt."""
        constraints = [("constraint", iod) for iod in {**self.constraints, **self.unconstrained, **self.trees}]
        terms = [("terms", section) for section in self.terms]
        unlisted = [("unlisted", *place) for place in self.unlisted]
        kept = [*self.conditions, *self.rows, *self.lines, *constraints, *terms, *sorted(unlisted)]
        return [f"corrections.toml: {' / '.join(str(part) for part in each)}" for each in kept if each not in self.used]


def read_corrections(file: Path) -> Corrections:
    """The decisions in the file. ValueError where one is given twice, lacks its reason or says what nobody reads."""
    given = tomllib.loads(file.read_text(encoding="utf-8"))
    _check_members(given)
    conditions: dict[tuple[str, str, str], Phrase] = {}
    for each in given.get("condition", []):
        for where in each["for"]:
            _add(conditions, tuple(where), Phrase(each["if"], each.get("may"), each.get("never")))
    for each in given.get("undecidable", []):
        for where in each["for"]:
            _add(conditions, tuple(where), Phrase({"undecidable": each["reason"]}))
    rows: dict[tuple[str, str], Mapping[str, Any]] = {}
    lines: dict[tuple[str, int], Mapping[str, Any]] = {}
    for each in given.get("row", []):
        if "reason" not in each:
            raise ValueError(f"corrections.toml: the row {each} has no reason")
        if "line" in each:
            _add(lines, (each["table"], each["line"]), each)
        else:
            _add(rows, (each["table"], each["row"]), each)
    unlisted: dict[tuple[str, str], str] = {}
    for each in given.get("unlisted", []):
        for table, row in each["for"]:
            _add(unlisted, (table, row), each["reason"])
    terms: dict[str, Mapping[str, Any]] = {}
    for each in given.get("terms", []):
        _add(terms, each["section"], each)
    constraints: dict[str, list[Mapping[str, Any]]] = {}
    for each in given.get("constraint", []):
        for iod in each["iods"]:
            constraints.setdefault(iod, []).append({name: each[name] for name in each if name != "iods"})
    trees: dict[str, Mapping[str, Any]] = {}
    for each in given.get("tree", []):
        for iod in each["iods"]:
            _add(trees, iod, {name: each[name] for name in each if name != "iods"})
    unconstrained: dict[str, str] = {}
    for each in given.get("unconstrained", []):
        for iod in each["iods"]:
            _add(unconstrained, iod, each["reason"])
    for iod in unconstrained.keys() & (constraints.keys() | trees.keys()):
        raise ValueError(f"corrections.toml: {iod} has constraints, and a reason why it has none")
    return Corrections(
        conditions,
        rows,
        lines,
        terms,
        frozenset(unlisted),
        tuple(given.get("table", [])),
        tuple(given.get("iod", [])),
        given.get("moved", {}),
        given.get("placement", {}),
        given.get("sections", {}),
        given.get("renamed", {}),
        tuple(like for each in given.get("kept", []) for like in each["like"]),
        {iod: tuple(listed) for iod, listed in constraints.items()},
        unconstrained,
        trees,
    )


def digest(phrase: str) -> str:
    """Eight letters that stand for a printed phrase: the Standard's sentences stay out of the project."""
    return sha256(" ".join(phrase.split()).rstrip(" .").encode()).hexdigest()[:8]


def _check_members(given: Mapping[str, Any]) -> None:
    for kind, listed in given.items():
        known = _MEMBERS.get(kind)
        if known is None:
            raise ValueError(f"corrections.toml: nobody reads [{kind}]")
        for each in listed if isinstance(listed, list) else ():
            strange = sorted(set(each) - known)
            if strange:
                raise ValueError(f"corrections.toml: in {dict(each)} nobody reads {', '.join(strange)}")


_LISTS = frozenset(("enumerated", "enumerated if", "defined", "defined if"))
_MEMBERS: dict[str, frozenset[str]] = {
    "moved": frozenset(),
    "placement": frozenset(),
    "sections": frozenset(),
    "renamed": frozenset(),
    "table": frozenset(("reason", "number", "name", "section")),
    "iod": frozenset(("reason", "name", "lost")),
    "row": _LISTS
    | {
        "reason",
        "table",
        "line",
        "row",
        "depth",
        "drop",
        "if",
        "items",
        "listed in",
        "may",
        "then",
        "type",
        "types",
        "vm",
    },
    "terms": _LISTS | {"reason", "section", "then"},
    "kept": frozenset(("reason", "like")),
    "constraint": frozenset(("reason", "iods", "section", "forbidden", "rows", "frames")),
    "unconstrained": frozenset(("reason", "iods")),
    "tree": frozenset(("iods", "section", "value types", "open", "relations", "by reference", "no ancestors")),
    "condition": frozenset(("reason", "for", "if", "may", "never")),
    "undecidable": frozenset(("reason", "for")),
    "unlisted": frozenset(("reason", "for")),
}
"""What may be said of each kind of decision: a word misspelt would else decide nothing."""


def _add(into: dict[Any, Any], place: Any, value: Any) -> None:
    if place in into:
        raise ValueError(f"corrections.toml decides {place} twice")
    into[place] = value
