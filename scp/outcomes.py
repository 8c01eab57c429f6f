"""What `check` found, as people and programs read it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator

import click

from rules.model import Finding, Severity
from scp.examine import Examined, Failed, Outcome, PassedOver
from scp.policy import Policy, why
from scp.verdict import Action, Decision

SEVERITY_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}
ACTION_COLOURS = {Action.ACCEPT: "green", Action.FLAG: "yellow", Action.QUARANTINE: "magenta", Action.REJECT: "red"}

CHECKED, WITH_ERRORS, FAILED, PASSED_OVER = "checked", "with errors", "failed", "passed over"
"""What the summary counts files by."""


def as_json(outcome: Examined | Failed, explained: Policy | None = None) -> str:
    """One object on one line. With a policy to be explained, each finding says what it drew and why."""
    path = shown_path(outcome.path)
    if isinstance(outcome, Failed):
        return json.dumps({"path": path, "error": outcome.error})
    return json.dumps(
        {
            "path": path,
            "sop_class_uid": outcome.sop_class_uid,
            "sop_instance_uid": outcome.sop_instance_uid,
            "iod": outcome.iod,
            "edition": outcome.edition,
            "verdict": outcome.verdict.action.value,
            "undecided": outcome.undecided,
            "elapsed_ms": round(outcome.elapsed_ms, 3),
            "findings": [
                finding_object(each.finding) | _decided(each, outcome, explained) for each in outcome.verdict.decisions
            ],
        }
    )


def finding_object(finding: Finding) -> dict[str, object]:
    """A finding's keys in their documented order; `count`, `first` and `last` only where it repeats."""
    keys: dict[str, object] = {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "path": finding.path,
        "tag": finding.tag,
        "value_number": finding.value_number,
        "section": finding.section,
        "message": finding.message,
    }
    if finding.count > 1:
        keys |= {"count": finding.count, "first": finding.first, "last": finding.last}
    return keys


def as_text(outcome: Examined | Failed, *, actions: bool = False, explained: Policy | None = None) -> Iterator[str]:
    """A headline and a line for each finding; `actions` adds what the policy makes of each."""
    path = printable(shown_path(outcome.path))
    if isinstance(outcome, Failed):
        yield f"{click.style(path, bold=True)}  {click.style('error', fg='red')}  {printable(outcome.error)}"
        return
    verdict = outcome.verdict
    iod = outcome.iod or (f"SOP Class {printable(outcome.sop_class_uid)}" if outcome.sop_class_uid else "no SOP Class")
    action = click.style(verdict.action, fg=ACTION_COLOURS[verdict.action])
    yield f"{click.style(path, bold=True)}  {iod}  {action}"
    width = max((len(_place(each.finding)) for each in verdict.decisions), default=0)
    for each in verdict.decisions:
        yield _finding_line(each, min(width, 60), actions)
        if explained is not None:
            yield click.style(f"             {each.action}: {why(each, verdict, explained)}", dim=True)


def summary(counts: Counter[str], rules: Counter[tuple[str, str]]) -> Iterator[str]:
    """How the files fared, and how many of them each rule spoke of, most first."""
    words = [f"{counts[CHECKED]} checked, {counts[WITH_ERRORS]} with errors"]
    if counts[FAILED]:
        words.append(f"{counts[FAILED]} could not be read")
    if counts[PASSED_OVER]:
        words.append(f"{counts[PASSED_OVER]} passed over as no DICOM")
    yield "; ".join(words)
    ordered = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    width = max((len(rule) for (rule, _), _ in ordered), default=0)
    for (rule, severity), files in ordered:
        yield f"{files:7d}  {rule:<{width}}  {severity}"


def count(outcome: Outcome, counts: Counter[str], rules: Counter[tuple[str, str]]) -> None:
    """Add one file to the figures of the summary."""
    if isinstance(outcome, Failed):
        counts[FAILED] += 1
    elif isinstance(outcome, PassedOver):
        counts[PASSED_OVER] += 1
    else:
        findings = [each.finding for each in outcome.verdict.decisions]
        counts[CHECKED] += 1
        counts[WITH_ERRORS] += any(each.severity == Severity.ERROR for each in findings)
        rules.update({(each.rule, each.severity.value) for each in findings})


def shown_path(path: str) -> str:
    """A path as UTF-8 text: bytes of a name that are none are shown as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    """Text that cannot move the cursor or pass for another line."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _finding_line(decision: Decision, width: int, actions: bool) -> str:
    finding = decision.finding
    severity = click.style(f"{finding.severity:<7}", fg=SEVERITY_COLOURS[finding.severity])
    drawn = f"{click.style(f'{decision.action:<10}', fg=ACTION_COLOURS[decision.action])}  " if actions else ""
    times = f" ({finding.count} times, last {finding.last})" if finding.count > 1 and finding.last else ""
    source = click.style(f"[{finding.rule}, {finding.section}]", dim=True)
    return f"    {severity}  {drawn}{_place(finding):<{width}}  {printable(finding.message)}{times}  {source}"


def _place(finding: Finding) -> str:
    value = "" if finding.value_number is None else f" value {finding.value_number}"
    return printable(f"{finding.path}{value} {finding.tag}".strip())


def _decided(decision: Decision, outcome: Examined, explained: Policy | None) -> dict[str, object]:
    if explained is None:
        return {}
    reason = why(decision, outcome.verdict, explained)
    return {"action": decision.action.value, "line": decision.line, "why": reason}
