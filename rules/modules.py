"""The Modules and Macros of PS3.3 Annex C, read from the fact tables into one Level a place of an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from rules import tables
from rules.conditions import Condition, named
from rules.dictionary import tag_of, vm_of, vr_of


@dataclass(frozen=True, slots=True)
class Row:
    """One Attribute of a Module or Macro.

    `required_if` is the condition of Type 1C or 2C; `may_be_if` says when it may be present though not required,
    and `may_be` that it always may. `enumerated_if` holds Enumerated Values under conditions; values are compared as
    text. `items` are the fewest and most Items, `below` what stands in them.
    """

    keyword: str
    tag: int
    type: str
    vr: str
    vm: str
    section: str
    required_if: Condition | None
    may_be_if: Condition | None
    may_be: bool
    enumerated: tuple[str, ...]
    enumerated_if: tuple[tuple[Condition, tuple[str, ...]], ...]
    defined: tuple[str, ...]
    items: tuple[int, int | None] | None
    below: Level | None


@dataclass(frozen=True, slots=True)
class Level:
    """What is said of one Data Set or Item: its rows by tag, and those that are required come what may."""

    rows: Mapping[int, Row]
    required: frozenset[int]
    conditional: tuple[Row, ...]


@cache
def module(name: str) -> Level | None:
    """A Module by its name in PS3.3; None where its table is not among the facts."""
    place = ("modules", tables.file_name(name))
    return level(_rows(tables.read(*place))) if tables.exists(*place) else None


def level(rows: list[Row]) -> Level:
    """The Level of these rows."""
    return Level(
        rows=MappingProxyType({row.tag: row for row in rows}),
        required=frozenset(row.tag for row in rows if row.type in ("1", "2")),
        conditional=tuple(row for row in rows if row.required_if is not None),
    )


def every_row(of: Level) -> Iterator[Row]:
    """The rows of a Level and of all that is below it."""
    for row in of.rows.values():
        yield row
        if row.below is not None:
            yield from every_row(row.below)


def _rows(table: Mapping[str, Any]) -> list[Row]:
    return _nested(_written_out(table["rows"], table["section"], 0), 0)


_Line = tuple[int, str, str, Mapping[str, Any], str]
"""Depth, keyword, Type, what more is said, section."""


def _written_out(rows: list[list[Any]], section: str, depth: int) -> list[_Line]:
    """The rows with their depth, each "include" replaced by the Macro's own rows."""
    lines: list[_Line] = []
    for name, kind, more in rows:
        keyword = name.lstrip(">")
        here = depth + len(name) - len(keyword)
        if keyword == "include":
            macro = tables.read("macros", kind)
            lines += _written_out(macro["rows"], macro["section"], here)
        elif keyword not in _OWN_TOPIC:
            lines.append((here, keyword, kind, more, section))
    return lines


_OWN_TOPIC = frozenset({"ImageType"})
"""Attributes that have tables of their own, `facts/image_type`."""


def _nested(lines: list[_Line], depth: int) -> list[Row]:
    rows = []
    for start, (here, keyword, kind, more, section) in enumerate(lines):
        if here != depth:
            continue
        end = start + 1
        while end < len(lines) and lines[end][0] > depth:
            end += 1
        inside = _nested(lines[start + 1 : end], depth + 1)
        rows.append(_row(keyword, kind, more, section, level(inside) if inside else None))
    return rows


def _row(keyword: str, kind: str, more: Mapping[str, Any], section: str, below: Level | None) -> Row:
    tag = tag_of(keyword)
    may = more.get("may")
    items = more.get("items")
    return Row(
        keyword=keyword,
        tag=tag,
        type=kind,
        vr=vr_of(tag) or "",
        vm=more.get("vm") or vm_of(tag) or "1-n",
        section=section,
        required_if=named(more["if"]) if "if" in more else None,
        may_be_if=None if may in (None, "always") else named(may),
        may_be=may == "always",
        enumerated=tuple(str(each) for each in more.get("enumerated", ())),
        enumerated_if=tuple(
            (named(name), tuple(str(each) for each in values)) for name, values in more.get("enumerated if", ())
        ),
        defined=tuple(str(each) for each in more.get("defined", ())),
        items=(items[0], items[1]) if items else None,
        below=below,
    )
