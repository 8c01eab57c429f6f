"""Where the values of an instance are: one Data Set or Item, or many Items of one structure at once."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rules.frames import MOST_NAMED, both, items_of
from rules.header import Header, Stencil
from rules.model import Example, Finding, Problem, Rule, Severity, Undecided
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

    def distinct(self, tag: int) -> frozenset[bytes]:
        """The distinct value fields of an element here."""
        if self.stencil is None:
            return frozenset((self.header.raw(tag) or b"",))
        return self.stencil.distinct_at(self.header, tag)

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
        items = tuple(numbers[: MOST_NAMED + 1])
        return Problem(first, message, value_number, severity, section, len(numbers), first, last, items)


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


def once(said: Iterable[Finding | Undecided], habits: Container[str] = ()) -> Iterator[Finding | Undecided]:
    """What was said, the findings of one rule on one Attribute as one, in whatever Items; the first message stands.

    A rule among the `habits` is on what a sender does everywhere: its findings of one message are one, whatever the
    Attributes. After `MOST_KINDS` nothing more is asked for, and what is left is undecided.
    """
    alike: dict[tuple[str, str], Repeated] = {}
    for each in said:
        if isinstance(each, Undecided):
            yield each
            continue
        habit = each.rule in habits
        key = (each.rule, each.message if habit else _ITEM.sub("", each.path))
        known = alike.get(key)
        if known is not None:
            known.add(each, in_order=habit)
        elif len(alike) < MOST_KINDS:
            alike[key] = Repeated(each)
        else:
            yield Undecided(each.path, f"what else is wrong after {MOST_KINDS} kinds of findings")
            break
    for repeated in alike.values():
        yield repeated.finding()


class Repeated:
    """A finding that may come again, with its count and the first and the last of its paths."""

    __slots__ = ("count", "first", "items", "last", "told")

    def __init__(self, finding: Finding) -> None:
        self.told = finding
        self.count, self.items = finding.count, items_of(finding)
        self.first, self.last = finding.first or finding.path, finding.last or finding.path

    def add(self, again: Finding, in_order: bool) -> None:
        """Count a finding; paths are compared by their Item numbers, unless they come in order as they are."""
        self.count += again.count
        self.items = both(self.items, items_of(again))
        first, last = again.first or again.path, again.last or again.path
        if in_order or _items(last) > _items(self.last):
            self.last = last
        if not in_order and _items(first) < _items(self.first):
            self.told, self.first = again, first

    def finding(self) -> Finding:
        """All of them as one."""
        if self.count == self.told.count:
            return self.told
        return replace(self.told, path=self.first, count=self.count, first=self.first, last=self.last, items=self.items)


def _items(path: str) -> list[int]:
    return [int(number) for number in _ITEM.findall(path)]


MOST_KINDS = 1000
"""Distinct findings after which an instance is bad enough: to go on would only take time."""
_ITEM = re.compile(r"\[(\d+)\]")
