"""What is to be seen of pixels: windows and lookup tables (PS3.3 C.11.2.1.1 to C.11.2.1.3, and C.11.1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.checks.value_place import Place, places_within
from rules.dictionary import tag_of
from rules.encode import Element
from rules.frames import PER_FRAME, SHARED, frame_values
from rules.header import Header
from rules.model import Example, Problem, Severity
from rules.registry import rule

_GROUP = "FrameVOILUTSequence"


@rule(
    "window-width",
    section="C.11.2.1.2",
    severity=Severity.ERROR,
    only_with=["WindowWidth", SHARED, PER_FRAME],
    good=[
        {"WindowCenter": "40", "WindowWidth": "1"},
        {"WindowCenter": "0.5", "WindowWidth": "0.5", "VOILUTFunction": "SIGMOID"},
        {"SharedFunctionalGroupsSequence": [{_GROUP: [{"WindowCenter": "40", "WindowWidth": "400"}]}]},
    ],
    bad=[
        {"WindowCenter": "40", "WindowWidth": "0"},
        {"WindowCenter": ["40", "50"], "WindowWidth": ["400", "0.5"]},
        {"WindowCenter": "0", "WindowWidth": "0", "VOILUTFunction": "LINEAR_EXACT"},
        {"PerFrameFunctionalGroupsSequence": [{_GROUP: [{"WindowCenter": "40", "WindowWidth": "-1"}]}]},
    ],
)
def window_width(header: Header) -> Iterator[Problem]:
    """A Window Width is too small for its VOI LUT Function.

    LINEAR, and no function at all, want at least 1; the others a width above 0. Viewers divide by it, or show an
    image in one gray.
    """
    if header.has("WindowWidth"):
        message = _too_small(header, header.numbers("WindowWidth"))
        if message is not None:
            yield Problem("WindowWidth", message)
    for seen in frame_values(header, _GROUP, "WindowWidth"):
        if any(width < 1 for width in seen.numbers):
            message = _too_small(seen.group, seen.numbers)
            if message is not None:
                yield seen.problem(message)


def _too_small(place: Header, widths: tuple[float, ...]) -> str | None:
    function = place.text("VOILUTFunction") or "LINEAR"
    for width in widths:
        if function == "LINEAR" and width < 1:
            return f"is {width:g}, wanted at least 1"
        if function != "LINEAR" and width <= 0:
            return f"is {width:g}, wanted more than 0"
    return None


def _window(centers: list[str], widths: list[str]) -> dict[str, object]:
    return {"WindowCenter": centers, "WindowWidth": widths}


@rule(
    "window-count",
    section="C.11.2.1.2",
    severity=Severity.ERROR,
    only_with=["WindowCenter", SHARED, PER_FRAME],
    good=[_window(["40", "600"], ["400", "1500"]), {SHARED: [{_GROUP: [_window(["40"], ["400"])]}]}],
    bad=[
        _window(["40", "600"], ["400"]),
        {PER_FRAME: [{_GROUP: [_window(["40"], ["400", "1500"])]}]},
    ],
)
def window_count(header: Header) -> Iterator[Problem]:
    """There are not as many Window Centers as Window Widths.

    They are pairs, each an alternative view; of one without the other nobody can tell which it was for.
    """
    for place in _windows(header):
        if not (place.header.has("WindowCenter") and place.header.has("WindowWidth")):
            continue
        centers, widths = (_counts(place, each) for each in ("WindowCenter", "WindowWidth"))
        for center, frames in centers.items():
            for width, others in widths.items():
                both = sorted(frames & others)
                if center != width and both:
                    told = f"has {width} value{'s' * (width != 1)}, and WindowCenter has {center}"
                    yield place.problem("WindowWidth", told, both if place.stencil is not None else None)


def _counts(place: Place, keyword: str) -> dict[int, set[int]]:
    """How many values there are, each number with the frames that have so many; frame 0 where there are no frames."""
    counts: dict[int, set[int]] = {}
    for raw, numbers in place.fields(tag_of(keyword)).items():
        if raw:
            counts.setdefault(raw.count(b"\\") + 1, set()).update(numbers or (0,))
    return counts


def _windows(header: Header) -> Iterator[Place]:
    """Where windows are: the Data Set, and the functional groups for them."""
    yield Place(header)
    for name in (SHARED, PER_FRAME):
        if header.is_sequence(name):
            for frame in places_within(Place(header), tag_of(name)):
                for item in frame.header.items(_GROUP):
                    yield Place(item, frame.stencil)


@rule(
    "window-of-colour",
    section="C.11.2.1.2",
    severity=Severity.ERROR,
    only_with=["WindowCenter", "WindowWidth", "VOILUTFunction"],
    good=[{"PhotometricInterpretation": "MONOCHROME2", **_window(["40"], ["400"])}],
    bad=[{"PhotometricInterpretation": "RGB", **_window(["40"], ["400"])}],
)
def window_of_colour(header: Header) -> Iterator[Problem]:
    """A colour image has a window.

    Windows are for monochrome images alone, and have no meaning for others: viewers that apply it change colours.
    """
    said = header.text("PhotometricInterpretation")
    if said is not None and not said.startswith("MONOCHROME"):
        for keyword in ("WindowCenter", "WindowWidth", "VOILUTFunction"):
            if header.length(keyword):
                yield Problem(keyword, f"is present, and PhotometricInterpretation is {said}")
                return


def _lut(entries: int, bits: int, data: bytes, sequence: str = "VOILUTSequence") -> Example:
    return {sequence: [{"LUTDescriptor": Element("US", [entries, 0, bits]), "LUTData": data}]}


@rule(
    "lut-descriptor",
    section="C.11.2.1.1",
    severity=Severity.ERROR,
    only_with=["ModalityLUTSequence", "VOILUTSequence", SHARED, PER_FRAME],
    good=[_lut(2, 16, bytes(4)), _lut(2, 8, bytes(2)), _lut(2, 12, bytes(4))],
    bad=[_lut(2, 17, bytes(4)), _lut(2, 16, bytes(6)), _lut(2, 10, bytes(4), "ModalityLUTSequence")],
)
def lut_descriptor(header: Header) -> Iterator[Problem]:
    """A lookup table has not as many bytes as its descriptor says, or an odd number of bits.

    Entries have 8 to 16 bits, and more than 8 take two bytes; those of a Modality LUT have 8 or 16. Entries of 8 bits
    in two bytes each are a known fault of senders, which most viewers see through; that is a warning.
    """
    for place in _windows(header):
        for sequence in ("ModalityLUTSequence", "VOILUTSequence"):
            for item in place.header.items(sequence):
                yield from _lut_problems(Place(item, place.stencil), sequence == "ModalityLUTSequence")


def _lut_problems(place: Place, modality: bool) -> Iterator[Problem]:
    section = "C.11.1.1" if modality else None
    length = place.header.length("LUTData")
    if not place.header.has("LUTDescriptor"):
        return
    for raw, frames in place.fields(tag_of("LUTDescriptor")).items():
        values = [each for each in place.header.decode("LUTDescriptor", raw) if isinstance(each, int)]
        if len(values) != 3:
            continue
        entries, bits = (values[0] & 0xFFFF) or 0x10000, values[2] & 0xFFFF
        if not 8 <= bits <= 16 or (modality and bits not in (8, 16)):
            told = f"has {bits} bits an entry, wanted {'8 or 16' if modality else '8 to 16'}"
            yield place.problem("LUTDescriptor", told, frames or None, value_number=3, section=section)
            continue
        wanted = entries * (1 if bits == 8 else 2)
        if length and length not in (wanted, wanted + wanted % 2):
            severity = Severity.WARNING if bits == 8 and length == 2 * wanted else None
            told = f"has {length} bytes, wanted {wanted + wanted % 2} for {entries} entries of {bits} bits"
            yield place.problem("LUTData", told, frames or None, severity=severity, section=section)
