"""Which rules apply to an instance; runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from hashlib import sha256
from pathlib import Path

from rules import tables
from rules.checks.dimension_values import dimension_indices
from rules.checks.encapsulation import encapsulations
from rules.checks.faults import malformed
from rules.checks.frame_type import frame_types
from rules.checks.image_type import image_types
from rules.checks.instance_reference import instance_references
from rules.checks.real_world_values import real_world_values
from rules.checks.unlisted import unlisted
from rules.checks.value_syntax import every_value
from rules.checks.volume import volumes
from rules.editions import EDITIONS, NEWEST
from rules.header import Header
from rules.image_types import image_type
from rules.instance import judge_instance
from rules.iods import iod_of
from rules.judge import Judge
from rules.model import Finding, Rule, Undecided
from rules.plan import plan
from rules.registry import all_rules, broken, run
from rules.tally import Tally
from rules.wording import listed


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one instance.

    `iod` is "" for a SOP Class that no IOD of the edition lists. `undecided` counts requirements that the instance
    alone cannot show to be met or broken.
    """

    iod: str
    edition: str
    findings: tuple[Finding, ...]
    undecided: int


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules, and the facts of one edition."""

    edition: str
    digest: Callable[[], str]

    @property
    def version(self) -> str:
        """A digest over the rules and the facts of all editions, the same on every machine.

        It is taken when asked for, since all their files are read.
        """
        return self.digest()


def load_rules(edition: str | None = None) -> RuleSet:
    """The rules for an edition, by default the newest. ValueError for one that is not here."""
    if edition is not None and edition not in EDITIONS:
        raise ValueError(f"there are no rules for edition {edition}, only for {listed(EDITIONS)}")
    all_rules()
    return RuleSet(edition or NEWEST, _version)


def check(header: Header, rules: RuleSet) -> Checked:
    """Judge one instance by its SOP Class; never raises, whatever the instance holds."""
    uid = header.text("SOPClassUID") or ""
    iod = iod_of(uid, rules.edition)
    tally = Tally()
    present = frozenset(header.elements())
    undecided = _tables(header, uid, rules.edition, present, tally)
    for topic in _topics(iod, rules.edition, present & _deciding()):
        try:
            for said in topic(header):
                if isinstance(said, Undecided):
                    undecided += 1
                else:
                    tally.add(said)
        except Exception as broke:  # one topic's fault must not cost the others, nor the instance
            tally.add(broken(_name(topic), broke))
    # Asked last: walking the Items may have shown more of them.
    findings = (*malformed(header.faults), *tally.findings())
    return Checked(iod, rules.edition, findings, undecided)


def _tables(header: Header, uid: str, edition: str, present: frozenset[int], tally: Tally) -> int:
    """Judge an instance by the fact tables of its IOD; the number of requirements that are left undecided."""
    try:
        asked = plan(uid, edition)
        if asked is None:
            for finding in unlisted(header):
                tally.add(finding)
            return 0
        judge = Judge(asked, tally.add)
        judge_instance(judge, header, present)
    except Exception as broke:  # the fault of one table must not cost the other topics, nor the instance
        tally.add(broken("the fact tables", broke))
        return 0
    return judge.undecided


KINDS = 1024
"""IODs, each with the tags that decide which rules apply, for which the rules are kept together."""
Said = Finding | Undecided
Topic = Callable[[Header], Iterable[Said]]


@lru_cache(maxsize=KINDS)
def _topics(iod: str, edition: str, deciding: frozenset[int]) -> tuple[Topic, ...]:
    """What is asked of an instance of this IOD beside its Modules; of the tags that decide, it holds these."""
    topics: list[Topic] = [every_value]
    facts = image_type(iod, edition)
    if facts is not None:
        topics.append(partial(image_types, facts=facts))
    if facts is not None and facts.frames is not None:
        topics.append(partial(frame_types, images=facts))
    topics += [encapsulations, real_world_values, dimension_indices, volumes]
    topics.append(partial(instance_references, edition=edition))
    topics += [partial(run, rule) for rule in all_rules().values() if _applies(rule, iod, deciding)]
    return tuple(topics)


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


@cache
def _version() -> str:
    """A digest over the bytes of all rules and facts, the builder of the facts left out."""
    home = Path(__file__).parent
    folders = (home, home / "checks", *sorted(each for each in tables.FACTS.rglob("*") if each.is_dir()), tables.FACTS)
    digest = sha256()
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if file.suffix in (".py", ".json", ".toml"):
                digest.update(f"{folder.name}/{file.name}".encode() + b"\0")
                digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]
