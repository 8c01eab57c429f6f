"""Each is told of once in a while, whatever the others do."""

from __future__ import annotations

import pytest

from scp.seldom import Seldom


def test_each_is_told_of_at_once_and_then_once_a_minute() -> None:
    now = 0.0
    refused = Seldom(60, lambda: now)
    assert refused.is_due("a")
    now = 30.0
    assert not refused.is_due("a")
    assert refused.is_due("b")
    now = 60.0
    assert refused.is_due("a")
    assert not refused.is_due("b")


def test_it_remembers_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.seldom.MOST", 3)
    refused = Seldom(60, lambda: 0.0)
    assert all(refused.is_due(str(number)) for number in range(10))
    assert len(refused._told) <= 3
