"""How stored values become real ones: the Real World Value Mapping (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.checks.value_place import Place, places_within
from rules.dictionary import tag_of
from rules.encode import Element
from rules.encoding import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PIXEL_DATA
from rules.frames import PER_FRAME, SHARED
from rules.header import Header
from rules.model import Example, Finding, Problem, Severity
from rules.registry import run, table_rule
from rules.ucum import is_unit
from rules.values import Value

SEQUENCE = "RealWorldValueMappingSequence"
FIRST, LAST = "RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped"
DOUBLE_FIRST, DOUBLE_LAST = f"DoubleFloat{FIRST}", f"DoubleFloat{LAST}"
LUT, SLOPE, INTERCEPT = "RealWorldValueLUTData", "RealWorldValueSlope", "RealWorldValueIntercept"
UNITS = "MeasurementUnitsCodeSequence"


@dataclass(frozen=True, slots=True)
class MappedItem:
    """One Item of the Real World Value Mapping Sequence, in all frames of one structure, and the pixels it is for.

    `floating` tells whether those are floating point numbers, None where the instance has no pixels. `signed` and
    `bits` are of integer pixels, None where they are not said.
    """

    place: Place
    floating: bool | None
    signed: bool | None
    bits: int | None

    def has(self, keyword: str) -> bool:
        """Whether the Item has a value for the Attribute."""
        return bool(self.place.header.length(keyword))

    def numbers(self, *keywords: str) -> Iterator[tuple[tuple[float | None, ...], Sequence[int]]]:
        """The first numbers of several Attributes, None where absent: each combination once, with its frames."""
        header = self.place.header
        for fields, frames in _combinations(self.place, keywords):
            values = [header.decode(each, raw) if raw else () for each, raw in zip(keywords, fields, strict=True)]
            yield tuple(_number(each) for each in values), frames

    def problem(self, keyword: str, message: str, frames: Sequence[int] = ()) -> Problem:
        """A Problem of an Attribute of the Item, in these frames or in all."""
        return self.place.problem(keyword, message, frames or None)


def real_world_values(header: Header) -> Iterator[Finding]:
    """Judge every Real World Value Mapping of an image: the shared one, those of frames, that of the Data Set."""
    frames = [each for name in (SHARED, PER_FRAME) for each in _within(Place(header), name)]
    for place in (Place(header), *frames):
        items = [_item(header, Place(each, place.stencil)) for each in place.header.items(SEQUENCE)]
        for item in items:
            for rule in _OF_ITEMS:
                yield from run(rule, item)
        if len(items) > 1:
            yield from run(LABEL_REPEATED, items)


def _within(place: Place, name: str) -> Iterator[Place]:
    if place.header.is_sequence(name):
        yield from places_within(place, tag_of(name))


def _item(header: Header, place: Place) -> MappedItem:
    floating: bool | None = header.has(FLOAT_PIXEL_DATA) or header.has(DOUBLE_FLOAT_PIXEL_DATA)
    if not floating and not header.has(PIXEL_DATA):
        floating = None
    signed = {0: False, 1: True}.get(next(iter(header.integers("PixelRepresentation")), -1))
    return MappedItem(place, floating, signed, header.integer("BitsStored"))


def _combinations(place: Place, keywords: Sequence[str]) -> Iterator[tuple[tuple[bytes, ...], Sequence[int]]]:
    fields = [place.fields(tag_of(each)) if place.header.has(each) else {b"": ()} for each in keywords]
    if place.stencil is None or all(len(each) == 1 for each in fields):
        yield tuple([next(iter(each)) for each in fields]), ()
        return
    value_of = [{number: raw for raw, numbers in each.items() for number in numbers} for each in fields]
    found: dict[tuple[bytes, ...], list[int]] = {}
    for number in place.stencil.numbers:
        found.setdefault(tuple([each.get(number, b"") for each in value_of]), []).append(number)
    yield from found.items()


def _number(values: Sequence[Value]) -> float | None:
    return values[0] if values and isinstance(values[0], int | float) else None


_PIXELS: Mapping[str, object] = {"PixelRepresentation": 0, "BitsStored": 16, "PixelData": bytes(2)}
_FLOATS: Mapping[str, object] = {"FloatPixelData": bytes(4)}


def _map(*items: Mapping[str, object], pixels: Mapping[str, object] = _PIXELS) -> Example:
    return {**pixels, SHARED: [{SEQUENCE: list(items)}]}


def _from(first: object, last: object, **more: object) -> Mapping[str, object]:
    return {FIRST: first, LAST: last, **more}


def _line(slope: float) -> Mapping[str, object]:
    return {SLOPE: slope, INTERCEPT: 0.0}


def _vr(item: MappedItem) -> Iterator[Problem]:
    """First or last value mapped has another VR than the pixels ask for.

    Of unsigned pixels it is US, of signed ones SS, and SS of floating point pixels too. By the wrong one a reader
    takes 65535 for -1.
    """
    if item.floating is None or (not item.floating and item.signed is None):
        return
    wanted = "SS" if item.floating or item.signed else "US"
    kind = "floating point" if item.floating else "signed" if item.signed else "unsigned"
    for keyword in (FIRST, LAST):
        element = item.place.header.element(keyword)
        encoded = element[0] if element is not None else None
        if encoded in (b"US", b"SS") and encoded.decode("ascii") != wanted:
            yield item.problem(keyword, f"has VR {encoded.decode('ascii')}, wanted {wanted} of {kind} pixels")


VR = table_rule(
    "real-world-value-vr",
    section="C.7.6.16.2.11.1.2",
    severity=Severity.ERROR,
    good=[
        _map(_from(Element("US", 0), Element("US", 9))),
        _map(_from(Element("SS", 0), Element("SS", 9)), pixels={**_PIXELS, "PixelRepresentation": 1}),
        _map(_from(Element("SS", 0), Element("SS", 9)), pixels=_FLOATS),
    ],
    bad=[
        _map(_from(Element("SS", 0), Element("SS", 9))),
        _map(_from(Element("US", 0), Element("US", 9)), pixels=_FLOATS),
    ],
)(_vr)


def _lut_length(item: MappedItem) -> Iterator[Problem]:
    """Real World Value LUT Data has not one entry for each stored value from the first to the last mapped.

    The first stored value has the first entry, and so on; with another number of them readers look up the wrong one.
    """
    if not item.has(LUT) or not (item.has(FIRST) and item.has(LAST)):
        return
    entries = (item.place.header.length(LUT) or 0) // _ENTRY
    for (first, last), frames in item.numbers(FIRST, LAST):
        if first is None or last is None or last < first:
            continue
        wanted = int(last - first) + 1
        if entries != wanted:
            yield item.problem(LUT, f"has {entries} entries, wanted {wanted} from {first:g} to {last:g}", frames)


_ENTRY = 8
"""Bytes of an FD."""

LUT_LENGTH = table_rule(
    "real-world-value-lut-length",
    section="C.7.6.16.2.11.1.2",
    severity=Severity.ERROR,
    good=[_map(_from(1, 3, **{LUT: [0.0, 1.0, 4.0]}))],
    bad=[_map(_from(1, 3, **{LUT: [0.0, 1.0]})), _map(_from(0, 1, **{LUT: [0.0, 1.0, 4.0]}))],
)(_lut_length)


def _lut_floating(item: MappedItem) -> Iterator[Problem]:
    """A lookup table is to map floating point pixels.

    Of those only slope and intercept are defined: between two entries there is nothing.
    """
    if item.floating and item.has(LUT):
        yield item.problem(LUT, "is present, and the pixels are floating point numbers")


LUT_FLOATING = table_rule(
    "real-world-value-lut-floating",
    section="C.7.6.16.2.11.1.2",
    severity=Severity.WARNING,
    good=[_map(_from(0, 1, **{LUT: [0.0, 1.0]})), _map(_line(2.0), pixels=_FLOATS)],
    bad=[_map({DOUBLE_FIRST: 0.0, DOUBLE_LAST: 1.0, **_line(2.0), LUT: [0.0, 1.0]}, pixels=_FLOATS)],
)(_lut_floating)


def _two_ways(item: MappedItem) -> Iterator[Problem]:
    """A mapping says one thing in two ways: an integer and a double limit, or a line and a lookup table.

    They are meant as alternatives. Readers take one or the other, and where the two differ, get other values.
    """
    for one, other in ((FIRST, DOUBLE_FIRST), (LAST, DOUBLE_LAST), (SLOPE, LUT)):
        if item.has(one) and item.has(other) and not (item.floating and other == LUT):
            yield item.problem(other, f"is present, and so is {one}")


TWO_WAYS = table_rule(
    "real-world-value-two-ways",
    section="C.7.6.16.2.11",
    severity=Severity.WARNING,
    good=[_map(_from(0, 9, **_line(1.0))), _map({DOUBLE_FIRST: 0.0, DOUBLE_LAST: 9.0}, pixels=_FLOATS)],
    bad=[_map(_from(0, 9, **{DOUBLE_FIRST: 0.0})), _map(_from(0, 1, **_line(1.0), **{LUT: [0.0, 1.0]}))],
)(_two_ways)


def _order(item: MappedItem) -> Iterator[Problem]:
    """The first stored value mapped is greater than the last.

    No stored value lies between them, so that nothing is mapped. A reader that goes by the range shows no values.
    """
    for low, high in ((FIRST, LAST), (DOUBLE_FIRST, DOUBLE_LAST)):
        if item.has(low) and item.has(high):
            for (first, last), frames in item.numbers(low, high):
                if first is not None and last is not None and first > last:
                    yield item.problem(low, f"is {first:g}, wanted at most {last:g}, the last", frames)


ORDER = table_rule(
    "real-world-value-order",
    section="C.7.6.16.2.11.1.2",
    # The Standard calls them first and last of a range, and leaves it at that.
    severity=Severity.WARNING,
    good=[_map(_from(0, 9)), _map(_from(5, 5))],
    bad=[_map(_from(9, 0)), _map({DOUBLE_FIRST: 1.5, DOUBLE_LAST: -1.5}, pixels=_FLOATS)],
)(_order)


def _flat(item: MappedItem) -> Iterator[Problem]:
    """The slope of a mapping is 0.

    Every pixel has the same real world value then, which is legal and hardly meant.
    """
    if item.has(SLOPE):
        for (slope,), frames in item.numbers(SLOPE):
            if slope == 0:
                yield item.problem(SLOPE, "is 0", frames)


FLAT = table_rule(
    "real-world-value-flat",
    section="C.7.6.16.2.11.1.2",
    severity=Severity.NOTE,
    good=[_map(_line(-1.0))],
    bad=[_map(_line(0.0))],
)(_flat)


def _beyond(item: MappedItem) -> Iterator[Problem]:
    """The range of mapped values reaches beyond what the pixels can hold.

    Nothing is wrong with that, but sender and reader may not mean the same Bits Stored or sign.
    """
    if item.floating is not False or item.signed is None or item.bits is None or not 0 < item.bits <= 32:
        return
    least, most = (-(1 << item.bits - 1), (1 << item.bits - 1) - 1) if item.signed else (0, (1 << item.bits) - 1)
    for keyword in (FIRST, LAST, DOUBLE_FIRST, DOUBLE_LAST):
        if item.has(keyword):
            for (limit,), frames in item.numbers(keyword):
                if limit is not None and not least <= limit <= most:
                    yield item.problem(keyword, f"is {limit:g}, and pixels hold {least} to {most}", frames)


BEYOND = table_rule(
    "real-world-value-beyond-stored",
    section="C.7.6.16.2.11.1.2",
    severity=Severity.NOTE,
    good=[_map(_from(0, 4095), pixels={**_PIXELS, "BitsStored": 12}), _map(_from(-5, 5), pixels=_FLOATS)],
    bad=[_map(_from(0, 4096), pixels={**_PIXELS, "BitsStored": 12}), _map({DOUBLE_FIRST: -1.0})],
)(_beyond)


def _units(item: MappedItem) -> Iterator[Problem]:
    """A unit is said to be of UCUM, and is none.

    UCUM is case sensitive and has a grammar: mm2/s, not mm^2/s, and s, not sec. Programs that convert units stop
    here, or compute with the wrong one. What has no unit is 1, or a note in braces such as {ratio}.
    """
    for unit in _within(item.place, UNITS):
        header = unit.header
        if not any(scheme.strip() == b"UCUM" for scheme in unit.fields(_SCHEME)):
            continue
        for keyword in ("CodeValue", "LongCodeValue"):
            for raw, frames in unit.fields(tag_of(keyword)).items() if header.has(keyword) else ():
                code = str((*header.decode(keyword, raw), "")[0])
                if code and not is_unit(code):
                    seen = f"is {code}, which is" if _TOKEN.fullmatch(code) else "is"
                    yield unit.problem(keyword, f"{seen} no unit of UCUM", frames or None)


_SCHEME = tag_of("CodingSchemeDesignator")
_TOKEN = re.compile(r"[A-Za-z0-9*^./()\[\]{}'%_+-]{1,16}")


def _unit(code: str, scheme: str = "UCUM") -> Example:
    item = {"CodeValue": code, "CodingSchemeDesignator": scheme, "CodeMeaning": "unit"}
    return _map({UNITS: [item]})


NO_UNIT = table_rule(
    "units-not-ucum",
    section="PS3.16 7.2.2",
    severity=Severity.WARNING,
    good=[*map(_unit, ("mm2/s", "10*-6.mm2/s", "{ratio}", "1", "ml/min/(100.g)", "[hnsf'U]")), _unit("mm^2/s", "99X")],
    bad=[*map(_unit, ("mm^2/s", "sec", "MM2/S", "ml/100g", "HU", "ratio", "no units"))],
)(_units)


def _label_repeated(items: Sequence[MappedItem]) -> Iterator[Problem]:
    """Two mappings of one frame have the same LUT Label.

    The label tells alternative mappings apart; a person who is offered the two cannot choose.
    """
    met: dict[bytes, set[int]] = {}
    for item in items:
        for raw, frames in item.place.fields(_LABEL).items() if item.has("LUTLabel") else ():
            mine, known = set(frames or (0,)), met.setdefault(raw.strip(), set())
            if mine & known:
                yield item.problem("LUTLabel", "is that of an earlier mapping", sorted(mine & known) if frames else ())
            known |= mine


_LABEL = tag_of("LUTLabel")

LABEL_REPEATED = table_rule(
    "real-world-value-label-repeated",
    section="C.7.6.16.2.11.1.1",
    severity=Severity.NOTE,
    good=[
        _map({"LUTLabel": "lin"}, {"LUTLabel": "log"}),
        {PER_FRAME: [{SEQUENCE: [{"LUTLabel": each} for each in names]} for names in (("lin", "log"), ("log", "lin"))]},
    ],
    bad=[
        _map({"LUTLabel": "lin"}, {"LUTLabel": "lin"}),
        {PER_FRAME: [{SEQUENCE: [{"LUTLabel": "lin"}, {"LUTLabel": "lin"}]}, {SEQUENCE: [{"LUTLabel": "log"}] * 2}]},
    ],
)(_label_repeated)

_OF_ITEMS = (VR, LUT_LENGTH, LUT_FLOATING, TWO_WAYS, ORDER, FLAT, BEYOND, NO_UNIT)
