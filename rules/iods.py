"""The 171 composite IODs: their names, SOP Classes, Modules and functional groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from rules import tables
from rules.editions import NEWEST, had, rows_in
from rules.expressions import Expression
from rules.header import Header
from rules.modules import Row, constraint_rows

PARAMETRIC_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.30"
"""The SOP Class that the examples of rules on Modules use."""


@dataclass(frozen=True, slots=True)
class Iod:
    """A composite IOD of PS3.3 Annex A (Basic Directory: Annex F)."""

    name: str
    section: str
    sop_class_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Usage:
    """A Module, or the Macro of a functional group, in an IOD: M, C or U, and the section that describes it.

    `required_if` is the condition of Usage C, `may_be` and `may_be_if` say whether it may be there otherwise,
    `never_if` when it may not. `place` is "shared" or "per-frame" for a functional group that stands only there.
    """

    name: str
    usage: str
    section: str
    required_if: Expression | None = None
    may_be: bool = False
    may_be_if: Expression | None = None
    never_if: Expression | None = None
    place: str = ""


@cache
def iods() -> Mapping[str, Iod]:
    """Every IOD by its name, in the order of PS3.3."""
    rows = tables.read("iods")["rows"]
    return MappingProxyType({name: Iod(name, section, tuple(uids)) for name, section, uids in rows})


@cache
def storage_sop_classes() -> Mapping[str, str]:
    """The IOD's name by SOP Class UID, for every SOP Class of every IOD."""
    return MappingProxyType({uid: iod.name for iod in iods().values() for uid in iod.sop_class_uids})


def iod_of(uid: str, edition: str = NEWEST) -> str:
    """The name of the IOD that a SOP Class is of; "" where the edition lists none."""
    iod = storage_sop_classes().get(uid, "")
    return iod if had(_table(iod), edition) else ""


def iod_in_any_edition(header: Header) -> str:
    """The name of the IOD of an instance, by its SOP Class UID; "" where no edition lists one."""
    return storage_sop_classes().get(header.text("SOPClassUID") or "", "")


@cache
def never_stored() -> frozenset[str]:
    """The SOP Class UIDs of real-time communication (PS3.22), which never arrive by C-STORE."""
    return frozenset(uid for uid in storage_sop_classes() if uid.startswith(_REAL_TIME_COMMUNICATION))


@cache
def modules_of(iod: str, edition: str = NEWEST) -> tuple[Usage, ...]:
    """The Modules of an IOD in the order of its table; none where the table is not among the facts of the edition."""
    return _usages(iod, "modules", edition)


@cache
def functional_groups_of(iod: str, edition: str = NEWEST) -> tuple[Usage, ...]:
    """The Macros of an IOD's functional groups, in the order of their table; none where it has no frames."""
    return _usages(iod, "functional groups", edition)


@cache
def _table(iod: str) -> Mapping[str, Any]:
    place = ("iods", tables.file_name(iod))
    return tables.read(*place) if iod and tables.exists(*place) else {}


def _usages(iod: str, member: str, edition: str) -> tuple[Usage, ...]:
    table = _table(iod)
    return tuple(_usage(row) for row in rows_in(table.get(member, ()), edition)) if had(table, edition) else ()


def _usage(row: Sequence[Any]) -> Usage:
    name, usage, section, more = row
    may = more.get("may")
    return Usage(
        name,
        usage,
        section,
        required_if=more.get("if"),
        may_be=may == "always",
        may_be_if=None if may in (None, "always") else may,
        never_if=more.get("never"),
        place=more.get("place", ""),
    )


@cache
def forbidden_modules_of(iod: str) -> tuple[tuple[str, str], ...]:
    """The Modules that the Content Constraints of an IOD forbid, each with the section that says so."""
    rows = _table(iod).get("constraints", ())
    return tuple((name, more["section"]) for kind, name, more in rows if kind == "forbidden")


@cache
def constraints_of(iod: str) -> tuple[Row, ...]:
    """What the Content Constraints of an IOD ask of its Attributes beyond its Modules."""
    return _constraints(iod, "row")


@cache
def frame_constraints_of(iod: str) -> tuple[Row, ...]:
    """What they ask of its functional groups, in frames that have them."""
    return _constraints(iod, "frame")


@cache
def content_tree_of(iod: str) -> Mapping[str, Any]:
    """What they allow in a tree of Content Items, and as "relations" which of them below which; empty without."""
    table = _table(iod)
    return {**table["content tree"], "relations": table["relations"]} if "content tree" in table else {}


def _constraints(iod: str, of: str) -> tuple[Row, ...]:
    rows = _table(iod).get("constraints", ())
    return constraint_rows([_constraint(iod, name, more) for kind, name, more in rows if kind == of])


def _constraint(iod: str, name: str, more: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    never = {"never": {"sop class": list(iods()[iod].sop_class_uids)}} if more.get("absent") else {}
    return name, more.get("type", ""), {**more, **never}


_REAL_TIME_COMMUNICATION = "1.2.840.10008.10."
