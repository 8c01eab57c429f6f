"""What `check` found, as one page that a person hands to the maker of the instances."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from rules.model import Finding, Rule, Severity
from rules.reference import section_of
from rules.registry import all_rules
from scp import __version__
from scp.examine import Examined, Failed
from scp.reports.run import Run, Told
from scp.reports.wording import (
    by_severity,
    counted,
    findings_of,
    kind,
    place,
    printable,
    repeats,
    shown_path,
    without_items,
)
from scp.templates import templates_in
from scp.verdict import Action

TEMPLATES = Path(__file__).parent / "templates"
EXAMPLES = 20
"""Different things that are shown of one rule; the files have them all."""
PIECES = 1000
"""Pieces of the template that are written at once."""
GRAVEST_FIRST = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file, ready to be shown. `findings` are the gravest first."""

    number: int
    path: str
    kind: str
    verdict: str
    undecided: int
    findings: tuple[Finding, ...]
    listed: bool
    """Whether PS3.3 has an IOD for its SOP Class."""

    @property
    def severities(self) -> dict[Severity, int]:
        """How many findings there are of each severity."""
        return by_severity(self.findings)


@dataclass(slots=True)
class Sight:
    """One thing that a rule said, wherever it said it: how many files it is true of, and the first of them."""

    place: str
    message: str
    section: str
    first: FileRow
    files: int = 0
    times: int = 0


@dataclass(slots=True)
class RuleGroup:
    """What one rule said at one severity: its words, in how many files, and what it saw, most frequent first."""

    id: str
    severity: Severity
    section: str
    summary: str
    reason: str
    files: int = 0
    sights: dict[tuple[str, str], Sight] = field(default_factory=dict)

    @property
    def examples(self) -> list[Sight]:
        """The most frequent of what was seen."""
        return sorted(self.sights.values(), key=lambda each: -each.files)[:EXAMPLES]


@dataclass(slots=True)
class KindRow:
    """The files of one IOD, or of one SOP Class without: how many, their verdicts, findings and open questions."""

    name: str
    files: int = 0
    undecided: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    severities: Counter[Severity] = field(default_factory=Counter)


def html(outcomes: Iterable[Told], run: Run) -> Iterator[str]:
    """One page without a request to anywhere; it is written when the last file has been checked."""
    files: list[FileRow] = []
    failed: list[tuple[str, str]] = []
    for outcome in outcomes:
        if isinstance(outcome, Failed):
            failed.append((printable(shown_path(outcome.path)), printable(outcome.error)))
        else:
            files.append(_row(len(files) + 1, outcome))
    script = (TEMPLATES / "filter.js").read_bytes()
    pages = templates_in(TEMPLATES)
    pages.filters |= {"counted": counted, "parts": _parts, "place": place, "printable": printable, "repeats": repeats}
    stream = pages.get_template("report.html").stream(
        run=run,
        version=__version__,
        files=files,
        failed=failed,
        kinds=sorted(_kinds(files), key=lambda each: each.name),
        groups=sorted(_groups(files), key=lambda each: (GRAVEST_FIRST[each.severity], -each.files, each.id)),
        totals=by_severity(tuple(each for row in files for each in row.findings)),
        affected={severity: sum(each.severities[severity] > 0 for each in files) for severity in Severity},
        undecided=sum(each.undecided for each in files),
        verdicts=Counter(each.verdict for each in files),
        severities=list(Severity),
        actions=list(Action),
        script_hash=b64encode(sha256(script).digest()).decode(),
    )
    stream.enable_buffering(PIECES)
    yield from stream


def _parts(text: str) -> list[str]:
    """A path in pieces between which a line may end."""
    return _ENDS.split(text)


_ENDS = re.compile(r"(?<=[./_])(?=[^./_])")


def _row(number: int, outcome: Examined) -> FileRow:
    return FileRow(
        number,
        printable(shown_path(outcome.path)),
        kind(outcome),
        outcome.verdict.action.value,
        outcome.undecided,
        tuple(sorted(findings_of(outcome), key=lambda each: GRAVEST_FIRST[each.severity])),
        bool(outcome.iod),
    )


def _kinds(files: Iterable[FileRow]) -> Iterable[KindRow]:
    kinds: dict[str, KindRow] = {}
    for each in files:
        row = kinds.setdefault(each.kind, KindRow(each.kind))
        row.files += 1
        row.undecided += each.undecided
        row.verdicts[each.verdict] += 1
        row.severities.update(each.severities)
    return kinds.values()


def _groups(files: Iterable[FileRow]) -> Iterable[RuleGroup]:
    """All findings by rule, then by what was seen, whichever Item or frame it was in."""
    groups: dict[tuple[str, Severity], RuleGroup] = {}
    for row in files:
        told: set[object] = set()
        for each in row.findings:
            group = groups.setdefault((each.rule, each.severity), _group(each, all_rules().get(each.rule)))
            seen = (without_items(place(each)), each.message)
            sight = group.sights.setdefault(seen, Sight(seen[0], printable(each.message), each.section, row))
            sight.times += each.count
            sight.files += (group.id, group.severity, *seen) not in told
            group.files += (group.id, group.severity) not in told
            told |= {(group.id, group.severity), (group.id, group.severity, *seen)}
    return groups.values()


def _group(finding: Finding, rule: Rule | None) -> RuleGroup:
    if rule is None:
        summary = "A rule could not be asked: a fault of dicomgate, not of the instance."
        return RuleGroup(finding.rule, finding.severity, finding.section, summary, "")
    return RuleGroup(rule.id, finding.severity, section_of(rule), rule.summary, rule.reason)
