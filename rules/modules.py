"""The Modules and Macros of PS3.3 as the fact tables have them: rows, nested as printed, Macros not yet opened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from rules import tables
from rules.dictionary import tag_of, vr_of
from rules.editions import NEWEST, rows_in
from rules.expressions import Expression

# An IOD has a thousand rows, made when its first instance arrives. To freeze an object makes it four times as slow to
# make, so these are not frozen; nobody changes them all the same.


@dataclass(slots=True, eq=False)
class Terms:
    """The values that a row lists: Enumerated Values, or Defined Terms.

    `number` is the value they are for, 0 for every one; `condition` says when they count. Numbers are written as
    decimal text. `section` is where they stand, "" where in the row itself.
    """

    allowed: tuple[str, ...]
    enumerated: bool
    number: int
    condition: Expression | None
    section: str = ""


@dataclass(slots=True, eq=False)
class Row:
    """One Attribute of a Module or Macro.

    `type` is "" where the row only narrows what others say. `required_if` is the condition of Type 1C or 2C. `may_be`
    says that it may be present though not required, `may_be_if` when; `never_if` when it may not. `items` are the
    fewest and most Items, `within` what stands in them.
    """

    keyword: str
    tag: int
    type: str
    section: str
    required_if: Expression | None = None
    may_be: bool = False
    may_be_if: Expression | None = None
    never_if: Expression | None = None
    terms: tuple[Terms, ...] = ()
    items: tuple[int, int | None] | None = None
    vm: str | None = None
    within: tuple[Row | Include, ...] = ()


@dataclass(slots=True, eq=False)
class Include:
    """A Macro at its place in a table; `types` are the Types and conditions that the place gives its rows instead.

    With `only_if` the Macro is required under a condition; where that is not met, nothing is said.
    """

    macro: str
    types: Mapping[str, Row]
    only_if: Expression | None
    edition: str


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A Module or Macro, with its section of PS3.3."""

    name: str
    section: str
    within: tuple[Row | Include, ...]


def module(name: str, edition: str = NEWEST) -> Table | None:
    """A Module by its name in PS3.3, as an edition had it; None where its table is not among the facts."""
    return _table("modules", tables.file_name(name), edition)


def macro(file_name: str, edition: str = NEWEST) -> Table | None:
    """A Macro by the name of its file, as an edition had it; None where it is not among the facts."""
    return _table("macros", file_name, edition)


def rows_of(within: Sequence[Row | Include]) -> Iterator[Row]:
    """The rows of one level, those of included Macros in their places."""
    for each in within:
        if isinstance(each, Row):
            yield each
        else:
            yield from included(each)


@cache
def included(include: Include) -> tuple[Row, ...]:
    """The rows that a Macro puts at this place."""
    table = macro(include.macro, include.edition)
    rows = rows_of(table.within) if table else ()
    return tuple(_guarded(_retyped(row, include.types), include.only_if) for row in rows)


def _retyped(row: Row, types: Mapping[str, Row]) -> Row:
    said = types.get(row.keyword)
    if said is None:
        return row
    return replace(
        row,
        type=said.type,
        required_if=said.required_if,
        may_be=said.may_be,
        may_be_if=said.may_be_if,
        never_if=said.never_if,
        items=row.items if said.type in ("1", "1C") or row.items is None else (0, row.items[1]),
    )


def _guarded(row: Row, only_if: Expression | None) -> Row:
    if only_if is None or row.type == "3":
        return row
    required = only_if if row.required_if is None else {"all": [only_if, row.required_if]}
    return replace(row, type=f"{row.type[0]}C", required_if=required, may_be=True)


def constraint_rows(lines: Sequence[Sequence[Any]]) -> tuple[Row, ...]:
    """The rows that an IOD adds to its Modules, nested as written; each names its own section."""
    return tuple(rows_of(_nested([_line(each) for each in lines], 0, len(lines), 0, "", NEWEST)))


@cache
def _table(folder: str, file_name: str, edition: str) -> Table | None:
    if not tables.exists(folder, file_name):
        return None
    read = tables.read(folder, file_name)
    section: str = read["section"]
    lines = [_line(row) for row in rows_in(read["rows"], edition)]
    return Table(read["name"], section, _nested(lines, 0, len(lines), 0, section, edition))


_Line = tuple[int, str, str, Mapping[str, Any]]
"""Depth, keyword or "include", Type or Macro, what more is said."""


def _line(row: Sequence[Any]) -> _Line:
    name, kind, more = row
    keyword = name.lstrip(">")
    return len(name) - len(keyword), keyword, kind, more


def _nested(
    lines: Sequence[_Line], start: int, stop: int, depth: int, section: str, edition: str
) -> tuple[Row | Include, ...]:
    found: list[Row | Include] = []
    while start < stop:
        _, keyword, kind, more = lines[start]
        end = start + 1
        while end < stop and lines[end][0] > depth:
            end += 1
        if keyword == "include":
            types = {name: row_of(name, other, said, section) for name, other, said in more.get("types", ())}
            found.append(Include(kind, types, more.get("if"), edition))
        else:
            within = _nested(lines, start + 1, end, depth + 1, section, edition) if end > start + 1 else ()
            found.append(row_of(keyword, kind, more, section, within))
        start = end
    return tuple(found)


def row_of(
    keyword: str, kind: str, more: Mapping[str, Any], section: str, within: tuple[Row | Include, ...] = ()
) -> Row:
    """A row from what a fact table says of it."""
    tag = tag_of(keyword)
    section = more.get("section", section)
    if not more:
        return Row(keyword, tag, kind, section, within=within)
    may = more.get("may")
    items = more.get("items")
    return Row(
        keyword=keyword,
        tag=tag,
        type=kind,
        section=section,
        required_if=more.get("if"),
        may_be=may == "always",
        may_be_if=None if may in (None, "always") else may,
        never_if=more.get("never"),
        terms=tuple(_terms(more, tag)),
        items=(items[0], items[1]) if items else None,
        vm=more.get("vm"),
        within=within,
    )


def _terms(more: Mapping[str, Any], tag: int) -> Iterator[Terms]:
    section: str = more.get("listed in", "")
    for name, said in more.items():
        if name in ("enumerated", "defined"):
            yield Terms(_plain(said, tag), name == "enumerated", 0, None, section)
        elif name in ("enumerated if", "defined if"):
            for condition, listed in said:
                yield Terms(_plain(listed, tag), name == "enumerated if", 0, condition, section)
        elif name.startswith("value "):
            for kind, listed in said.items():
                yield Terms(_plain(listed, tag), kind == "enumerated", int(name[6:]), None, section)


def _plain(listed: Sequence[object], tag: int) -> tuple[str, ...]:
    """The terms; of a number what is printed as "0001H", "+1" or "00" in plain decimal."""
    terms = tuple(str(each) for each in listed)
    return tuple(_number(each) for each in terms) if (vr_of(tag) or "")[:2] in _NUMBERS else terms


def _number(term: str) -> str:
    if _HEXADECIMAL.fullmatch(term):
        return str(int(term[:-1], 16))
    try:
        return f"{float(term):.16g}"
    except ValueError:
        return term


_HEXADECIMAL = re.compile(r"[0-9A-F]+H")
_NUMBERS = ("US", "SS", "UL", "SL", "FL", "FD", "DS", "IS")
