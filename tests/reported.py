"""Outcomes made by hand, and a run to report them of: what the reports of `check` are given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from rules.engine import RuleSet
from rules.model import Finding, Severity
from scp.examine import Examined, Failed
from scp.policy import SHIPPED
from scp.reports.run import Run, report_in
from scp.verdict import Action, Decision, Verdict

RUN = Run(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), RuleSet("2025e", lambda: "0123456789ab"), SHIPPED)


def finding(rule: str = "image-type-value-1", message: str = "is A, wanted B", **changes: object) -> Finding:
    """A finding of severity error at Image Type, changed by name."""
    values: dict[str, object] = {
        "severity": Severity.ERROR,
        "path": "ImageType",
        "tag": "(0008,0008)",
        "section": "PS3.3 C.7.6.1.1.2",
        "value_number": 1,
    }
    return Finding(rule=rule, message=message, **{**values, **changes})  # type: ignore[arg-type]


def examined(path: str, *findings: Finding, iod: str = "CT Image", undecided: int = 0) -> Examined:
    """A file that was read, with these findings; errors flag it."""
    actions = [Action.FLAG if each.severity == Severity.ERROR else Action.ACCEPT for each in findings]
    decisions = tuple(Decision(each, action, action, 0) for each, action in zip(findings, actions, strict=True))
    verdict = Verdict(max(actions, default=Action.ACCEPT), decisions, None, SHIPPED.digest)
    return Examined(path, "1.2.3", f"1.2.3.{len(path)}", iod, "2025e", verdict, undecided, 0.5)


def report(form: str, *outcomes: Examined | Failed) -> str:
    """The whole report of these outcomes."""
    return joined(form, outcomes)


def joined(form: str, outcomes: Iterable[Examined | Failed]) -> str:
    """The whole report of outcomes that come one by one."""
    return "".join(report_in(form)(outcomes, RUN))
