"""The data dictionary of PS3.6: tags, keywords, VRs and VMs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("facts") / "dictionary.json"


class Entry(NamedTuple):
    """One Attribute. `vr` may be a choice ("US or SS"); `tag` is the first of a repeating group's."""

    tag: int
    vr: str
    vm: str
    keyword: str
    retired: bool


def tag_of(name: str) -> int:
    """The tag of a keyword, or of a tag written "(gggg,eeee)". KeyError where neither."""
    tag = TAGS.get(name)
    if tag is None:
        written = _WRITTEN_TAG.fullmatch(name)
        if written is None:
            raise KeyError(f"no Attribute has the keyword {name!r}")
        tag = int(written[1] + written[2], 16)
    return tag


def keyword_of(tag: int) -> str | None:
    """The keyword of a tag; None for a private or unknown one."""
    entry = entry_of(tag)
    return entry.keyword if entry else None


def name_of(tag: int) -> str:
    """What `tag_of` takes back: the keyword, or "(gggg,eeee)" where there is none or it means another tag."""
    entry = entry_of(tag)
    return entry.keyword if entry and entry.tag == tag else format_tag(tag)


def vr_of(tag: int) -> str | None:
    """The VR, or the choice of VRs ("US or SS"); None where unknown."""
    entry = entry_of(tag)
    if entry is not None:
        return entry.vr
    if tag & 0xFFFF == 0:
        return "UL"
    if tag & 0x10000 and 0x0010 <= tag & 0xFFFF <= 0x00FF:
        return "LO"  # a Private Creator, PS3.5 7.8.1
    return None


def vm_of(tag: int) -> str | None:
    """The VM ("1", "2-2n"); None where unknown."""
    entry = entry_of(tag)
    return entry.vm if entry else None


def is_retired(tag: int) -> bool:
    """Whether PS3.6 marks the Attribute retired."""
    entry = entry_of(tag)
    return entry is not None and entry.retired


def format_tag(tag: int) -> str:
    """A tag as people write it: "(0008,0008)"."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def entry_of(tag: int) -> Entry | None:
    """The dictionary's line for a tag, repeating groups included; None where unknown."""
    row = _ROWS.get(tag)
    return Entry(tag, row[1], row[2], row[3], len(row) > 4) if row else _repeating(tag)


def _repeating(tag: int) -> Entry | None:
    """The line of a repeating group; most tags that come here are private, and none of those has one."""
    found = _REPEATING_BY_START.get(tag >> 24)
    return None if found is None or tag & 0x10000 else _repeating_among(tag, found)


def _repeating_among(tag: int, rows: list[list[str]]) -> Entry | None:
    digits = f"{tag:08X}"
    for written, vr, vm, keyword, *retired in rows:
        if all(digit in ("x", wanted) for digit, wanted in zip(written, digits, strict=True)):
            return Entry(TAGS[keyword], vr, vm, keyword, bool(retired))
    return None


_WRITTEN_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")
_LINES: list[list[str]] = json.loads(FILE.read_bytes())
_REPEATING = [row for row in _LINES if "x" in row[0]]
_REPEATING_BY_START: dict[int, list[list[str]]] = {}
"""By the first two digits, which no repeating group leaves open."""
for _row in _REPEATING:
    _REPEATING_BY_START.setdefault(int(_row[0][:2], 16), []).append(_row)
_ROWS = {int(row[0], 16): row for row in _LINES if "x" not in row[0]}


def _first_of(written: str) -> int:
    """The first tag of a repeating group that no Attribute has to itself."""
    tags = (int(written.replace("x", digit), 16) for digit in "0123456789ABCDEF")
    return next(tag for tag in tags if tag not in _ROWS)


TAGS = {row[3]: tag for tag, row in _ROWS.items()} | {row[3]: _first_of(row[0]) for row in _REPEATING}
"""Keyword to tag; of a repeating group, its first."""
SEQUENCES = frozenset(tag for tag, row in _ROWS.items() if row[1] == "SQ")
"""Tags of VR SQ."""
