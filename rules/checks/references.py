"""References to SOP Instances: class and instance come together (PS3.3 Table 10-11)."""

from __future__ import annotations

from collections.abc import Iterator
from operator import methodcaller

from rules.checks.value_place import Place, stated
from rules.dictionary import tag_of
from rules.model import Finding, Severity
from rules.registry import run
from rules.single_frame import is_single_frame_class

SOP_CLASS = tag_of("ReferencedSOPClassUID")
SOP_INSTANCE = tag_of("ReferencedSOPInstanceUID")
FRAME_NUMBER = tag_of("ReferencedFrameNumber")
TAGS = frozenset((SOP_CLASS, SOP_INSTANCE))
STORAGE = b"1.2.840.10008.5.1.4.1.1."
"""The Standard's root of SOP Classes that are stored: no instance has a UID under it."""
_is_reserved = methodcaller("startswith", STORAGE)
CLASS_ALONE = frozenset(map(tag_of, ("OutputInformationSequence", "OutputDestinationSequence")))
"""Sequences whose Items tell what is to be stored, and may name a class without an instance."""

FRAME_ALWAYS = frozenset((tag_of("ReferencedOphthalmicAxialLengthMeasurementQCImageSequence"),))
"""Sequences whose Items name a frame whatever the image (PS3.3 C.8.25.14)."""


def reference(place: Place) -> Iterator[Finding]:
    """Judge an Item that has one of `TAGS`."""
    named = place.distinct(SOP_INSTANCE) if place.header.has(SOP_INSTANCE) else ()
    for uid, numbers in place.fields(SOP_INSTANCE).items() if any(map(_is_reserved, named)) else ():
        if _is_reserved(uid):
            told = "is under the root of the Standard, reserved for what that defines"
            yield from run(RESERVED, [place.problem(SOP_INSTANCE, told, numbers or None)])
    if place.header.has(FRAME_NUMBER) and place.header.has(SOP_CLASS) and place.header.sequence not in FRAME_ALWAYS:
        for uid, numbers in place.fields(SOP_CLASS).items():
            if is_single_frame_class(uid.rstrip(b"\0 ").decode("latin-1")):
                told = "is present, and instances of that SOP Class have one frame"
                yield from run(ONE_FRAME, [place.problem(FRAME_NUMBER, told, numbers or None)])
    has_class, has_instance = (bool(place.header.length(tag)) for tag in (SOP_CLASS, SOP_INSTANCE))
    if has_class == has_instance:
        return
    if has_class:
        if place.header.sequence not in CLASS_ALONE:
            told = "is absent or empty, and Referenced SOP Class UID is there"
            yield from run(INCOMPLETE, [place.problem(SOP_INSTANCE, told)])
    else:
        told = "is absent or empty, and Referenced SOP Instance UID is there"
        yield from run(INCOMPLETE, [place.problem(SOP_CLASS, told)])


INCOMPLETE = stated(
    "reference-incomplete",
    "PS3.3 10.8",
    Severity.ERROR,
    """A reference names a SOP Instance without its class, or a class without the instance.

    A receiver can ask for an instance only with both.
    """,
    good=[{"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2", "ReferencedSOPInstanceUID": "1.3"}]}],
    bad=[
        {"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2"}]},
        {"ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.3"}]},
        {"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2", "ReferencedSOPInstanceUID": ""}]},
    ],
)

RESERVED = stated(
    "reference-reserved",
    "PS3.5 9",
    Severity.ERROR,
    """A reference names an instance by a UID under the root of the Standard.

    That root is reserved for what the Standard defines, SOP Classes among it; nobody can have an instance there.
    """,
    good=[{"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2", "ReferencedSOPInstanceUID": "1.3"}]}],
    bad=[
        {
            "ReferencedImageSequence": [
                {"ReferencedSOPClassUID": "1.2", "ReferencedSOPInstanceUID": "1.2.840.10008.5.1.4.1.1.481.3.15"}
            ]
        }
    ],
)


def _frame_of(sop_class: str) -> dict[str, object]:
    item = {"ReferencedSOPClassUID": sop_class, "ReferencedSOPInstanceUID": "1.3", "ReferencedFrameNumber": "1"}
    return {"ReferencedImageSequence": [item]}


ONE_FRAME = stated(
    "reference-frame-of-one",
    "PS3.3 10.3",
    Severity.ERROR,
    """A reference names a frame of an instance whose SOP Class has one frame.

    Referenced Frame Number is for multi-frame images and may not be there otherwise (PS3.5 7.4.2).
    """,
    good=[_frame_of("1.2.840.10008.5.1.4.1.1.2.1")],
    bad=[_frame_of("1.2.840.10008.5.1.4.1.1.2")],
)
