"""The 171 composite IODs: their names, SOP Classes and Modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from rules import tables

PARAMETRIC_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.30"
"""The SOP Class that the examples of rules on Modules use."""


@dataclass(frozen=True, slots=True)
class Iod:
    """A composite IOD of PS3.3 Annex A (Basic Directory: Annex F)."""

    name: str
    section: str
    sop_class_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """A Module of an IOD: M, C or U, and the section that describes it."""

    module: str
    usage: str
    section: str


@cache
def iods() -> Mapping[str, Iod]:
    """Every IOD by its name, in the order of PS3.3."""
    rows = tables.read("iods")["rows"]
    return MappingProxyType({name: Iod(name, section, tuple(uids)) for name, section, uids in rows})


@cache
def storage_sop_classes() -> Mapping[str, str]:
    """The IOD's name by SOP Class UID, for every SOP Class of every IOD."""
    return MappingProxyType({uid: iod.name for iod in iods().values() for uid in iod.sop_class_uids})


@cache
def never_stored() -> frozenset[str]:
    """The SOP Class UIDs of real-time communication (PS3.22), which never arrive by C-STORE."""
    return frozenset(uid for uid in storage_sop_classes() if uid.startswith(_REAL_TIME_COMMUNICATION))


@cache
def modules_of(iod: str) -> tuple[Usage, ...]:
    """The Modules of an IOD in the order of its table; none where the table is not among the facts."""
    place = ("iods", tables.file_name(iod))
    if not iod or not tables.exists(*place):
        return ()
    return tuple(Usage(name, usage, section) for name, usage, section, _ in tables.read(*place)["modules"])


_REAL_TIME_COMMUNICATION = "1.2.840.10008.10."
