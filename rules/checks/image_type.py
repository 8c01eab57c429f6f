"""Image Type (0008,0008): its presence, and the shall-rules on its values, which Frame Type shares."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.conditions import Answer, Condition
from rules.frames import frame_places
from rules.header import Header
from rules.image_types import TypeFacts
from rules.iods import iods
from rules.model import Finding, Problem, Severity, Undecided
from rules.registry import run, table_rule
from rules.type_rules import CT, DX, EMR, MR, NM, PM, US, VL, Seen, code_strings, example, judge, type_rule
from rules.wording import listed, outside, shown


def image_types(header: Header, facts: TypeFacts) -> Iterator[Finding | Undecided]:
    """Judge the Image Type of an instance of this IOD: its presence by its Type, then its values."""
    if not header.has("ImageType"):
        if facts.type != "3":
            yield from run(IMAGE_TYPE_MISSING, facts)
    elif header.empty("ImageType"):
        if facts.type == "1":
            yield from run(IMAGE_TYPE_EMPTY, facts)
    else:
        raw = header.raw("ImageType") or b""
        values = code_strings(raw)
        yield from judge(Seen(header, facts, "ImageType", values, raw))
        for value in facts.undecided(len(values)):
            yield Undecided("ImageType", f"value {value.number}: {value.undecided or 'its terms'}")


def _missing(facts: TypeFacts) -> Iterator[Problem]:
    """Image Type is absent, though the IOD gives it Type 1 or 2.

    Worklists, hanging protocols and later processing choose images by it: without it, localizers and derived
    maps cannot be told from the acquired images.
    """
    yield Problem("ImageType", f"is absent, Type {facts.type}", section=facts.section)


IMAGE_TYPE_MISSING = table_rule(
    "image-type-missing",
    section="C.7.6.1.1.2",
    severity=Severity.ERROR,
    good=[example(CT, "ORIGINAL", "PRIMARY", "AXIAL"), {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}],
    bad=[{"SOPClassUID": iods()[CT].sop_class_uids[0]}, {"SOPClassUID": iods()[US].sop_class_uids[0]}],
)(_missing)


def _empty(facts: TypeFacts) -> Iterator[Problem]:
    """Image Type has no value, though the IOD gives it Type 1.

    It says as little as an absent one. Put in at least the first two values.
    """
    yield Problem("ImageType", "has no value, Type 1", section=facts.section)


IMAGE_TYPE_EMPTY = table_rule(
    "image-type-empty",
    section="C.7.6.1.1.2",
    severity=Severity.ERROR,
    good=[example(CT, "ORIGINAL", "PRIMARY", "AXIAL"), example(US)],
    bad=[example(CT)],
)(_empty)


@type_rule(
    "count",
    section="C.7.6.1.1.2",
    severity=Severity.ERROR,
    good=[(CT, "ORIGINAL", "PRIMARY", "AXIAL"), (PM, "DERIVED", "PRIMARY", "VOLUME", "QUANTITY")],
    bad=[(MR, "ORIGINAL"), (PM, "DERIVED", "PRIMARY", "VOLUME"), ("Segmentation", "DERIVED", "PRIMARY", "OTHER")],
    good_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "MEAN")],
    bad_frames=[(PM, "DERIVED", "PRIMARY")],
)
def number_of_values(seen: Seen) -> Iterator[Problem]:
    """There are fewer or more values than the IOD has.

    Receivers read the values by their place. Every IOD has at least two; the multi-frame ones have four, all of
    them always present.
    """
    fewest, most = seen.facts.fewest, seen.facts.most
    if seen.facts.count_if and seen.met(seen.facts.count_if[0]):
        fewest, most = seen.facts.count_if[1:]
    number = len(seen.values)
    if number < fewest or (most is not None and number > most):
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}" if most else f"at least {fewest}"
        yield seen.problem(f"has {number} value{'s' * (number != 1)}, wanted {wanted}")


@type_rule(
    "syntax",
    section="PS3.5 6.2",
    severity=Severity.ERROR,
    good=[(CT, "ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"), (CT, "ORIGINAL ", "PRIMARY", "AXIAL")],
    bad=[
        (CT, "ORIGINAL", "PRIMARY", "axial"),
        (CT, "ORIGINAL", "PRIMARY", "AXIAL", "POST-CONTRAST"),
        (CT, "ORIGINAL", "PRIMARY", "AXIAL", "SEVENTEEN LETTERS"),
    ],
    good_frames=[(PM, "DERIVED", "PRIMARY", "POST_CONTRAST", "MEAN")],
    bad_frames=[(PM, "DERIVED", "PRIMARY", "POST-CONTRAST", "MEAN")],
)
def code_string_syntax(seen: Seen) -> Iterator[Problem]:
    """A value is no Code String: upper case letters, digits, space and underscore, at most 16 characters.

    Receivers compare Code Strings letter by letter, and some refuse a whole data set over one that is malformed.
    """
    vr = seen.place.vr("ImageType") if seen.path == "ImageType" else None
    if vr not in (None, "CS", "UN"):
        yield seen.problem(f"is encoded as {shown(vr)}, wanted CS", section="PS3.5 6.2")
    if seen.raw.rstrip(b" ").endswith(b"\0"):
        yield seen.problem("is padded with NUL, wanted a space", section="PS3.5 6.2")
    for number, value in enumerate(seen.values, start=1):
        if _CODE_STRING.fullmatch(value):
            continue
        stray = _STRAY.search(value)
        if stray:
            message = f"has {_character(stray[0])} as character {stray.start() + 1}"
        else:
            message = f"has {len(value)} characters, at most 16 are allowed"
        yield Problem(seen.path, message, value_number=number, count=seen.count, first=seen.first, last=seen.last)


_CODE_STRING = re.compile(r"[A-Z0-9 _]{0,16}")
_STRAY = re.compile(r"[^A-Z0-9 _]")


def _character(stray: str) -> str:
    if "a" <= stray <= "z":
        return "a lower case letter"
    return f'"{stray}"' if stray.isascii() and stray.isprintable() else "a character outside the repertoire"


def _value(seen: Seen, number: int) -> Iterator[Problem]:
    """The shall-rules of one value: present where required, empty or not, one of its Enumerated Values."""
    facts = seen.facts.value(number)
    if facts is None:
        return
    if number > len(seen.values):
        if facts.required:
            yield seen.problem("is absent, it shall be present", facts, section=facts.ground)
        elif seen.met(facts.required_if):
            yield seen.problem(f"is absent though {_words(facts.required_if)}", facts, section=facts.ground)
        return
    value = seen.values[number - 1]
    if not value:
        if facts.empty == "never":
            wanted = f", wanted {listed(facts.enumerated)}" if facts.enumerated else ", it shall not be"
            yield seen.problem(f"is empty{wanted}", facts, section=facts.ground)
    elif facts.empty == "always":
        yield seen.problem(f"is {shown(value)}, it shall be empty", facts, section=facts.ground)
    elif value in facts.prohibited:
        yield seen.problem(f"is {shown(value)}, which is not allowed here", facts, section=facts.ground)
    elif facts.enumerated and value not in facts.enumerated:
        yield seen.problem(outside(value, facts.enumerated, f"wanted {listed(facts.enumerated)}"), facts)
    elif facts.filled_only_if and facts.filled_only_if.ask(seen.place) is Answer.NO:
        words = facts.filled_only_if.words
        yield seen.problem(f"is {shown(value)}, only allowed where {words}", facts, section=facts.ground)


def _words(condition: Condition | None) -> str:
    return condition.words if condition else ""


@type_rule(
    "value-1",
    section="C.7.6.1.1.2",
    severity=Severity.ERROR,
    good=[(CT, "DERIVED", "SECONDARY", "AXIAL"), (EMR, "MIXED", "PRIMARY", "VOLUME", "MIXED")],
    bad=[(CT, "MIXED", "PRIMARY", "AXIAL"), (PM, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")],
    good_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "MEAN")],
    bad_frames=[(PM, "ORIGINAL", "PRIMARY", "VOLUME", "NONE"), (EMR, "MIXED", "PRIMARY", "VOLUME", "NONE")],
)
def value_1(seen: Seen) -> Iterator[Problem]:
    """Value 1, Pixel Data Characteristics, is not one of the Enumerated Values.

    It tells original from derived pixels, and conditions of many other Attributes hang on it. MIXED is for the
    Image Type of multi-frame instances alone, never for one frame.
    """
    return _value(seen, 1)


@type_rule(
    "value-2",
    section="C.7.6.1.1.2",
    severity=Severity.ERROR,
    good=[(CT, "DERIVED", "SECONDARY", "AXIAL")],
    bad=[(CT, "ORIGINAL", "TERTIARY", "AXIAL"), (PM, "DERIVED", "PRIMAY", "VOLUME", "MEAN")],
    good_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "MEAN")],
    bad_frames=[(PM, "DERIVED", "SECONDARY", "VOLUME", "MEAN")],
)
def value_2(seen: Seen) -> Iterator[Problem]:
    """Value 2, Patient Examination Characteristics, is not one of the Enumerated Values.

    It tells images of the examination from those made afterwards. The multi-frame IODs allow PRIMARY alone.
    """
    return _value(seen, 2)


@type_rule(
    "value-3",
    section="C.7.6.1.1.2",
    severity=Severity.ERROR,
    good=[
        (DX, "ORIGINAL", "PRIMARY", ""),
        (NM, "ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"),
        (VL, "ORIGINAL", "PRIMARY"),
    ],
    bad=[
        (DX, "ORIGINAL", "PRIMARY"),
        (DX, "ORIGINAL", "PRIMARY", "CHEST"),
        (NM, "ORIGINAL", "PRIMARY", "WHOLEBODY", "EMISSION"),
        (VL, "ORIGINAL", "PRIMARY", "STEREO"),
        (PM, "DERIVED", "PRIMARY", "MIXED", "MEAN"),
        (PM, "DERIVED", "PRIMARY", "", "MEAN"),
    ],
    good_frames=[(PM, "DERIVED", "PRIMARY", "", "MEAN")],
    bad_frames=[(PM, "DERIVED", "PRIMARY", "MIXED", "MEAN")],
)
def value_3(seen: Seen) -> Iterator[Problem]:
    """Value 3 breaks what its IOD demands of it.

    Some IODs give it Enumerated Values, some want it empty, the multi-frame ones want it filled and never MIXED,
    since it sums up what the images are for.
    """
    return _value(seen, 3)


@type_rule(
    "value-4",
    section="C.8.16.1.4",
    severity=Severity.ERROR,
    good=[(NM, "ORIGINAL", "PRIMARY", "STATIC", "EMISSION"), (PM, "DERIVED", "PRIMARY", "VOLUME", "MIXED")],
    bad=[
        (NM, "ORIGINAL", "PRIMARY", "STATIC", "REFLECTION"),
        (PM, "DERIVED", "PRIMARY", "VOLUME", ""),
        ("Enhanced XA Image", "DERIVED", "PRIMARY", "VOLUME", "MEAN"),
    ],
    good_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "MEAN")],
    bad_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "MIXED"), (PM, "DERIVED", "PRIMARY", "VOLUME", "")],
    also_bad=[{**example(CT, "ORIGINAL", "PRIMARY", "AXIAL"), "MultienergyCTAcquisition": "YES"}],
)
def value_4(seen: Seen) -> Iterator[Problem]:
    """Value 4 breaks what its IOD demands of it.

    In the multi-frame IODs it names the derived pixel contrast and is never empty; a CT made by a multi-energy
    technique says with it what its pixels mean.
    """
    return _value(seen, 4)


@type_rule(
    "original-contrast",
    section="C.8.16.1.4",
    severity=Severity.ERROR,
    good=[(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "NONE"), (EMR, "DERIVED", "PRIMARY", "VOLUME", "MEAN")],
    bad=[(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "MEAN")],
    good_frames=[(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")],
    bad_frames=[(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "MEAN")],
)
def original_contrast(seen: Seen) -> Iterator[Problem]:
    """Value 4 names a derived contrast although value 1 is ORIGINAL.

    Pixels straight from the acquisition have no derived contrast. Either value 1 is DERIVED or value 4 is NONE.
    """
    facts = seen.facts.value(4)
    # Where value 4 has Enumerated Values, NONE alone is among them, and it has been judged already.
    if not _may_be_original(seen) or facts is None or facts.enumerated or "NONE" not in facts.defined:
        return
    if len(seen.values) > 3 and seen.values[3] not in ("", "NONE"):
        message = f"is {shown(seen.values[3])}, wanted NONE since value 1 is ORIGINAL"
        yield seen.problem(message, facts, section="C.8.16.1.4")


def _may_be_original(seen: Seen) -> bool:
    """Whether value 1 is ORIGINAL, in an IOD where C.8.16.1 holds and that is allowed."""
    facts = seen.facts.value(1)
    return seen.facts.common and seen.values[0] == "ORIGINAL" and facts is not None and "ORIGINAL" in facts.enumerated


@type_rule(
    "original-volume",
    section="C.8.16.1.1",
    severity=Severity.ERROR,
    good=[(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")],
    bad=[],
    also_bad=[
        {**example(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "NONE"), "VolumeBasedCalculationTechnique": "MAX_IP"},
    ],
)
def original_volume(seen: Seen) -> Iterator[Problem]:
    """Value 1 is ORIGINAL although Volume Based Calculation Technique names a calculation.

    A projection or reformation is calculated from other pixels, so value 1 is DERIVED, or MIXED where only some of
    the frames are.
    """
    technique = seen.place.text("VolumeBasedCalculationTechnique")
    if technique not in (None, "NONE") and _may_be_original(seen):
        message = f"is ORIGINAL though Volume Based Calculation Technique is {shown(technique or '')}"
        yield seen.problem(message, seen.facts.value(1), section="C.8.16.1.1")


@type_rule(
    "quantity",
    section="C.8.16.1.4",
    severity=Severity.WARNING,
    good=[(PM, "DERIVED", "PRIMARY", "VOLUME", "MEAN")],
    bad=[(PM, "DERIVED", "PRIMARY", "VOLUME", "QUANTITY")],
    also_good=[
        {
            **example(PM, "DERIVED", "PRIMARY", "VOLUME", "QUANTITY"),
            "SharedFunctionalGroupsSequence": [
                {"RealWorldValueMappingSequence": [{"QuantityDefinitionSequence": [{"ValueType": "CODE"}]}]}
            ],
        }
    ],
    good_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "MEAN")],
    bad_frames=[(PM, "DERIVED", "PRIMARY", "VOLUME", "QUANTITY")],
)
def quantity(seen: Seen) -> Iterator[Problem]:
    """Value 4 is QUANTITY, but no Real World Value Mapping has a Quantity Definition Sequence.

    QUANTITY says that the quantity is described there; without it nobody knows what was measured.
    """
    facts = seen.facts.value(4)
    if seen.facts.common and facts and seen.values[3:4] == ("QUANTITY",) and not _defines_quantity(seen.place.root):
        yield seen.problem("is QUANTITY, but Quantity Definition Sequence is nowhere", facts, section="C.8.16.1.4")


def _defines_quantity(root: Header) -> bool:
    mappings = (each for place in frame_places(root) for each in place.items("RealWorldValueMappingSequence"))
    return any(mapping.items("QuantityDefinitionSequence") for mapping in mappings)


@type_rule(
    "stereo-partner",
    section="C.8.12.1.1.6",
    severity=Severity.WARNING,
    good=[(VL, "ORIGINAL", "PRIMARY")],
    also_good=[
        {
            **example(VL, "ORIGINAL", "PRIMARY", "STEREO L"),
            "ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2"}],
        }
    ],
    bad=[(VL, "ORIGINAL", "PRIMARY", "STEREO L")],
)
def stereo_partner(seen: Seen) -> Iterator[Problem]:
    """Value 3 names one image of a stereo pair, but Referenced Image Sequence does not name the other.

    A viewer cannot show the pair when it does not know the partner.
    """
    facts = seen.facts.value(3)
    if facts is None or len(seen.values) < 3 or "STEREO L" not in facts.enumerated:
        return
    value = seen.values[2]
    if value in facts.enumerated and not seen.place.items("ReferencedImageSequence"):
        yield seen.problem(f"is {value}, but Referenced Image Sequence names no partner", facts)
