"""Instances that are large for their kind: read whole or cut off with a finding, in memory that their bytes bound."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from builders import EXPLICIT, ct

from rules.encode import Element, encode
from rules.engine import Checked, check, load_rules
from rules.faults import LIMITS, Limits
from rules.header import read_header
from rules.model import Severity

MEGABYTE = 1 << 20
A_BYTE = 8
"""Bytes of memory for each byte of a header, at most, where its elements are of a usual size."""
AN_ELEMENT = 600
"""Bytes of memory for each element and Item, at most, however small they are."""


def judged(data: bytes, limits: Limits = LIMITS) -> tuple[Checked, int]:
    """What was found, and how many bytes of memory it took at most."""
    rules = load_rules()
    check(read_header(encode(ct(), EXPLICIT), EXPLICIT), rules)  # so that the tables are there
    tracemalloc.start()
    try:
        return check(read_header(data, EXPLICIT, limits=limits), rules), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def loud(found: Checked) -> list[str]:
    return [f"{each.rule} {each.path}" for each in found.findings if each.severity is not Severity.NOTE]


def private(number: int) -> Iterator[tuple[str, object]]:
    """So many private elements in their blocks, of 32 bytes each."""
    for each in range(number):
        group, element = 0x0009 + 2 * (each // 240), 0x1000 + each % 240
        if element == 0x1000:
            yield f"({group:04X},0010)", "MAKER"
        yield f"({group:04X},{element:04X})", Element("LO", "a value of 24 characters")


def test_a_hundred_thousand_elements_are_judged() -> None:
    found, memory = judged(encode(ct(**dict(private(100_000))), EXPLICIT))
    assert loud(found) == []
    assert memory < 100_000 * AN_ELEMENT


def test_the_last_of_a_hundred_thousand_elements_is_looked_at() -> None:
    elements = dict(private(100_000))
    last = list(elements)[-1]
    data = encode(ct(**elements | {last: Element("DA", "20250231")}), EXPLICIT)
    assert loud(check(read_header(data, EXPLICIT), load_rules())) == [f"value-syntax-date {last}"]


@pytest.mark.parametrize("alike", [True, False])
def test_ten_thousand_items_are_judged_and_their_fault_is_one_finding(alike: bool) -> None:
    items = [
        {
            "ReferencedSOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
            "ReferencedSOPInstanceUID": f"1.2.3.{each}" if each % 2 else "1.02",
            **({} if alike else {"PurposeOfReferenceCodeSequence": [], "(0009,0010)": "M" * (1 + each % 50)}),
        }
        for each in range(10_000)
    ]
    data = encode(ct(ReferencedImageSequence=items), EXPLICIT)
    found, memory = judged(data)
    (finding,) = [each for each in found.findings if each.rule == "value-syntax-uid"]
    assert finding.count == 5_000
    assert finding.first == "ReferencedImageSequence[1].ReferencedSOPInstanceUID"
    assert finding.last == "ReferencedImageSequence[9999].ReferencedSOPInstanceUID"
    assert memory < 50_000 * AN_ELEMENT


@pytest.mark.parametrize(
    "value",
    [
        Element("OB", bytes(64 * MEGABYTE)),
        Element("UT", "x" * (64 * MEGABYTE)),
        Element("UC", b"seven_c\\" * (8 * MEGABYTE)),
        Element("OL", b"\0\1" * (32 * MEGABYTE)),
    ],
    ids=lambda each: each.vr,
)
def test_a_header_of_64_megabytes_costs_no_copy_of_itself(value: Element) -> None:
    data = encode(ct(**{"(0009,0010)": "MAKER", "(0009,1001)": value}), EXPLICIT)
    found, memory = judged(data)
    assert loud(found) == []
    assert memory < 2 * MEGABYTE


def test_more_elements_than_the_limit_are_cut_off_with_a_finding() -> None:
    most = 100_000
    item = encode({"ReferencedSOPInstanceUID": "1.2"}, EXPLICIT)
    body = (b"\xfe\xff\0\xe0" + len(item).to_bytes(4, "little") + item) * (most + 1)
    data = b"\x08\0\x40\x11SQ\0\0" + len(body).to_bytes(4, "little") + body
    found, memory = judged(data, Limits(elements=most))
    (cut,) = [each for each in found.findings if each.rule == "undecodable"]
    assert cut.message.startswith(f"more than {most} elements")
    assert memory < A_BYTE * len(data)
    assert not any(each.rule == "undecodable" for each in judged(data)[0].findings)
