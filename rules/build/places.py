"""Where the Attributes that a condition names are to be looked up, by where the tables put them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.build.sources import Published, Table

Structure = dict[str, Any]

_JOINS = ("all", "any")
_NAMELESS = ("sop class", "transfer syntax", "refers to", "characters", "undecidable", "item")


class Unplaced(ValueError):
    """No table says where the Attribute of a condition stands, as seen from the row that names it."""


@dataclass(frozen=True, slots=True)
class Level:
    """The keywords of one Data Set or Item of a table, Macros written out, and the Level around it."""

    keywords: set[str]
    above: Level | None
    within: str = ""
    """The keyword of the Sequence whose Item this is."""


class Places:
    """The keywords of every table by level; which of them stand at the root and which in functional groups."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._keyword = {tag: keyword for tag, (keyword, _, _) in published.dictionary.items()}
        self._flat: dict[str, frozenset[str]] = {}
        modules = {use.table for iod in published.iods for use in iod.modules if use.table}
        self.groups = frozenset(use.table for iod in published.iods for use in iod.functional_groups if use.table)
        self._includers: dict[str, list[tuple[Table, Level]]] = {}
        for table in published.tables.values():
            for line, level in zip(table.lines, self.levels(table), strict=True):
                if line.include:
                    self._includers.setdefault(line.include, []).append((table, level))
        self._root = frozenset(keyword for number in modules for keyword in self._own(number))
        self._framed = frozenset(
            keyword for number in self.groups for keyword in (*self._own(number), *self._at_depth(number, 1))
        )

    def levels(self, table: Table) -> list[Level]:
        """The Level of every line of a table, in its order."""
        found: list[Level] = []
        open_: list[Level] = [Level(set(), None)]
        last = included = ""
        for line in table.lines:
            del open_[line.depth + 1 :]
            while len(open_) <= line.depth:
                open_.append(Level(set(self._at_depth(included, 1)) if included else set(), open_[-1], last))
            level = open_[line.depth]
            found.append(level)
            if line.include:
                level.keywords.update(self._own(line.include))
                included = line.include
                last = next(reversed([*self._at_depth(included, 0)]), last)
            elif line.tag in self._keyword:
                last, included = self._keyword[line.tag], ""
                level.keywords.add(last)
        return found

    def placed(self, expression: Mapping[str, Any], level: Level, table: Table) -> Structure:
        """The expression with "at" wherever an Attribute is not looked up beside the row. Unplaced where unknown."""
        made: Structure = {}
        for operation, subject in expression.items():
            if operation in _JOINS:
                made[operation] = [self.placed(each, level, table) for each in subject]
            elif operation == "not":
                made[operation] = self.placed(subject, level, table)
            elif operation == "item":
                made[operation] = [_around(subject[0], level, table), subject[1]]
            else:
                made[operation] = subject
                if operation not in (*_NAMELESS, "at") and "at" not in expression:
                    keyword = subject if isinstance(subject, str) else subject[0]
                    at = self._at(keyword, level, table)
                    if at != "here":
                        made["at"] = at
                if operation == "matched" and self._at(subject[2], level, table) not in ("here", "above"):
                    raise Unplaced(subject[2])
        return made

    def placed_for_iod(self, expression: Mapping[str, Any], functional_group: bool) -> Structure:
        """The same for the condition of a Module, asked at the root, or of a functional group, asked of a frame."""
        made: Structure = {}
        for operation, subject in expression.items():
            if operation in _JOINS:
                made[operation] = [self.placed_for_iod(each, functional_group) for each in subject]
            elif operation == "not":
                made[operation] = self.placed_for_iod(subject, functional_group)
            else:
                made[operation] = subject
                if operation not in (*_NAMELESS, "at") and "at" not in expression:
                    keyword = subject if isinstance(subject, str) else subject[0]
                    if keyword in self._root:
                        made |= {"at": "root"} if functional_group else {}
                    elif keyword in self._framed:
                        made["at"] = "frame" if functional_group else "frames"
                    else:
                        raise Unplaced(keyword)
        return made

    def _at(self, keyword: str, level: Level, table: Table) -> str:
        if keyword in level.keywords:
            return "here"
        if self._around(keyword, level.above) or self._around_include(keyword, table.number, frozenset()):
            return "above"
        if table.macro:
            if keyword in self._root:
                return "root" if table.number in self.groups else "above"
            if keyword in self._framed:
                return "frame"
        elif keyword in self._root:
            return "root" if level.above is not None else "here"
        elif keyword in self._framed:
            return "frames"
        raise Unplaced(keyword)

    def _around(self, keyword: str, level: Level | None) -> bool:
        while level is not None and keyword not in level.keywords:
            level = level.above
        return level is not None

    def _around_include(self, keyword: str, macro: str, seen: frozenset[str]) -> bool:
        """Whether a table that includes the Macro, or one that includes that, has the Attribute at or above it."""
        return macro not in seen and any(
            self._around(keyword, level) or self._around_include(keyword, table.number, seen | {macro})
            for table, level in self._includers.get(macro, ())
        )

    def _own(self, number: str) -> frozenset[str]:
        """The keywords of a table's own level."""
        if number not in self._flat:
            self._flat[number] = frozenset()
            self._flat[number] = frozenset(self._at_depth(number, 0))
        return self._flat[number]

    def _at_depth(self, number: str, depth: int) -> Iterator[str]:
        table = self._published.tables.get(number)
        for line in table.lines if table else ():
            if line.depth != depth:
                continue
            if line.include:
                yield from self._own(line.include)
            elif line.tag in self._keyword:
                yield self._keyword[line.tag]


def _around(sequence: str, level: Level, table: Table) -> str:
    """The Sequence around the row that a phrase means: "Control Point Sequence" may be Ion Control Point Sequence."""
    place: Level | None = level
    while place is not None:
        if place.within.endswith(sequence):
            return place.within
        place = place.above
    if table.macro:
        return sequence
    raise Unplaced(sequence)
