"""What an earlier edition had otherwise: rows and Modules that it lacks, other Types, usages and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.build.earlier import Earlier
from rules.build.sources import Second, Table

EARLIER, SECOND = "2020", "2024b"
"""The editions before the base edition, of which the sources of rows and of usages are."""
UNREAD = {"undecidable": "the condition of the earlier edition was not read"}
Then = dict[str, Any]
"""By edition what was otherwise; None where the row was not there."""


@dataclass(frozen=True, slots=True)
class History:
    """The earlier editions. `renamed` is what an IOD was called in the first of them."""

    rows: Earlier
    usages: Mapping[str, Mapping[str, str]]
    second: Second
    renamed: Mapping[str, str]
    tables: frozenset[str] = field(default=frozenset())

    def lacked(self, iod: str) -> bool:
        """Whether the edition of the rows did not have this IOD."""
        return bool(self.usages) and self.renamed.get(iod, iod).lower() not in self.usages

    def of_use(self, iod: str, use: str, usage: str, now: Mapping[str, Any], second: str | None) -> Then:
        """A Module or functional group of an IOD; `second` is its usage in the edition of usages, None if absent.

        Where the other edition's source has no functional groups at all of the IOD, nothing is said of that edition.
        """
        found: dict[str, str | None] = {SECOND: second}
        known = self.usages.get(self.renamed.get(iod, iod).lower(), {})
        kind = use.rpartition(" ")[0]
        if any(each.startswith(kind) for each in known):
            found[EARLIER] = known.get(use)
        then: Then = {}
        for edition, was in found.items():
            if was is None:
                then[edition] = None
            elif was != usage:
                then[edition] = {"usage": was} | ({"if": UNREAD} if was == "C" and "if" not in now else {})
        return then

    def of_row(self, table: Table, path: str, kind: str, now: Mapping[str, Any]) -> Then:
        """A row by the path of its tags: whether it was there, and its Type."""
        if table.number not in self.tables or "x" in path:  # repeating groups have other tags there
            return {}
        was = self.rows.get((table.number, path))
        if was is None:
            return {EARLIER: None}
        if not was.type or was.type == kind:
            return {}
        return {EARLIER: {"type": was.type} | ({"if": UNREAD} if was.type.endswith("C") and "if" not in now else {})}

    def had_any(self, table: Table, above: str, tags: frozenset[str]) -> bool:
        """Whether any of these tags stood at a place of a table; True where the table itself was not there."""
        if table.number not in self.tables:
            return True
        return any((table.number, f"{above}:{tag}" if above else tag) in self.rows for tag in tags)


def history(
    earlier: Earlier, usages: Mapping[str, Mapping[str, str]], second: Second, renamed: Mapping[str, str]
) -> History:
    """What the sources tell of the editions before."""
    return History(earlier, usages, second, renamed, frozenset(number for number, _ in earlier))
