"""One instance as a part of a Concatenation (PS3.3 C.7.6.16 and C.7.6.16.2.2.4)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.model import Example, Problem, Severity
from rules.registry import rule


def _part(number: int, offset: int, total: int | None = None) -> Example:
    attributes: dict[str, object] = {
        "ConcatenationUID": "1.2.3",
        "InConcatenationNumber": number,
        "ConcatenationFrameOffsetNumber": offset,
    }
    return attributes if total is None else {**attributes, "InConcatenationTotalNumber": total}


_OPHTHALMIC: Example = {"InConcatenationNumber": 1, "InConcatenationTotalNumber": 1}


@rule(
    "concatenation-total",
    section="C.7.6.16",
    severity=Severity.ERROR,
    only_with=["InConcatenationTotalNumber"],
    good=[_part(1, 0, 2), _OPHTHALMIC],
    bad=[_part(1, 0, 1), _part(1, 0, 0)],
)
def concatenation_total(header: Header) -> Iterator[Problem]:
    """A Concatenation is said to have fewer than two instances.

    A single instance is no Concatenation. IODs that never have one say so with a total of 1, and have no
    Concatenation UID.
    """
    total = header.integer("InConcatenationTotalNumber")
    if total is not None and total < 2 and header.has("ConcatenationUID"):
        yield Problem("InConcatenationTotalNumber", f"is {total}, wanted at least 2")


@rule(
    "concatenation-number",
    section="C.7.6.16",
    severity=Severity.ERROR,
    only_with=["InConcatenationNumber"],
    good=[_part(1, 0, 2), _part(2, 5, 2), _part(7, 90)],
    bad=[_part(0, 0), _part(3, 5, 2)],
)
def concatenation_number(header: Header) -> Iterator[Problem]:
    """In-concatenation Number is not a number from 1 to the total.

    The first instance is 1, each next one more. A receiver that waits for all of them waits for ever, or stops early.
    """
    number, total = header.integer("InConcatenationNumber"), header.integer("InConcatenationTotalNumber")
    if number is None:
        return
    if number < 1:
        yield Problem("InConcatenationNumber", f"is {number}, wanted at least 1")
    elif total is not None and 0 < total < number:
        yield Problem("InConcatenationNumber", f"is {number}, wanted at most {total}, the total")


@rule(
    "concatenation-offset",
    section="C.7.6.16",
    severity=Severity.ERROR,
    only_with=["ConcatenationFrameOffsetNumber"],
    good=[_part(1, 0), _part(2, 5), _part(2, 1)],
    bad=[_part(1, 1), _part(2, 0), _part(4, 2)],
)
def concatenation_offset(header: Header) -> Iterator[Problem]:
    """Concatenation Frame Offset Number does not go with In-concatenation Number.

    The first instance begins with frame 0, and each one before this has at least one frame. Frames put together by the
    offset end up in the wrong place.
    """
    number, offset = header.integer("InConcatenationNumber"), header.integer("ConcatenationFrameOffsetNumber")
    if number is None or offset is None or number < 1:
        return
    if number == 1 and offset != 0:
        yield Problem("ConcatenationFrameOffsetNumber", f"is {offset}, wanted 0 in the first instance")
    elif offset < number - 1:
        yield Problem("ConcatenationFrameOffsetNumber", f"is {offset}, wanted {number - 1} or more")


@rule(
    "concatenation-source-is-this",
    section="C.7.6.16.1.3",
    severity=Severity.NOTE,
    only_with=["SOPInstanceUIDOfConcatenationSource"],
    good=[{"SOPInstanceUID": "1.2.3", "SOPInstanceUIDOfConcatenationSource": "1.2.4"}],
    bad=[{"SOPInstanceUID": "1.2.3", "SOPInstanceUIDOfConcatenationSource": "1.2.3"}],
)
def concatenation_source_is_this(header: Header) -> Iterator[Problem]:
    """The instance has the SOP Instance UID of the instance that its Concatenation was made from.

    The source holds all frames and this one only some; under one UID a receiver takes one for the other.
    """
    source = header.text("SOPInstanceUIDOfConcatenationSource")
    if source is not None and source == header.text("SOPInstanceUID"):
        yield Problem("SOPInstanceUIDOfConcatenationSource", "is the SOP Instance UID of this instance")
