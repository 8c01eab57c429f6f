"""Palette Color Lookup Tables: descriptors, data, segmented data (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from struct import unpack

from rules.encode import Element
from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule

_COLORS = ("Red", "Green", "Blue")
_DESCRIPTORS = tuple(f"{color}PaletteColorLookupTableDescriptor" for color in _COLORS)
_DATA = tuple(f"{color}PaletteColorLookupTableData" for color in _COLORS)
_PALETTES = (*_DESCRIPTORS, "OpticalPathSequence")
_ALPHA = "AlphaPaletteColorLookupTableDescriptor"
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def palettes(header: Header) -> Iterator[Header]:
    """Where palettes are: the Data Set, and the optical paths of a slide."""
    if header.has(_DESCRIPTORS[0]) or header.has(_DESCRIPTORS[1]) or header.has(_DESCRIPTORS[2]):
        yield header
    for path in header.items("OpticalPathSequence"):
        yield from path.items("PaletteColorLookupTableSequence")


def descriptor(place: Header, keyword: str) -> tuple[int, int, int] | None:
    """Number of entries, first value mapped and bits of an entry; None where they are not three numbers.

    The first and the third are unsigned whatever the VR (PS3.5 A.2), and 0 entries are 65536.
    """
    values = place.integers(keyword)
    if len(values) != 3:
        return None
    entries, first, bits = values
    return (entries & 0xFFFF) or 0x10000, first, bits & 0xFFFF


def _palette(entries: int = 2, bits: int = 16, data: bytes = bytes(4), **more: object) -> dict[str, object]:
    attributes: dict[str, object] = {"PhotometricInterpretation": "MONOCHROME2"}
    attributes |= {keyword: Element("US", [entries, 0, bits]) for keyword in _DESCRIPTORS}
    return {**attributes, **dict.fromkeys(_DATA, data), **more}


@rule(
    "palette-descriptor",
    section="C.7.6.3.1.5",
    severity=Severity.ERROR,
    only_with=[*_PALETTES],
    good=[
        _palette(),
        _palette(bits=8, data=bytes(2), PhotometricInterpretation="PALETTE COLOR"),
        _palette(bits=8, data=bytes(2), SOPClassUID=iods()["Color Palette"].sop_class_uids[0]),
    ],
    bad=[
        _palette(bits=8, data=bytes(2)),
        _palette(bits=12),
        {**_palette(), _DESCRIPTORS[1]: Element("US", [3, 0, 16])},
        {**_palette(), _DESCRIPTORS[2]: Element("US", [2, 1, 16])},
        {"OpticalPathSequence": [{"PaletteColorLookupTableSequence": [_palette(bits=10)]}]},
    ],
)
def palette_descriptor(header: Header) -> Iterator[Problem]:
    """The descriptors of a palette differ, or have an unusual number of bits.

    Entries and first value mapped are the same for red, green and blue. An entry has 16 bits; 8 too where the Pixel
    Data are indices of a palette, and 8 alone in a Color Palette. Viewers read the tables side by side.
    """
    for place in palettes(header):
        found = [(keyword, descriptor(place, keyword)) for keyword in _DESCRIPTORS]
        known = [(keyword, each) for keyword, each in found if each is not None]
        bits = _bits(header, place)
        for keyword, each in known:
            if each[2] not in bits:
                wanted = " or ".join(map(str, bits))
                yield Problem(place.path_of(keyword), f"has {each[2]} bits an entry, wanted {wanted}", value_number=3)
        for number, what in enumerate(("entries", "as first value mapped", "bits an entry")):
            for keyword, each in known[1:]:
                if each[number] != known[0][1][number] and (number < 2 or each[2] in bits):
                    told = f"has {each[number]} {what}, and {known[0][0]} has {known[0][1][number]}"
                    yield Problem(place.path_of(keyword), told, value_number=number + 1)
        alpha = descriptor(place, _ALPHA) if place.has(_ALPHA) else None
        if alpha is not None and alpha[2] != 8:
            yield Problem(place.path_of(_ALPHA), f"has {alpha[2]} bits an entry, wanted 8", value_number=3)


def _bits(header: Header, place: Header) -> tuple[int, ...]:
    if header.text("SOPClassUID") in iods()["Color Palette"].sop_class_uids:
        return (8,)
    return (8, 16) if place is header and header.text("PhotometricInterpretation") == "PALETTE COLOR" else (16,)


@rule(
    "palette-length",
    section="C.7.6.3.1.5",
    severity=Severity.ERROR,
    only_with=[*_PALETTES],
    good=[_palette(), _palette(entries=3, bits=8, data=bytes(4), PhotometricInterpretation="PALETTE COLOR")],
    bad=[
        _palette(data=bytes(6)),
        _palette(entries=0, data=bytes(4)),
        _palette(entries=4, bits=8, data=bytes(8), PhotometricInterpretation="PALETTE COLOR"),
    ],
)
def palette_length(header: Header) -> Iterator[Problem]:
    """A table of a palette has not as many bytes as its descriptor says.

    It is one byte for each entry of 8 bits, two for one of 16. Entries of 8 bits in two bytes each are a known fault
    of senders, which most viewers see through; that is a warning.
    """
    for place in palettes(header):
        for keyword, data in zip(_DESCRIPTORS, _DATA, strict=True):
            found, length = descriptor(place, keyword), place.length(data)
            if found is None or not length or found[2] not in (8, 16):
                continue
            wanted = found[0] * found[2] // 8
            if length not in (wanted, wanted + wanted % 2):
                severity = Severity.WARNING if found[2] == 8 and length == 2 * wanted else None
                told = f"has {length} bytes, wanted {wanted + wanted % 2} for {found[0]} entries of {found[2]} bits"
                yield Problem(place.path_of(data), told, severity=severity)


def _segmented(*words: int, entries: int = 4) -> Example:
    data = b"".join(word.to_bytes(2, "little") for word in words)
    attributes: Mapping[str, object] = {f"Segmented{keyword}": data for keyword in _DATA}
    return {**{keyword: Element("US", [entries, 0, 16]) for keyword in _DESCRIPTORS}, **attributes}


@rule(
    "palette-segments",
    section="C.7.9.2",
    severity=Severity.ERROR,
    only_with=[*_PALETTES],
    good=[
        _segmented(_DISCRETE, 1, 0, _LINEAR, 3, 65535),
        _segmented(_DISCRETE, 2, 0, 9, _INDIRECT, 1, 0, 0),
    ],
    bad=[
        _segmented(_DISCRETE, 1, 0, _LINEAR, 2, 65535),
        _segmented(_LINEAR, 4, 65535),
        _segmented(_DISCRETE, 9, 0),
        _segmented(7, 4, 0),
        _segmented(_DISCRETE, 2, 0, 9, _INDIRECT, 1, 8, 0),
    ],
)
def palette_segments(header: Header) -> Iterator[Problem]:
    """A segmented palette does not expand to a table of the length that its descriptor says.

    Segments are discrete, linear from the one before, or copies of earlier ones that are no copies themselves. Viewers
    expand them before they can show a colour.
    """
    for place in palettes(header):
        for keyword, data in zip(_DESCRIPTORS, _DATA, strict=True):
            found, raw = descriptor(place, keyword), place.raw(f"Segmented{data}")
            if found is None or not raw or found[2] != 16 or len(raw) % 2:
                continue
            order = ">" if place.encoding.big_endian else "<"
            outcome = _expanded(unpack(f"{order}{len(raw) // 2}H", raw))
            path = place.path_of(f"Segmented{data}")
            if isinstance(outcome, str):
                yield Problem(path, outcome)
            elif outcome != found[0]:
                yield Problem(path, f"expands to {outcome} entries, wanted {found[0]}")


def _expanded(words: Sequence[int]) -> int | str:
    """How many entries segments have together; or what is wrong with them."""
    at = entries = 0
    sizes: dict[int, tuple[int, int]] = {}
    starts: list[int] = []
    while at + 1 < len(words):
        kind, length = words[at], words[at + 1]
        size = {_DISCRETE: 2 + length, _LINEAR: 3, _INDIRECT: 4}.get(kind)
        if size is None:
            return f"has a segment of kind {kind}, wanted 0 to 2"
        if at + size > len(words):
            return "ends within a segment"
        if kind == _LINEAR and not starts:
            return "begins with a linear segment, which has nothing to begin from"
        if kind == _INDIRECT:
            offset = (words[at + 2] | words[at + 3] << 16) // 2
            first = starts.index(offset) if offset in sizes else None
            copied = starts[first : first + length] if first is not None else []
            if len(copied) < length or not length or any(sizes[each][0] == _INDIRECT for each in copied):
                return "copies segments that are none, or copies themselves"
            length = sum(sizes[each][1] for each in copied)
        starts.append(at)
        sizes[at] = (kind, length)
        entries += length
        at += size
    return entries


@rule(
    "palette-samples",
    section="C.7.6.3.1.6",
    severity=Severity.ERROR,
    only_with=[*_PALETTES],
    good=[_palette(SamplesPerPixel=1)],
    bad=[_palette(SamplesPerPixel=3)],
)
def palette_samples(header: Header) -> Iterator[Problem]:
    """There is a palette, and pixels have several samples.

    A palette gives colour to one sample; those of colour images need none.
    """
    samples = header.integer("SamplesPerPixel")
    if samples is not None and samples > 1 and any(place is header for place in palettes(header)):
        yield Problem(_DESCRIPTORS[0], f"is present, and SamplesPerPixel is {samples}")
