"""What an Attribute's values may be where its Module lists them: Enumerated Values, Defined Terms (PS3.5 7.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.header import Header, Value
from rules.iods import PARAMETRIC_MAP_STORAGE
from rules.model import Problem, Rule, Severity
from rules.modules import Row, Terms
from rules.registry import table_rule
from rules.values import STRINGS
from rules.wording import listed, outside

__all__ = ["DEFINED", "ENUMERATED", "STRINGS", "outside_terms", "rule_of"]

Wrong = Sequence[tuple[int | None, str]]
"""Values that are not listed, each with its number; None where there is but one value."""


def outside_terms(terms: Terms, values: Sequence[Value]) -> Iterator[tuple[int | None, str]]:
    """The values that are not listed, each with its number; None where there is but one value."""
    asked = values[terms.number - 1 : terms.number] if terms.number else values
    for number, value in enumerate(asked, start=terms.number or 1):
        if isinstance(value, bytes):
            continue
        text = value.strip(" ") if isinstance(value, str) else f"{value or 0:.16g}"  # -0 is 0
        if text and text not in terms.allowed:
            yield number if len(values) > 1 else None, text


def rule_of(terms: Terms) -> Rule:
    """The rule that a value outside these terms breaks."""
    return ENUMERATED if terms.enumerated else DEFINED


def _enumerated(place: Header, row: Row, terms: Terms, wrong: Wrong) -> Iterator[Problem]:
    """A value is not one of the Enumerated Values.

    Enumerated Values are all there are: the instance says something that the Standard gives no meaning.
    """
    for number, text in wrong:
        told = outside(text, terms.allowed, f"wanted {listed(terms.allowed)}")
        yield Problem(place.path_of(row.tag), told, value_number=number, section=terms.section or row.section)


def _defined(place: Header, row: Row, terms: Terms, wrong: Wrong) -> Iterator[Problem]:
    """A value is outside the Defined Terms.

    Terms of one's own are permitted, but other systems will not know them.
    """
    for number, text in wrong:
        told = outside(text, terms.allowed, "not a Defined Term")
        yield Problem(place.path_of(row.tag), told, value_number=number, section=terms.section or row.section)


ENUMERATED = table_rule(
    "value-not-enumerated",
    section="PS3.5 7.4",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "PhotometricInterpretation": "MONOCHROME2"}],
    bad=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "PhotometricInterpretation": "MONOCHROME1"}],
)(_enumerated)

DEFINED = table_rule(
    "value-not-defined",
    section="PS3.5 7.4",
    severity=Severity.WARNING,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "DimensionOrganizationType": "3D"}],
    bad=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "DimensionOrganizationType": "4D"}],
)(_defined)
