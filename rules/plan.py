"""What an instance of a SOP Class has to hold, all Modules of its IOD merged into one Level a place.

Compiled at first use, and no deeper than the Sequences that are met. Where several Modules name one Attribute the
strictest Type counts (PS3.3 C.1.2.3), and an Attribute that any of them permits is permitted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import NamedTuple

from rules.asking import MOST_TAGS, Question, question
from rules.conditions import Answer
from rules.dictionary import vr_of
from rules.editions import NEWEST
from rules.header import Header
from rules.image_types import image_type
from rules.iods import (
    Usage,
    constraints_of,
    forbidden_modules_of,
    frame_constraints_of,
    functional_groups_of,
    modules_of,
    storage_sop_classes,
)
from rules.kept import Kept
from rules.modules import Row, Table, Terms, macro, module, rows_of
from rules.tables import file_name

SHARED = 0x52009229
PER_FRAME = 0x52009230
_NUMBERS = count()
OVERLAY_PLANE = "Overlay Plane"
MOST_ROOTS = 512
"""Combinations of Modules that are kept compiled, over all Plans."""
MOST_LEVELS = 1024
"""Kinds of Items that a Plan keeps compiled."""
MOST_OUTLINES = 4096
"""Structures of Data Sets and Items that are known again."""
MOST_MAKEUPS = 512
"""Structures of Data Sets of which it is known which Modules they have."""
_MEMORY = 512
"""Value fields of an Attribute that are remembered as sound."""
LONG = 64
"""Bytes beyond which a value field is not remembered."""


class Claim(NamedTuple):
    """What one Module says of an Attribute.

    `binding` where the Module applies; else it only permits. `optional` for the Sequence of a functional group, whose
    presence is judged over all frames.
    """

    row: Row
    binding: bool
    optional: bool = False


class Check:
    """One list of values that an Attribute is held against."""

    __slots__ = ("asked", "row", "terms")

    def __init__(self, row: Row, terms: Terms, uid: str) -> None:
        self.row = row
        self.terms = terms
        self.asked = question(terms.condition, uid) if terms.condition is not None else None


class Conditional(NamedTuple):
    """Type 1C or 2C by one row: when it is required, and when it may be there otherwise."""

    row: Row
    asked: Question
    may: Question | None


class Open(NamedTuple):
    """A condition of a row that the tags of a place leave open: as it is told of, and what is left to ask."""

    row: Row
    told: Question
    asked: Question
    may: Question | None = None


class Entry:
    """All that is asked of one Attribute that is present."""

    __slots__ = (
        "barred",
        "checks",
        "children",
        "fewest",
        "filled",
        "filled_if",
        "items_row",
        "level",
        "most",
        "never",
        "number",
        "sound",
        "vr",
    )

    def __init__(self, vr: str | None) -> None:
        self.number = next(_NUMBERS)
        """Its own, for as long as the process lives."""
        self.vr = vr.encode() if vr is not None and " " not in vr else None
        """The VR of the dictionary; None where it is a choice, or there is none."""
        self.filled: Row | None = None
        """The row that demands a value."""
        self.filled_if: tuple[Conditional, ...] = ()
        """Rows that demand one where their condition is met."""
        self.barred: tuple[Conditional, ...] = ()
        """The rows of which one must allow it to be there; none where it is allowed come what may."""
        self.never: tuple[tuple[Row, Question], ...] = ()
        self.checks: tuple[Check, ...] = ()
        self.sound: set[bytes] = set()
        """Value fields of its VR that have passed all checks, whatever the conditions of these."""
        self.fewest = 0
        self.most: int | None = None
        self.items_row: Row | None = None
        self.children: tuple[Claim, ...] | None = None
        """What its Items are judged by; None where it is no Sequence."""
        self.level: Level | None = None
        """The same, compiled once it is asked for."""

    @property
    def looked_into(self) -> bool:
        """Whether something is asked of its value."""
        return self.filled is not None or bool(self.filled_if or self.checks)

    def remember(self, raw: bytes) -> None:
        """Take a value field for sound from now on."""
        if len(self.sound) < _MEMORY and len(raw) <= LONG and raw.isascii():
            self.sound.add(raw)


class Said(NamedTuple):
    """What the Modules of a Plan say of one Attribute: all of it, what is binding, and the conditions of that.

    Nothing is binding of an Attribute of a Module that is not in use otherwise.
    """

    plan: Plan
    tag: int
    claims: Sequence[Claim]
    binding: Sequence[Claim]
    conditions: tuple[Conditional, ...]

    def entry(self) -> Entry | None:
        """What is asked of the Attribute where it is there."""
        if not self.binding:
            return self.plan.alone(self.tag, self.claims[0].row)
        return self.plan.entry(self.tag, self.claims, self.binding, self.conditions)


@dataclass(slots=True, eq=False)
class Level:
    """What is asked of one Data Set or Item.

    `required` are Types 1 and 2, `rows` those that demand them. `conditional` are 1C and 2C that an instance can
    decide, by tag, each with the tags of which one must be present for the condition to be met (None: any).
    `undecidable` are those that no instance can.
    """

    required: frozenset[int] = frozenset()
    rows: Mapping[int, Row] = field(default_factory=dict)
    conditional: tuple[tuple[int, frozenset[int] | None, tuple[Conditional, ...]], ...] = ()
    undecidable: frozenset[int] = frozenset()
    root: bool = False
    """Whether this is for the Data Set itself."""
    said: Mapping[int, Said] = field(default_factory=dict)
    entries: dict[int, Entry | None] = field(default_factory=dict)
    """What is asked of Attributes that are there; made from what is said of them once one is."""

    def outline(self, tags: tuple[int, ...]) -> Outline:
        """What is asked of a place that holds these tags. Senders repeat themselves, so it is kept."""
        known = OUTLINES.get((self, tags))
        if known is None:
            known = _outline(self, frozenset(tags))
            if len(tags) <= MOST_TAGS:
                OUTLINES.put((self, tags), known)
        return known

    def entry(self, tag: int) -> Entry | None:
        """What is asked of an Attribute that is there; None where nothing is."""
        if tag in self.entries:
            return self.entries[tag]
        said = self.said.get(tag)
        if said is None:
            return None
        made = self.entries[tag] = said.entry()
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What a Level asks of places that hold the same tags, with all that follows from these alone.

    `missing` and `not_allowed` are settled, with the condition that makes it so. `absent` are conditions of which one
    may yet require each Attribute that is not there, `barred` those of which one has to allow an Attribute that is,
    `never` those that forbid one. `values` are the Attributes that are looked into, `nested` the Sequences.
    """

    present: frozenset[int]
    missing: tuple[tuple[Row, Question | None], ...]
    not_allowed: tuple[tuple[Row, Question], ...]
    undecided: int
    absent: tuple[tuple[Open, ...], ...]
    barred: tuple[tuple[Open, ...], ...]
    never: tuple[Open, ...]
    values: tuple[tuple[int, Entry], ...]
    nested: tuple[tuple[int, Entry], ...]


def _outline(level: Level, present: frozenset[int]) -> Outline:
    missing: list[tuple[Row, Question | None]] = [(level.rows[tag], None) for tag in sorted(level.required - present)]
    not_allowed: list[tuple[Row, Question]] = []
    undecided = len(level.undecidable - present)
    absent: list[tuple[Open, ...]] = []
    barred: list[tuple[Open, ...]] = []
    never: list[Open] = []
    for tag, needs, conditions in level.conditional:
        if tag in present or (needs is not None and needs.isdisjoint(present)):
            continue
        left = [Open(row, asked, asked.among(present, level.root)) for row, asked, _ in conditions]
        left = [each for each in left if each.asked.always is not Answer.NO]
        if left and left[0].asked.always is Answer.YES:
            missing.append((left[0].row, left[0].told))
        elif all(each.asked.always is Answer.UNKNOWN for each in left):
            undecided += bool(left)
        else:
            absent.append(tuple(left))
    there = [(tag, entry) for tag in sorted(present) if (entry := level.entry(tag)) is not None]
    for _, entry in there:
        if entry.barred:
            opens = _open(entry.barred, present, level.root)
            if opens is not None and opens:
                barred.append(opens)
            elif opens is not None:
                not_allowed.append((entry.barred[0].row, entry.barred[0].asked))
        for row, asked in entry.never:
            now = asked.among(present, level.root)
            if now.always is Answer.YES:
                not_allowed.append((row, asked))
            elif now.always is None:
                never.append(Open(row, asked, now))
    return Outline(
        present,
        tuple(missing),
        tuple(not_allowed),
        undecided,
        tuple(absent),
        tuple(barred),
        tuple(never),
        tuple((tag, entry) for tag, entry in there if entry.children is None and entry.looked_into),
        tuple((tag, entry) for tag, entry in there if entry.children is not None),
    )


def _open(barred: Iterable[Conditional], present: frozenset[int], root: bool) -> tuple[Open, ...] | None:
    """The conditions that may yet allow an Attribute; None where one does. The first one stands for what is told."""
    left: list[Open] = []
    for row, asked, may in barred:
        now = asked.among(present, root)
        then = may.among(present, root) if may is not None else None
        if now.always not in (None, Answer.NO) or (then is not None and then.always not in (None, Answer.NO)):
            return None
        if now.always is None or (then is not None and then.always is None):
            left.append(Open(row, asked, now, then))
    return tuple(left)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A functional group of the IOD: the Macro's Sequence, and when it is there."""

    usage: Usage
    row: Row
    asked: Question | None
    may: Question | None
    own_topic: bool
    """Whether its presence is judged with Frame Type."""


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A Module of Usage C or U. `own` are the tags that show it is in use: required ones that no other Module has."""

    usage: Usage
    table: Table
    own: frozenset[int]
    asked: Question | None
    may: Question | None
    never: Question | None
    loose: frozenset[int]
    """Its tags, where none of them is Type 1 or 2 but one is 1C: a Module of references, say. Else none."""


class Choice(NamedTuple):
    """An Option for instances that hold certain tags: whether it is in use, and what the tags leave to ask."""

    option: Option
    in_use: bool
    asked: Question | None
    never: Question | None
    may: Question | None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to ask."""
        asked = [self.asked]
        if self.asked is not None and self.asked.always is Answer.NO:
            asked += [self.never, None if self.option.usage.may_be else self.may]
        return all(each is None or each.always is not None for each in asked)

    def allowed(self, header: Header, present: frozenset[int]) -> bool:
        """Whether the Module may be there all the same where its condition is not met."""
        if self.never is not None and self.never.of(header, present) is Answer.YES:
            return False
        if self.option.usage.may_be or self.may is None:
            return self.option.usage.may_be
        return self.may.of(header, present) is not Answer.NO


@dataclass(slots=True, eq=False)
class Makeup:
    """What the tags of an instance say of its Modules.

    `forbidden` are Modules that the IOD forbids: name, section, and a tag that shows one to be there. `overlays` are
    the repeating groups of overlays beside the first. `modules` are those that apply, where the tags settle that.
    """

    choices: tuple[Choice, ...]
    forbidden: tuple[tuple[str, str, int], ...]
    overlays: tuple[int, ...]
    modules: Modules | None = None


class Modules(NamedTuple):
    """Which Modules apply to one instance."""

    root: Level
    barred: tuple[tuple[Option, frozenset[int]], ...]
    """Modules that must not be there, with the tags of theirs that are."""
    missing: tuple[Option, ...]
    """Modules that are required, demand no Attribute by themselves, and of which there is none."""
    undecided: tuple[str, ...]
    """Modules of which the instance does not tell whether they are required."""


class Plan:
    """Everything that the fact tables ask of the instances of one SOP Class."""

    def __init__(self, uid: str, iod: str, edition: str = NEWEST) -> None:
        self.uid = uid
        self.iod = iod
        self.edition = edition
        self._names = frozenset(usage.name for usage in modules_of(iod, edition))
        self._levels: dict[tuple[tuple[int, bool, bool], ...], Level] = {}
        of = modules_of(iod, edition)
        usages = [(usage, table) for usage in of if (table := module(usage.name, edition)) is not None]
        self._mandatory = tuple(table for usage, table in usages if usage.usage == "M")
        self.options = tuple(self._option(usage, table, usages) for usage, table in usages if usage.usage != "M")
        types = image_type(iod, edition)
        self._topics = {"ImageType"} if types is not None else set()
        frames = types.frames.sequence if types is not None and types.frames is not None else ""
        self.frame_type = frames
        self._forbidden = tuple(self._forbidden_among(usages))
        self._has_overlays = any(option.usage.name == OVERLAY_PLANE for option in self.options)
        self.groups = tuple(self._groups(frames))
        self.per_frame_required = any(_for_frames(each) and each.usage.usage == "M" for each in self.groups)
        self._frame_level: Level | None = None

    def makeup(self, present: frozenset[int]) -> Makeup:
        """What these tags say of the Modules; kept, since senders repeat themselves."""
        known = MAKEUPS.get((self, present))
        if known is None:
            known = Makeup(
                tuple(self._choice(option, present) for option in self.options),
                tuple((name, where, min(own & present)) for name, where, own in self._forbidden if own & present),
                tuple({tag >> 16 for tag in present if _is_later_overlay(tag >> 16)}) if self._has_overlays else (),
            )
            if len(present) <= MOST_TAGS:
                MAKEUPS.put((self, present), known)
        return known

    def modules(self, header: Header, present: frozenset[int]) -> Modules:
        """Which Modules apply to this instance, merged."""
        makeup = self.makeup(present)
        if makeup.modules is not None:
            return makeup.modules
        applying: list[str] = []
        excluded: list[Option] = []
        barred: list[tuple[Option, frozenset[int]]] = []
        missing: list[Option] = []
        undecided: list[str] = []
        for choice in makeup.choices:
            option, in_use = choice.option, choice.in_use
            if choice.asked is None:
                if in_use:
                    applying.append(option.usage.name)
                continue
            answer = choice.asked.of(header, present)
            if answer is Answer.YES:
                applying.append(option.usage.name)
                if option.loose and option.loose.isdisjoint(present):
                    missing.append(option)
            elif answer is Answer.NO and not choice.allowed(header, present):
                excluded.append(option)
                if in_use:
                    barred.append((option, option.own & present))
            elif in_use:
                applying.append(option.usage.name)
            elif answer is Answer.UNKNOWN:
                undecided.append(option.usage.name)
        root = self._root_of(applying, excluded)
        modules = Modules(root, tuple(barred), tuple(missing), tuple(undecided))
        if all(choice.settled for choice in makeup.choices):
            makeup.modules = modules
        return modules

    def below(self, entry: Entry) -> Level:
        """The Level of the Items of a Sequence."""
        if entry.level is None:
            entry.level = self._level_of(entry.children or (), root=False)
        return entry.level

    @property
    def frame(self) -> Level:
        """The Level of an Item of the Shared or Per-Frame Functional Groups Sequence."""
        if self._frame_level is None:
            claims = [Claim(each.row, True, True) for each in self.groups]
            claims += [Claim(row, True, True) for row in frame_constraints_of(self.iod)]
            self._frame_level = self._level_of(claims, root=False)
        return self._frame_level

    @staticmethod
    def _choice(option: Option, present: frozenset[int]) -> Choice:
        left = [each and each.among(present, root=True) for each in (option.asked, option.never, option.may)]
        return Choice(option, not option.own.isdisjoint(present), *left)

    def _root_of(self, applying: Sequence[str], excluded: Sequence[Option]) -> Level:
        """The Level of the Data Set where these Modules of Usage C and U apply."""
        key = (*applying, "", *(each.usage.name for each in excluded))
        root = ROOTS.get((self, key))
        if root is None:
            if len(self._levels) > MOST_LEVELS:
                self._levels.clear()
            root = ROOTS.put((self, key), self._root(frozenset(applying), excluded))
        return root

    def _option(self, usage: Usage, table: Table, usages: Sequence[tuple[Usage, Table]]) -> Option:
        others = {tag for other, each in usages if other is not usage for tag in _tags(each)}
        own = frozenset(row.tag for row in rows_of(table.within) if row.type != "3" and row.tag not in others)
        conditional = usage.usage == "C"
        types = {row.type for row in rows_of(table.within)}
        return Option(
            usage,
            table,
            own,
            question(usage.required_if or _UNSAID, self.uid, root=True) if conditional else None,
            question(usage.may_be_if, self.uid, root=True) if usage.may_be_if is not None else None,
            question(usage.never_if, self.uid, root=True) if usage.never_if is not None else None,
            _tags(table) if "1C" in types and types.isdisjoint(("1", "2")) else frozenset(),
        )

    def _forbidden_among(self, usages: Sequence[tuple[Usage, Table]]) -> Iterator[tuple[str, str, frozenset[int]]]:
        """Modules that the IOD forbids: name, section, and the tags that show one to be there all the same."""
        allowed = {tag for _, each in usages for tag in _tags(each)}
        for name, section in forbidden_modules_of(self.iod):
            table = module(name)
            rows = rows_of(table.within) if table else ()
            own = frozenset(row.tag for row in rows if row.type != "3" and row.tag not in allowed)
            yield name, section, frozenset(_all_overlays(own)) if name == OVERLAY_PLANE else own

    def _groups(self, frame_type: str) -> Iterator[Group]:
        for usage in functional_groups_of(self.iod, self.edition):
            table = macro(file_name(usage.name), self.edition)
            for row in rows_of(table.within) if table else ():
                if vr_of(row.tag) == "SQ":
                    conditional = usage.usage == "C" or (usage.usage == "M" and row.type.endswith("C"))
                    required = usage.required_if if usage.usage == "C" else row.required_if
                    yield Group(
                        usage,
                        row,
                        question(required or _UNSAID, self.uid) if conditional else None,
                        question(usage.may_be_if, self.uid) if usage.may_be_if is not None else None,
                        row.keyword == frame_type,
                    )

    def _root(self, applying: Collection[str], excluded: Collection[Option]) -> Level:
        claims = [Claim(row, self._counts(row, table)) for table in self._mandatory for row in rows_of(table.within)]
        for option in self.options:
            if option not in excluded:
                binding = option.usage.name in applying
                claims += [Claim(row, binding) for row in rows_of(option.table.within)]
        claims += [Claim(row, True) for row in constraints_of(self.iod)]
        return self._compiled(claims, root=True)

    def _counts(self, row: Row, table: Table) -> bool:
        """Whether no other Module says that its Type counts in place of this row's."""
        return all(
            row.keyword != keyword or table.name == overriding or overriding not in self._names
            for overriding, keyword in _OVERRIDING
        )

    def _level_of(self, claims: Iterable[Claim], root: bool) -> Level:
        claims = tuple(claims)
        key = tuple((id(row), binding, optional) for row, binding, optional in claims)
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = self._compiled(claims, root)
        return level

    def _compiled(self, claims: Iterable[Claim], root: bool) -> Level:
        by_tag: dict[int, list[Claim]] = {}
        for claim in claims:
            by_tag.setdefault(claim.row.tag, []).append(claim)
        rows: dict[int, Row] = {}
        required: set[int] = set()
        undecidable: set[int] = set()
        conditional: list[tuple[int, frozenset[int] | None, tuple[Conditional, ...]]] = []
        all_said: dict[int, Said] = {}
        for tag, said in by_tag.items():
            binding = [claim for claim in said if claim.binding]
            if not binding:
                if len(said) == 1:
                    all_said[tag] = Said(self, tag, said, (), ())
                continue
            if binding[0].row.keyword in self._topics:
                continue
            strictest = min(binding, key=_strictness)
            rows[tag] = strictest.row
            if strictest.row.type in ("1", "2") and not strictest.optional:
                required.add(tag)
            conditions = self._conditions(binding, root)
            if conditions and tag not in required and not strictest.optional:
                self._when_absent(tag, conditions, conditional, undecidable)
            all_said[tag] = Said(self, tag, said, binding, conditions)
        return Level(frozenset(required), rows, tuple(conditional), frozenset(undecidable), root, all_said)

    def alone(self, tag: int, row: Row) -> Entry | None:
        """What is asked of an Attribute of a Module that is not in use otherwise: its values, and what Items hold."""
        if row.keyword in self._topics:
            return None
        claim = Claim(replace(row, type="3", required_if=None), True)
        return self.entry(tag, (claim,), (claim,), ())

    def _conditions(self, binding: Iterable[Claim], root: bool) -> tuple[Conditional, ...]:
        return tuple(
            Conditional(
                row,
                question(row.required_if or _UNSAID, self.uid, root=root),
                question(row.may_be_if, self.uid, root=root) if row.may_be_if is not None else None,
            )
            for row, *_ in binding
            if row.type in ("1C", "2C")
        )

    @staticmethod
    def _when_absent(
        tag: int,
        conditions: tuple[Conditional, ...],
        conditional: list[tuple[int, frozenset[int] | None, tuple[Conditional, ...]]],
        undecidable: set[int],
    ) -> None:
        if all(each.asked.always is Answer.UNKNOWN for each in conditions):
            undecidable.add(tag)
        asked = tuple(each for each in conditions if each.asked.always not in (Answer.NO, Answer.UNKNOWN))
        if asked:
            needs = [each.asked.needs for each in asked]
            some = None if None in needs else frozenset(each for need in needs if need for each in need)
            conditional.append((tag, some, asked))

    def entry(
        self, tag: int, said: Sequence[Claim], binding: Sequence[Claim], conditions: tuple[Conditional, ...]
    ) -> Entry | None:
        """What is asked of an Attribute that is there, by what Modules say of it; None where nothing is."""
        vr = vr_of(tag)
        entry, sequence = Entry(vr), vr == "SQ"
        entry.filled = next((claim.row for claim in binding if claim.row.type == "1"), None)
        if entry.filled is None:
            entry.filled_if = tuple(each for each in conditions if each.row.type == "1C")
            lenient = any(claim.row.type in ("2", "2C", "3") for claim in said)
            if entry.filled_if and not lenient:
                entry.filled, entry.filled_if = entry.filled_if[0].row, ()
        speaking = [claim for claim in said if claim.row.type]
        if conditions and len(conditions) == len(speaking) and not any(row.may_be for row, *_ in said):
            entry.barred = conditions
        entry.never = tuple((row, question(row.never_if, self.uid)) for row, *_ in binding if row.never_if is not None)
        entry.checks = tuple(Check(row, terms, self.uid) for row, terms in _narrowest(binding))
        if sequence:
            self._count(entry, binding)
            entry.children = tuple(
                Claim(row, claim.binding)
                for claim in said
                for row in rows_of(claim.row.within)
                if row.keyword != "FrameType" or claim.row.keyword != self.frame_type
            )
        useful = entry.filled or entry.filled_if or entry.barred or entry.never or entry.checks or entry.children
        return entry if useful or entry.items_row else None

    @staticmethod
    def _count(entry: Entry, binding: Sequence[Claim]) -> None:
        for row, *_ in binding:
            if row.items is not None:
                fewest, most = row.items
                if most is not None and (entry.most is None or most < entry.most):
                    entry.most, entry.items_row = most, row
                if fewest > max(entry.fewest, 1):
                    entry.fewest, entry.items_row = fewest, row


def _narrowest(binding: Sequence[Claim]) -> list[tuple[Row, Terms]]:
    """The lists of values of an Attribute, without those that another list makes needless."""
    every = [(row, terms) for row, *_ in binding for terms in row.terms]
    return [
        each for number, each in enumerate(every) if not any(_makes_needless(*pair) for pair in _others(every, number))
    ]


def _others(every: Sequence[tuple[Row, Terms]], number: int) -> Iterator[tuple[Terms, Terms, bool]]:
    for other, (_, terms) in enumerate(every):
        if other != number:
            yield terms, every[number][1], other < number


def _makes_needless(terms: Terms, other: Terms, first: bool) -> bool:
    """Whether what is outside `other` is outside `terms` as well, or of no account beside it."""
    if terms.condition is not None or other.condition is not None or terms.number != other.number:
        return False
    if terms.enumerated != other.enumerated:
        return terms.enumerated
    return set(terms.allowed) < set(other.allowed) or (first and set(terms.allowed) == set(other.allowed))


def _for_frames(group: Group) -> bool:
    return group.usage.place == "per-frame"


def plan(uid: str, edition: str = NEWEST) -> Plan | None:
    """The Plan of a SOP Class; None for one that no IOD of the edition lists, or whose IOD has no table."""
    iod = storage_sop_classes().get(uid)
    # What is kept must not grow with what senders call SOP Classes.
    return _plan(uid, iod, edition) if iod is not None else None


@cache
def _plan(uid: str, iod: str, edition: str) -> Plan | None:
    return Plan(uid, iod, edition) if modules_of(iod, edition) else None


def _all_overlays(tags: Iterable[int]) -> Iterator[int]:
    """The same Attributes of each of the sixteen overlays that there may be."""
    return (tag + (number << 17) for tag in tags for number in range(16))


OUTLINES: Kept[tuple[Level, tuple[int, ...]], Outline] = Kept(MOST_OUTLINES)
MAKEUPS: Kept[tuple[Plan, frozenset[int]], Makeup] = Kept(MOST_MAKEUPS)
ROOTS: Kept[tuple[Plan, tuple[str, ...]], Level] = Kept(MOST_ROOTS)


def _is_later_overlay(group: int) -> bool:
    """Whether a group is one of the overlays behind the first (PS3.5 7.6)."""
    return 0x6000 < group <= 0x601E and not group & 1


@cache
def _tags(table: Table) -> frozenset[int]:
    return frozenset(row.tag for row in rows_of(table.within))


def _strictness(claim: Claim) -> int:
    return _ORDER.index(claim.row.type)


_OVERRIDING = (("SC Equipment", "Modality"), ("SC Multi-frame Image", "FrameIncrementPointer"))
"""Attributes of Modules whose Type overrides that of another Module (PS3.3 C.8.6.1 and C.8.6.3)."""
_ORDER = ("1", "1C", "2", "2C", "3", "")
_UNSAID = {"undecidable": "the tables do not say when"}
