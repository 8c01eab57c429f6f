"""The form of one value of each VR of strings (PS3.5 6.2): what is wrong with it, in words that do not repeat it."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable

LONGEST = {
    "AE": 16,
    "AS": 4,
    "CS": 16,
    "DA": 8,
    "DS": 16,
    "DT": 26,
    "IS": 12,
    "LO": 64,
    "LT": 10240,
    "SH": 16,
    "ST": 1024,
    "TM": 14,
    "UI": 64,
}
"""Characters of one value, padding counted (PS3.5 Table 6.2-1); of a Person Name each group has 64."""
NAME_GROUP = 64
NAME_GROUPS = 3
NAME_COMPONENTS = 5

URI_CHARACTERS = r"A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-"
"""What RFC 3986 lets stand in a URI, as within the brackets of a pattern."""


def fault_of(vr: str, value: str) -> str | None:
    """What is wrong with one value that has its padding off, decoded; None where it is sound or has no such form.

    The words hold characters by code point and position, counted from 1, and nothing else of the value.
    """
    form = _FORMS.get(vr)
    return form(value) if form is not None and value else None


def _application_entity(value: str) -> str | None:
    return _first_outside(_PRINTABLE, value) or _too_long("AE", value)


def _age(value: str) -> str | None:
    if _AGE.fullmatch(value):
        return None
    return "is no Age String: three digits and one of D, W, M, Y"


def _code(value: str) -> str | None:
    odd = _CODE.search(value)
    if odd is None:
        return _too_long("CS", value)
    seen = f"{_named(odd)} at character {odd.start() + 1}"
    return f"is no Code String: {seen}"


def _date(value: str) -> str | None:
    if not _DATE.fullmatch(value):
        return "is no date of the form YYYYMMDD"
    return _not_in_calendar(value)


def _time(value: str) -> str | None:
    match = _TIME.fullmatch(value)
    if match is None:
        return "is no time of the form HHMMSS.FFFFFF"
    return _not_on_the_clock(match)


def _date_time(value: str) -> str | None:
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return "is no date and time of the form YYYYMMDDHHMMSS.FFFFFF&ZZXX"
    return _not_in_calendar(match["date"]) or _not_on_the_clock(match) or _bad_offset(match["offset"])


def _not_in_calendar(digits: str) -> str | None:
    """Of YYYY, YYYYMM or YYYYMMDD."""
    year, month, day = int(digits[:4]), int(digits[4:6] or 1), int(digits[6:8] or 1)
    if year == 0:
        return "has the year 0000"
    if not 1 <= month <= 12:
        return f"has the month {month:02}"
    days = monthrange(year, month)[1]
    return None if 1 <= day <= days else f"has day {day:02} in a month of {days} days"


def _not_on_the_clock(match: re.Match[str]) -> str | None:
    """A second 60 is a leap second."""
    for name, most in (("hour", 23), ("minute", 59), ("second", 60)):
        digits = match[name]
        if digits and int(digits) > most:
            return f"has the {name} {digits}, at most {most}"
    return None


def _bad_offset(offset: str | None) -> str | None:
    if not offset:
        return None
    sign, hours, minutes = offset[0], int(offset[1:3]), int(offset[3:5])
    if offset == "-0000":
        return "has the offset -0000, wanted +0000 for UTC"
    most = 14 if sign == "+" else 12
    if minutes > 59 or hours * 60 + minutes > most * 60:
        return "has an offset from UTC outside -1200 to +1400"
    return None


def _decimal(value: str) -> str | None:
    if not _DECIMAL.fullmatch(value):
        return _no_number("Decimal", _NO_DECIMAL, value)
    return _too_long("DS", value)


def _integer(value: str) -> str | None:
    if not _INTEGER.fullmatch(value):
        return _no_number("Integer", _NO_INTEGER, value)
    if len(value) > LONGEST["IS"]:
        return _too_long("IS", value)
    return None if -(2**31) <= int(value) < 2**31 else "is outside the range of an Integer String, 32 bits"


def _no_number(kind: str, strangers: re.Pattern[str], value: str) -> str:
    odd = strangers.search(value)
    seen = f": {_named(odd)} at character {odd.start() + 1}" if odd else ""
    return f"is no {kind} String{seen}"


def _person_name(value: str) -> str | None:
    odd = _first_outside(_NO_CONTROLS, value)
    if odd:
        return odd
    groups = value.split("=")
    if len(groups) > NAME_GROUPS:
        return f"has {len(groups)} component groups, at most {NAME_GROUPS}"
    for group in groups:
        components = group.count("^") + 1
        if components > NAME_COMPONENTS:
            return f"has {components} components in a group, at most {NAME_COMPONENTS}"
        if len(group.strip(" ")) > NAME_GROUP:
            return f"has {len(group.strip(' '))} characters in a component group, at most {NAME_GROUP}"
    return None


def _uid(value: str) -> str | None:
    odd = _NO_UID.search(value)
    if odd:
        return f"is no UID: {_named(odd)} at character {odd.start() + 1}"
    components = value.split(".")
    if not all(components):
        return "is no UID: a component is empty"
    if any(len(each) > 1 and each[0] == "0" for each in components):
        return "is no UID: a component begins with zero"
    return _too_long("UI", value)


def _uri(value: str) -> str | None:
    return _first_outside(_URI, value)


def _line(value: str) -> str | None:
    return _first_outside(_NO_CONTROLS, value)


def _paragraphs(value: str) -> str | None:
    return _first_outside(_NO_CONTROLS_BUT_FORMAT, value)


def _long(vr: str, repertoire: Callable[[str], str | None]) -> Callable[[str], str | None]:
    def form(value: str) -> str | None:
        return repertoire(value) or _too_long(vr, value)

    return form


def _too_long(vr: str, value: str) -> str | None:
    most = LONGEST[vr]
    return f"has {len(value)} characters, at most {most} are allowed in {vr}" if len(value) > most else None


def _first_outside(outside: re.Pattern[str], value: str) -> str | None:
    odd = outside.search(value)
    return f"has {_named(odd)} at character {odd.start() + 1}" if odd else None


def _named(odd: re.Match[str]) -> str:
    code = ord(odd[0])
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"the control character U+{code:04X}"
    words = {" ": "a space", ",": "a comma", "\\": "a backslash"}
    if odd[0] in words:
        return words[odd[0]]
    return "a lower case letter" if "a" <= odd[0] <= "z" else f"the character U+{code:04X}"


_AGE = re.compile(r"[0-9]{3}[DWMY]")
_CODE = re.compile(r"[^A-Z0-9_ ]")
_DATE = re.compile(r"[0-9]{8}")
_CLOCK = r"(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?:(?P<second>[0-9]{2})(?:\.[0-9]{1,6})?)?)?"
_TIME = re.compile(_CLOCK)
_DATE_TIME = re.compile(rf"(?P<date>[0-9]{{4}}|[0-9]{{6}}|[0-9]{{8}}(?:{_CLOCK})?)(?P<offset>[+-][0-9]{{4}})?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NO_DECIMAL = re.compile(r"[^0-9.eE+-]")
_NO_INTEGER = re.compile(r"[^0-9+-]")
_NO_UID = re.compile(r"[^0-9.]")
_PRINTABLE = re.compile(r"[^ -\[\]-~]")
_URI = re.compile(f"[^{URI_CHARACTERS}]")
_NO_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NO_CONTROLS_BUT_FORMAT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")

_FORMS: dict[str, Callable[[str], str | None]] = {
    "AE": _application_entity,
    "AS": _age,
    "CS": _code,
    "DA": _date,
    "DS": _decimal,
    "DT": _date_time,
    "IS": _integer,
    "LO": _long("LO", _line),
    "LT": _long("LT", _paragraphs),
    "PN": _person_name,
    "SH": _long("SH", _line),
    "ST": _long("ST", _paragraphs),
    "TM": _time,
    "UC": _line,
    "UI": _uid,
    "UR": _uri,
    "UT": _paragraphs,
}
