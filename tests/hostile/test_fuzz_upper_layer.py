"""A bounded run of the fuzzer of the upper layer; `tests/fuzz_upper_layer.py` says how to make a long one."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_upper_layer import run

TRIALS = 200


@pytest.mark.parametrize("path", ["fast", "stock"])
def test_damaged_associations_break_nothing_and_leave_nothing(tmp_path: Path, path: str) -> None:
    report = run(tmp_path, path, iter(range(TRIALS)))
    assert report.broken == []
    assert report.trials == TRIALS
    assert report.answers["PDU 2"] > TRIALS / 4
    assert report.answers["PDU 4"] > TRIALS / 10
    assert report.answers["PDU 7"] > TRIALS / 20
