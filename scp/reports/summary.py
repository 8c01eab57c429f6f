"""The figures at the end of a run, for whoever watches it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rules.model import Severity
from scp.examine import Failed, Outcome, PassedOver
from scp.reports.run import Told
from scp.reports.wording import findings_of


@dataclass(slots=True)
class Tally:
    """How many files fared how, and of how many each rule spoke, by id and severity. Filled by `counting`."""

    checked: int = 0
    with_errors: int = 0
    failed: int = 0
    passed_over: int = 0
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def files(self) -> int:
        """All files that were met."""
        return self.checked + self.failed + self.passed_over


def counting(outcomes: Iterable[Outcome], tally: Tally) -> Iterator[Told]:
    """The outcomes that are to be reported, each counted as it goes by."""
    for outcome in outcomes:
        if isinstance(outcome, PassedOver):
            tally.passed_over += 1
            continue
        if isinstance(outcome, Failed):
            tally.failed += 1
        else:
            findings = findings_of(outcome)
            tally.checked += 1
            tally.with_errors += any(each.severity == Severity.ERROR for each in findings)
            tally.rules.update({(each.rule, each.severity.value) for each in findings})
        yield outcome


def summary(tally: Tally) -> Iterator[str]:
    """How the files fared, and how many of them each rule spoke of, most first; a line each."""
    words = [f"{tally.checked} checked, {tally.with_errors} with errors"]
    if tally.failed:
        words.append(f"{tally.failed} could not be read")
    if tally.passed_over:
        words.append(f"{tally.passed_over} passed over as no DICOM")
    yield "; ".join(words)
    ordered = sorted(tally.rules.items(), key=lambda item: (-item[1], item[0]))
    width = max((len(rule) for (rule, _), _ in ordered), default=0)
    for (rule, severity), files in ordered:
        yield f"{files:7d}  {rule:<{width}}  {severity}"
