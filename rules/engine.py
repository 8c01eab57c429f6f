"""Which rules apply to an instance; runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

from rules import tables
from rules.checks import multiplicity, presence, values
from rules.checks.faults import malformed
from rules.checks.frame_type import frame_types
from rules.checks.image_type import image_types
from rules.conditions import Answer, Condition
from rules.header import Header
from rules.image_types import image_type
from rules.iods import modules_of, storage_sop_classes
from rules.model import Finding, Rule, Undecided
from rules.modules import Level, Row, module
from rules.registry import all_rules, broken, run


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one instance.

    `iod` is "" for a SOP Class that no IOD of PS3.3 lists. `undecided` counts requirements that the instance alone
    cannot show to be met or broken.
    """

    iod: str
    edition: str
    findings: tuple[Finding, ...]
    undecided: int


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules and facts of one edition. `version` is a digest over both, the same on every machine."""

    edition: str
    version: str


def load_rules(edition: str | None = None) -> RuleSet:
    """The rules for an edition, by default the newest. ValueError for one that is not here."""
    known = tables.read("edition")["edition"]
    if edition not in (None, known):
        raise ValueError(f"there are no rules for edition {edition}, only for {known}")
    all_rules()
    return RuleSet(known, _version())


def check(header: Header, rules: RuleSet) -> Checked:
    """Judge one instance by its SOP Class; never raises, whatever the instance holds."""
    findings: list[Finding] = []
    undecided = 0
    iod = storage_sop_classes().get(header.text("SOPClassUID") or "", "")
    for topic in _topics(iod):
        try:
            for said in topic(header):
                if isinstance(said, Undecided):
                    undecided += 1
                else:
                    findings.append(said)
        except Exception as broke:  # one topic's fault must not cost the others, nor the instance
            findings.append(broken(_name(topic), broke))
    # Asked last: walking the Items may have shown more of them.
    findings[:0] = malformed(header.faults)
    return Checked(iod, rules.edition, tuple(folded(findings)), undecided)


def folded(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, those that differ in nothing but the Items they are in as one, with their count."""
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for each in findings:
        where = _ITEM.sub("", each.path)
        alike.setdefault((each.rule, where, each.message, each.value_number, each.severity, each.section), []).append(
            each
        )
    for group in alike.values():
        first, last = group[0], group[-1]
        if first is last:
            yield first
        else:
            count = sum(each.count for each in group)
            yield replace(first, count=count, first=first.first or first.path, last=last.last or last.path)


_ITEM = re.compile(r"\[\d+\]")


Said = Finding | Undecided
Topic = Callable[[Header], Iterable[Said]]


@cache
def _topics(iod: str) -> tuple[Topic, ...]:
    """What is asked of an instance of this IOD, compiled once."""
    topics: list[Topic] = []
    facts = image_type(iod)
    if facts is not None:
        topics.append(partial(image_types, facts=facts))
    if facts is not None and facts.frames is not None:
        topics.append(partial(frame_types, images=facts))
    levels = [level for usage in modules_of(iod) if (level := module(usage.module)) is not None]
    topics += [partial(_attributes, level=level) for level in levels]
    topics += [partial(run, rule) for rule in all_rules().values() if _applies(rule, iod)]
    return tuple(topics)


def _applies(rule: Rule, iod: str) -> bool:
    return not rule.from_tables and (rule.iods is None or iod in rule.iods)


def _name(topic: Topic) -> str:
    return getattr(topic.func, "__name__", "a topic") if isinstance(topic, partial) else "a topic"


def _attributes(place: Header, level: Level) -> Iterator[Said]:
    """Every Attribute of one Data Set or Item by the rows of its Level, then what is below."""
    present = frozenset(place.tags())
    for tag in sorted(level.required - present):
        yield from run(presence.MISSING, place, level.rows[tag])
    answers: dict[str, Answer] = {}
    for row in level.conditional:
        yield from _conditional(place, row, row.tag in present, answers)
    for tag in sorted(present & level.rows.keys()):
        yield from _present(place, level.rows[tag])


def _conditional(place: Header, row: Row, present: bool, answers: dict[str, Answer]) -> Iterator[Said]:
    """Type 1C and 2C: present where the condition is met, and not where it is not, unless the row allows it."""
    required = _answer(row.required_if, place, answers)
    if not present and required is Answer.UNKNOWN:
        yield Undecided(place.path_of(row.keyword), row.required_if.words if row.required_if else "")
    elif not present and required is Answer.YES:
        yield from run(presence.MISSING, place, row)
    elif present and required is Answer.NO and not _allowed(place, row, answers):
        yield from run(presence.NOT_ALLOWED, place, row)


def _allowed(place: Header, row: Row, answers: dict[str, Answer]) -> bool:
    """Whether an Attribute may be present though its condition is not met."""
    if row.may_be or row.may_be_if is None:
        return row.may_be
    return _answer(row.may_be_if, place, answers) is not Answer.NO


def _answer(condition: Condition | None, place: Header, answers: dict[str, Answer]) -> Answer:
    if condition is None:
        return Answer.UNKNOWN
    if condition.name not in answers:
        answers[condition.name] = condition.ask(place)
    return answers[condition.name]


def _present(place: Header, row: Row) -> Iterator[Said]:
    """An Attribute that is there: emptiness, encoding, values, Items."""
    yield from run(values.VR, place, row)
    if row.vr == "SQ":
        items = place.items(row.tag)
        if not items and row.type in ("1", "1C"):
            yield from run(presence.EMPTY, place, row)
        if row.items is not None:
            yield from run(multiplicity.ITEM_COUNT, place, row)
        if row.below is not None:
            for item in items:
                yield from _attributes(item, row.below)
    elif place.empty(row.tag):
        if row.type in ("1", "1C"):
            yield from run(presence.EMPTY, place, row)
    else:
        yield from run(multiplicity.VALUE_COUNT, place, row)
        yield from run(values.SYNTAX, place, row)
        if row.enumerated or row.enumerated_if:
            yield from run(values.ENUMERATED, place, row)
        if row.defined:
            yield from run(values.DEFINED, place, row)


@cache
def _version() -> str:
    """A digest over the bytes of all rules and facts."""
    home = Path(__file__).parent
    digest = sha256()
    for file in sorted(each for each in home.rglob("*") if each.suffix in (".py", ".json", ".toml")):
        digest.update(file.relative_to(home).as_posix().encode())
        digest.update(b"\0")
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]
