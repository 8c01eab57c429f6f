"""Private elements and the blocks that their Private Creators reserve (PS3.5 7.8.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.checks.value_patterns import is_creator
from rules.checks.value_place import Place, stated
from rules.dictionary import format_tag
from rules.encode import Element
from rules.model import Finding, Problem, Severity
from rules.registry import run
from rules.wording import shown


def private_blocks(place: Place, private: Sequence[int]) -> Iterator[Finding]:
    """Judge the private elements of one Data Set or Item, whose tags these are."""
    present = frozenset(private)
    orphans: dict[int, list[int]] = {}
    creators: dict[tuple[int, bytes], int] = {}
    for tag in private:
        element = tag & 0xFFFF
        if element >= 0x1000:
            creator = tag & 0xFFFF0000 | element >> 8
            if creator not in present or place.header.length(creator) == 0:
                orphans.setdefault(creator, []).append(tag)
        elif is_creator(tag):
            yield from run(CREATOR, list(_creator(place, tag, creators)))
        elif element:
            yield from run(TAG, [place.problem(tag, "is neither a Private Creator nor in a block")])
    for creator, tags in orphans.items():
        told = f"has no Private Creator {format_tag(creator)} for its block"
        more = f", nor {len(tags) - 1} more" if len(tags) > 1 else ""
        yield from run(CREATOR_MISSING, [place.problem(tags[0], told + more)])


def _creator(place: Place, tag: int, creators: dict[tuple[int, bytes], int]) -> Iterator[Problem]:
    """`creators` are those met before, by group and value."""
    found = place.header.element(tag)
    vr = found[0] if found else None
    name = (place.header.raw(tag) or b"").strip(b" \0")
    if not name:
        yield place.problem(tag, "is empty, Type 1")
        return
    if vr not in (None, b"LO"):
        yield place.problem(tag, f"has the VR {shown(vr.decode('latin-1'))}, wanted LO")
    if b"\\" in name:
        values = name.count(b"\\") + 1
        yield place.problem(tag, f"has {values} values, wanted one")
    if not name.isascii():
        yield place.problem(tag, "has characters outside the default repertoire")
    before = creators.setdefault((tag >> 16, name), tag)
    if before != tag:
        told = f"reserves a second block for the creator of {format_tag(before)}"
        yield place.problem(tag, told, severity=Severity.WARNING)


CREATOR_MISSING = stated(
    "private-creator-missing",
    "PS3.5 7.8.1",
    Severity.ERROR,
    """Private elements have no Private Creator for their block in the same Data Set or Item.

    Nobody can tell whose they are and what they mean. One finding stands for a block.
    """,
    good=[{"(0009,0010)": "MAKER", "(0009,10FF)": Element("LO", "own")}],
    bad=[
        {"(0009,1001)": Element("LO", "own")},
        {"(0009,0010)": "MAKER", "(0009,1101)": Element("LO", "own")},
        {"(0009,0010)": "", "(0009,1001)": Element("LO", "own")},
    ],
)
CREATOR = stated(
    "private-creator",
    "PS3.5 7.8.1",
    Severity.ERROR,
    """A Private Creator is not one value of VR LO in the default repertoire.

    Receivers find a maker's elements by it. A creator that reserves a second block of the same group draws a
    warning.
    """,
    good=[{"(0009,0010)": "MAKER", "(0009,0011)": "OTHER"}],
    bad=[
        {"(0009,0010)": ""},
        {"(0009,0010)": Element("UN", b"MAKER ")},
        {"(0009,0010)": ["MAKER", "OTHER"]},
        {"(0009,0010)": "MAKER", "(0009,0011)": "MAKER"},
    ],
)
TAG = stated(
    "private-tag",
    "PS3.5 7.8.1",
    Severity.ERROR,
    """A private element has a tag outside all blocks.

    Of a private group, 0010 to 00FF are Private Creators and 1000 to FFFF their blocks; no others are used.
    """,
    good=[{"(0009,0010)": "MAKER", "(0009,1000)": Element("LO", "own")}],
    bad=[{"(0009,0002)": Element("LO", "own")}, {"(0009,0010)": "MAKER", "(0009,0100)": Element("LO", "own")}],
)
