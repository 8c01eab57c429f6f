"""What the stored values of a frame mean: mapping, units, quantity, window, colours, where the frame lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.frames import PER_FRAME, SHARED
from rules.header import Header


@dataclass(frozen=True, slots=True)
class Code:
    """A coded entry."""

    value: str
    scheme: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.meaning} ({self.value}, {self.scheme})" if self.meaning else f"{self.value}, {self.scheme}"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One Item of the Real World Value Mapping: stored values from `first` to `last` to real ones.

    By `slope` and `intercept`, or by `lut`, which has the real value of each stored one.
    """

    label: str
    explanation: str
    units: Code | None
    quantity: tuple[tuple[str, str], ...]
    first: float | None
    last: float | None
    slope: float | None
    intercept: float | None
    lut: tuple[float, ...]

    def real(self, stored: float) -> float | None:
        """The real value of a stored one; None where there is none."""
        if self.slope is not None and self.intercept is not None:
            return self.slope * stored + self.intercept
        if self.lut and self.first is not None:
            at = round(stored - self.first)
            return self.lut[at] if 0 <= at < len(self.lut) else None
        return None

    @property
    def unit(self) -> str:
        """The units as a person writes them: "mm²/s"; nothing for what has none."""
        return "" if self.units is None else written(self.units)

    @property
    def formula(self) -> str:
        """How a real value comes from a stored one, in words."""
        if self.slope is not None and self.intercept is not None:
            sign = "-" if self.intercept < 0 else "+"
            rest = f" {sign} {abs(self.intercept):g}" if self.intercept else ""
            return f"{self.slope:g} x stored{rest}" if self.slope != 1 else f"stored{rest}"
        return f"looked up, {len(self.lut)} values" if self.lut else "not said"


_SUPERSCRIPTS = str.maketrans({"2": "\u00b2", "3": "\u00b3"})


def written(units: Code) -> str:
    """A unit for a person: mm2/s as mm²/s, {ratio} and 1 as nothing at all."""
    if units.scheme != "UCUM":
        return units.meaning or units.value
    if units.value in ("1", "") or (units.value.startswith("{") and units.value.endswith("}")):
        return units.value.strip("{}") if units.value.startswith("{") else ""
    letters: list[str] = []
    for letter in units.value:
        after_unit = bool(letters) and letters[-1].isalpha()
        letters.append(letter.translate(_SUPERSCRIPTS) if after_unit else letter)
    return "".join(letters).replace("um", "\u00b5m").replace("10*", "10^").replace(".", "\u00b7")


def frame_groups(header: Header, frame: int) -> Iterator[Header]:
    """Where the functional groups of a frame are: its own Item, then the shared one."""
    items = header.stencils(PER_FRAME)
    if any(frame in stencil.numbers for stencil in items):
        yield header.item_at(PER_FRAME, frame)
    yield from header.items(SHARED)[:1]


def group(header: Header, frame: int, sequence: str) -> Header | None:
    """The first Item of a functional group of a frame; None where it has none."""
    for place in frame_groups(header, frame):
        for item in place.items(sequence)[:1]:
            return item
    return None


def mappings(header: Header, frame: int) -> tuple[Mapping, ...]:
    """The Real World Value Mappings of a frame, or those of the image."""
    for place in (*frame_groups(header, frame), header):
        items = place.items("RealWorldValueMappingSequence")
        if items:
            return tuple(_mapping(item) for item in items)
    return ()


def _mapping(item: Header) -> Mapping:
    units = code_in(item, "MeasurementUnitsCodeSequence")
    return Mapping(
        label=item.text("LUTLabel") or "",
        explanation=item.text("LUTExplanation") or "",
        units=units,
        quantity=tuple(_quantity(item)),
        first=_number(item, "RealWorldValueFirstValueMapped", "DoubleFloatRealWorldValueFirstValueMapped"),
        last=_number(item, "RealWorldValueLastValueMapped", "DoubleFloatRealWorldValueLastValueMapped"),
        slope=_number(item, "RealWorldValueSlope"),
        intercept=_number(item, "RealWorldValueIntercept"),
        lut=item.numbers("RealWorldValueLUTData") if item.has("RealWorldValueLUTData") else (),
    )


def _quantity(item: Header) -> Iterator[tuple[str, str]]:
    """Name and value of each Content Item of the Quantity Definition."""
    for each in item.items("QuantityDefinitionSequence"):
        name, value = code_in(each, "ConceptNameCodeSequence"), code_in(each, "ConceptCodeSequence")
        told = str(value) if value is not None else each.text("NumericValue") or each.text("TextValue") or ""
        yield (name.meaning or name.value) if name is not None else "", told


def code_in(place: Header, sequence: str) -> Code | None:
    """The first coded entry of a Sequence."""
    for item in place.items(sequence)[:1]:
        value = item.text("CodeValue") or item.text("LongCodeValue") or item.text("URNCodeValue") or ""
        return Code(value, item.text("CodingSchemeDesignator") or "", item.text("CodeMeaning") or "")
    return None


def _number(place: Header, *keywords: str) -> float | None:
    for keyword in keywords:
        if place.has(keyword):
            number = place.number(keyword)
            if number is not None:
                return number
    return None


def window(header: Header, frame: int) -> tuple[float, float] | None:
    """The stored values between which a frame is to be seen, by its first window; None where it has none.

    Where a rescaling that is not the identity stands before the window, it is taken back.
    """
    voi = group(header, frame, "FrameVOILUTSequence") or header
    center, width = _number(voi, "WindowCenter"), _number(voi, "WindowWidth")
    if center is None or width is None or width <= 0:
        return None
    low, high = center - width / 2, center + width / 2
    rescaling = group(header, frame, "PixelValueTransformationSequence") or header
    slope, intercept = _number(rescaling, "RescaleSlope"), _number(rescaling, "RescaleIntercept")
    if slope and intercept is not None:
        low, high = (low - intercept) / slope, (high - intercept) / slope
    return (low, high) if low <= high else (high, low)


def color_range(header: Header, frame: int) -> tuple[float, float] | None:
    """The stored values that the palette is stretched over; None where the frame is not in colours."""
    item = group(header, frame, "StoredValueColorRangeSequence")
    if item is None or header.text("PixelPresentation") != "COLOR_RANGE":
        return None
    least, most = item.number("MinimumStoredValueMapped"), item.number("MaximumStoredValueMapped")
    return (least, most) if least is not None and most is not None and least < most else None


def padding(header: Header) -> tuple[float, float] | None:
    """The stored values that mean nothing, from the least to the greatest; None where none do."""
    for value, limit in _PADDINGS:
        number = _number(header, value)
        if number is not None:
            other = _number(header, limit)
            both = (number, number if other is None else other)
            return min(both), max(both)
    return None


_PADDINGS = (
    ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
)


def spacing(header: Header, frame: int) -> tuple[float, float] | None:
    """The distances from row to row and from column to column, in millimetres."""
    place = group(header, frame, "PixelMeasuresSequence") or header
    found: Sequence[float] = place.numbers("PixelSpacing") if place.has("PixelSpacing") else ()
    return (found[0], found[1]) if len(found) == 2 and min(found) > 0 else None


def segment_label(header: Header, frame: int) -> str:
    """The label of the segment that a frame shows; "" where it shows none."""
    item = group(header, frame, "SegmentIdentificationSequence")
    number = item.integer("ReferencedSegmentNumber") if item is not None else None
    for segment in header.items("SegmentSequence") if number is not None else ():
        if segment.integer("SegmentNumber") == number:
            return segment.text("SegmentLabel") or ""
    return ""
