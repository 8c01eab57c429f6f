"""The editions of the Standard by which an instance can be judged, and what the tables of each are.

The tables are those of the newest edition. What an earlier one had otherwise stands beside, under "then": null where
it had no such row, IOD or Module, else the members that were others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rules import tables

EDITIONS: tuple[str, ...] = tuple(tables.read("edition")["editions"])
"""Those that can be chosen, the oldest first."""
NEWEST = EDITIONS[-1]


def had(table: Mapping[str, Any], edition: str) -> bool:
    """Whether an edition had the IOD, Module or row that says this of itself."""
    return table.get("then", {}).get(edition, {}) is not None


def rows_in(rows: Sequence[Sequence[Any]], edition: str) -> list[Sequence[Any]]:
    """The rows as an edition had them; those below a row that it lacks are gone with it."""
    if edition == NEWEST:
        return list(rows)
    kept: list[Sequence[Any]] = []
    lacking: int | None = None
    for row in rows:
        depth = len(row[0]) - len(row[0].lstrip(">"))
        if lacking is not None and depth > lacking:
            continue
        lacking = None
        if had(row[-1], edition):
            kept.append(_then(row, edition))
        else:
            lacking = depth
    return kept


def _then(row: Sequence[Any], edition: str) -> Sequence[Any]:
    """A row with what was otherwise; lists replace all lists."""
    *front, more = row
    was = dict(more.get("then", {}).get(edition, {}))
    if not was:
        return row
    if _is_listing(was):
        more = {name: said for name, said in more.items() if not _is_list(name)}
    front[1] = was.pop("type", was.pop("usage", front[1]))
    return (*front, {**more, **was})


def _is_listing(said: Mapping[str, Any]) -> bool:
    return any(_is_list(name) for name in said)


def _is_list(name: str) -> bool:
    return name.startswith(("enumerated", "defined", "value ")) or name == "listed in"
