"""Attributes that name frames of their own image: frames of interest, masks, display, acquisition context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rules.header import Header
from rules.model import Example, Problem, Severity
from rules.registry import rule


def _of(frames: int, **attributes: object) -> Example:
    return {"NumberOfFrames": str(frames), **attributes}


def _mask(**attributes: object) -> Example:
    return _of(9, MaskSubtractionSequence=[attributes])


@rule(
    "frame-number-outside",
    section="C.7.6.9",
    severity=Severity.WARNING,
    only_with=[
        "FrameNumbersOfInterest",
        "MaskSubtractionSequence",
        "FrameDisplaySequence",
        "AcquisitionContextSequence",
    ],
    good=[_of(9, FrameNumbersOfInterest=[1, 9]), _mask(MaskFrameNumbers=[1, 2], ApplicableFrameRange=[3, 9])],
    bad=[
        _of(9, FrameNumbersOfInterest=[0, 9]),
        _mask(MaskFrameNumbers=[10]),
        _mask(ApplicableFrameRange=[3, 10]),
        _of(9, AcquisitionContextSequence=[{"ReferencedFrameNumbers": [10]}]),
        _of(9, FrameDisplaySequence=[{"StartTrim": "1", "StopTrim": "12"}]),
    ],
)
def frame_number_outside(header: Header) -> Iterator[Problem]:
    """An Attribute names a frame that the image does not have.

    Frames count from 1, and a frame 0 breaks the Standard; one beyond the last may be in another instance of the
    Concatenation. Whoever goes to that frame finds nothing.
    """
    frames = header.integer("NumberOfFrames") if header.has("NumberOfFrames") else 1
    if frames is None or frames < 1:
        return
    frames = frames if not header.has("ConcatenationUID") else 1 << 31
    for place, keyword, section in _places(header):
        numbers = place.integers(keyword)
        wrong = [each for each in numbers if not 1 <= each <= frames]
        if wrong:
            severity = Severity.ERROR if min(wrong) < 1 else None
            told = f"names frame {wrong[0]}, wanted 1 to {frames}" if frames < 1 << 31 else f"names frame {wrong[0]}"
            yield Problem(place.path_of(keyword), told, severity=severity, section=section)


def _places(header: Header) -> Iterator[tuple[Header, str, str]]:
    for sequence, keyword, section in _NUMBERS:
        places: Sequence[Header] = header.items(sequence) if sequence else (header,)
        for place in places:
            if place.has(keyword):
                yield place, keyword, section


_NUMBERS = (
    ("", "FrameNumbersOfInterest", "C.7.6.9"),
    ("MaskSubtractionSequence", "MaskFrameNumbers", "C.7.6.10"),
    ("MaskSubtractionSequence", "ApplicableFrameRange", "C.7.6.10"),
    ("FrameDisplaySequence", "StartTrim", "C.8.19.7"),
    ("FrameDisplaySequence", "StopTrim", "C.8.19.7"),
    ("AcquisitionContextSequence", "ReferencedFrameNumbers", "C.7.6.14"),
)


@rule(
    "frames-of-interest",
    section="C.7.6.9",
    severity=Severity.ERROR,
    only_with=["FrameNumbersOfInterest"],
    good=[_of(9, FrameNumbersOfInterest=[1, 9], FrameOfInterestType=["RWAVE", "TRIGGER"])],
    bad=[
        _of(9, FrameNumbersOfInterest=[1, 9], FrameOfInterestType=["RWAVE"]),
        _of(9, FrameNumbersOfInterest=[1], FrameOfInterestDescription=["a", "b"]),
    ],
)
def frames_of_interest(header: Header) -> Iterator[Problem]:
    """Frames of interest have not each a description, or a type.

    They are matched by their order; with unequal numbers each is said of the wrong frame.
    """
    numbers = len(header.integers("FrameNumbersOfInterest")) if header.has("FrameNumbersOfInterest") else 0
    for keyword in ("FrameOfInterestDescription", "FrameOfInterestType") if numbers else ():
        said = len(header.texts(keyword))
        if said and said != numbers:
            yield Problem(keyword, f"has {said} values for {numbers} frames of FrameNumbersOfInterest")


@rule(
    "mask-frame-ranges",
    section="C.7.6.10.1.1",
    severity=Severity.ERROR,
    only_with=["MaskSubtractionSequence"],
    good=[_mask(ApplicableFrameRange=[1, 3, 5, 9]), _mask(ApplicableFrameRange=[4, 4])],
    bad=[_mask(MaskOperation="REV_TID", ApplicableFrameRange=[5, 9, 1, 3]), _mask(ApplicableFrameRange=[3, 1])],
)
def mask_frame_ranges(header: Header) -> Iterator[Problem]:
    """Ranges of frames that a mask is for run backwards, or are not in order.

    Each is a pair, the first frame and the last. Reversed time interval differencing counts from the first of them
    all; elsewhere only a backward range is at fault.
    """
    for item in header.items("MaskSubtractionSequence"):
        numbers = item.integers("ApplicableFrameRange")
        pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
        backward = next((each for each in pairs if each[0] > each[1]), None)
        if backward is not None:
            told = f"has a range from {backward[0]} to {backward[1]}"
            yield Problem(item.path_of("ApplicableFrameRange"), told, section="C.7.6.10")
        elif item.text("MaskOperation") == "REV_TID" and any(a[0] >= b[0] for a, b in pairwise(pairs)):
            yield Problem(item.path_of("ApplicableFrameRange"), "has ranges that do not begin in increasing order")


def _shown(*ranges: tuple[int, int]) -> Example:
    items = [{"StartTrim": str(start), "StopTrim": str(stop)} for start, stop in ranges]
    return _of(9, FrameDisplaySequence=items)


@rule(
    "frame-display-ranges",
    section="C.8.19.7",
    severity=Severity.ERROR,
    only_with=["FrameDisplaySequence"],
    good=[_shown((1, 3), (4, 9)), _shown((2, 2))],
    bad=[_shown((1, 3), (3, 9)), _shown((1, 3), (5, 9)), _shown((4, 2))],
)
def frame_display_ranges(header: Header) -> Iterator[Problem]:
    """Ranges of frames with a display rate of their own overlap, or leave frames out between them.

    They are adjacent and in increasing order. A viewer does not know how fast to play the frames in between.
    """
    before: int | None = None
    for item in header.items("FrameDisplaySequence"):
        start, stop = item.integer("StartTrim"), item.integer("StopTrim")
        if start is None or stop is None:
            return
        if start > stop:
            yield Problem(item.path_of("StartTrim"), f"is {start}, wanted at most {stop}, the last frame")
        elif before is not None and start != before + 1:
            yield Problem(item.path_of("StartTrim"), f"is {start}, wanted {before + 1}, next to the range before")
        before = stop


def _measured(value: str | list[str], **more: object) -> Example:
    return {"AcquisitionContextSequence": [{"NumericValue": value, **more}]}


@rule(
    "numeric-value-forms",
    section="10.2",
    severity=Severity.ERROR,
    only_with=["AcquisitionContextSequence"],
    good=[
        _measured("0.3", FloatingPointValue=0.3),
        _measured("0.333", RationalNumeratorValue=1, RationalDenominatorValue=3),
    ],
    bad=[
        _measured(["1", "2"], FloatingPointValue=1.0),
        _measured("0.333", RationalNumeratorValue=1, RationalDenominatorValue=0),
        _measured(["1", "2"], RationalNumeratorValue=1, RationalDenominatorValue=[1, 1]),
    ],
)
def numeric_value_forms(header: Header) -> Iterator[Problem]:
    """A number of the acquisition context has other forms that do not go with it.

    Floating point and rational forms have as many values as Numeric Value, and no denominator is 0.
    """
    for item in header.items("AcquisitionContextSequence"):
        wanted = len(item.texts("NumericValue"))
        for keyword in ("FloatingPointValue", "RationalNumeratorValue", "RationalDenominatorValue"):
            numbers = item.numbers(keyword) if item.has(keyword) else ()
            if numbers and len(numbers) != wanted:
                yield Problem(item.path_of(keyword), f"has {len(numbers)} values, and NumericValue has {wanted}")
            elif keyword == "RationalDenominatorValue" and 0 in numbers:
                yield Problem(item.path_of(keyword), "is 0, wanted another")
