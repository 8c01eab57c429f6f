from __future__ import annotations

import pytest

from rules.wording import listed, outside, shown


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("PRIMAY", "is PRIMAY: did you mean PRIMARY? Wanted PRIMARY or SECONDARY"),
        ("primary", "is primary: did you mean PRIMARY? Wanted PRIMARY or SECONDARY"),
        ("OTHER", "is OTHER, wanted PRIMARY or SECONDARY"),
        ("Doe^Jane", "is a value of 8 characters, wanted PRIMARY or SECONDARY"),
    ],
)
def test_the_nearest_term_is_offered(value: str, said: str) -> None:
    assert outside(value, ["PRIMARY", "SECONDARY"], "wanted PRIMARY or SECONDARY") == said


def test_a_single_choice_is_not_told_twice() -> None:
    assert outside("PRIMAY", ["PRIMARY"], "wanted PRIMARY") == "is PRIMAY: did you mean PRIMARY?"


def test_a_long_list_is_cut_with_its_count() -> None:
    assert listed(["A"]) == "A"
    assert listed(["A", "B", "C"]) == "A, B or C"
    assert listed(["A", "B", "C"], most=2) == "A, B or 1 more"


@pytest.mark.parametrize("value", ["A" * 17, "A\nB", "\x1b[31m", "É", "A;B"])
def test_what_is_no_short_token_is_never_repeated(value: str) -> None:
    assert value not in shown(value)


def test_an_empty_value_is_called_so() -> None:
    assert shown("") == "empty"
