"""Holds a Data Set or an Item against its Level, and all Items below it against theirs.

Items of one structure are judged together: their structure once, each distinct value of an Attribute once, a condition
once for each combination of the values that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rules.asking import Question
from rules.checks import multiplicity, presence, values
from rules.conditions import Answer
from rules.header import Header, Stencil, Value
from rules.model import Finding, Rule
from rules.plan import PER_FRAME, SHARED, Check, Conditional, Entry, Level, Plan
from rules.registry import run

FEW_ITEMS = 4
"""Items that are judged one by one; more are judged by structure."""
MOST_COMBINATIONS = 256
"""Combinations of values that a condition is asked of; the Items that have others are left undecided."""
_LONG = 64
"""Bytes beyond which a value field is not remembered."""

Numbers = Sequence[int] | None
"""Which Items of a Stencil; None where there is no Stencil."""


@dataclass(slots=True)
class Judge:
    """One instance being judged: where findings go, and how many requirements it leaves undecided."""

    plan: Plan
    add: Callable[[Finding], None]
    undecided: int = 0

    def place(self, place: Header, level: Level, present: frozenset[int], stencil: Stencil | None = None) -> None:
        """Judge one Data Set or Item; with a Stencil, the place in all its Items that this is in the first."""
        for tag in sorted(level.required - present):
            self.tell(presence.MISSING, place, stencil, None, level.rows[tag])
        if level.undecidable:
            self.undecided += len(level.undecidable - present)
        for tag, needs, conditions in level.conditional:
            if tag not in present and (needs is None or not needs.isdisjoint(present)):
                self._absent(place, conditions, present, stencil)
        entries = level.entries
        for tag in present & entries.keys():
            self._present(place, tag, entries[tag], present, stencil)

    def items(self, place: Header, tag: int, level: Level, stencil: Stencil | None = None) -> None:
        """Judge the Items of a Sequence."""
        if stencil is None:
            stencils = place.stencils(tag)
            few = sum(len(each.numbers) for each in stencils) <= FEW_ITEMS
            for each in () if few else stencils:
                self.place(each.exemplar, level, frozenset(each.exemplar.tags()), each)
            if not few:
                return
        for item in place.items(tag):
            self.place(item, level, frozenset(item.tags()), stencil)

    def tell(self, rule: Rule, place: Header, stencil: Stencil | None, numbers: Numbers, *subject: object) -> None:
        """Put down what a rule finds here, for all Items of the Stencil or for those with these numbers."""
        for finding in run(rule, place, *subject):
            if stencil is not None and len(stencil.numbers) > 1:
                finding = spread(finding, stencil.exemplar, stencil.numbers if numbers is None else numbers)
            self.add(finding)

    def asked(
        self, question: Question, place: Header, present: frozenset[int], stencil: Stencil | None
    ) -> list[tuple[Answer, Numbers]]:
        """The answers of a place, each with the Items of the Stencil that give it."""
        alike = not question.reads and not question.by_position
        if stencil is None or question.always is not None or alike or len(stencil.numbers) == 1:
            return [(question.of(place, present), None)]
        groups = _combinations(question, place, stencil)
        if len(groups) == 1:
            return [(question.of(place, present), None)]
        told: dict[Answer, list[int]] = {}
        for numbers in groups[:MOST_COMBINATIONS]:
            answer = question.of(_same_place(place, stencil, numbers[0]), present)
            told.setdefault(answer, []).extend(numbers)
        for numbers in groups[MOST_COMBINATIONS:]:
            told.setdefault(Answer.UNKNOWN, []).extend(numbers)
        return [(answer, sorted(numbers)) for answer, numbers in told.items()]

    def _absent(
        self, place: Header, conditions: Sequence[Conditional], present: frozenset[int], stencil: Stencil | None
    ) -> None:
        unknown = False
        for row, asked, _ in conditions:
            for answer, numbers in self.asked(asked, place, present, stencil):
                if answer is Answer.YES:
                    self.tell(presence.MISSING, place, stencil, numbers, row, asked)
                    return
                unknown = unknown or answer is Answer.UNKNOWN
        self.undecided += unknown

    def _present(self, place: Header, tag: int, entry: Entry, present: frozenset[int], stencil: Stencil | None) -> None:
        if entry.barred:
            self._barred(place, entry.barred, present, stencil)
        for row, never in entry.never:
            for answer, numbers in self.asked(never, place, present, stencil):
                if answer is Answer.YES:
                    self.tell(presence.NOT_ALLOWED, place, stencil, numbers, row, never)
        if entry.children is not None:
            self._sequence(place, tag, entry, present, stencil)
            return
        found = place.element(tag)
        if found is None:
            return
        _, offset, length = found
        if length == 0:
            if entry.filled is not None:
                self.tell(presence.EMPTY, place, stencil, None, entry.filled)
            elif entry.filled_if:
                self._empty(place, entry.filled_if, present, stencil)
            return
        if stencil is None:
            if not entry.checks and place.source.data[offset] not in b" \0":
                return
            if (entry.filled is not None or entry.filled_if) and place.empty(tag):
                self._padding(place, entry, present, stencil, None)
            plain = length <= _LONG and not place.encoding.big_endian
            raw = bytes(place.source.data[offset : offset + length]) if plain else None
            for check in entry.checks:
                if check.asked is not None:
                    self._values_if(place, tag, check, present, stencil)
                elif raw is None or raw not in check.sound:
                    wrong = list(values.outside_terms(check.terms, place.values(tag)))
                    if wrong:
                        self.tell(values.rule_of(check.terms), place, stencil, None, check.row, check.terms, wrong)
                    elif raw is not None:
                        check.remember(raw)
            return
        self._column(place, tag, entry, present, stencil)

    def _barred(
        self, place: Header, barred: Sequence[Conditional], present: frozenset[int], stencil: Stencil | None
    ) -> None:
        """An Attribute that is there though no row requires or permits it."""
        left: Numbers = None
        for _, asked, may in barred:
            said = [numbers for answer, numbers in self.asked(asked, place, present, stencil) if answer is Answer.NO]
            if not said:
                return
            left = _both(left, said[0])
            if may is not None:
                said = [numbers for answer, numbers in self.asked(may, place, present, stencil) if answer is Answer.NO]
                if not said:
                    return
                left = _both(left, said[0])
        if left is None or left:
            self.tell(presence.NOT_ALLOWED, place, stencil, left, barred[0].row, barred[0].asked)

    def _empty(
        self, place: Header, conditions: Sequence[Conditional], present: frozenset[int], stencil: Stencil | None
    ) -> None:
        for row, asked, _ in conditions:
            for answer, numbers in self.asked(asked, place, present, stencil):
                if answer is Answer.YES:
                    self.tell(presence.EMPTY, place, stencil, numbers, row)
                    return

    def _padding(
        self, place: Header, entry: Entry, present: frozenset[int], stencil: Stencil | None, numbers: Numbers
    ) -> None:
        """A value field that holds nothing but padding is as good as empty."""
        if entry.filled is not None:
            self.tell(presence.EMPTY, place, stencil, numbers, entry.filled)
        else:
            self._empty(place, entry.filled_if, present, stencil)

    def _sequence(
        self, place: Header, tag: int, entry: Entry, present: frozenset[int], stencil: Stencil | None
    ) -> None:
        if not place.is_sequence(tag):
            return
        if place.empty(tag):
            if entry.filled is not None:
                self.tell(presence.EMPTY, place, stencil, None, entry.filled)
            elif entry.filled_if:
                self._empty(place, entry.filled_if, present, stencil)
            return
        if entry.items_row is not None:
            number = sum(len(each.numbers) for each in place.stencils(tag))
            if number < entry.fewest or (entry.most is not None and number > entry.most):
                fewest = entry.fewest
                self.tell(multiplicity.ITEM_COUNT, place, stencil, None, entry.items_row, number, fewest, entry.most)
        if entry.children and not (place.parent is None and tag in (SHARED, PER_FRAME)):
            self.items(place, tag, self.plan.below(entry), stencil)

    def _column(self, place: Header, tag: int, entry: Entry, present: frozenset[int], stencil: Stencil) -> None:
        """The values of an Attribute over all Items of a Stencil."""
        wanted = entry.filled is not None or bool(entry.filled_if)
        if not entry.checks and not wanted:
            return
        fields = stencil.distinct_at(place, tag)
        column: dict[bytes, list[int]] | None = None
        if wanted:
            blank = [each for each in fields if each[:1] in (b" ", b"\0") and not each.strip(b" \0")]
            if blank and place.vr(tag) in values.STRINGS:
                column = stencil.column_at(place, tag) or {}
                for each in blank:
                    self._padding(place, entry, present, stencil, column[each])
        for check in entry.checks:
            if check.asked is not None:
                self._values_if(place, tag, check, present, stencil)
                continue
            for each in fields - check.sound if not place.encoding.big_endian else fields:
                wrong = list(values.outside_terms(check.terms, place.decode(tag, each)))
                if wrong:
                    column = column if column is not None else stencil.column_at(place, tag) or {}
                    subject = (check.row, check.terms, wrong)
                    self.tell(values.rule_of(check.terms), place, stencil, column.get(each), *subject)
                elif len(each) <= _LONG and not place.encoding.big_endian:
                    check.remember(each)

    def _values_if(
        self, place: Header, tag: int, check: Check, present: frozenset[int], stencil: Stencil | None
    ) -> None:
        """Values under a condition: only those of Items that meet it are held against the list."""
        if check.asked is None:
            return
        for answer, numbers in self.asked(check.asked, place, present, stencil):
            if answer is not Answer.YES:
                continue
            for found, having in _fields(place, tag, stencil, numbers):
                wrong = list(values.outside_terms(check.terms, found))
                if wrong:
                    self.tell(values.rule_of(check.terms), place, stencil, having, check.row, check.terms, wrong)


def spread(finding: Finding, exemplar: Header, numbers: Sequence[int]) -> Finding:
    """A finding in the first of some Items alike, made one of all those with these numbers."""
    before = exemplar.path
    head, rest = before[: before.rindex("[")], finding.path[len(before) :]
    first, last = f"{head}[{numbers[0]}]{rest}", f"{head}[{numbers[-1]}]{rest}"
    if len(numbers) == 1:
        return replace(finding, path=first)
    return replace(finding, path=first, count=len(numbers), first=first, last=last)


def _both(one: Numbers, other: Numbers) -> Numbers:
    if one is None or other is None:
        return other if one is None else one
    kept = set(other)
    return [each for each in one if each in kept]


def _fields(
    place: Header, tag: int, stencil: Stencil | None, numbers: Numbers
) -> Iterator[tuple[tuple[Value, ...], Numbers]]:
    """The values at a place, in a Stencil each distinct ones with the Items that have them."""
    if stencil is None:
        yield place.values(tag), None
        return
    for raw, having in (stencil.column_at(place, tag) or {}).items():
        these = _both(having, numbers)
        if these:
            yield place.decode(tag, raw), these


def _combinations(question: Question, place: Header, stencil: Stencil) -> list[list[int]]:
    """The Items of a Stencil in groups that agree on every value that the question reads."""
    numbers = list(stencil.numbers)
    # Of the Items alike, the Sequence's first and last can only be the Stencil's.
    groups = [numbers[:1], numbers[1:-1], numbers[-1:]] if question.by_position else [numbers]
    groups = [each for each in groups if each]
    for tag, at in question.reads:
        where = _where(place, tag, at, stencil)
        if where is None:
            continue
        for column in _columns(stencil, where, tag):
            if len(column) > 1:
                value_of = {number: raw for raw, numbers in column.items() for number in numbers}
                groups = [part for group in groups for part in _split(group, value_of)]
    return groups


def _split(group: list[int], value_of: dict[int, bytes]) -> list[list[int]]:
    parts: dict[bytes, list[int]] = {}
    for number in group:
        parts.setdefault(value_of.get(number, b""), []).append(number)
    return list(parts.values())


def _where(place: Header, tag: int, at: str, stencil: Stencil) -> Header | None:
    """The place within the Stencil's first Item where the Attribute is looked up; None where it is outside."""
    around: Header | None = place if at != "around" else place.parent
    while around is not None and around is not stencil.exemplar.parent:
        if around.has(tag):
            return around
        if at == "here":
            return None
        around = around.parent
    if at != "frame":
        return None
    for each in stencil.exemplar.tags():
        for item in stencil.exemplar.items(each):
            if item.has(tag):
                return item
    return None


def _columns(stencil: Stencil, place: Header, tag: int) -> Iterator[dict[bytes, list[int]]]:
    if place.is_sequence(tag):
        for item in place.items(tag):
            for each in item.tags():
                yield from _columns(stencil, item, each)
    else:
        column = stencil.column_at(place, tag)
        if column is not None:
            yield column


def _same_place(place: Header, stencil: Stencil, number: int) -> Header:
    """The place in another Item of the Stencil."""
    steps = place.path[len(stencil.exemplar.path) :].split(".")[1:]
    sequence = stencil.exemplar.path.rpartition(".")[2].partition("[")[0]
    above = stencil.exemplar.parent
    here = above.item_at(sequence, number) if above is not None else place
    for step in steps:
        name, _, index = step.partition("[")
        here = here.item_at(name, int(index[:-1]))
    return here
