"""The conditions of Type 1C and 2C, of Usage C and of conditional values, by name.

A condition that no instance can show is `undecidable`: it answers UNKNOWN, is counted, and is never passed off
as checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from rules.header import Header
from rules.model import Example
from rules.transfer_syntax import JPEG_BASELINE, transfer_syntax


class Answer(Enum):
    """What an instance says to a condition."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the Standard: its name in the tables, its words, and how a place is asked.

    `yes` and `no` are Data Sets that answer so, with a Transfer Syntax UID where that counts; None where none can.
    """

    name: str
    words: str
    ask: Callable[[Header], Answer]
    yes: Example | None
    no: Example | None

    @property
    def decidable(self) -> bool:
        """Whether some instance answers YES and some other NO."""
        return self.yes is not None and self.no is not None


def named(name: str) -> Condition:
    """The condition that a fact table names. KeyError for a name no one has defined."""
    return CONDITIONS[name]


def yes_if(holds: bool) -> Answer:
    """YES or NO."""
    return Answer.YES if holds else Answer.NO


CONDITIONS: dict[str, Condition] = {}


def condition(
    name: str, *, yes: Example | None = None, no: Example | None = None
) -> Callable[[Callable[[Header], Answer]], Condition]:
    """Define a condition; its docstring is a clause that can follow "though" in a message."""

    def define(ask: Callable[[Header], Answer]) -> Condition:
        words = inspect.cleandoc(ask.__doc__ or "").rstrip(".")
        CONDITIONS[name] = Condition(name, words, ask, yes, no)
        return CONDITIONS[name]

    return define


def undecidable(name: str, words: str) -> Condition:
    """Define a condition that depends on what is not in the instance."""
    CONDITIONS[name] = Condition(name, words, lambda place: Answer.UNKNOWN, None, None)
    return CONDITIONS[name]


# Pixel data: looked up at the root, wherever the condition is asked.


@condition("pixel-data", yes={"PixelData": b"\0\0"}, no={"FloatPixelData": b"\0\0\0\0"})
def pixel_data(place: Header) -> Answer:
    """Pixel Data or Pixel Data Provider URL is present."""
    return yes_if(place.root.has("PixelData") or place.root.has("PixelDataProviderURL"))


@condition("float-pixel-data", yes={"FloatPixelData": b"\0\0\0\0"}, no={"PixelData": b"\0\0"})
def float_pixel_data(place: Header) -> Answer:
    """Float Pixel Data is present."""
    return yes_if(place.root.has("FloatPixelData"))


@condition("double-float-pixel-data", yes={"DoubleFloatPixelData": b"\0" * 8}, no={"PixelData": b"\0\0"})
def double_float_pixel_data(place: Header) -> Answer:
    """Double Float Pixel Data is present."""
    return yes_if(place.root.has("DoubleFloatPixelData"))


@condition("lossy-compressed", yes={"TransferSyntaxUID": JPEG_BASELINE}, no={"LossyImageCompression": "00"})
def lossy_compressed(place: Header) -> Answer:
    """this instance has been compressed with loss."""
    syntax = transfer_syntax(place.root.transfer_syntax_uid)
    if syntax is not None and syntax.lossy:
        return Answer.YES
    # 01 can be inherited from source images that gave neither ratio nor method, PS3.3 C.7.6.1.1.5.
    return Answer.NO if place.text("LossyImageCompression") == "00" else Answer.UNKNOWN


# Colour


@condition("color-range", yes={"PixelPresentation": "COLOR_RANGE"}, no={"PixelPresentation": "MONOCHROME"})
def color_range(place: Header) -> Answer:
    """Pixel Presentation is COLOR_RANGE."""
    return yes_if(place.text("PixelPresentation") == "COLOR_RANGE")


@condition(
    "palette-color-lookup-table",
    yes={"RedPaletteColorLookupTableDescriptor": [256, 0, 16]},
    no={"PixelPresentation": "COLOR_RANGE"},
)
def palette_color_lookup_table(place: Header) -> Answer:
    """the Palette Color Lookup Table Module is present."""
    return yes_if(any(place.root.has(each) for each in _PALETTE))


@condition(
    "color-range-without-palette",
    yes={"PixelPresentation": "COLOR_RANGE"},
    no={"PixelPresentation": "COLOR_RANGE", "RedPaletteColorLookupTableDescriptor": [256, 0, 16]},
)
def color_range_without_palette(place: Header) -> Answer:
    """Pixel Presentation is COLOR_RANGE and there is no Palette Color Lookup Table Module."""
    return yes_if(color_range.ask(place) is Answer.YES and palette_color_lookup_table.ask(place) is Answer.NO)


_PALETTE = tuple(
    f"{color}PaletteColorLookupTable{part}" for color in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")
)


# Image Type


@condition(
    "multi-energy-ct-acquisition", yes={"MultienergyCTAcquisition": "YES"}, no={"MultienergyCTAcquisition": "NO"}
)
def multi_energy_ct_acquisition(place: Header) -> Answer:
    """Multi-energy CT Acquisition is YES."""
    return yes_if(place.root.text("MultienergyCTAcquisition") == "YES")


@condition("image-type-derived", yes={"ImageType": ["DERIVED", "PRIMARY"]}, no={"ImageType": ["ORIGINAL", "PRIMARY"]})
def image_type_derived(place: Header) -> Answer:
    """Image Type value 1 is DERIVED."""
    return yes_if(place.root.text("ImageType") == "DERIVED")


# Codes (PS3.3 8.8): looked up in the Item that holds the code.


@condition("code-or-long-code", yes={"CodeValue": "T-1"}, no={"URNCodeValue": "urn:oid:1.2"})
def code_or_long_code(place: Header) -> Answer:
    """Code Value or Long Code Value is present."""
    return yes_if(place.has("CodeValue") or place.has("LongCodeValue"))


@condition("no-long-or-urn-code", yes={"CodeMeaning": "a"}, no={"LongCodeValue": "a"})
def no_long_or_urn_code(place: Header) -> Answer:
    """there is neither Long Code Value nor URN Code Value."""
    return yes_if(not (place.has("LongCodeValue") or place.has("URNCodeValue")))


@condition("no-code-or-urn-code", no={"CodeValue": "T-1"})
def no_code_or_urn_code(place: Header) -> Answer:
    """there is neither Code Value nor URN Code Value."""
    # Where all three are absent, which of them is wanted depends on the code itself: Code Value is asked for.
    return Answer.NO if place.has("CodeValue") or place.has("URNCodeValue") else Answer.UNKNOWN


@condition("no-code-or-long-code", no={"CodeValue": "T-1"})
def no_code_or_long_code(place: Header) -> Answer:
    """there is neither Code Value nor Long Code Value."""
    return Answer.NO if place.has("CodeValue") or place.has("LongCodeValue") else Answer.UNKNOWN


@condition("coding-scheme", yes={"CodingSchemeDesignator": "DCM"}, no={"URNCodeValue": "urn:oid:1.2"})
def coding_scheme(place: Header) -> Answer:
    """Coding Scheme Designator is present."""
    return yes_if(place.has("CodingSchemeDesignator"))


@condition("coding-scheme-ambiguous", no={"URNCodeValue": "urn:oid:1.2"})
def coding_scheme_ambiguous(place: Header) -> Answer:
    """Coding Scheme Designator does not settle the code without a version."""
    return Answer.UNKNOWN if place.has("CodingSchemeDesignator") else Answer.NO


@condition("context-identifier", yes={"ContextIdentifier": "29"}, no={"CodeValue": "CT"})
def context_identifier(place: Header) -> Answer:
    """Context Identifier is present."""
    return yes_if(place.has("ContextIdentifier"))


@condition("context-group-extended", yes={"ContextGroupExtensionFlag": "Y"}, no={"ContextGroupExtensionFlag": "N"})
def context_group_extended(place: Header) -> Answer:
    """Context Group Extension Flag is Y."""
    return yes_if(place.text("ContextGroupExtensionFlag") == "Y")


# Institutions


@condition("no-institution-code", yes={"InstitutionAddress": "a"}, no={"InstitutionCodeSequence": [{}]})
def no_institution_code(place: Header) -> Answer:
    """there is no Institution Code Sequence."""
    return yes_if(not place.has("InstitutionCodeSequence"))


@condition("no-institution-name", yes={"InstitutionAddress": "a"}, no={"InstitutionName": "a"})
def no_institution_name(place: Header) -> Answer:
    """there is no Institution Name."""
    return yes_if(not place.has("InstitutionName"))
