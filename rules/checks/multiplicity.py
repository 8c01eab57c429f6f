"""How many values an Attribute has, and how many Items a sequence (PS3.5 6.4, 7.5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from rules.header import Header
from rules.iods import PARAMETRIC_MAP_STORAGE
from rules.model import Problem, Severity
from rules.modules import Row
from rules.registry import table_rule


def _value_count(place: Header, row: Row) -> Iterator[Problem]:
    """An Attribute has fewer or more values than its VM allows.

    Receivers take the values they expect and drop or invent the rest.
    """
    number = len(place.values(row.tag))
    fewest, most, step = multiplicity(row.vm)
    if number < fewest or (most is not None and number > most) or (number - fewest) % step:
        yield Problem(place.path_of(row.keyword), f"has {number} value{'s' * (number != 1)}, VM is {row.vm}")


@cache
def multiplicity(vm: str) -> tuple[int, int | None, int]:
    """Fewest and most values, and the step between: "1" is (1, 1, 1), "2-2n" is (2, None, 2)."""
    low, _, high = vm.partition("-")
    if not high:
        return int(low), int(low), 1
    if high.endswith("n"):
        return int(low), None, int(high[:-1] or 1)
    return int(low), int(high), 1


VALUE_COUNT = table_rule(
    "value-count",
    section="PS3.5 6.4",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "PresentationLUTShape": "IDENTITY"}],
    bad=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "PresentationLUTShape": ["IDENTITY", "IDENTITY"]}],
)(_value_count)


def _item_count(place: Header, row: Row) -> Iterator[Problem]:
    """A sequence has fewer or more Items than its Module allows.

    Where only one Item is allowed, a receiver reads the first and drops the others.
    """
    number = len(place.items(row.tag))
    fewest, most = row.items or (0, None)
    if (number and number < fewest) or (most is not None and number > most):
        wanted = f"{fewest}" if fewest == most else f"at most {most}" if most else f"at least {fewest}"
        yield Problem(
            place.path_of(row.keyword), f"has {number} Item{'s' * (number != 1)}, wanted {wanted}", section=row.section
        )


ITEM_COUNT = table_rule(
    "item-count",
    section="PS3.5 7.5",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ConceptNameCodeSequence": [{"CodeValue": "1"}]}],
    bad=[{"SOPClassUID": PARAMETRIC_MAP_STORAGE, "ConceptNameCodeSequence": [{"CodeValue": "1"}, {"CodeValue": "2"}]}],
)(_item_count)
