"""Findings as they come in: those that differ only in the Items they are in are one, and there is an end to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from rules.frames import both, items_of, with_frames
from rules.model import Finding, Severity

MOST_FINDINGS = 1000
"""Distinct findings of one instance that are kept; the others are counted."""


class Tally:
    """The findings of one instance, in the order of their first."""

    def __init__(self, most: int = MOST_FINDINGS) -> None:
        self._most = most
        self._alike: dict[tuple[object, ...], Finding] = {}
        self._more = 0
        self._gravest = Severity.NOTE

    def add(self, finding: Finding) -> None:
        """Take a finding in: as one more of a kind, as a new one, or only as a number."""
        where = _ITEM.sub("", finding.path)
        key = (finding.rule, where, finding.message, finding.value_number, finding.severity, finding.section)
        known = self._alike.get(key)
        if known is not None:
            first = min(known.first or known.path, finding.first or finding.path, key=_place)
            last = max(known.last or known.path, finding.last or finding.path, key=_place)
            count, items = known.count + finding.count, both(items_of(known), items_of(finding))
            self._alike[key] = replace(known, path=first, count=count, first=first, last=last, items=items)
        elif len(self._alike) < self._most:
            self._alike[key] = finding
        else:
            self._more += finding.count
            self._gravest = min(self._gravest, finding.severity, key=_GRAVEST.index)

    def findings(self) -> Iterator[Finding]:
        """The findings; where there were too many, a last one says how many more."""
        yield from map(with_frames, self._alike.values())
        if self._more:
            told = f"{self._more} more findings are not told"
            yield Finding("findings-cut-off", self._gravest, "", "", "dicomgate", told)


def _place(path: str) -> list[int]:
    """Where in the instance a path is among those that differ in the Items alone."""
    return [int(each) for each in _NUMBER.findall(path)]


_NUMBER = re.compile(r"\[(\d+)\]")
_ITEM = re.compile(r"\[\d+\]")
_GRAVEST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
