"""Whether an Attribute is there, and has a value, as its Type asks (PS3.5 7.4)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.iods import PARAMETRIC_MAP_STORAGE
from rules.model import Problem, Severity
from rules.modules import Row
from rules.registry import table_rule

_SOUND: dict[str, object] = {
    "SOPClassUID": PARAMETRIC_MAP_STORAGE,
    "ImageType": ["DERIVED", "PRIMARY", "VOLUME", "MEAN"],
    "ContentQualification": "RESEARCH",
    "InstanceNumber": "1",
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "BitsAllocated": 32,
    "BurnedInAnnotation": "NO",
    "RecognizableVisualFeatures": "NO",
    "LossyImageCompression": "00",
    "ContentLabel": "T1_MAP",
    "ContentDescription": None,
    "PresentationLUTShape": "IDENTITY",
    "FloatPixelData": b"\0\0\0\0",
}
"""What the Parametric Map Image Module requires of a map with 32-bit floating point pixels."""


def _without(keyword: str) -> dict[str, object]:
    return {name: value for name, value in _SOUND.items() if name != keyword}


def _missing(place: Header, row: Row) -> Iterator[Problem]:
    """An Attribute that its Module requires is absent.

    Type 1 and 2 are always required, Type 1C and 2C where their condition is met. Receivers that rely on the
    Attribute fail or guess; put it in, empty where it is Type 2 and not known.
    """
    reason = f", required since {row.required_if.words}" if row.required_if else ""
    yield Problem(place.path_of(row.keyword), f"is absent, Type {row.type}{reason}", section=row.section)


MISSING = table_rule(
    "attribute-missing",
    section="PS3.5 7.4",
    severity=Severity.ERROR,
    good=[_SOUND],
    bad=[_without("ContentLabel"), _without("ContentDescription"), {**_SOUND, "PixelPresentation": "COLOR_RANGE"}],
)(_missing)


def _empty(place: Header, row: Row) -> Iterator[Problem]:
    """An Attribute of Type 1 or 1C has no value.

    Type 1 demands a value; only Type 2 may be empty.
    """
    yield Problem(place.path_of(row.keyword), f"has no value, Type {row.type}", section=row.section)


EMPTY = table_rule(
    "attribute-empty",
    section="PS3.5 7.4",
    severity=Severity.ERROR,
    good=[_SOUND],
    bad=[{**_SOUND, "ContentLabel": None}],
)(_empty)


def _not_allowed(place: Header, row: Row) -> Iterator[Problem]:
    """An Attribute of Type 1C or 2C is present although its condition is not met.

    Unless the Standard says that it may be present otherwise, such an Attribute is forbidden (PS3.5 7.4.2); it
    contradicts what the rest of the instance says.
    """
    words = row.required_if.words if row.required_if else "its condition is met"
    yield Problem(place.path_of(row.keyword), f"is present, only allowed where {words}", section=row.section)


NOT_ALLOWED = table_rule(
    "attribute-not-allowed",
    section="PS3.5 7.4.2",
    severity=Severity.ERROR,
    good=[{**_without("FloatPixelData"), "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelData": b"\0\0"}],
    bad=[{**_SOUND, "BitsStored": 32}],
)(_not_allowed)
