"""What the SOP Class UID of an instance tells of it: multi-frame or not, a waveform, part of a Study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rules import tables
from rules.conditions import Answer, yes_if

KINDS = {
    "multi-frame": "an image of several frames",
    "oriented": "an image that needs Image Orientation (Patient)",
    "study": "an instance of a Study",
    "tiled": "a tiled image",
    "waveform": "a waveform",
}
"""The kinds, and what an instance of each is in words.

A SOP Class is "oriented" where its IOD requires Image Orientation (Patient), "tiled" where it has a total pixel matrix;
an IOD with the Study IE, "study", has the Series IE too.
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """SOP Classes whose instances are always of a kind, and those where the instance itself decides."""

    always: frozenset[str]
    either: frozenset[str]


def is_kind(sop_class_uid: str | None, kind: str) -> Answer:
    """Whether an instance of the SOP Class is of one of the KINDS; UNKNOWN for a SOP Class of no IOD of PS3.3."""
    known = _kinds()[kind]
    if sop_class_uid is None or sop_class_uid in known.either or sop_class_uid not in _known():
        return Answer.UNKNOWN
    return yes_if(sop_class_uid in known.always)


@cache
def _kinds() -> Mapping[str, Kind]:
    rows = tables.read("kinds")
    return {name: Kind(frozenset(row["always"]), frozenset(row.get("either", ()))) for name, row in rows.items()}


@cache
def _known() -> frozenset[str]:
    return frozenset(uid for _, _, uids in tables.read("iods")["rows"] for uid in uids)
