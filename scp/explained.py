"""The road of `check --explain`: a file's bytes to header, findings and what they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rules.engine import check
from rules.header import NotDicom, read_part10
from rules.model import Severity
from scp.examine import Bench
from scp.files import Candidate, Unreadable, contents
from scp.maps.explain import NotExplained, explain
from scp.reports.explained import explained
from scp.reports.wording import printable, shown_path

REFUSED = 2
"""Exit code where something could not be read or explained."""

Say = Callable[[str], object]


def explain_all(found: Iterable[Candidate], bench: Bench, say: Say, complain: Say) -> int:
    """Tell of every file; the exit code of `check`, where an instance that has no frames is one not read."""
    refused = erroneous = False
    for number, candidate in enumerate(found):
        try:
            if candidate.problem:
                raise Unreadable(candidate.problem)
            with contents(candidate.path) as data:
                header = read_part10(data)
                try:
                    checked = check(header, bench.rules)
                    sections = explain(header, checked, candidate.path)
                    if number:
                        say("")
                    for line in explained(candidate.path, sections, checked):
                        say(line)
                    erroneous |= any(each.severity is Severity.ERROR for each in checked.findings)
                finally:
                    header.release()
        except (NotDicom, NotExplained, Unreadable) as why:
            refused = True
            complain(f"dicomgate: {printable(shown_path(candidate.path))}: {printable(str(why))}")
    return REFUSED if refused else 1 if erroneous else 0
