"""A bounded run of the fuzzer of multi-frame instances; `tests/fuzz_multi_frame.py` says how to make a long one."""

from __future__ import annotations

from fuzz_multi_frame import run

TRIALS = 3000


def test_damaged_multi_frame_instances_break_nothing() -> None:
    report = run(iter(range(TRIALS)))
    assert report.broken == []
    assert report.faulty > TRIALS / 10
    assert len(report.rules) > 30
