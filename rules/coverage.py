"""How much of each IOD is checked, counted from the tables that the engine really uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from rules.expressions import Expression, decidable
from rules.image_types import image_type
from rules.iods import Usage, functional_groups_of, iods, modules_of
from rules.modules import Include, Row, Table, macro, module
from rules.tables import file_name


@dataclass(frozen=True, slots=True)
class Coverage:
    """One IOD: the Modules, Attributes and conditions that are checked, and what is said of its Image Type.

    `attributes` are the rows of its Modules, of its functional groups' Macros and of all Macros that these include,
    each Macro once. `conditions` and `undecided_conditions` are counted per row and per conditional usage; undecided
    are those that no instance answers with both YES and NO. `image_type` is "specific", "general" (as PS3.3
    C.7.6.1.1.2 has it for every image) or "none".
    """

    iod: str
    sop_class_uids: tuple[str, ...]
    modules: int
    attributes: int
    conditions: int
    undecided_conditions: int
    image_type: str


def coverage() -> tuple[Coverage, ...]:
    """Every IOD, in the order of PS3.3."""
    return tuple(_of(name, iod.sop_class_uids) for name, iod in iods().items())


def _of(iod: str, sop_class_uids: tuple[str, ...]) -> Coverage:
    modules = [(usage, table) for usage in modules_of(iod) if (table := module(usage.name)) is not None]
    groups = [
        (usage, table) for usage in functional_groups_of(iod) if (table := macro(file_name(usage.name))) is not None
    ]
    counts = [_in_table(each) for each in _reached([table for _, table in (*modules, *groups)])]
    counts += [_in_usages(usage for usage, _ in modules), _in_usages(usage for usage, _ in groups)]
    facts = image_type(iod)
    return Coverage(
        iod,
        sop_class_uids,
        modules=len(modules),
        attributes=sum(each[0] for each in counts),
        conditions=sum(each[1] for each in counts),
        undecided_conditions=sum(each[2] for each in counts),
        image_type="none" if facts is None else "general" if facts.section == GENERAL else "specific",
    )


_Counts = tuple[int, int, int]
"""Rows, conditions, and how many of those no instance decides."""


def _reached(tables: Sequence[Table]) -> Iterator[Table]:
    """These tables and every Macro that they lead to, each once."""
    seen = {id(table) for table in tables}
    ahead = list(tables)
    while ahead:
        table = ahead.pop()
        yield table
        for name in _included(table.within):
            found = macro(name)
            if found is not None and id(found) not in seen:
                seen.add(id(found))
                ahead.append(found)


def _included(within: Sequence[Row | Include]) -> Iterator[str]:
    for each in within:
        if isinstance(each, Include):
            yield each.macro
        else:
            yield from _included(each.within)


@cache
def _in_table(table: Table) -> _Counts:
    return _added(_in_rows(table.within))


def _in_rows(within: Sequence[Row | Include]) -> Iterator[_Counts]:
    for each in within:
        if isinstance(each, Include):
            yield 0, int(each.only_if is not None), int(each.only_if is not None and not _decidable(each.only_if))
        else:
            conditional = each.type.endswith("C")
            yield 1, int(conditional), int(conditional and not _decidable(each.required_if))
            yield from _in_rows(each.within)


def _in_usages(usages: Iterable[Usage]) -> _Counts:
    return _added((0, 1, int(not _decidable(each.required_if))) for each in usages if each.usage == "C")


def _added(counts: Iterable[_Counts]) -> _Counts:
    listed = list(counts)
    return sum(each[0] for each in listed), sum(each[1] for each in listed), sum(each[2] for each in listed)


_known: dict[int, tuple[Expression, bool]] = {}


def _decidable(expression: Expression | None) -> bool:
    if expression is None:
        return False
    found = _known.get(id(expression))
    if found is None:
        found = _known[id(expression)] = (expression, decidable(expression))
    return found[1]


GENERAL = "C.7.6.1.1.2"
"""The section on Image Type that holds for every image."""
