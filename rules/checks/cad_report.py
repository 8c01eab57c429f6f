"""Reports of computer-aided detection: what is meant to be shown lies below nothing that is not (PS3.4 O.2.1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule

SEQUENCE = "ContentSequence"
_INTENT = "111056"
_RANKS = {"111150": 0, "111151": 1, "111152": 2}
"""Presentation required, optional, and not for presentation, by code."""
_WORDS = ("presentation required", "presentation optional", "not for presentation")


def _code(value: str) -> list[dict[str, object]]:
    return [{"CodeValue": value, "CodingSchemeDesignator": "DCM", "CodeMeaning": "one"}]


def _marked(intent: str, *below: dict[str, object]) -> dict[str, object]:
    """A Content Item with a rendering intent."""
    modifier = {
        "RelationshipType": "HAS CONCEPT MOD",
        "ValueType": "CODE",
        "ConceptNameCodeSequence": _code(_INTENT),
        "ConceptCodeSequence": _code(intent),
    }
    return {"RelationshipType": "CONTAINS", "ValueType": "CONTAINER", SEQUENCE: [modifier, *below]}


def _report(*items: dict[str, object]) -> Example:
    return {"SOPClassUID": iods()["Mammography CAD SR"].sop_class_uids[0], SEQUENCE: list(items)}


_PLAIN: dict[str, object] = {"RelationshipType": "CONTAINS", "ValueType": "CONTAINER"}


@rule(
    "cad-rendering-intent",
    section="PS3.4 O.2.1.1",
    severity=Severity.ERROR,
    iods=["Mammography CAD SR", "Chest CAD SR", "Colon CAD SR"],
    only_with=[SEQUENCE],
    good=[
        _report(_marked("111150", _marked("111151", _marked("111152")))),
        _report({**_PLAIN, SEQUENCE: [_marked("111150")]}, _marked("111152", _PLAIN)),
    ],
    bad=[
        _report(_marked("111152", _marked("111150"))),
        _report(_marked("111151", {**_PLAIN, SEQUENCE: [_marked("111150")]})),
    ],
)
def cad_rendering_intent(header: Header) -> Iterator[Problem]:
    """A finding that is to be shown lies below one that is not, or that need not be.

    Viewers stop at the first Content Item of a branch that is not for presentation; what is marked below it is never
    seen.
    """
    yield from _below(header, 0)


def _below(place: Header, above: int) -> Iterator[Problem]:
    for item in place.items(SEQUENCE):
        modifier = _intent(item)
        rank = above if modifier is None else _rank(modifier)
        if modifier is not None and rank < above:
            told = f"is {_WORDS[rank]}, below what is {_WORDS[above]}"
            yield Problem(modifier.path_of("ConceptCodeSequence"), told)
        yield from _below(item, max(rank, above))


def _intent(item: Header) -> Header | None:
    """The Content Item that says how this one is to be rendered."""
    for each in item.items(SEQUENCE):
        if _value(each, "ConceptNameCodeSequence") == _INTENT and _value(each, "ConceptCodeSequence") in _RANKS:
            return each
    return None


def _rank(modifier: Header) -> int:
    return _RANKS[_value(modifier, "ConceptCodeSequence")]


def _value(item: Header, sequence: str) -> str:
    """The code of a concept of the DICOM Controlled Terminology; "" for others."""
    code = next(iter(item.items(sequence)), None)
    ours = code is not None and code.text("CodingSchemeDesignator") == "DCM"
    return (code.text("CodeValue") or "") if ours and code is not None else ""
