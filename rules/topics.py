"""What is asked of an instance beside its Modules, and what was said of others that have the same values.

Instances of one sender hold the same tags, and of most of them the same values. Of such a structure it is noted which
values a topic reads: where they are the same again, so is what it says, and it is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, partial
from operator import itemgetter
from typing import NamedTuple, cast

from rules.asking import MOST_TAGS
from rules.checks.dimension_values import dimension_indices
from rules.checks.encapsulation import encapsulations
from rules.checks.frame_type import frame_types
from rules.checks.image_type import image_types
from rules.checks.instance_reference import instance_references
from rules.checks.real_world_values import real_world_values
from rules.checks.value_syntax import every_value
from rules.checks.volume import volumes
from rules.header import Header
from rules.image_types import image_type
from rules.model import Finding, Rule, Undecided
from rules.registry import BROKEN, all_rules, broken, run
from rules.watched import Watched, field_of

KINDS = 1024
"""IODs, each with the tags that decide which rules apply, for which the rules are kept together."""
MOST_STRUCTURES = 64
MOST_BYTES = 1 << 15
"""Value fields that are kept of one structure."""
LONG = 128
"""Bytes beyond which a value field is not kept."""
PATIENCE = 3
"""How many more misses than hits it takes until what a topic says is not kept any more."""

Said = Finding | Undecided
Topic = Callable[[Header], Iterable[Said]]
Fields = Mapping[int, bytes | None]


class Answer(NamedTuple):
    """What a topic says of an instance, and how many requirements it leaves undecided."""

    findings: tuple[Finding, ...] = ()
    undecided: int = 0


class Reading:
    """What a topic said by the values of these tags."""

    __slots__ = ("answers", "key", "tags")

    def __init__(self, tags: frozenset[int]) -> None:
        self.tags = tags
        self.key: Callable[[Fields], object] = itemgetter(*sorted(tags)) if tags else _nothing
        self.answers: dict[object, Answer] = {}


class Asked:
    """A topic that is asked of the instances of one structure."""

    __slots__ = ("misses", "reading", "topic")

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.misses = 0
        """How many more there were than hits."""
        self.reading: Reading | None = None if topic is every_value else Reading(frozenset())
        """None where what it says is not kept."""


class Structure:
    """Instances of an IOD that hold the same tags, in one encoding."""

    __slots__ = ("_bytes", "_met", "asked", "present")

    def __init__(self, iod: str, edition: str, present: frozenset[int]) -> None:
        self.present = present
        self.asked = [Asked(each) for each in topics(iod, edition, present & _deciding())]
        self._met = False
        self._bytes = 0

    def answers(self, header: Header) -> Iterable[Answer]:
        """What each topic says of an instance."""
        if not self._met:
            self._met = True
            for asked in self.asked:
                yield ask(asked.topic, header)
            return
        fields = _Fields(header)
        for asked in self.asked:
            reading = asked.reading
            if reading is None:
                yield ask(asked.topic, header)
                continue
            answer = reading.answers.get(reading.key(fields))
            if answer is None:
                yield self._watch(asked, reading, header, fields)
            else:
                if asked.misses > 0:
                    asked.misses -= 1
                yield answer

    def _watch(self, asked: Asked, reading: Reading, header: Header, fields: Fields) -> Answer:
        """Ask a topic, and keep what it says by the values that it reads."""
        watched = Watched(header)
        answer = ask(asked.topic, cast("Header", watched))
        if any(each.rule == BROKEN for each in answer.findings):
            asked.reading = None
            return ask(asked.topic, header)
        asked.misses += 1
        if watched.everything or asked.misses > PATIENCE:
            asked.reading = None
            return answer
        tags = reading.tags | (watched.read & self.present)
        if len(tags) > len(reading.tags):
            reading = asked.reading = Reading(tags)
        kept = [fields[tag] for tag in tags]
        if all(each is not None and len(each) <= LONG for each in kept):
            self._bytes += sum(len(each or b"") for each in kept) + _OVERHEAD * (len(kept) + 1)
            if self._bytes > MOST_BYTES:
                self._forget()
            reading.answers[reading.key(fields)] = answer
        return answer

    def _forget(self) -> None:
        self._bytes = 0
        for asked in self.asked:
            if asked.reading is not None:
                asked.reading.answers.clear()


class _Fields(dict[int, bytes | None]):
    """The fields of an instance, as they are looked up."""

    __slots__ = ("_header",)

    def __init__(self, header: Header) -> None:
        self._header = header

    def __missing__(self, tag: int) -> bytes | None:
        field = self[tag] = field_of(self._header, tag)
        return field


def structure_of(header: Header, iod: str, edition: str) -> Structure:
    """The structure of an instance of an IOD: the same object for those that have the same."""
    tags = header.tags()
    if len(tags) > MOST_TAGS:
        return Structure(iod, edition, frozenset(tags))
    encoding, syntax = header.encoding, header.transfer_syntax_uid
    return _structure(iod, edition, tags, tuple(header.nested()), encoding.implicit, encoding.big_endian, syntax)


@lru_cache(maxsize=MOST_STRUCTURES)
def _structure(iod: str, edition: str, tags: tuple[int, ...], *_: object) -> Structure:
    return Structure(iod, edition, frozenset(tags))


def ask(topic: Topic, header: Header) -> Answer:
    """What a topic says; one that breaks says so, after what it said before."""
    findings: list[Finding] = []
    undecided = 0
    try:
        for said in topic(header):
            if isinstance(said, Undecided):
                undecided += 1
            else:
                findings.append(said)
    except Exception as broke:  # one topic's fault must not cost the others, nor the instance
        findings.append(broken(_name(topic), broke))
    return Answer(tuple(findings), undecided) if findings or undecided else _NOTHING


@lru_cache(maxsize=KINDS)
def topics(iod: str, edition: str, deciding: frozenset[int]) -> tuple[Topic, ...]:
    """What is asked of an instance of this IOD beside its Modules; of the tags that decide, it holds these."""
    asked: list[Topic] = [every_value]
    facts = image_type(iod, edition)
    if facts is not None:
        asked.append(partial(image_types, facts=facts))
    if facts is not None and facts.frames is not None:
        asked.append(partial(frame_types, images=facts))
    asked += [encapsulations, real_world_values, dimension_indices, volumes]
    asked.append(partial(instance_references, edition=edition))
    asked += [partial(run, rule) for rule in all_rules().values() if _applies(rule, iod, deciding)]
    return tuple(asked)


def _applies(rule: Rule, iod: str, deciding: frozenset[int]) -> bool:
    if rule.from_tables or (rule.of is not None and not rule.of(iod)):
        return False
    return rule.only_with is None or not rule.only_with.isdisjoint(deciding)


@cache
def _deciding() -> frozenset[int]:
    """The tags on which it depends whether a rule is asked at all."""
    return frozenset(tag for rule in all_rules().values() for tag in rule.only_with or ())


def _name(topic: Topic) -> str:
    return str(getattr(topic.func if isinstance(topic, partial) else topic, "__name__", "a topic"))


def _nothing(fields: Fields) -> object:
    return ()


_NOTHING = Answer()
_OVERHEAD = 64
"""Bytes that Python needs for a value field beside those it has, about."""
