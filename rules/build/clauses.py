"""Reads a condition clause of PS3.3, its Attributes in braces, into the structure of `rules.expressions`.

What is not understood to its last word is not read at all: nothing here guesses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Structure = dict[str, Any]

OWN_CHANGE: Structure = {"own": True}
"""Stands for "if the value changes" until it is known what else is said."""


def condition(text: str) -> Structure | None:
    """The structure of "{ImageType} Value 1 is ORIGINAL or MIXED and {PixelSpacing} is not present"; None if unread."""
    reader = _Reader(text.strip(" .;,:"))
    found = reader.clause()
    return found if found is not None and reader.at_end() else None


_REF = re.compile(
    r"(the )?([Vv]alue(s)? (of|for|in) (the )?)?(Attribute )?\{(\w+)\}"
    r"(( (in|of) (the|this|same)( \w+)* Item| at the image level| of the SOP Instance including this Module|"
    r" in the [A-Z][A-Za-z /-]+ [Ii]?mage Module)?)"
)
_VALUE = re.compile(
    r'"([^"]+)"|(-?\d+(?:\.\d+)?)\b|((?:[A-Z][A-Z0-9_]*|\d[A-Z][A-Z0-9_]*)(?:[ /-](?:[A-Z0-9_]+)\b(?![a-z]))*)(?![a-z])'
)
_SEPARATOR = re.compile(r",? or (?:equal to )?(?=[\"A-Z0-9-])|,? nor (?=[\"A-Z0-9-])|, (?=[\"A-Z0-9-])")


class _Reader:
    """One pass over a phrase; a method that does not match leaves its place as it was and gives None."""

    def __init__(self, text: str) -> None:
        self._text = " ".join(text.split())
        self._place = 0
        self._last = ""

    def at_end(self) -> bool:
        return not self._text[self._place :].strip(" .,;")

    def clause(self) -> Structure | None:
        """Atoms joined by "and" and "or"; a comma or a repeated "if" makes a joint looser."""
        first = self._atom()
        if first is None:
            return None
        atoms, joints = [first], list[tuple[str, bool]]()
        while found := self._accept(r"\s*(,|;)?\s*\b(and|or)\b,?\s*(either )?((?:only )?if |when |for )?"):
            after = self._atom()
            if after is None:
                return None
            atoms.append(after)
            joints.append((found[2], bool(found[1] or found[4])))
        return _grouped(atoms, joints)

    def _accept(self, pattern: str) -> re.Match[str] | None:
        found = re.compile(pattern).match(self._text, self._place)
        if found:
            self._place = found.end()
        return found

    def _atom(self) -> Structure | None:
        start = self._place
        forms = (self._first_item, self._changes, self._neither, self._items, self._value_number_first, self._several)
        for form in (*forms, self._one):
            found = form()
            if found is not None:
                return found
            self._place = start
        return None

    def _first_item(self) -> Structure | None:
        found = self._accept(
            r"(?:for )?(?:the )?(?:first Item (?:of|in) (?:the )?|Control Point 0 of |the first Control Point of )"
            r"\{(\w+)\}"
        )
        return {"item": [found[1], 1]} if found else None

    def _changes(self) -> Structure | None:
        """That a value changes from one Control Point to another.

        An Item after the first holds the Attribute where its value changes, and its absence says that it does not:
        for those Items the Attribute is its own condition.
        """
        found = self._accept(
            r"(?:the )?(?:[Vv]alues? of (?:the )?)?[A-Za-z(){} -]+ changes? during "
            r"(?:(?:the )?[Bb]eam(?: (?:administration|delivery))?|setup)"
        )
        return OWN_CHANGE if found else None

    def _items(self) -> Structure | None:
        found = self._accept(r"(?:the )?number of Items (?:in|of) (?:the )?\{(\w+)\}")
        if found:
            for pattern, comparison in _COMPARISONS:
                if limit := self._accept(r" is" + pattern + r" (\d+|one)\b"):
                    return {"items": [found[1], comparison, int(_NUMBERS.get(limit[1], limit[1]))]}
            return None
        found = self._accept(
            r"\{(\w+)\}(?: is present and)? (?:has|contains) more than one Item\b|"
            r"there (?:is|are) more than one Items? in (?:the )?\{(\w+)\}"
        )
        return {"items": [found[1] or found[2], ">", 1]} if found else None

    def _neither(self) -> Structure | None:
        if not self._accept(r"neither "):
            return None
        names = self._references(r",? nor |,? or |, ")
        if names and len(names) > 1 and self._accept(r" (?:is|are) present( with a Value)?"):
            return {"all": [{"absent": each} for each in names]}
        return None

    def _value_number_first(self) -> Structure | None:
        found = self._accept(r"(?:[Tt]he )?(?:Value (\d)|third Value) of (?:the )?\{(\w+)\}")
        if found:
            self._last = found[2]
            return self._valued(found[2], int(found[1] or 3))
        found = self._accept(r"Value (\d)(?= )")
        return self._valued(self._last, int(found[1])) if found and self._last else None

    def _several(self) -> Structure | None:
        """Two Attributes or more with one predicate of presence."""
        lead = self._accept(r"(?:both |either (?:of )?|any of |one of |at least one of |none of )")
        word = lead[0].strip() if lead else ""
        start = self._place
        for joint, separator in (("any", r",? or |, (?!or |and )"), ("all", r",? and |, (?!or |and )")):
            self._place = start
            names = self._references(separator)
            if len(names) > 1:
                found = self._of_several(names, joint, word)
                if found is not None:
                    return found
        return None

    def _of_several(self, names: list[str], joint: str, word: str) -> Structure | None:
        if word == "none of":
            return {"all": [{"absent": each} for each in names]} if self._accept(r" (?:is|are) present") else None
        if self._accept(r" (?:is|are) (?:both |all )?(?:present|provided|exist)(?! and| with)"):
            return {joint: [{"present": each} for each in names]}
        if self._accept(r" (?:is|are) (?:both |each |all )?(?:not present|absent|not provided)"):
            # Without "either", "A or B is not present" can be meant both ways.
            if joint == "any" and word != "either":
                return None
            return {joint: [{"absent": each} for each in names]}
        if self._accept(r" (?:is|are|has) greater than (?=1\b)1"):
            return {joint: [{"compare": [each, ">", 1]} for each in names]}
        values = self._equals()
        return {joint: [_is(each, 0, values) for each in names]} if values else None

    def _references(self, separator: str) -> list[str]:
        names: list[str] = []
        while True:
            start = self._place
            if names and not self._accept(separator):
                return names
            found = _REF.match(self._text, self._place)
            if not found:
                self._place = start
                return names
            self._place = found.end()
            names.append(found[7])

    def _one(self) -> Structure | None:
        """One Attribute with a predicate."""
        self._accept(r"(?:any |a |one |at least one )[Vv]alue of (?:the )?|any (?=\{)")
        found = _REF.match(self._text, self._place)
        if not found:
            return None
        self._place = found.end()
        keyword = self._last = found[7]
        number = 0
        if listed := self._accept(r",? Value (\d)(?: of this [Ff]rame)?,?(?= )"):
            number = int(listed[1])
        else:
            self._accept(r" [Vv]alue(?= (?:is|equals|of)\b)")
        self._accept(r" of this [Ff]rame(?= )")
        return self._valued(keyword, number)

    def _valued(self, keyword: str, number: int) -> Structure | None:
        """What is said of an Attribute's presence, emptiness or values."""
        if self._accept(r" (?:is|are) (?:not present|absent|not provided)"):
            return self._continued_absence(keyword)
        if self._accept(r" (?:does not exist|is not used)"):
            return {"absent": keyword}
        if self._accept(r" (?:is|are) (?:present|provided)|,? if present,| exists?\b"):
            return self._continued_presence(keyword, number)
        if self._accept(
            r" (?:is|has) (?:not empty|(?:not|non)[- ]zero[- ]length|non-null|a [Vv]alue)"
            r"(?! of| that| greater| less| in| other)"
        ):
            return {"filled": keyword}
        if self._accept(r" (?:is empty|has no Value|does not have a Value(?! of)|is zero[- ]length|is null)"):
            return {"empty": keyword}
        if found := self._accept(
            r" points to (?:the )?(?:Attribute )?\{(\w+)\}|,? (?:includes|contains) the Tag for \{(\w+)\}"
        ):
            return {"points to": [keyword, found[1] or found[2]]}
        return self._compared(keyword, number) or self._equal(keyword, number)

    def _continued_absence(self, keyword: str) -> Structure:
        """ "is absent, or is present and has Value NO" is one thought about one Attribute."""
        start = self._place
        if self._accept(r" or (?:is )?empty"):
            return {"any": [{"absent": keyword}, {"empty": keyword}]}
        if self._accept(r",? or (?:if )?(?:it )?is present(?= and| with)(?: and)?|,? or(?= has| is present| not)"):
            other = self._equal(keyword, 0)
            if other is not None:
                return {"any": [{"absent": keyword}, other]}
        self._place = start
        return {"absent": keyword}

    def _continued_presence(self, keyword: str, number: int) -> Structure:
        start = self._place
        if self._accept(r",?(?: and| with)(?: it)?(?=\b)"):
            if self._accept(r" (?:has )?a Value(?! of| that| greater| less| in| other| equal)|(?: is)? not empty"):
                return {"filled": keyword}
            compared = self._compared(keyword, number) or self._equal(keyword, number)
            if compared is not None:
                return compared
        self._place = start
        return {"present": keyword}

    def _compared(self, keyword: str, number: int) -> Structure | None:
        if number > 1:
            return None
        if self._accept(
            r"(?: is| has)?(?: a)? (?:non-?zero(?: [Vv]alue)?|not zero|not equal to (?:zero|0)\b|"
            r"(?:[Vv]alue )?(?:other than|not equal to) (?:zero|0)\b)|(?: Value)? is not equal to (?:zero|0)\b"
        ):
            return {"compare": [keyword, "!=", 0]}
        for pattern, comparison in _COMPARISONS:
            if found := self._accept(_HAS + pattern + r" ?(\d+|one|zero|two)\b(?!\.)"):
                return {"compare": [keyword, comparison, int(_NUMBERS.get(found[1], found[1]))]}
        return None

    def _equal(self, keyword: str, number: int) -> Structure | None:
        start = self._place
        if self._accept(
            r"(?:,? (?:is|has|with|equals))?(?: (?:present|provided) and)?(?: is| has| equals)? ?"
            r"(?:not equal to|not any of|not one of|does not equal|does not have (?:the|a) Value(?: of)?|not|"
            r"(?:a |the )?(?:Value )?other than|neither)(?: the following:?)? "
        ):
            values = self._values()
            if values:
                return _is_not(keyword, number, values)
        self._place = start
        equal = self._equals()
        return _is(keyword, number, equal) if equal else None

    def _equals(self) -> list[str] | None:
        start = self._place
        if self._accept(
            r"(?: |,)?(?:(?:is:?|is set to|has|have|are|with|contains|includes|equals?)?\s?"
            r"(?:equal to |equals |either |one of |any of )?"
            r"(?:(?:the |a )?[Vv]alues?(?: of| is| equal to| equals)? ?)?|the Value is |= ?)"
            r"(?:either |one of )?(?:the following(?: Values)?: ?)?(?:is |equals |= )?"
        ):
            self._accept(r"\s*")
            values = self._values()
            if values:
                return values
        self._place = start
        return None

    def _values(self) -> list[str]:
        values: list[str] = []
        while True:
            start = self._place
            if values:
                found = _SEPARATOR.match(self._text, self._place)
                if not found:
                    return values
                self._place = found.end()
            found = _VALUE.match(self._text, self._place)
            if not found:
                self._place = start
                return values
            self._place = found.end()
            values.append((found[1] or found[2] or found[3]).strip())
            self._accept(r" \([^){}]*\)")


_HAS = r"(?: is| has| with| are)?(?: a| the)?(?: [Vv]alue)?(?: is)?(?: of)?"
_COMPARISONS = (
    (r" (?:greater than or equal to|at least)", ">="),
    (r" ?>=", ">="),
    (r" (?:greater|more|larger) than", ">"),
    (r" ?>", ">"),
    (r" less than", "<"),
)
_NUMBERS: dict[str, int] = {"zero": 0, "one": 1, "two": 2}


def _is(keyword: str, number: int, values: Sequence[str]) -> Structure:
    if keyword == "SOPClassUID":
        return {"sop class": list(values)}
    return {"is": [keyword, number, list(values)]}


def _is_not(keyword: str, number: int, values: Sequence[str]) -> Structure:
    if keyword == "SOPClassUID":
        return {"not": {"sop class": list(values)}}
    return {"is not": [keyword, number, list(values)]}


def _grouped(atoms: list[Structure], joints: list[tuple[str, bool]]) -> Structure | None:
    """One structure; None where "and" and "or" stand side by side and nothing says which binds."""
    if not joints:
        return atoms[0]
    if len({joint for joint, _ in joints}) == 1:
        return {"all" if joints[0][0] == "and" else "any": _flat(atoms, "all" if joints[0][0] == "and" else "any")}
    looser = {joint for joint, loose in joints if loose}
    tighter = {joint for joint, loose in joints if not loose}
    if len(looser) != 1 or len(tighter) != 1 or looser == tighter:
        return None
    groups: list[list[Structure]] = [[atoms[0]]]
    for atom, (_, loose) in zip(atoms[1:], joints, strict=True):
        if loose:
            groups.append([atom])
        else:
            groups[-1].append(atom)
    inner = "all" if tighter == {"and"} else "any"
    outer = "any" if inner == "all" else "all"
    return {outer: [each[0] if len(each) == 1 else {inner: _flat(each, inner)} for each in groups]}


def _flat(atoms: Sequence[Structure], joint: str) -> list[Structure]:
    flat: list[Structure] = []
    for each in atoms:
        flat += each.get(joint, [each])
    return flat
