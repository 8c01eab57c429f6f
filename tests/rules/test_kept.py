"""What is kept to be known again has an end, and what is asked for often is not what goes."""

from __future__ import annotations

import random

import pytest
from builders import ct
from growth import growth

from rules import asking, plan, topics
from rules import attributes as reader
from rules.dictionary import TAGS, vr_of
from rules.encode import header_of
from rules.engine import check, load_rules
from rules.kept import Kept
from rules.known import Memory


def test_so_many_are_kept_at_most_and_those_asked_for_often_among_them() -> None:
    kept: Kept[int, str] = Kept(100)
    kept.put(-1, "often")
    for number in range(1000):
        assert kept.put(number, str(number)) == str(number)
        assert kept.get(number) == str(number)
        assert kept.get(-1) == "often"
        assert len(kept) <= 100
    assert kept.get(999) == "999"
    assert kept.get(3) is None


def test_ever_new_structures_do_not_make_memory_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (plan, "OUTLINES"),
        (plan, "MAKEUPS"),
        (plan, "ROOTS"),
        (asking, "_AMONG"),
        (asking, "_LEFT"),
    ):
        monkeypatch.setattr(module, name, Kept(20))
    monkeypatch.setattr(reader, "MEMORY", Memory(10_000))
    topics._structure.cache_clear()
    chance = random.Random(4)
    names = [
        name for name, tag in TAGS.items() if vr_of(tag) in ("LO", "SH", "CS", "SQ") and 0x00080000 < tag < 1 << 30
    ]

    def send(_: int) -> None:
        more = {
            name: [{"CodeValue": name[:16]}] if vr_of(TAGS[name]) == "SQ" else "X" for name in chance.sample(names, 9)
        }
        check(header_of({**ct(), **more}), load_rules())

    # Entries and conditions are made as Attributes are met; nearly all have been by then.
    grown = growth(send, first=1500, more=300)
    topics._structure.cache_clear()
    assert grown < 1_500_000
