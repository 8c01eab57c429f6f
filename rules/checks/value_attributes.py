"""Which Attributes may stand in a Data Set at all: those of PS3.6, those it retired, none of the reserved groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.checks.value_place import Place, stated
from rules.dictionary import entry_of, is_retired
from rules.encode import Element
from rules.model import Finding, Severity
from rules.registry import run

COMMANDS = 0x0000
FILE_META = 0x0002
NEVER_USED = frozenset((0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF))


def attribute(place: Place, tag: int) -> Iterator[Finding]:
    """What is odd about an element being there, other than a private one's place in its block."""
    if tag & 0xFFFF == 0:
        yield from run(GROUP_LENGTH, [place.problem(tag, "is a group length, retired")])
    elif is_retired(tag):
        yield from run(RETIRED, [place.problem(tag, "is retired")])
    elif not tag & 0x10000 and entry_of(tag) is None:
        yield from run(UNKNOWN, [place.problem(tag, "is not in the dictionary")])


def reserved_groups(place: Place, tags: Sequence[int]) -> Iterator[Finding]:
    """The elements, of those here, whose group has no place in a Data Set."""
    if not tags or (min(tags) >= 0x00080000 and max(tags) < 0xFFFF0000):
        return
    file_meta = max(tags) >> 16 == FILE_META
    for tag in tags:
        group = tag >> 16
        if group in NEVER_USED:
            yield from run(GROUP, [place.problem(tag, "is of a group that is never used")])
        elif group in (COMMANDS, FILE_META) and not file_meta:
            home = "a command" if group == COMMANDS else "the File Meta Information"
            told = f"belongs in {home}, not in a Data Set"
            yield from run(GROUP, [place.problem(tag, told, severity=Severity.WARNING)])


RETIRED = stated(
    "attribute-retired",
    "PS3.6 6",
    Severity.NOTE,
    """An Attribute is retired.

    It may still be sent, for the sake of old receivers; new ones need not read it.
    """,
    good=[{"StudyDate": "20200131"}],
    bad=[{"StudyComments": "old"}],
)
UNKNOWN = stated(
    "attribute-unknown",
    "PS3.6 6",
    Severity.WARNING,
    """An element of a standard group is not in the dictionary.

    It is of a newer edition, or somebody's own, and then belongs in a private group (PS3.5 7.8).
    """,
    good=[{"(0009,0010)": "MAKER", "(0009,1001)": Element("LO", "own")}],
    bad=[{"(0008,9FFF)": Element("LO", "own")}],
)
GROUP = stated(
    "attribute-group",
    "PS3.5 7.8.1",
    Severity.ERROR,
    """An element is of a group that has no place in a Data Set.

    The groups 0001, 0003, 0005, 0007 and FFFF are never used. Group 0000 is for commands and 0002 for the File Meta
    Information: in a Data Set they draw a warning.
    """,
    good=[{"(0009,0010)": "MAKER"}],
    bad=[{"(0003,0010)": "MAKER"}, {"TransferSyntaxUID": "1.2.840.10008.1.2", "StudyDate": "20200131"}],
)
GROUP_LENGTH = stated(
    "attribute-group-length",
    "PS3.5 7.2",
    Severity.NOTE,
    """A Data Set has group lengths, which are retired.

    Receivers skip them. One finding stands for all of an instance.
    """,
    good=[{"StudyDate": "20200131"}],
    bad=[{"(0008,0000)": 18, "StudyDate": "20200131"}],
)
