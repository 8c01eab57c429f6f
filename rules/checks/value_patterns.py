"""Value fields that are sound at first sight: one regular expression on raw bytes, or one look at the length.

What these accept is sound by PS3.5 6.2 in any Specific Character Set; what they do not accept wants a closer look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from functools import cache, lru_cache
from typing import NamedTuple

from rules.charset import ALONE
from rules.checks.multiplicity import multiplicity
from rules.dictionary import entry_of
from rules.encoding import KNOWN, Encoding
from rules.syntax import LONGEST, URI_CHARACTERS
from rules.values import SINGLE

Match = Callable[..., re.Match[bytes] | None]

WORD = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
"""Bytes of one binary value."""
STREAM_WORD = {"OB": 1, "OD": 8, "OF": 4, "OL": 4, "OV": 8, "OW": 2, "UN": 1}
"""Bytes that the length of a stream is a multiple of."""


class Plain(NamedTuple):
    """How an element is seen to be sound: its value field matches, or where `match` is None has one of `lengths`."""

    match: Match | None
    lengths: Container[int]


Usual = tuple[bytes | None, Match | None, Container[int]]
"""A VR as encoded, with what is plain in it as `Plain` has it; of a Sequence, no length is."""

UNMET: Usual = (b"", None, ())
"""For a tag that is not usual: no element has this VR."""


class Patterns:
    """What is plain for every tag with its VR as encoded, in one encoding; learnt as they are met.

    `usual` are the tags that are not worth a second look in the VR that they were first met in: of the dictionary, not
    retired, of no reserved group.
    """

    def __init__(self, big_endian: bool) -> None:
        self.big_endian = big_endian
        self.known: dict[tuple[int, bytes | None], Plain | None] = {}
        self.usual: dict[int, Usual] = {}

    def of(self, tag: int, vr: bytes | None) -> Plain | None:
        """None where the element wants a closer look whatever its value."""
        if tag & 0x10000 and tag & 0xFFFF:
            return _private(b"LO" if vr is None and is_creator(tag) else vr, self.big_endian)
        key = (tag, vr)
        return self.known[key] if key in self.known else self.learn(tag, vr)

    def learn(self, tag: int, vr: bytes | None) -> Plain | None:
        """As `of`: None for what is retired, unknown, a sequence or of another VR than the dictionary's."""
        entry = entry_of(tag)
        if entry is None:
            return None
        plain = self.beneath(tag, vr) if not entry.retired else None
        if vr is None or vr in KNOWN:
            self.known[tag, vr] = plain
            if plain is not None and tag >= FIRST_USUAL:
                self.usual.setdefault(tag, (vr, *plain))
            elif entry.vr == "SQ" and vr in (None, b"SQ") and not entry.retired:
                self.usual.setdefault(tag, (vr, None, ()))
        return plain

    def beneath(self, tag: int, vr: bytes | None) -> Plain | None:
        """As `of`, retired or not; None for what is unknown, a sequence or of another VR than the dictionary's."""
        entry = entry_of(tag)
        if entry is None or entry.vr == "SQ":
            return None
        choice = tuple(entry.vr.split(" or "))
        if vr is not None:
            if vr.decode("latin-1") not in choice:
                return None
            choice = (vr.decode("latin-1"),)
        if tag == SPECIFIC_CHARACTER_SET:
            return Plain(_compiled(_ONE_CHARACTER_SET), ())
        return by_vr(choice, entry.vm, self.big_endian)


FIRST_USUAL = 0x00080000
"""Groups below this one have no place in a Data Set, or are not used at all."""
SPECIFIC_CHARACTER_SET = 0x00080005
"""Its values are Defined Terms that bear on all text: several are looked at one by one."""


def is_creator(tag: int) -> bool:
    """Whether a tag is that of a Private Creator (PS3.5 7.8.1)."""
    return tag & 0x10000 != 0 and 0x0010 <= tag & 0xFFFF <= 0x00FF


@lru_cache
def _private(vr: bytes | None, big_endian: bool) -> Plain | None:
    """Of any VM; in implicit VR nothing is known of a private value."""
    if vr is None:
        return Plain(None, range(1 << 32))
    return by_vr((vr.decode("ascii"),), "1-n", big_endian) if vr in KNOWN else None


@cache
def by_vr(choice: tuple[str, ...], vm: str, big_endian: bool = False) -> Plain | None:
    """What is plain for a VR, or for a choice of them where the encoding does not say which."""
    vr = choice[0]
    if len(choice) > 1:
        words = [WORD.get(each) or STREAM_WORD[each] for each in choice]
        if any(each in STREAM_WORD for each in choice):
            return Plain(None, range(0, 1 << 32, min(words)))
    if vr in STREAM_WORD:
        return Plain(None, range(0, 1 << 32, STREAM_WORD[vr]))
    if vr in ("FD", "FL"):
        return Plain(_compiled(_several(_FINITE[vr, big_endian], b"", vm)), ())
    if vr in WORD:
        return Plain(None, _lengths(WORD[vr], vm))
    value = _VALUES.get(vr)
    if value is None:
        return None
    return Plain(_compiled(_several(value, b"\\\\", vm if vr not in SINGLE else "1") + _ENDS.get(vr, b"")), ())


def _lengths(word: int, vm: str) -> Container[int]:
    fewest, most, step = multiplicity(vm)
    return range(fewest * word, 1 << 32 if most is None else most * word + 1, step * word)


def _several(value: bytes, delimiter: bytes, vm: str) -> bytes:
    """The pattern of so many values; those of strings may be empty.

    It never takes a value back: to remember where it might costs a hundred bytes a value.
    """
    fewest, most, step = multiplicity(vm)
    one = b"(?:" + value + b")" + (b"?" if delimiter else b"")
    if step > 1:
        group = one + b"(?:" + delimiter + one + b"){%d}" % (step - 1)
        return group + b"(?:" + delimiter + group + b")*+"
    if fewest == most == 1:
        return one
    more = b"" if most is None else b"%d" % (most - 1)
    return one + b"(?:" + delimiter + one + b"){%d,%s}+" % (fewest - 1, more)


def prepare() -> None:
    """Compile ahead of the first instance what nearly every instance wants."""
    for vr, vms in _COMMON.items():
        for vm in vms.split():
            by_vr((vr,), vm)


@cache
def _compiled(pattern: bytes) -> Match:
    return re.compile(pattern, re.DOTALL).fullmatch


def _at_most(vr: str) -> bytes:
    """A look ahead: no more characters up to the delimiter or the end than the VR allows."""
    return rb"(?=[^\\]{0,%d}(?:\\|\Z))" % LONGEST[vr]


_MONTH = rb"(?:0[1-9]|1[0-2])"
_DAY = rb"(?:" + _MONTH + rb"(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
_YEAR = rb"(?!0000)[0-9]{4}"
_CLOCK = rb"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?"
_OFFSET = rb"(?:[+]0[0-9][0-5][0-9]|[+]1[0-3][0-5][0-9]|-(?:0[1-9]|1[01])[0-5][0-9])"
_GRAPHIC = rb"[ -\[\]-~]"
_VALUES = {
    "AE": rb"[!-\[\]-~]" + _GRAPHIC + b"{0,15}",
    "AS": rb"[0-9]{3}[DWMY]",
    "CS": rb"[A-Z0-9_ ]{0,16}",
    "DA": _YEAR + _DAY,
    "DS": _at_most("DS") + rb" *+[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)? *+",
    "DT": _YEAR + b"(?:" + _DAY + b"(?:" + _CLOCK + b")?|" + _MONTH + b")?" + _OFFSET + b"?",
    "IS": _at_most("IS") + rb" *+[+-]?[0-9]{1,9} *+",
    "LO": _GRAPHIC + b"{0,64}",
    "LT": rb"[\t\n\f\r -~]{0,10240}",
    "PN": rb"(?=" + _GRAPHIC + rb"{0,64}(?:\\|\Z))[^=^\\]*+(?:\^[^=^\\]*+){0,4}",
    "SH": _GRAPHIC + b"{0,16}",
    "ST": rb"[\t\n\f\r -~]{0,1024}",
    "TM": _CLOCK,
    "UC": _GRAPHIC + b"*+",
    "UI": rb"(?=[0-9.]{1,64}(?:\\|\0?\Z))(?:0|[1-9][0-9]*+)(?:\.(?:0|[1-9][0-9]*+))*+",
    "UR": b"[" + URI_CHARACTERS.encode() + b"]*+",
    "UT": rb"[\t\n\f\r -~]*+",
}
_COMMON = {
    **dict.fromkeys(("DA", "DT", "FD", "IS", "LT", "SH", "ST", "TM", "UI"), "1"),
    **dict.fromkeys(("CS", "LO", "PN"), "1 1-n"),
    "DS": "1 2 3 6",
}
"""VMs by VR of the Attributes that most instances have."""
_ONE_CHARACTER_SET = b"(?:%s) ?" % b"|".join(sorted(each.encode() for each in ALONE))
_ENDS = {"UI": rb"\0?", "TM": b" ?", "DT": b" ?", "UR": b" ?"}
"""The padding that a value field may end with, where the values have none themselves."""
_FINITE = {
    ("FD", False): rb".{6}(?:[\0-\xef].|[\xf0-\xff][^\x7f\xff])",
    ("FD", True): rb"(?:[^\x7f\xff].|[\x7f\xff][\0-\xef]).{6}",
    ("FL", False): rb".{2}(?:[\0-\x7f].|[\x80-\xff][^\x7f\xff])",
    ("FL", True): rb"(?:[^\x7f\xff].|[\x7f\xff][\0-\x7f]).{2}",
}
"""Floating point numbers that are neither infinite nor NaN: not all bits of the exponent are set."""
LITTLE = Patterns(big_endian=False)
BIG = Patterns(big_endian=True)
_IMPLICIT = Patterns(big_endian=False)
"""Apart, since there no VR is the usual one."""


def patterns_of(encoding: Encoding) -> Patterns:
    """What is plain in an encoding."""
    return _IMPLICIT if encoding.implicit else BIG if encoding.big_endian else LITTLE
