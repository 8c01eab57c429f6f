"""How many values an Attribute may have, and how many Items a Sequence (PS3.5 6.4, 7.5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from rules.header import Header
from rules.iods import PARAMETRIC_MAP_STORAGE
from rules.model import Problem, Severity
from rules.modules import Row
from rules.registry import table_rule


def _item_count(place: Header, row: Row, number: int, fewest: int, most: int | None) -> Iterator[Problem]:
    """A Sequence has fewer or more Items than its Module allows.

    Where only one Item is allowed, a receiver reads the first and drops the others.
    """
    wanted = f"at least {fewest}" if most is None else f"{most}" if fewest == most else f"at most {most}"
    told = f"has {number} Item{'s' * (number != 1)}, wanted {wanted}"
    yield Problem(place.path_of(row.tag), told, section=row.section)


ITEM_COUNT = table_rule(
    "item-count",
    section="PS3.5 7.5",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ConceptNameCodeSequence": [{"CodeValue": "1"}]}],
    bad=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ConceptNameCodeSequence": [{"CodeValue": "1"}, {"CodeValue": "2"}]}],
)(_item_count)


@cache
def multiplicity(vm: str) -> tuple[int, int | None, int]:
    """Fewest and most values, and the step between: "1" is (1, 1, 1), "2-2n" is (2, None, 2)."""
    low, _, high = vm.partition("-")
    if not high:
        return int(low), int(low), 1
    if high.endswith("n"):
        return int(low), None, int(high[:-1] or 1)
    return int(low), int(high), 1
