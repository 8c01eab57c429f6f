"""Coded entries: the Items that PS3.3 8 and Table 8.8-1a are about, wherever they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.checks.value_place import Place, stated
from rules.dictionary import tag_of
from rules.model import Finding, Rule, Severity
from rules.registry import run
from rules.syntax import LONGEST

CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE, CODE_MEANING, SCHEME = (
    tag_of(keyword)
    for keyword in ("CodeValue", "LongCodeValue", "URNCodeValue", "CodeMeaning", "CodingSchemeDesignator")
)
VALUES = {CODE_VALUE: "Code Value", LONG_CODE_VALUE: "Long Code Value", URN_CODE_VALUE: "URN Code Value"}
TAGS = frozenset((*VALUES, CODE_MEANING))
"""What only coded entries have."""
_SCHEME = re.compile(rb" *[A-Za-z][A-Za-z0-9+.-]*:")
"""How every URN and URL begins (RFC 3986 3.1)."""
_URN = re.compile(rb" *(?:urn:|https?://)", re.IGNORECASE)


def coded_entry(place: Place) -> Iterator[Finding]:
    """Judge an Item that has one of `TAGS`."""
    there = [tag for tag in VALUES if place.header.length(tag)]
    if len(there) > 1:
        told = f"is there beside {VALUES[there[0]]}, wanted one of the two"
        yield from run(VALUE, [place.problem(there[1], told)])
    elif not there:
        told = "has no value, nor have Long Code Value and URN Code Value"
        yield from run(VALUE, [place.problem(CODE_VALUE, told)])
    if (CODE_VALUE in there or LONG_CODE_VALUE in there) and not place.header.length(SCHEME):
        yield from run(CODING_SCHEME, [place.problem(SCHEME, "is absent or empty, and a code of a scheme is there")])
    if not place.header.length(CODE_MEANING):
        yield from run(MEANING, [place.problem(CODE_MEANING, "is absent or empty, Type 1")])
    for tag, rule in ((SCHEME, CODING_SCHEME), (CODE_MEANING, MEANING), *((each, VALUE) for each in there)):
        if place.header.length(tag):
            yield from _blank(place, tag, rule)
    if there == [LONG_CODE_VALUE]:
        yield from _long(place)
    if there == [CODE_VALUE]:
        yield from _urn(place)
    if URN_CODE_VALUE in there:
        yield from _no_urn(place)


def _blank(place: Place, tag: int, rule: Rule) -> Iterator[Finding]:
    """Spaces alone are no value (PS3.5 7.4.1)."""
    for raw, numbers in place.fields(tag).items():
        if not raw.strip(b" \0"):
            yield from run(rule, [place.problem(tag, "has nothing but spaces", numbers or None)])


def _long(place: Place) -> Iterator[Finding]:
    most = LONGEST["SH"]
    for raw, numbers in place.fields(LONG_CODE_VALUE).items():
        length = len(raw.strip(b" "))
        if length <= most and raw.isascii():
            told = f"has {length} characters, wanted Code Value for up to {most}"
            yield from run(FORM, [place.problem(LONG_CODE_VALUE, told, numbers or None)])


def _urn(place: Place) -> Iterator[Finding]:
    for raw, numbers in place.fields(CODE_VALUE).items():
        if _URN.match(raw):
            told = "is a URN or URL, wanted URN Code Value"
            yield from run(FORM, [place.problem(CODE_VALUE, told, numbers or None)])


def _no_urn(place: Place) -> Iterator[Finding]:
    for raw, numbers in place.fields(URN_CODE_VALUE).items():
        if raw.strip(b" ") and not _SCHEME.match(raw):
            told = "is no URN or URL, wanted Code Value or Long Code Value"
            yield from run(FORM, [place.problem(URN_CODE_VALUE, told, numbers or None)])


def _coded(**changes: str | None) -> dict[str, object]:
    entry = {"CodeValue": "T-04000", "CodingSchemeDesignator": "SRT", "CodeMeaning": "Breast"} | changes
    return {"AnatomicRegionSequence": [{name: value for name, value in entry.items() if value is not None}]}


VALUE = stated(
    "code-value",
    "PS3.3 8.1",
    Severity.ERROR,
    """A coded entry has no code, or more than one.

    The code is in Code Value, Long Code Value or URN Code Value, in one of the three. Without it only a person can
    read the entry.
    """,
    good=[_coded()],
    bad=[
        _coded(CodeValue=None),
        _coded(CodeValue=""),
        _coded(CodeValue="  "),
        _coded(LongCodeValue="a code of more than 16 characters"),
    ],
)
CODING_SCHEME = stated(
    "code-scheme",
    "PS3.3 8.2",
    Severity.ERROR,
    """A coded entry does not name its coding scheme.

    Code Value and Long Code Value mean something only within one.
    """,
    good=[_coded(), _coded(CodeValue=None, URNCodeValue="urn:oid:1.2.3", CodingSchemeDesignator=None)],
    bad=[_coded(CodingSchemeDesignator=None), _coded(CodingSchemeDesignator=""), _coded(CodingSchemeDesignator="  ")],
)
MEANING = stated(
    "code-meaning",
    "PS3.3 8.3",
    Severity.ERROR,
    """A coded entry has no Code Meaning.

    A viewer without the coding scheme has nothing to show.
    """,
    good=[_coded()],
    bad=[_coded(CodeMeaning=None), _coded(CodeMeaning=""), _coded(CodeMeaning="  ")],
)
FORM = stated(
    "code-value-form",
    "PS3.3 8.1",
    Severity.ERROR,
    """A code is in another Attribute than its form asks for.

    Code Value holds codes of up to 16 characters, Long Code Value longer ones, URN Code Value URNs and URLs. Who
    searches for a code looks in one place.
    """,
    good=[_coded(CodeValue=None, LongCodeValue="a code of more than 16 characters")],
    bad=[
        _coded(CodeValue=None, LongCodeValue="short"),
        _coded(CodeValue="urn:oid:1.2.3"),
        _coded(CodeValue=None, URNCodeValue="T-04000", CodingSchemeDesignator=None),
    ],
)
