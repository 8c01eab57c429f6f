"""What the header reader could not make sense of (PS3.5 6 and 7), as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.dictionary import name_of
from rules.faults import Fault
from rules.model import Finding, Problem, Rule, Severity
from rules.registry import run, table_rule


def malformed(faults: Sequence[Fault]) -> Iterator[Finding]:
    """A finding for every distinct fault, with the number of times it was met."""
    alike: dict[tuple[str, int | None, str], list[Fault]] = {}
    for fault in faults:
        alike.setdefault((fault.kind, fault.tag, fault.message), []).append(fault)
    for (kind, _, _), group in alike.items():
        yield from run(_RULES[kind], group)


def _undecodable(faults: Sequence[Fault]) -> Iterator[Problem]:
    """Bytes of the Data Set could not be decoded.

    What stands behind them may be lost to every reader. The message says at which byte of the Data Set the first
    fault is.
    """
    return _problem(faults)


def _encoding(faults: Sequence[Fault]) -> Iterator[Problem]:
    """The Data Set is encoded otherwise than the Standard says, though it can be read.

    Stricter readers refuse it. The message says at which byte of the Data Set the first fault is.
    """
    return _problem(faults)


def _problem(faults: Sequence[Fault]) -> Iterator[Problem]:
    first = faults[0]
    path = "" if first.tag is None else name_of(first.tag)
    yield Problem(path, f"{first.message} (byte {first.offset})", count=len(faults))


_RULES: dict[str, Rule] = {
    "undecodable": table_rule("undecodable", section="PS3.5 7.1", severity=Severity.ERROR, good=[], bad=[])(
        _undecodable
    ),
    "encoding": table_rule("encoding", section="PS3.5 7.1", severity=Severity.ERROR, good=[], bad=[])(_encoding),
}
