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


def frames(*numbers: int) -> Finding:
    """One finding in some frames, as they come from Items of one structure."""
    paths = [f"PerFrameFunctionalGroupsSequence[{number}].B" for number in (numbers[0], numbers[-1])]
    if len(numbers) == 1:
        return replace(FOUND, path=paths[0])
    items = tuple(numbers[:21])
    return replace(FOUND, path=paths[0], count=len(numbers), first=paths[0], last=paths[1], items=items)


def test_frames_that_do_not_stand_in_a_row_are_named() -> None:
    (one,) = told(frames(2, 5, 9))
    assert (one.message, one.count, one.items) == ("is absent (frames 2, 5 and 9)", 3, ())


def test_frames_in_a_row_are_told_by_the_first_and_the_last() -> None:
    (one,) = told(frames(*range(1, 2001)))
    assert (one.message, one.count) == ("is absent", 2000)


def test_frames_of_several_structures_are_named_together() -> None:
    (one,) = told(frames(7, 9), frames(2), frames(4, 5))
    assert (one.message, one.count) == ("is absent (frames 2, 4, 5, 7 and 9)", 5)


def test_of_many_frames_20_are_named_and_the_others_counted() -> None:
    (one,) = told(frames(*range(1, 101, 2)))
    assert one.message == f"is absent (frames {', '.join(str(n) for n in range(1, 40, 2))} and 30 more)"


def test_several_faults_of_one_frame_name_no_frame() -> None:
    inner = [replace(FOUND, path=f"PerFrameFunctionalGroupsSequence[3].A[{n}].B") for n in (1, 2)]
    (one,) = told(*inner)
    assert (one.message, one.count) == ("is absent", 2)
