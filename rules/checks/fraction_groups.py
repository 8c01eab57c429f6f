"""Fractions of an RT Plan: the beams and brachytherapy setups that they refer to are there (PS3.3 A.20.3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule

GROUPS = "FractionGroupSequence"
_REFERRED = (
    ("ReferencedBeamSequence", "ReferencedBeamNumber", "BeamSequence", "BeamNumber"),
    (
        "ReferencedBrachyApplicationSetupSequence",
        "ReferencedBrachyApplicationSetupNumber",
        "ApplicationSetupSequence",
        "ApplicationSetupNumber",
    ),
)
"""What fraction groups refer to by which number, and where the plan describes it."""


def _plan(*beams: int, referred: int = 1, **more: object) -> Example:
    groups = [{"ReferencedBeamSequence": [{"ReferencedBeamNumber": referred}]}]
    described = {"BeamSequence": [{"BeamNumber": each} for each in beams]} if beams else {}
    return {"SOPClassUID": iods()["RT Plan"].sop_class_uids[0], GROUPS: groups, **described, **more}


@rule(
    "fraction-reference-unknown",
    section="A.20.3.1",
    severity=Severity.ERROR,
    iods=["RT Plan"],
    only_with=[GROUPS],
    good=[
        _plan(1, 2),
        _plan(referred=3),
        _plan(ApplicationSetupSequence=[{"ApplicationSetupNumber": 7}]),
    ],
    bad=[
        _plan(2, 3),
        _plan(
            1,
            FractionGroupSequence=[
                {"ReferencedBrachyApplicationSetupSequence": [{"ReferencedBrachyApplicationSetupNumber": 2}]}
            ],
            ApplicationSetupSequence=[{"ApplicationSetupNumber": 1}],
        ),
    ],
)
def fraction_reference_unknown(header: Header) -> Iterator[Problem]:
    """A fraction group refers to a beam or an application setup that the plan does not describe.

    A plan may leave its beams out altogether; where it has some, whoever delivers it looks for each in vain that is
    asked for and is not among them.
    """
    for referring, reference, sequence, number in _REFERRED:
        described = {item.integer(number) for item in header.items(sequence)}
        if not described or None in described:
            continue
        for group in header.items(GROUPS):
            for item in group.items(referring):
                asked = item.integer(reference)
                if asked is not None and asked not in described:
                    yield Problem(item.path_of(reference), f"is {asked}, which no Item of {sequence} has as {number}")
