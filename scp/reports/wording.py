"""Words that all reports share: paths, places and texts that are safe to print."""

from __future__ import annotations

import os
import re

from rules.model import Finding, Severity
from scp.examine import Examined

_ITEM = re.compile(r"\[\d+\]")


def shown_path(path: str) -> str:
    """A path as UTF-8 text: bytes of a name that are none are shown as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    """Text that cannot move the cursor or pass for another line, nor holds what XML 1.0 has no way to say."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def place(finding: Finding) -> str:
    """Where a finding is: "ImageType value 1 (0008,0008)"; empty for one on the whole instance."""
    value = "" if finding.value_number is None else f" value {finding.value_number}"
    tag = "" if finding.path.endswith(finding.tag) else f" {finding.tag}"
    return printable(f"{finding.path}{value}{tag}".strip())


def repeats(finding: Finding) -> str:
    """How often a fault was seen and where last, ready to follow its message; empty for one seen once."""
    if finding.count == 1:
        return ""
    last = f", last {printable(finding.last)}" if finding.last else ""
    return f" ({finding.count} times{last})"


def without_items(path: str) -> str:
    """A keyword path without the numbers of its Items: the Attribute itself, whichever frame it was seen in."""
    return _ITEM.sub("", path)


def kind(outcome: Examined) -> str:
    """The IOD of an instance; where none is listed for its SOP Class that, and that it had the general checks only."""
    sop_class = f"SOP Class {printable(outcome.sop_class_uid)}" if outcome.sop_class_uid else "no SOP Class"
    return outcome.iod or f"{sop_class} (general checks only)"


def findings_of(outcome: Examined) -> tuple[Finding, ...]:
    """The findings of one file, in the order they were made."""
    return tuple(each.finding for each in outcome.verdict.decisions)


def counted(number: int, noun: str) -> str:
    """ "1 error", "2 errors"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def by_severity(findings: tuple[Finding, ...]) -> dict[Severity, int]:
    """How many findings there are of each severity, the gravest first."""
    return {severity: sum(each.severity == severity for each in findings) for severity in Severity}
