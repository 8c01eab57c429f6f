"""What an Attribute's values may be: VR, syntax, Enumerated Values, Defined Terms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.conditions import Answer
from rules.encode import Element
from rules.header import Header
from rules.iods import PARAMETRIC_MAP_STORAGE
from rules.model import Problem, Severity
from rules.modules import Row
from rules.registry import table_rule
from rules.wording import listed, outside, shown


def _wrong_vr(place: Header, row: Row) -> Iterator[Problem]:
    """An Attribute is encoded with another VR than the dictionary gives it.

    Receivers that trust the dictionary misread its bytes.
    """
    found = place.vr(row.tag)
    if found and found != "UN" and found not in row.vr:
        yield Problem(place.path_of(row.keyword), f"is encoded as {shown(found)}, wanted {row.vr}")


VR = table_rule(
    "value-vr",
    section="PS3.6 6",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ContentLabel": "ADC"}],
    bad=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ContentLabel": Element("LO", "ADC")}],
)(_wrong_vr)


def _syntax(place: Header, row: Row) -> Iterator[Problem]:
    """A value does not have the form that its VR demands.

    A receiver that parses it, as a number or a UID, fails; one that stores it cuts it off.
    """
    form = _FORMS.get(row.vr)
    if form is None:
        return
    pattern, longest, words = form
    values = place.texts(row.tag)
    for number, value in enumerate(values, start=1):
        bare = value.strip(" ") if row.vr in _SPACES_DO_NOT_COUNT else value
        if len(bare) > longest:
            message = f"has {len(bare)} characters, at most {longest} are allowed in {row.vr}"
        elif bare and pattern is not None and not pattern.fullmatch(bare):
            message = f"is {words}"
        elif bare and row.vr == "IS" and not -(2**31) <= int(bare) < 2**31:
            message = "is outside the range of an Integer String, 32 bits"
        else:
            continue
        yield Problem(place.path_of(row.keyword), message, value_number=number if len(values) > 1 else None)


_UNLIMITED = 2**32
_FORMS: dict[str, tuple[re.Pattern[str] | None, int, str]] = {
    "CS": (re.compile(r"[A-Z0-9 _]*"), 16, "no Code String: upper case letters, digits, space and underscore"),
    "DS": (re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([Ee][+-]?[0-9]+)?"), 16, "no Decimal String"),
    "IS": (re.compile(r"[+-]?[0-9]+"), 12, "no Integer String"),
    "LO": (re.compile(r"[^\x00-\x1a\x1c-\x1f\x7f]*"), 64, "no Long String: it has control characters"),
    "SH": (re.compile(r"[^\x00-\x1a\x1c-\x1f\x7f]*"), 16, "no Short String: it has control characters"),
    "ST": (None, 1024, ""),
    "LT": (None, 10240, ""),
    "UI": (re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*"), 64, "no UID: numbers without leading zeros, and dots"),
    "UR": (re.compile(r"\S*"), _UNLIMITED, "no URI: it has spaces"),
}
_SPACES_DO_NOT_COUNT = frozenset({"CS", "DS", "IS", "LO", "SH"})

SYNTAX = table_rule(
    "value-syntax",
    section="PS3.5 6.2",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "InstanceNumber": "12", "ContentQualification": "RESEARCH"}],
    bad=[
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "InstanceNumber": "twelve"},
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "InstanceNumber": "2147483648"},
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ContentQualification": "research"},
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "PaletteColorLookupTableUID": "1.2.03"},
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ColorSpace": "SEVENTEEN_LETTERS"},
    ],
)(_syntax)


def _enumerated(place: Header, row: Row) -> Iterator[Problem]:
    """A value is not one of the Enumerated Values.

    Enumerated Values are all there are: the instance says something that the Standard gives no meaning.
    """
    met = (values for condition, values in row.enumerated_if if condition.ask(place) is Answer.YES)
    allowed = row.enumerated + tuple(value for values in met for value in values)
    if allowed:
        yield from _outside(place, row, allowed, f"wanted {listed(allowed)}")


def _defined(place: Header, row: Row) -> Iterator[Problem]:
    """A value is outside the Defined Terms.

    Terms of one's own are permitted, but other systems will not know them.
    """
    yield from _outside(place, row, row.defined, "not a Defined Term")


def _outside(place: Header, row: Row, allowed: tuple[str, ...], words: str) -> Iterator[Problem]:
    values = place.values(row.tag)
    for number, value in enumerate(values, start=1):
        if isinstance(value, bytes):
            continue
        text = value.strip(" ") if isinstance(value, str) else f"{value:.16g}"
        if text in allowed or not text:
            continue
        yield Problem(
            place.path_of(row.keyword),
            outside(text, allowed, words),
            value_number=number if len(values) > 1 else None,
            section=row.section,
        )


ENUMERATED = table_rule(
    "value-not-enumerated",
    section="PS3.5 7.4",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "PhotometricInterpretation": "MONOCHROME2"}],
    bad=[
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "PhotometricInterpretation": "MONOCHROME1"},
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "BitsAllocated": 32, "PixelData": b"\0\0\0\0"},
    ],
)(_enumerated)

DEFINED = table_rule(
    "value-not-defined",
    section="PS3.5 7.4",
    severity=Severity.WARNING,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "LossyImageCompressionMethod": "ISO_10918_1"}],
    bad=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "LossyImageCompressionMethod": "WAVELET"}],
)(_defined)
