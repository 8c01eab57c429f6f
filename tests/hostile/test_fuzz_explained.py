"""Damaged multi-frame instances explained and drawn: refused politely where they cannot be, never with an exception."""

from __future__ import annotations

import random
from contextlib import suppress

from fuzz_multi_frame import SYNTAXES, _damaged

from rules.engine import check, load_rules
from rules.header import read_header
from scp.maps.explain import NotExplained, explain
from scp.maps.picture import render
from scp.maps.pixels import Undecodable

TRIALS = 400


def test_damaged_instances_are_explained_and_drawn_or_refused() -> None:
    explained = drawn = 0
    for seed in range(TRIALS):
        chance = random.Random(seed)
        syntax = chance.choice(SYNTAXES)
        header = read_header(_damaged(chance, syntax), syntax)
        checked = check(header, load_rules())
        with suppress(NotExplained):
            explained += bool(explain(header, checked, ""))
        with suppress(Undecodable):
            drawn += render(header, "", 1).width > 0
    assert explained > TRIALS / 2
    assert drawn > TRIALS / 10
