"""What each IOD says of Image Type (0008,0008) and Frame Type (0008,9007), value by value.

The tables are `facts/image_type` (a file a section of PS3.3), `facts/terms` (lists that several sections share)
and `facts/frame_types.json` (the functional groups that hold a Frame Type).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from rules import tables
from rules.conditions import Condition, named
from rules.editions import NEWEST
from rules.model import Severity


@dataclass(frozen=True, slots=True)
class ValueFacts:
    """One value of Image Type or Frame Type in one IOD.

    `enumerated` are Enumerated Values; `defined` are Defined Terms, `retired` those of earlier editions, with
    when they were listed; `defined_if` holds Defined Terms that count only where the condition is met.
    `usual` is what a Note expects. `empty` is "never", "always" or "may be". `bits` are the bits of a value that is
    a sum of them. `beyond` is how grave a value outside the Defined Terms is. `undecided` says what an instance
    cannot tell.
    """

    number: int
    section: str
    ground: str
    enumerated: tuple[str, ...] = ()
    defined: tuple[str, ...] = ()
    retired: Mapping[str, str] = field(default_factory=dict)
    defined_if: tuple[Condition, tuple[str, ...]] | None = None
    usual: tuple[str, ...] = ()
    prohibited: tuple[str, ...] = ()
    empty: str = "may be"
    required: bool = False
    required_if: Condition | None = None
    expected: bool = False
    filled_only_if: Condition | None = None
    bits: tuple[str, ...] = ()
    undecided: str | None = None
    terms_unknown: bool = False
    beyond: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """Image Type, or Frame Type, in one IOD.

    `type` is the Attribute's Type; `fewest` and `most` count its values (`most` None: no limit), `count_if` another
    count under a condition. `agreement` is how grave it is that Image Type and the frames' Frame Types differ.
    `common` says that PS3.3 C.8.16.1 holds.
    """

    keyword: str
    iod: str
    section: str
    type: str
    fewest: int
    most: int | None
    count_if: tuple[Condition, int, int] | None
    values: tuple[ValueFacts, ...]
    common: bool
    agreement: Severity | None
    frames: FrameFacts | None

    def value(self, number: int) -> ValueFacts | None:
        """What is said of the value with this number, counted from 1."""
        return self.values[number - 1] if number <= len(self.values) else None

    def undecided(self, number: int) -> list[ValueFacts]:
        """The values that cannot be judged in full, where an instance has this number of them."""
        return [each for each in self.values if each.undecided or (each.terms_unknown and each.number <= number)]


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """The functional group that holds an IOD's Frame Type, and what is said of that."""

    sequence: str
    section: str
    types: TypeFacts


@cache
def image_type(iod: str, edition: str = NEWEST) -> TypeFacts | None:
    """What an IOD says of Image Type; None where it has no image."""
    name = _by_iod().get(iod)
    if name is None:
        return None
    table = _whole(name)
    values = tuple(_value(number, row, edition) for number, row in sorted(table["values"].items()))
    images = _type_facts("ImageType", iod, table, tuple(_of_images(each) for each in values))
    group = _groups().get(iod)
    if group is None:
        return images
    sequence, section, mixed_in = group
    frames = tuple(_of_frames(each, mixed=iod in mixed_in) for each in values)
    types = replace(
        images,
        keyword="FrameType",
        section=section,
        type="1",
        # PS3.6 gives Frame Type the VM 4-5.
        fewest=max(images.fewest, 4),
        most=images.most or 5,
        values=frames,
    )
    return replace(images, frames=FrameFacts(sequence, section, types))


def _type_facts(keyword: str, iod: str, table: Mapping[str, Any], values: tuple[ValueFacts, ...]) -> TypeFacts:
    fewest, most = table["count"]
    count_if = None
    if "count if" in table:
        condition, (low, high) = table["count if"]
        count_if = (named(condition), low, high)
    agreement = Severity(table["agreement"]) if "agreement" in table else None
    return TypeFacts(
        keyword, iod, table["section"], table["type"], fewest, most, count_if, values, table["common"], agreement, None
    )


def _value(number: int, row: Mapping[str, Any], edition: str) -> ValueFacts:
    lists = [tables.read("terms", name)["terms"] for name in row.get("terms", ())]
    terms = [term for terms in lists for term in terms]
    defined = [*(name for name, *note in terms if not note or _still(note[0], edition)), *row.get("defined", ())]
    retired = {name: note[0]["listed"] for name, *note in terms if note and name not in defined}
    defined_if = None
    if "defined if" in row:
        condition, more = row["defined if"]
        defined_if = (named(condition), tuple(more))
    return ValueFacts(
        number=number,
        section=row["section"],
        ground=row["ground"],
        enumerated=tuple(row.get("enumerated", ())),
        defined=tuple(dict.fromkeys(defined)),
        retired=MappingProxyType(retired),
        defined_if=defined_if,
        usual=tuple(row.get("usual", ())),
        prohibited=tuple(row.get("prohibited", ())),
        empty=row.get("empty", "may be"),
        required=row.get("required", False),
        required_if=named(row["required if"]) if "required if" in row else None,
        expected=row.get("expected", False),
        filled_only_if=named(row["filled only if"]) if "filled only if" in row else None,
        bits=tuple(row.get("bits", ())),
        undecided=row.get("undecided"),
        terms_unknown=row.get("terms unknown", False),
        beyond=Severity(row.get("beyond", "warning")),
    )


def _still(note: Mapping[str, str], edition: str) -> bool:
    """Whether a term that was listed "until 2021c", or "before 2020", was so in this edition."""
    bound, last = note["listed"].split(" ")
    return edition <= last if bound == "until" else edition < last


def _of_images(value: ValueFacts) -> ValueFacts:
    return replace(value, empty="never") if value.empty == "only in frames" else value


def _of_frames(value: ValueFacts, *, mixed: bool) -> ValueFacts:
    """The same value in Frame Type: MIXED is for Image Type alone, except where frames were converted (C.8.16.1)."""
    if value.empty == "only in frames":
        value = replace(value, empty="may be")
    if mixed:
        return value
    return replace(
        value,
        enumerated=tuple(each for each in value.enumerated if each != _MIXED),
        defined=tuple(each for each in value.defined if each != _MIXED),
        prohibited=(_MIXED,) if _MIXED in (*value.defined, *value.prohibited) else (),
    )


@cache
def _whole(name: str) -> dict[str, Any]:
    """A table with what it inherits: `values` by number, each with the members of the table it is like."""
    table = tables.read("image_type", name)
    base: dict[str, Any] = _whole(table["like"]) if "like" in table else {"values": {}, "common": name == "multi-frame"}
    values = dict(base["values"])
    for number, row in table["values"]:
        here = row.get("section", table["section"])
        inherited = values.get(number, {"section": here, "ground": here})
        places = {name: here for name, said in _PLACES.items() if not said.isdisjoint(row)}
        values[number] = {**inherited, **row, "section": inherited["section"], **places}
    return {**base, **table, "values": values}


_PLACES = {
    "section": frozenset({"enumerated", "defined", "defined if", "terms", "usual", "bits"}),
    "ground": frozenset({"prohibited", "empty", "required", "required if", "filled only if", "expected"}),
}
"""Which members of a row its section and its ground are the place of."""


@cache
def _by_iod() -> Mapping[str, str]:
    return {iod: name for name in tables.names("image_type") for iod in tables.read("image_type", name)["iods"]}


@cache
def _groups() -> Mapping[str, tuple[str, str, tuple[str, ...]]]:
    rows = tables.read("frame_types")["rows"]
    return {
        iod: (sequence, section, tuple(more.get("mixed in", ())))
        for sequence, section, iods, more in rows
        for iod in iods
    }


_MIXED = "MIXED"
