"""Holds a Data Set or an Item against its Level, and all Items below it against theirs.

Items of one structure are judged together: their structure once, each distinct value of an Attribute once, a condition
once for each combination of the values that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rules.asking import Question
from rules.checks import multiplicity, presence, values
from rules.checks.values import outside_terms
from rules.conditions import Answer
from rules.frames import MOST_NAMED
from rules.header import Header, Stencil
from rules.known import Known
from rules.model import Finding, Rule
from rules.plan import LONG, PER_FRAME, SHARED, Check, Conditional, Entry, Level, Open, Outline, Plan
from rules.registry import run

FEW_ITEMS = 4
"""Items that are judged one by one; more are judged by structure."""
MOST_COMBINATIONS = 256
"""Combinations of values that a condition is asked of; the Items that have others are left undecided."""

Numbers = Sequence[int] | None
"""Which Items of a Stencil; None where there is no Stencil."""


@dataclass(slots=True)
class Judge:
    """One instance being judged: where findings go, and how many requirements it leaves undecided."""

    plan: Plan
    add: Callable[[Finding], None]
    undecided: int = 0
    told: bool = False
    outward: bool = False
    """Whether something was told, and whether something outside of a place was looked at, since this was asked last."""

    def place(self, place: Header, level: Level, stencil: Stencil | None = None) -> None:
        """Judge one Data Set or Item; with a Stencil, the place in all its Items that this is in the first."""
        outline = level.outline(place.tags())
        present = outline.present
        for row, told in outline.missing:
            self.tell(presence.MISSING, place, stencil, None, row, told)
        for row, told in outline.not_allowed:
            self.tell(presence.NOT_ALLOWED, place, stencil, None, row, told)
        self.undecided += outline.undecided
        for conditions in outline.absent:
            self._absent(place, conditions, present, stencil)
        for conditions in outline.barred:
            self._barred(place, conditions, present, stencil)
        for row, told, never, _ in outline.never:
            for answer, numbers in self.asked(never, place, present, stencil):
                if answer is Answer.YES:
                    self.tell(presence.NOT_ALLOWED, place, stencil, numbers, row, told)
        if stencil is None:
            self._values(place, outline)
        else:
            for tag, entry in outline.values:
                self._column(place, tag, entry, present, stencil)
        for tag, entry in outline.nested:
            known = place.known(tag) if stencil is None else None
            if known is None:
                self._sequence(place, tag, entry, present, stencil)
            else:
                self._known(place, tag, entry, present, known)

    def items(self, place: Header, tag: int, level: Level, count: int, stencil: Stencil | None = None) -> None:
        """Judge the Items of a Sequence, which are so many."""
        if stencil is None and count > FEW_ITEMS:
            for each in place.stencils(tag):
                self.place(each.exemplar, level, each)
        else:
            for item in place.items(tag):
                self.place(item, level, stencil)

    def tell(self, rule: Rule, place: Header, stencil: Stencil | None, numbers: Numbers, *subject: object) -> None:
        """Put down what a rule finds here, for all Items of the Stencil or for those with these numbers."""
        self.told = True
        for finding in run(rule, place, *subject):
            if stencil is not None and len(stencil.numbers) > 1:
                finding = spread(finding, stencil.exemplar, stencil.numbers if numbers is None else numbers)
            self.add(finding)

    def asked(
        self, question: Question, place: Header, present: frozenset[int], stencil: Stencil | None
    ) -> list[tuple[Answer, Numbers]]:
        """The answers of a place, each with the Items of the Stencil that give it."""
        self.outward = self.outward or question.outward
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
        self, place: Header, conditions: Sequence[Open], present: frozenset[int], stencil: Stencil | None
    ) -> None:
        unknown = False
        for row, told, asked, _ in conditions:
            if stencil is None:
                self.outward = self.outward or asked.outward
                answer = asked.of(place, present)
                if answer is Answer.YES:
                    self.tell(presence.MISSING, place, None, None, row, told)
                    return
                unknown = unknown or answer is Answer.UNKNOWN
                continue
            for answer, numbers in self.asked(asked, place, present, stencil):
                if answer is Answer.YES:
                    self.tell(presence.MISSING, place, stencil, numbers, row, told)
                    return
                unknown = unknown or answer is Answer.UNKNOWN
        self.undecided += unknown

    def _values(self, place: Header, outline: Outline) -> None:
        """The values of the Attributes of one Data Set or Item."""
        elements, data, big_endian = place.elements(), place.source.data, place.encoding.big_endian
        for tag, entry in outline.values:
            vr, offset, length = elements[tag]
            if not length:
                self._no_value(place, entry, outline.present, None)
                continue
            if data[offset] in b" \0" and (entry.filled is not None or entry.filled_if) and place.empty(tag):
                self._no_value(place, entry, outline.present, None)
            if not entry.checks:
                continue
            known = (vr == entry.vr or vr is None) and not big_endian and length <= LONG
            raw = bytes(data[offset : offset + length]) if known else b""
            if known and raw in entry.sound:
                continue
            sound, found = True, place.values(tag)
            for check in entry.checks:
                wrong = list(outside_terms(check.terms, found))
                if wrong:
                    sound = False
                    if check.asked is not None:
                        self.outward = self.outward or check.asked.outward
                    if check.asked is None or check.asked.of(place, outline.present) is Answer.YES:
                        self.tell(values.rule_of(check.terms), place, None, None, check.row, check.terms, wrong)
            if sound and known and entry.vr is not None:
                entry.remember(raw)

    def _barred(self, place: Header, barred: Sequence[Open], present: frozenset[int], stencil: Stencil | None) -> None:
        """An Attribute that is there though no row requires or permits it."""
        left: Numbers = None
        for _, _, asked, may in barred:
            for each in (asked, may):
                if each is None or each.always is Answer.NO:
                    continue
                said = [numbers for answer, numbers in self.asked(each, place, present, stencil) if answer is Answer.NO]
                if not said:
                    return
                left = _both(left, said[0])
        if left is None or left:
            self.tell(presence.NOT_ALLOWED, place, stencil, left, barred[0].row, barred[0].told)

    def _empty(
        self, place: Header, conditions: Sequence[Conditional], present: frozenset[int], stencil: Stencil | None
    ) -> None:
        for row, asked, _ in conditions:
            for answer, numbers in self.asked(asked, place, present, stencil):
                if answer is Answer.YES:
                    self.tell(presence.EMPTY, place, stencil, numbers, row)
                    return

    def _no_value(
        self,
        place: Header,
        entry: Entry,
        present: frozenset[int],
        stencil: Stencil | None,
        numbers: Numbers = None,
    ) -> None:
        """An Attribute that is empty, or a value field that holds nothing but padding, which is as good as empty."""
        if entry.filled is not None:
            self.tell(presence.EMPTY, place, stencil, numbers, entry.filled)
        else:
            self._empty(place, entry.filled_if, present, stencil)

    def _known(self, place: Header, tag: int, entry: Entry, present: frozenset[int], known: Known) -> None:
        """A Sequence of which it may be known that nothing is wrong in it, and what it leaves open."""
        undecided = known.undecided.get(entry.number)
        if undecided is not None:
            self.undecided += undecided
            return
        before, told, outward = self.undecided, self.told, self.outward
        self.told = self.outward = False
        self._sequence(place, tag, entry, present, None)
        if not self.told and not self.outward:
            known.remember(entry.number, self.undecided - before)
        self.told, self.outward = self.told or told, self.outward or outward

    def _sequence(
        self, place: Header, tag: int, entry: Entry, present: frozenset[int], stencil: Stencil | None
    ) -> None:
        count = place.count(tag)
        if count is None:
            return
        if not count:
            self._no_value(place, entry, present, stencil)
            return
        if entry.items_row is not None and (count < entry.fewest or (entry.most is not None and count > entry.most)):
            fewest = entry.fewest
            self.tell(multiplicity.ITEM_COUNT, place, stencil, None, entry.items_row, count, fewest, entry.most)
        if entry.children and not (place.parent is None and tag in (SHARED, PER_FRAME)):
            self.items(place, tag, self.plan.below(entry), count, stencil)

    def _column(self, place: Header, tag: int, entry: Entry, present: frozenset[int], stencil: Stencil) -> None:
        """The values of an Attribute over all Items of a Stencil."""
        vr, _, length = place.elements()[tag]
        if not length:
            self._no_value(place, entry, present, stencil)
            return
        wanted = (entry.filled is not None or bool(entry.filled_if)) and place.vr(tag) in values.STRINGS
        if not entry.checks and not wanted:
            return
        fields = stencil.distinct_at(place, tag)
        # What holds nothing but padding comes before all else.
        if wanted and fields and min(fields) < b"!":
            for each, having in (stencil.column_at(place, tag) or {}).items():
                if each[0] in b" \0" and not each.strip(b" \0"):
                    self._no_value(place, entry, present, stencil, having)
        if not entry.checks:
            return
        known = (vr == entry.vr or vr is None) and not place.encoding.big_endian
        odd: dict[bytes, list[tuple[Check, list[tuple[int | None, str]]]]] = {}
        for each in fields - entry.sound if known else fields:
            found = place.decode(tag, each)
            said = [(check, wrong) for check in entry.checks if (wrong := list(outside_terms(check.terms, found)))]
            if said:
                odd[each] = said
            elif known and entry.vr is not None:
                entry.remember(each)
        for each, having in (stencil.column_at(place, tag) or {}).items() if odd else ():
            for check, wrong in odd.get(each, ()):
                for numbers in self._meeting(check, place, present, stencil, having):
                    self.tell(values.rule_of(check.terms), place, stencil, numbers, check.row, check.terms, wrong)

    def _meeting(
        self, check: Check, place: Header, present: frozenset[int], stencil: Stencil, having: Sequence[int]
    ) -> Iterator[Sequence[int]]:
        """Of the Items that have a value, those where the list of values counts."""
        if check.asked is None:
            yield having
            return
        for answer, numbers in self.asked(check.asked, place, present, stencil):
            these = _both(having, numbers) if answer is Answer.YES else ()
            if these:
                yield these


def spread(finding: Finding, exemplar: Header, numbers: Sequence[int]) -> Finding:
    """A finding in the first of some Items alike, made one of all those with these numbers."""
    before = exemplar.path
    head, rest = before[: before.rindex("[")], finding.path[len(before) :]
    first, last = f"{head}[{numbers[0]}]{rest}", f"{head}[{numbers[-1]}]{rest}"
    if len(numbers) == 1:
        return replace(finding, path=first)
    return replace(
        finding, path=first, count=len(numbers), first=first, last=last, items=tuple(numbers[: MOST_NAMED + 1])
    )


def _both(one: Numbers, other: Numbers) -> Numbers:
    if one is None or other is None:
        return other if one is None else one
    kept = set(other)
    return [each for each in one if each in kept]


def _combinations(question: Question, place: Header, stencil: Stencil) -> list[list[int]]:
    """The Items of a Stencil in groups that agree on every value that the question reads."""
    numbers = list(stencil.numbers)
    # Of the Items alike, the Sequence's first and last can only be the Stencil's.
    groups = [numbers[:1], numbers[1:-1], numbers[-1:]] if question.by_position else [numbers]
    groups = [each for each in groups if each]
    for column in _read(question, place, stencil):
        if len(column) > 1:
            value_of = {number: raw for raw, numbers in column.items() for number in numbers}
            groups = [part for group in groups for part in _split(group, value_of)]
    return groups


def _read(question: Question, place: Header, stencil: Stencil) -> Iterator[dict[bytes, list[int]]]:
    """The columns of what the question reads."""
    for tag, at in question.reads:
        if at == "text":
            for each in place.tags():
                yield from _columns(stencil, place, each)
            continue
        where = _where(place, tag, at, stencil)
        if where is not None:
            yield from _columns(stencil, where, tag)


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
    above = stencil.exemplar.parent
    here = above.item_at(stencil.exemplar.sequence, number) if above is not None else place
    for step in steps:
        name, _, index = step.partition("[")
        here = here.item_at(name, int(index[:-1]))
    return here
