"""Where the values of an instance are: one Data Set or Item, or many Items of one structure at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rules.header import Header, Stencil
from rules.model import Example, Finding, Problem, Rule, Severity
from rules.registry import table_rule


@dataclass(frozen=True, slots=True)
class Place:
    """A Data Set or Item. With a stencil it stands for the same place in all Items of that structure."""

    header: Header
    stencil: Stencil | None = None

    def fields(self, tag: int) -> Mapping[bytes, Sequence[int]]:
        """Each distinct value field of an element here, with the Items of the stencil that have it."""
        if self.stencil is None:
            return {self.header.raw(tag) or b"": ()}
        return self.stencil.column_at(self.header, tag) or {}

    def problem(
        self,
        name: str | int,
        message: str,
        numbers: Sequence[int] | None = None,
        value_number: int | None = None,
        severity: Severity | None = None,
        section: str | None = None,
    ) -> Problem:
        """A Problem of an Attribute here, in these Items of the stencil, by default in all."""
        path = self.header.path_of(name)
        if self.stencil is None:
            return Problem(path, message, value_number, severity, section)
        if numbers is None:
            numbers = self.stencil.numbers
        exemplar = self.stencil.exemplar.path
        stem, rest = exemplar.rpartition("[")[0], path[len(exemplar) :]
        first, last = (f"{stem}[{number}]{rest}" for number in (numbers[0], numbers[-1]))
        if len(numbers) == 1:
            return Problem(first, message, value_number, severity, section)
        return Problem(first, message, value_number, severity, section, len(numbers), first, last)


def places_within(place: Place, tag: int) -> Iterator[Place]:
    """The Items of a Sequence, those of one structure as one."""
    if place.stencil is not None:
        for item in place.header.items(tag):
            yield Place(item, place.stencil)
        return
    for stencil in place.header.stencils(tag):
        yield Place(stencil.exemplar, stencil if len(stencil.numbers) > 1 else None)


def stated(
    id: str, section: str, severity: Severity, says: str, good: Iterable[Example], bad: Iterable[Example]
) -> Rule:
    """Register a rule whose problems are found by the walk over all values; `says` is its page."""

    def check(problems: Iterable[Problem]) -> Iterator[Problem]:
        yield from problems

    check.__doc__ = says
    return table_rule(id, section=section, severity=severity, good=good, bad=bad)(check)


def once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, those of one rule on one Attribute as one, in whatever Items; the first message stands for all."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        alike.setdefault((each.rule, _without_items(each.path)), []).append(each)
    for group in alike.values():
        if len(group) == 1:
            yield group[0]
            continue
        first = min(group, key=lambda each: _items(each.first or each.path))
        last = max(group, key=lambda each: _items(each.last or each.path))
        where = first.first or first.path
        count = sum(each.count for each in group)
        yield replace(first, path=where, count=count, first=where, last=last.last or last.path)


def _without_items(path: str) -> str:
    return _ITEM.sub("", path)


def _items(path: str) -> list[int]:
    return [int(number) for number in _ITEM.findall(path)]


_ITEM = re.compile(r"\[(\d+)\]")
