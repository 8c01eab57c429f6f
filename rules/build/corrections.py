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
    uses: Mapping[tuple[str, str, str], Mapping[str, Any]]
    tables: tuple[Mapping[str, Any], ...]
    iods: tuple[Mapping[str, Any], ...]
    moved: Mapping[str, str]
    placement: Mapping[str, str]
    constraints: Mapping[str, tuple[Mapping[str, Any], ...]]
    used: set[object] = field(default_factory=set)

    def unused(self) -> list[str]:
        """Decisions that no row asked for: left over from an edition before, or misspelt."""
        kept = [*self.conditions, *self.rows, *self.lines, *self.uses]
        return [f"corrections.toml: {' / '.join(str(part) for part in each)}" for each in kept if each not in self.used]


def read_corrections(file: Path) -> Corrections:
    """The decisions in the file. ValueError where one is given twice or lacks its reason."""
    given = tomllib.loads(file.read_text(encoding="utf-8"))
    conditions: dict[tuple[str, str, str], Phrase] = {}
    for each in given.get("condition", []):
        phrase = Phrase(each.get("if", {"undecidable": ""}), each.get("may"), each.get("never"))
        for where in each.get("for") or [_where(each)]:
            _add(conditions, tuple(where), phrase)
    for each in given.get("undecidable", []):
        phrase_of = {may: Phrase({"undecidable": each["reason"]}, may or None) for may in ("", "always")}
        for may, listed in (("", each.get("for", [])), ("always", each.get("for_optional", []))):
            for where in listed:
                _add(conditions, tuple(where), phrase_of[may])
    rows: dict[tuple[str, str], Mapping[str, Any]] = {}
    lines: dict[tuple[str, int], Mapping[str, Any]] = {}
    for each in given.get("row", []):
        if "reason" not in each:
            raise ValueError(f"corrections.toml: the row {each} has no reason")
        if "line" in each:
            _add(lines, (each["table"], each["line"]), each)
        else:
            _add(rows, (each["table"], each["row"]), each)
    uses: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for each in given.get("use", []):
        for iod in each["iods"]:
            _add(uses, (iod, each["kind"], each["name"]), each)
    constraints: dict[str, list[Mapping[str, Any]]] = {}
    for each in given.get("constraint", []):
        for iod in each["iods"]:
            constraints.setdefault(iod, []).append({name: each[name] for name in each if name != "iods"})
    return Corrections(
        conditions,
        rows,
        lines,
        uses,
        tuple(given.get("table", [])),
        tuple(given.get("iod", [])),
        given.get("moved", {}),
        given.get("placement", {}),
        {iod: tuple(listed) for iod, listed in constraints.items()},
    )


def digest(phrase: str) -> str:
    """Eight letters that stand for a printed phrase: the Standard's sentences stay out of the project."""
    return sha256(" ".join(phrase.split()).rstrip(" .").encode()).hexdigest()[:8]


def _where(each: Mapping[str, Any]) -> tuple[str, str, str]:
    return each["table"], each["row"], each["digest"]


def _add(into: dict[Any, Any], place: Any, value: Any) -> None:
    if place in into:
        raise ValueError(f"corrections.toml decides {place} twice")
    into[place] = value
