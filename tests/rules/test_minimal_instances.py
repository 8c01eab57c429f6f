"""A smallest conformant instance of every IOD: nothing is found in it, and what is taken out of it is missed."""

from __future__ import annotations

from functools import cache

import pytest
from minimal import Attributes, instance, missed

from rules.encode import header_of
from rules.engine import check, load_rules
from rules.header import Header
from rules.iods import iods
from rules.model import Finding, Severity


@cache
def smallest(iod: str) -> Attributes:
    return instance(iod)


def findings(header: Header) -> tuple[Finding, ...]:
    return check(header, load_rules()).findings


@pytest.mark.parametrize("iod", iods())
def test_nothing_is_found_in_a_smallest_instance(iod: str) -> None:
    assert [each for each in findings(header_of(smallest(iod))) if each.severity is not Severity.NOTE] == []


@pytest.mark.parametrize("iod", iods())
def test_each_required_attribute_is_missed(iod: str) -> None:
    taken = dict(missed(smallest(iod), iod))
    assert [path for path, found in taken.items() if not found] == []
    assert taken


def test_what_is_not_required_is_not_missed() -> None:
    header = header_of({name: value for name, value in smallest("CT Image").items() if name != "SOPInstanceUID"})
    assert [each.path for each in findings(header) if each.rule == "attribute-missing"] == ["SOPInstanceUID"]
