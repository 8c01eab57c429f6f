"""Units of UCUM told from what is none."""

from __future__ import annotations

import pytest
from pydicom.sr import _concepts_dict as concepts

from rules.ucum import is_unit

UNITS = [code for codes in concepts.concepts["UCUM"].values() for code in codes]


@pytest.mark.parametrize("code", UNITS)
def test_every_unit_that_the_content_mapping_resource_lists_is_one(code: str) -> None:
    assert is_unit(code)


@pytest.mark.parametrize(
    "code",
    ["1", "%", "m", "dam2", "kg/m3", "/min", "mm[Hg]", "10*6/ml", "g{wet}/ml", "ml/min/(100.g)", "(m/s)/(m/s)"],
)
def test_a_unit_of_its_grammar_is_one(code: str) -> None:
    assert is_unit(code)


@pytest.mark.parametrize(
    "code",
    [
        *("", " ", "mm^2", "mm2 /s", "sec", "MM2", "ml/100g", "(m/s", "m/s)", "m//s", "m/", "m.", "{open", "\u00b5m"),
        *("kmin", "x" * 99, "(" * 50 + "m" + ")" * 50),
    ],
)
def test_what_is_no_unit_is_none(code: str) -> None:
    assert not is_unit(code)
