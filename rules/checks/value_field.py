"""One value field of a VR of strings, looked at closely: its characters, its padding and each of its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rules.charset import ESCAPE, codecs_of, decode, is_decodable, is_left_invoked
from rules.syntax import LONGEST, fault_of
from rules.values import SINGLE, TEXT

Kind = Literal["syntax", "padding", "undecodable", "escape"]

_FILLED_BOTH_SIDES = frozenset(("AE", "CS", "DS", "IS", "LO", "PN", "SH", "UC"))
"""VRs whose leading spaces do not count either."""
_NO_SPACES = frozenset(("AS", "DA"))
"""VRs of fixed length, that have no padding of their own."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a value field. `value` is the one that is, with its padding off; "" where it is the field."""

    kind: Kind
    message: str
    value_number: int | None = None
    value: str = ""


def complaints(vr: str, raw: bytes, character_sets: tuple[str, ...]) -> Iterator[Complaint]:
    """What PS3.5 6.2 and 6.4 do not allow in a value field, one complaint of a kind: the first.

    `character_sets` are the values of Specific Character Set in force. Nothing for a VR that is no string.
    """
    text = raw.decode("latin-1")
    if vr in TEXT:
        codecs = codecs_of(character_sets)
        if ESCAPE in raw and len(character_sets) < 2:
            yield Complaint("syntax", "has an escape sequence, and Specific Character Set has not several values")
            return
        if not is_decodable(raw, codecs):
            terms = " and ".join(each or "the default" for each in character_sets) or "the default character set"
            yield Complaint("undecodable", f"has bytes that {terms} cannot decode")
            return
        if ESCAPE in raw and is_left_invoked(raw):
            told = "does not go back to the first character set before a line or the value ends"
            yield Complaint("escape", told)
        text = decode(raw, codecs)
    text, padding = _unpadded(vr, text)
    first: dict[Kind, Complaint] = {} if padding is None else {"padding": padding}
    faults: Counter[Kind] = Counter()
    for each in _values(vr, text):
        first.setdefault(each.kind, each)
        faults[each.kind] += each.kind != "padding"
    for kind, each in first.items():
        if faults[kind] > 1:
            others = "1 more value is" if faults[kind] == 2 else f"{faults[kind] - 1} more values are"
            yield replace(each, message=f"{each.message}; {others} wrong too")
        else:
            yield each


def count(vr: str, raw: bytes, character_sets: tuple[str, ...]) -> int:
    """How many values a value field of a VR of strings has, empty ones included (PS3.5 6.4)."""
    if vr in SINGLE:
        return 1
    if vr in TEXT and not (raw.isascii() and ESCAPE not in raw):
        return decode(raw, codecs_of(character_sets)).count("\\") + 1
    return raw.count(b"\\") + 1


def _unpadded(vr: str, text: str) -> tuple[str, Complaint | None]:
    """The text without the padding that only the field as a whole may have, and what is odd about it."""
    bare = text.rstrip("\0 ")
    padding = text[len(bare) :]
    if vr == "UI":
        if padding in ("", "\0"):
            return bare, None
        told = "spaces" if "\0" not in padding else f"{len(padding)} characters"
        return bare, Complaint("padding", f"is padded with {told}, wanted one NUL where the length is odd")
    if "\0" not in padding:
        return text, None
    told = "is padded with NUL, wanted a space"
    return bare + padding.replace("\0", " "), Complaint("padding", told)


def _values(vr: str, text: str) -> Iterator[Complaint]:
    values = [text] if vr in SINGLE else text.split("\\")
    several = len(values) > 1
    for number, value in enumerate(values, start=1):
        bare = value.strip(" ") if vr in _FILLED_BOTH_SIDES else value.rstrip(" ")
        last = several and number == len(values)
        complaint = _value(vr, value, bare, last)
        if complaint is not None:
            kind, message = complaint
            yield Complaint(kind, message, number if several else None, bare)


def _value(vr: str, value: str, bare: str, last: bool) -> tuple[Kind, str] | None:
    """Of several values the last may be longer by one space, to make the field even (PS3.5 6.4)."""
    fault = fault_of(vr, bare)
    if fault:
        return "syntax", fault
    if not value:
        return None
    if vr == "AE" and not bare:
        return "syntax", "has nothing but spaces"
    most = LONGEST.get(vr)
    spaces = len(value) - len(bare)
    if vr in _NO_SPACES and spaces > last:
        return "padding", f"has {spaces} space{'s' * (spaces > 1)} at its end, wanted none"
    if most is not None and len(value) > most + last:
        return "padding", f"has {len(value)} characters with its padding, at most {most} are allowed in {vr}"
    return None
