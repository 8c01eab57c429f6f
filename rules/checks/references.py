"""References to SOP Instances: class and instance come together (PS3.3 Table 10-11)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.checks.value_place import Place, stated
from rules.dictionary import tag_of
from rules.model import Finding, Severity
from rules.registry import run

SOP_CLASS = tag_of("ReferencedSOPClassUID")
SOP_INSTANCE = tag_of("ReferencedSOPInstanceUID")
TAGS = frozenset((SOP_CLASS, SOP_INSTANCE))
CLASS_ALONE = frozenset(("OutputInformationSequence", "OutputDestinationSequence"))
"""Sequences whose Items tell what is to be stored, and may name a class without an instance."""


def reference(place: Place) -> Iterator[Finding]:
    """Judge an Item that has one of `TAGS`."""
    has_class, has_instance = (bool(place.header.length(tag)) for tag in (SOP_CLASS, SOP_INSTANCE))
    if has_class == has_instance:
        return
    if has_class:
        sequence = place.header.path.rpartition(".")[2].partition("[")[0]
        if sequence not in CLASS_ALONE:
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
