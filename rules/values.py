"""Bytes of one value field to values, by VR (PS3.5 6.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from struct import Struct

from rules.charset import decode

Value = str | int | float | bytes

TEXT = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""VRs that Specific Character Set governs."""
STRINGS = TEXT | frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"))
SINGLE = frozenset(("LT", "ST", "UR", "UT"))
"""Strings that are one value, whatever backslashes they hold."""
NUMBERS = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
"""Binary numbers, with their letters for `struct`."""
_LAYOUTS = {
    (big, letter): Struct((">" if big else "<") + letter) for big in (False, True) for letter in NUMBERS.values()
}

PADDING = " \0"

_INTEGER = re.compile(r" *([+-]?[0-9]{1,32}) *", re.ASCII)
_DECIMAL = re.compile(r" *([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?) *", re.ASCII)


def texts_of(raw: bytes, vr: str, codecs: tuple[str, ...]) -> tuple[str, ...]:
    """The strings of a value field as written, trailing padding off; () where there is nothing but padding."""
    text = decode(raw, codecs) if vr in TEXT else raw.decode("latin-1")
    if vr in SINGLE or "\\" not in text:
        text = text.rstrip(PADDING)
        return (text,) if text else ()
    return tuple([each.rstrip(PADDING) for each in text.split("\\")])


def values_of(raw: bytes, vr: str, codecs: tuple[str, ...], big_endian: bool = False) -> tuple[Value, ...]:
    """The values of a value field, typed by VR; other VRs than strings and numbers give their bytes."""
    if vr in STRINGS:
        texts = texts_of(raw, vr, codecs)
        parse = _PARSERS.get(vr)
        return tuple([parse(text) for text in texts]) if parse else texts
    letter = NUMBERS.get(vr)
    if letter is not None:
        return numbers_of(raw, letter, big_endian)
    if vr == "AT":
        halves = numbers_of(raw[: len(raw) & ~3], "H", big_endian)
        return tuple(
            [int(group) << 16 | int(element) for group, element in zip(halves[::2], halves[1::2], strict=True)]
        )
    return (raw,) if raw else ()


def numbers_of(raw: bytes, letter: str, big_endian: bool) -> tuple[int | float, ...]:
    """Binary numbers, as many as are whole."""
    layout = _LAYOUTS[big_endian, letter]
    extra = len(raw) % layout.size
    return tuple([number for (number,) in layout.iter_unpack(raw[:-extra] if extra else raw)])


def integer_of(text: str) -> int | str:
    """The number of an IS; what does not parse comes back as it was."""
    match = _INTEGER.fullmatch(text)
    return int(match[1]) if match else text


def decimal_of(text: str) -> float | str:
    """The number of a DS; what does not parse, or is out of a double's range, comes back as it was."""
    match = _DECIMAL.fullmatch(text)
    number = float(match[1]) if match else float("inf")
    return number if isfinite(number) else text


_PARSERS: dict[str, Callable[[str], Value]] = {"IS": integer_of, "DS": decimal_of}
