"""The Content Constraints of Annex A: every IOD was looked at, and whatever one asks is missed where it is not so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from minimal import PER_FRAME, SHARED, Attributes, instance

from rules import tables
from rules.build.corrections import read_corrections
from rules.dictionary import tag_of, vr_of
from rules.encode import Element, header_of
from rules.engine import check, load_rules
from rules.expressions import Expression, parts
from rules.iods import constraints_of, forbidden_modules_of, frame_constraints_of, iods, modules_of
from rules.model import Finding
from rules.modules import Row, module, rows_of

Path = tuple[str, ...]


@cache
def smallest(iod: str) -> Attributes:
    return instance(iod)


def findings(attributes: Attributes) -> tuple[Finding, ...]:
    return check(header_of(attributes), load_rules()).findings


def test_every_iod_is_constrained_or_has_a_reason_why_not() -> None:
    given = read_corrections(tables.FACTS / "corrections.toml")
    constrained = given.constraints.keys() | given.trees.keys()
    assert constrained | given.unconstrained.keys() == iods().keys()
    assert all(given.unconstrained.values())


NOT_APART = ("Supplemental Palette Color Lookup Table",)
"""Modules whose Attributes the Image Pixel Module has as well, and says when they may be there."""


def _forbidden() -> Iterator[tuple[str, str, str]]:
    for iod in iods():
        for name, section in forbidden_modules_of(iod):
            yield iod, name, section


def test_an_overlay_that_is_not_the_first_is_forbidden_as_well() -> None:
    found = findings({**smallest("Enhanced MR Image"), "(6002,0010)": Element("US", 1)})
    assert ("module-forbidden", "(6002,0010)") in {(each.rule, each.path) for each in found}


def test_minus_zero_is_zero() -> None:
    iod = "Multi-frame Grayscale Byte Secondary Capture Image"
    assert "value-not-enumerated" not in {each.rule for each in findings({**smallest(iod), "RescaleIntercept": "-0"})}


@pytest.mark.parametrize(("iod", "name", "section"), list(_forbidden()))
def test_a_module_that_the_iod_forbids_is_found(iod: str, name: str, section: str) -> None:
    table = module(name)
    assert table is not None
    others = (other for each in modules_of(iod) if (other := module(each.name)) is not None)
    allowed = {row.tag for other in others for row in rows_of(other.within)}
    strange = [row for row in rows_of(table.within) if row.type != "3" and row.tag not in allowed]
    assert strange or name in NOT_APART
    for row in strange:
        found = findings({**smallest(iod), row.keyword: _other((), row.tag)})
        assert ("module-forbidden", row.keyword, f"PS3.3 {section}") in {
            (each.rule, each.path, each.section) for each in found
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that a row asks: the same instance without and with what breaks it, and the rule that tells so."""

    iod: str
    path: Path
    row: Row
    rule: str
    value: object
    met: Mapping[str, object]
    """What the condition asks of the place; `...` stands for what must not be there."""
    sound: object = ...
    """A value that is as asked, where the smallest instance need not have one."""

    def __str__(self) -> str:
        return f"{self.iod}, {'.'.join(self.path)}, {self.rule}"

    def instance(self, broken: bool) -> Attributes:
        attributes = deepcopy(smallest(self.iod))
        place: Any = attributes
        above, keyword = self.path[:-1], self.path[-1]
        if above[:1] == (SHARED,):
            above = (PER_FRAME if above[1:2] and above[1] in attributes[PER_FRAME][0] else SHARED, *above[1:])
            if len(above) == 1 and keyword in attributes[PER_FRAME][0]:
                above = (PER_FRAME,)
        for each in above:
            if not place.get(each):
                place[each] = [{}]
            place = place[each][0]
        value = self.value if broken else self.sound
        met = dict(self.met)
        attributes["SOPClassUID"] = met.pop("SOPClassUID", attributes["SOPClassUID"])
        changes = {**met, **({keyword: value} if broken or value is not ... else {})}
        for each, changed in changes.items():
            place[each] = changed
            if changed is ...:
                del place[each]
        return attributes


def _asked() -> Iterator[Asked]:
    for iod in iods():
        for row in constraints_of(iod):
            yield from _of(iod, (row.keyword,), row)
        for row in frame_constraints_of(iod):
            yield from _of(iod, (SHARED, row.keyword), row)


def _of(iod: str, path: Path, row: Row) -> Iterator[Asked]:
    if row.type == "1" and path[0] == SHARED:
        # Whether a functional group is there is judged over all frames; that it has an Item is what is left to ask.
        yield Asked(iod, path, row, "attribute-empty", [], {})
    elif row.type in ("1", "1C"):
        yield Asked(iod, path, row, "attribute-missing", ..., _met(row.required_if))
    if row.never_if is not None:
        value: object = _other((), row.tag)
        subject = _met(row.never_if)
        yield Asked(iod, path, row, "attribute-not-allowed", subject.get(row.keyword, value), subject)
    if row.items is not None:
        fewest, most = row.items
        assert fewest == 1
        assert most is not None
        yield Asked(iod, path, row, "item-count", [{}] * (most + 1), {})
    for terms in row.terms:
        other = _other(terms.allowed, row.tag)
        value = other if not terms.number else [*["1"] * (terms.number - 1), other]
        if terms.number and vr_of(row.tag) in ("FD", "FL"):
            value = [float(str(each)) for each in value] if isinstance(value, list) else value
        sound = ... if terms.number else _typed(terms.allowed[0], row.keyword)
        yield Asked(iod, path, row, "value-not-enumerated", value, _met(terms.condition), sound)
    for below in rows_of(row.within):
        yield from _of(iod, (*path, below.keyword), below)


def _met(condition: Expression | None) -> dict[str, object]:
    """Attributes with which the condition is met; `...` for one that must not be there."""
    if condition is None:
        return {}
    operation, subject = parts(condition)
    if operation == "is":
        return {subject[0]: _typed(subject[2][0], subject[0])}
    if operation == "all":
        return {name: value for each in subject for name, value in _met(each).items()}
    if operation == "any item":
        return {subject[0]: [_met(subject[1])]}
    if operation == "any":
        return _met(subject[0])
    if operation == "sop class":
        return {"SOPClassUID": subject[0]}
    if operation == "items":
        return {subject[0]: [{}, {}]}
    assert operation in ("absent", "present"), condition
    return {subject: ...} if operation == "absent" else {}


def _typed(value: str, keyword: str) -> object:
    vr = vr_of(tag_of(keyword))
    return int(value) if vr in ("US", "SS") else float(value) if vr in ("FD", "FL") else value


def _other(allowed: tuple[str, ...], tag: int) -> object:
    """A value of the VR that is none of these."""
    vr = (vr_of(tag) or "UN").split(" or ")[0]
    if vr == "SQ":
        return [{}]
    if vr in ("US", "SS", "UL", "AT"):
        return next(each for each in (2, 4, 24, 30) if str(each) not in allowed)
    if vr in ("FD", "FL"):
        return next(each for each in (7.0, 9.0) if f"{each:g}" not in allowed)
    if vr[:1] == "O":
        return b"\0\0"
    values = {"DS": "7", "IS": "7", "UI": "1.2.9", "DT": "20260102", "DA": "20260102"}
    return values.get(vr, "OTHER")


@pytest.mark.parametrize("asked", list(_asked()), ids=str)
def test_what_a_content_constraint_asks_is_missed(asked: Asked) -> None:
    keyword = asked.path[-1]
    sound, broken = (
        {(each.rule, each.path.rpartition(".")[2].partition("[")[0]) for each in findings(asked.instance(state))}
        for state in (False, True)
    )
    assert (asked.rule, keyword) in broken
    if asked.rule != "attribute-missing" and keyword not in asked.met:
        assert (asked.rule, keyword) not in sound
