"""Which rules apply to an instance; runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from rules import tables
from rules.checks.faults import malformed
from rules.checks.unlisted import unlisted
from rules.checks.value_patterns import prepare
from rules.editions import EDITIONS, NEWEST
from rules.header import Header
from rules.instance import judge_instance
from rules.iods import iod_of
from rules.judge import Judge
from rules.model import Finding
from rules.plan import plan
from rules.registry import all_rules, broken
from rules.tally import Tally
from rules.topics import structure_of
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
    prepare()
    return RuleSet(edition or NEWEST, _version)


def check(header: Header, rules: RuleSet) -> Checked:
    """Judge one instance by its SOP Class; never raises, whatever the instance holds."""
    uid = header.text("SOPClassUID") or ""
    iod = iod_of(uid, rules.edition)
    tally = Tally()
    structure = structure_of(header, iod, rules.edition)
    undecided = _tables(header, uid, rules.edition, structure.present, tally)
    for findings, open_questions in structure.answers(header):
        undecided += open_questions
        for finding in findings:
            tally.add(finding)
    # Asked last: walking the Items may have shown more of them.
    checked = Checked(iod, rules.edition, (*malformed(header.faults), *tally.findings()), undecided)
    header.fold()
    return checked


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
