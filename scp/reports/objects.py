"""What `check` found, as JSON: one list, or one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from rules.model import Finding
from scp.examine import Examined, Failed
from scp.policy import why
from scp.reports.run import Run, Told
from scp.reports.wording import shown_path
from scp.verdict import Decision


def json_lines(outcomes: Iterable[Told], run: Run) -> Iterator[str]:
    """An object a line."""
    for outcome in outcomes:
        yield f"{_json(outcome, run)}\n"


def json_list(outcomes: Iterable[Told], run: Run) -> Iterator[str]:
    """One list of the same objects, an object a line."""
    opening = "[\n"
    for outcome in outcomes:
        yield opening + _json(outcome, run)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


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


def _json(outcome: Told, run: Run) -> str:
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
                finding_object(each.finding) | _decided(each, outcome, run) for each in outcome.verdict.decisions
            ],
        }
    )


def _decided(decision: Decision, outcome: Examined, run: Run) -> dict[str, object]:
    if not run.explained:
        return {}
    reason = why(decision, outcome.verdict, run.policy)
    return {"action": decision.action.value, "line": decision.line, "why": reason}
