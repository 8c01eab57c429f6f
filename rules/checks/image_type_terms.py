"""Defined Terms, retired terms and what is merely expected in Image Type and Frame Type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.model import Problem, Severity
from rules.type_rules import CT, EMR, NM, PM, US, Seen, type_rule
from rules.wording import listed, outside, shown


def _term(seen: Seen, number: int) -> Iterator[Problem]:
    """One value against its Defined Terms; a value is free where there are none."""
    facts = seen.facts.value(number)
    if facts is None or number > len(seen.values):
        return
    value = seen.values[number - 1]
    known = facts.defined
    if facts.defined_if and seen.met(facts.defined_if[0]):
        known = (*known, *facts.defined_if[1])
    if not value or not known or value in known or value in facts.prohibited or value in facts.retired:
        return
    yield seen.problem(outside(value, known, "not a Defined Term"), facts, facts.beyond)


@type_rule(
    "term-3",
    section="C.8.16.1.3",
    severity=Severity.WARNING,
    good=[(CT, "ORIGINAL", "PRIMARY", "LOCALIZER"), (PM, "DERIVED", "PRIMARY", "FLUID_ATTENUATED", "MEAN")],
    bad=[(CT, "ORIGINAL", "PRIMARY", "HELIX"), (PM, "DERIVED", "PRIMARY", "FROBNICATE", "MEAN")],
    good_frames=[(PM, "DERIVED", "PRIMARY", "DIFFUSION", "MEAN")],
    bad_frames=[(PM, "DERIVED", "PRIMARY", "FROBNICATE", "MEAN")],
)
def term_3(seen: Seen) -> Iterator[Problem]:
    """Value 3 is outside the Defined Terms.

    Terms of one's own are permitted, but other systems will not know them.
    """
    return _term(seen, 3)


@type_rule(
    "term-4",
    section="C.8.16.1.4",
    severity=Severity.WARNING,
    good=[(PM, "DERIVED", "PRIMARY", "VOLUME", "FILTERED"), (CT, "ORIGINAL", "PRIMARY", "AXIAL", "HELIX")],
    bad=[(PM, "DERIVED", "PRIMARY", "VOLUME", "FROBNICATE")],
    good_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "QUANTITY")],
    bad_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "FROBNICATE")],
)
def term_4(seen: Seen) -> Iterator[Problem]:
    """Value 4 is outside the Defined Terms.

    Terms of one's own are permitted, but other systems will not know them.
    """
    return _term(seen, 4)


@type_rule(
    "retired-term",
    section="C.8.13.1.1.1.4",
    severity=Severity.WARNING,
    good=[(EMR, "DERIVED", "PRIMARY", "DIFFUSION", "QUANTITY")],
    bad=[(EMR, "DERIVED", "PRIMARY", "DIFFUSION", "ADC")],
    good_frames=[(EMR, "DERIVED", "PRIMARY", "DIFFUSION", "QUANTITY")],
    bad_frames=[(EMR, "DERIVED", "PRIMARY", "DIFFUSION", "ADC")],
)
def retired_term(seen: Seen) -> Iterator[Problem]:
    """A value was a Defined Term in an earlier edition, and is none now.

    What ADC and its like said in value 4 is now QUANTITY, with the quantity itself in Quantity Definition Sequence.
    """
    for facts, value in zip(seen.facts.values, seen.values, strict=False):
        if value in facts.retired:
            yield seen.problem(f"is {shown(value)}, a Defined Term {facts.retired[value]}", facts)


@type_rule(
    "expected-value",
    section="C.7.6.1.1.2",
    severity=Severity.WARNING,
    good=[(CT, "ORIGINAL", "PRIMARY", "AXIAL"), (NM, "ORIGINAL", "PRIMARY", "STATIC", "EMISSION")],
    bad=[(CT, "ORIGINAL", "PRIMARY"), (NM, "ORIGINAL", "PRIMARY", "STATIC")],
)
def expected_value(seen: Seen) -> Iterator[Problem]:
    """A value that the IOD describes, without demanding it, is absent or empty.

    A CT that does not say AXIAL or LOCALIZER is put by viewers wherever they guess.
    """
    if len(seen.values) < seen.facts.fewest:
        return
    for facts in seen.facts.values:
        if facts.expected and not "".join(seen.values[facts.number - 1 : facts.number]):
            terms = facts.enumerated or facts.defined
            yield seen.problem(f"is absent or empty, expected {listed(terms)}", facts, section=facts.ground)


@type_rule(
    "unusual-value",
    section="C.7.6.1.1.2",
    severity=Severity.WARNING,
    good=[(NM, "ORIGINAL", "PRIMARY", "STATIC", "EMISSION")],
    bad=[(NM, "ORIGINAL", "SECONDARY", "STATIC", "EMISSION")],
)
def unusual_value(seen: Seen) -> Iterator[Problem]:
    """A value is allowed, but a Note of the Standard expects another.

    Nuclear Medicine and PET images are expected to be PRIMARY, derived ones too.
    """
    for facts, value in zip(seen.facts.values, seen.values, strict=False):
        if facts.usual and value in facts.enumerated and value not in facts.usual:
            yield seen.problem(f"is {shown(value)}, expected {listed(facts.usual)}", facts)


@type_rule(
    "bits",
    section="C.8.5.6.1.1",
    severity=Severity.WARNING,
    good=[(US, "ORIGINAL", "PRIMARY", "ABDOMINAL", "0015")],
    bad=[(US, "ORIGINAL", "PRIMARY", "ABDOMINAL", "15"), (US, "ORIGINAL", "PRIMARY", "ABDOMINAL", "8000")],
)
def sum_of_bits(seen: Seen) -> Iterator[Problem]:
    """A value that sums the bits of several modalities is not such a sum.

    Four hexadecimal digits say which of 2D, M-Mode, Doppler and so on an ultrasound image shows.
    """
    for facts, value in zip(seen.facts.values, seen.values, strict=False):
        if not facts.bits or not value:
            continue
        allowed = sum(int(each, 16) for each in facts.bits)
        if not _HEXADECIMAL.fullmatch(value):
            yield seen.problem(f"is {shown(value)}, wanted four hexadecimal digits", facts)
        elif int(value, 16) & ~allowed:
            yield seen.problem(f"is {shown(value)}, which has bits without a meaning", facts)


_HEXADECIMAL = re.compile(r"[0-9A-F]{4}")


@type_rule(
    "not-judged",
    section="C.7.6.1.1.2",
    severity=Severity.NOTE,
    good=[(CT, "ORIGINAL", "PRIMARY", "AXIAL")],
    bad=[("Digital Mammography X-Ray Image", "ORIGINAL", "PRIMARY", ""), ("Confocal Microscopy Image", "A", "B")],
)
def not_judged(seen: Seen) -> Iterator[Problem]:
    """Some values are not judged in full.

    What they have to be depends on something that the instance does not tell, contrast medium for one, or on terms
    that the fact tables do not have.
    """
    values = seen.facts.undecided(len(seen.values))
    if values:
        told = "; ".join(f"value {each.number}: {each.undecided or 'its terms are not known here'}" for each in values)
        yield seen.problem(f"is not judged in full ({told})", section=values[0].ground)
