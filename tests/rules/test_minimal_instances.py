"""A smallest conformant instance of every IOD: nothing is found in it, and what is taken out of it is missed."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from minimal import Attributes, instance, required_paths

from rules.encode import header_of
from rules.engine import check, load_rules
from rules.iods import iods
from rules.model import Finding, Severity

NOT_CLEAN: dict[str, str] = {}
"""IODs of which no clean instance can be made, with the reason."""
MOST_REMOVED = 150
"""Attributes taken out of one instance, spread over all that it must have."""


@cache
def smallest(iod: str) -> Attributes:
    return instance(iod)


def findings(attributes: Attributes) -> tuple[Finding, ...]:
    return check(header_of(attributes), load_rules()).findings


@pytest.mark.parametrize("iod", iods())
def test_nothing_is_found_in_a_smallest_instance(iod: str) -> None:
    loud = [each for each in findings(smallest(iod)) if each.severity is not Severity.NOTE]
    assert loud == [] or iod in NOT_CLEAN


@pytest.mark.parametrize("iod", iods())
def test_each_required_attribute_is_missed(iod: str) -> None:
    paths = list(required_paths(smallest(iod), iod))
    assert paths
    for steps in paths[:: max(1, len(paths) // MOST_REMOVED)]:
        if steps == ("SOPClassUID",):
            continue
        found = {(each.rule, each.path) for each in findings(without(smallest(iod), steps))}
        assert ("attribute-missing", written(steps)) in found


def without(attributes: Attributes, steps: tuple[str | int, ...]) -> Attributes:
    changed = deepcopy(attributes)
    place: Any = changed
    for step in steps[:-1]:
        place = place[step]
    del place[steps[-1]]
    return changed


def written(steps: tuple[str | int, ...]) -> str:
    path = ""
    for step in steps:
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if path else step
    return path
