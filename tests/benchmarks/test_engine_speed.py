"""Instances against their fact tables. Figures: `pytest tests/benchmarks --benchmark-only`; else each is called once.

The headers are walked and judged once before the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from maps import PER_FRAME, frame, parametric_map
from minimal import instance

from rules.encode import encode
from rules.header import Header, read_header
from rules.instance import judge_instance
from rules.judge import Judge
from rules.model import Finding
from rules.plan import plan
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN


@pytest.fixture
def once(benchmark: Any, request: pytest.FixtureRequest) -> Any:
    """Time a function, in a normal run a single time."""
    if request.config.getoption("benchmark_only"):
        return benchmark
    return lambda function: benchmark.pedantic(function, rounds=1, iterations=1)


def walked(attributes: dict[str, Any]) -> Header:
    header = read_header(encode(attributes, EXPLICIT_VR_LITTLE_ENDIAN), EXPLICIT_VR_LITTLE_ENDIAN)
    assert header.faults == ()
    judged(header)()
    return header


def judged(header: Header) -> Callable[[], list[Finding]]:
    asked = plan(header.text("SOPClassUID") or "")
    assert asked is not None

    def judge() -> list[Finding]:
        found: list[Finding] = []
        judge_instance(Judge(asked, found.append), header, frozenset(header.tags()))
        return found

    return judge


@pytest.mark.parametrize("iod", ["CT Image", "MR Image", "Ultrasound Image", "Enhanced MR Image", "Comprehensive SR"])
def test_a_smallest_instance(once: Any, iod: str) -> None:
    assert once(judged(walked(deepcopy(instance(iod))))) == []


@pytest.mark.parametrize("frames", [40, 2000])
def test_a_map_of_many_frames(once: Any, frames: int) -> None:
    each = [{**frame(), "PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", f"{n}"]}]} for n in range(frames)]
    attributes = parametric_map(**{PER_FRAME: each, "NumberOfFrames": str(frames)})
    found = once(judged(walked(attributes)))
    assert [each.rule for each in found] == ["functional-group-twice"]
