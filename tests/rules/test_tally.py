from __future__ import annotations

from dataclasses import replace

from rules.model import Finding, Severity
from rules.tally import Tally

FOUND = Finding("attribute-missing", Severity.ERROR, "A[1].B", "(0008,0008)", "PS3.3 C.1", "is absent")


def told(*findings: Finding, most: int = 1000) -> list[Finding]:
    tally = Tally(most)
    for each in findings:
        tally.add(each)
    return list(tally.findings())


def test_findings_that_differ_in_their_items_alone_are_one() -> None:
    (one,) = told(FOUND, replace(FOUND, path="A[2].B"), replace(FOUND, path="A[7].B"))
    assert (one.path, one.count, one.first, one.last) == ("A[1].B", 3, "A[1].B", "A[7].B")


def test_findings_that_differ_otherwise_stay_apart() -> None:
    others = [replace(FOUND, message="is empty"), replace(FOUND, path="A[1].C"), replace(FOUND, value_number=2)]
    assert told(FOUND, *others) == [FOUND, *others]


def test_first_and_last_go_by_the_numbers_of_the_items() -> None:
    (one,) = told(replace(FOUND, path="A[10].B"), replace(FOUND, path="A[9].B"))
    assert (one.first, one.last) == ("A[9].B", "A[10].B")


def test_counts_are_added() -> None:
    many = replace(FOUND, count=40, first="A[1].B", last="A[40].B")
    (one,) = told(many, replace(FOUND, path="A[50].B"))
    assert (one.count, one.first, one.last) == (41, "A[1].B", "A[50].B")


def test_beyond_the_limit_findings_are_a_number_as_grave_as_the_gravest_of_them() -> None:
    notes = [replace(FOUND, message=f"is {number}", severity=Severity.NOTE) for number in range(5)]
    last = told(*notes, FOUND, replace(FOUND, message="is 0", severity=Severity.NOTE), most=3)[-1]
    assert (last.rule, last.severity, last.message) == ("findings-cut-off", "error", "3 more findings are not told")


def test_what_is_known_is_counted_on_beyond_the_limit() -> None:
    found = told(FOUND, replace(FOUND, message="other"), replace(FOUND, path="A[2].B"), most=1)
    assert (found[0].count, found[1].message) == (2, "1 more findings are not told")
