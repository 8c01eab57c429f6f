"""Image Type (0008,0008) and Frame Type (0008,9007), by the tables of `rules.image_types`.

Each rule here is two: `image-type-...` and `frame-type-...`, since PS3.3 gives both the same values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rules.conditions import Answer, Condition
from rules.header import Header
from rules.image_types import FrameFacts, TypeFacts, ValueFacts, image_type
from rules.iods import iods
from rules.model import Example, Finding, Problem, Rule, Severity, Undecided
from rules.registry import run, table_rule
from rules.wording import listed, meant, shown


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of one Image Type or Frame Type, without the spaces that PS3.5 6.2 calls insignificant.

    `raw` are their bytes. `place` is where conditions are asked. A Frame Type that repeats over frames is seen once, with `count`, and
    the paths of the `first` and `last`.
    """

    place: Header
    facts: TypeFacts
    path: str
    values: tuple[str, ...]
    raw: bytes
    count: int = 1
    first: str | None = None
    last: str | None = None

    def problem(
        self, message: str, value: ValueFacts | None = None, severity: Severity | None = None, section: str | None = None
    ) -> Problem:
        """A Problem here, of one value or of all."""
        return Problem(
            self.path,
            message,
            value_number=value.number if value else None,
            severity=severity,
            section=section or (value.section if value else self.facts.section),
            count=self.count,
            first=self.first,
            last=self.last,
        )

    def met(self, condition: Condition | None) -> bool:
        """Whether a condition answers YES."""
        return condition is not None and condition.ask(self.place) is Answer.YES


def judge(seen: Seen) -> Iterator[Finding]:
    """Everything that is wrong with one Image Type or Frame Type."""
    for ask in _RULES[seen.facts.keyword]:
        yield from run(ask, seen)


def image_types(header: Header, facts: TypeFacts) -> Iterator[Finding | Undecided]:
    """Judge the Image Type of an instance of this IOD: its presence by its Type, then its values."""
    if not header.has("ImageType"):
        if facts.type != "3":
            yield from run(IMAGE_TYPE_MISSING, facts)
    elif header.empty("ImageType"):
        if facts.type == "1":
            yield from run(IMAGE_TYPE_EMPTY, facts)
    else:
        values = tuple(each.strip(" ") for each in header.texts("ImageType"))
        yield from judge(Seen(header, facts, "ImageType", values, header.raw("ImageType") or b""))
        for value in facts.values:
            if value.undecided:
                yield Undecided("ImageType", f"value {value.number}: {value.undecided}")
            elif value.terms_unknown and value.number <= len(values):
                yield Undecided("ImageType", f"value {value.number}: the terms of this IOD")


def _example(iod: str, *values: str) -> Example:
    return {"SOPClassUID": iods()[iod].sop_class_uids[0], "ImageType": list(values)}


def _frame_example(iod: str, *values: str) -> Example:
    facts = image_type(iod)
    frames = facts.frames if facts else None
    if not isinstance(frames, FrameFacts):
        raise ValueError(f"{iod} has no Frame Type")
    group = {frames.sequence: [{"FrameType": list(values)}]}
    return {"SOPClassUID": iods()[iod].sop_class_uids[0], "SharedFunctionalGroupsSequence": [group]}


_RULES: dict[str, list[Rule]] = {"ImageType": [], "FrameType": []}

Values = tuple[str, ...]
"""An example in short: an IOD's name, then the values."""


def type_rule(
    id: str,
    *,
    section: str,
    severity: Severity,
    good: Iterable[Values],
    bad: Iterable[Values],
    good_frames: Iterable[Values] = (),
    bad_frames: Iterable[Values] = (),
    also_good: Iterable[Example] = (),
    also_bad: Iterable[Example] = (),
) -> Callable[[Callable[[Seen], Iterator[Problem]]], Callable[[Seen], Iterator[Problem]]]:
    """Register a rule on both Attributes, with examples in short."""

    def register(check: Callable[[Seen], Iterator[Problem]]) -> Callable[[Seen], Iterator[Problem]]:
        _RULES["ImageType"].append(
            table_rule(
                f"image-type-{id}",
                section=section,
                severity=severity,
                good=[*(_example(*each) for each in good), *also_good],
                bad=[*(_example(*each) for each in bad), *also_bad],
            )(check)
        )
        if bad_frames:
            _RULES["FrameType"].append(
                table_rule(
                    f"frame-type-{id}",
                    section=section,
                    severity=severity,
                    good=[_frame_example(*each) for each in good_frames],
                    bad=[_frame_example(*each) for each in bad_frames],
                )(check)
            )
        return check

    return register


CT, MR, NM, DX = "CT Image", "MR Image", "Nuclear Medicine Image", "Digital X-Ray Image"
US, VL = "Ultrasound Image", "VL Photographic Image"
EMR, PM = "Enhanced MR Image", "Parametric Map"


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
    good=[_example(CT, "ORIGINAL", "PRIMARY", "AXIAL"), {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}],
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
    good=[_example(CT, "ORIGINAL", "PRIMARY", "AXIAL"), _example(US)],
    bad=[_example(CT)],
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
        yield Problem(
            seen.path, message, value_number=number, count=seen.count, first=seen.first, last=seen.last
        )


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
        yield seen.problem(
            f"is {shown(value)}, wanted {listed(facts.enumerated)}{meant(value, facts.enumerated)}", facts
        )
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
    good=[(DX, "ORIGINAL", "PRIMARY", ""), (NM, "ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"), (VL, "ORIGINAL", "PRIMARY")],
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
    also_bad=[{**_example(CT, "ORIGINAL", "PRIMARY", "AXIAL"), "MultienergyCTAcquisition": "YES"}],
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
    if not seen.facts.common or facts is None or "NONE" not in (*facts.defined, *facts.enumerated):
        return
    # Where NONE alone is enumerated, value 4 has been judged already.
    if facts.enumerated or len(seen.values) < 4 or seen.values[0] != "ORIGINAL":
        return
    if seen.values[3] not in ("", "NONE"):
        yield seen.problem(f"is {shown(seen.values[3])}, wanted NONE since value 1 is ORIGINAL", facts, section="C.8.16.1.4")


@type_rule(
    "original-volume",
    section="C.8.16.1.1",
    severity=Severity.ERROR,
    good=[(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "NONE")],
    bad=[],
    also_bad=[
        {**_example(EMR, "ORIGINAL", "PRIMARY", "VOLUME", "NONE"), "VolumeBasedCalculationTechnique": "MAX_IP"},
    ],
)
def original_volume(seen: Seen) -> Iterator[Problem]:
    """Value 1 is ORIGINAL although Volume Based Calculation Technique names a calculation.

    A projection or reformation is calculated from other pixels, so value 1 is DERIVED, or MIXED where only some of
    the frames are.
    """
    technique = seen.place.text("VolumeBasedCalculationTechnique")
    if seen.facts.common and seen.values[0] == "ORIGINAL" and technique not in (None, "NONE"):
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
            **_example(PM, "DERIVED", "PRIMARY", "VOLUME", "QUANTITY"),
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
    groups = [
        *root.items("SharedFunctionalGroupsSequence"),
        *(each.exemplar for each in root.stencils("PerFrameFunctionalGroupsSequence")),
    ]
    mappings = (mapping for group in groups for mapping in group.items("RealWorldValueMappingSequence"))
    return any(mapping.items("QuantityDefinitionSequence") for mapping in mappings)


@type_rule(
    "stereo-partner",
    section="C.8.12.1.1.6",
    severity=Severity.WARNING,
    good=[(VL, "ORIGINAL", "PRIMARY")],
    also_good=[
        {**_example(VL, "ORIGINAL", "PRIMARY", "STEREO L"), "ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2"}]}
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
    message = f"is {shown(value)}, which is not a Defined Term{meant(value, known)}"
    yield seen.problem(message, facts, facts.beyond)


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
