"""Positions in TOML texts, held against tomllib's own reading."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.toml_lines import Place, lines_of

EVERYTHING = '''# a comment
top.dotted = 1
[dimse]           # a table
port = 104
"ae title" = """one
two [not.a.table] # not a comment
"""
single = \'\'\'
x = 1\'\'\'
many = [
    1,            # "]"
    "]",
    [2, 3],
    { a = 1, 'b.c' = [4] },
]
[[policy.line]]
then = "flag"
[[policy.line]]
when = 2020-01-01T00:00:00
[policy.line.below]
x = 'y'
[ spaced . "out" ]
z = 1.5e3
'''


def places(value: object, place: Place = ()) -> Iterator[Place]:
    """Every place that tomllib sees."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*place, key)
        yield from places(each, (*place, key))


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top", "dotted"), 2),
        (("dimse",), 3),
        (("dimse", "port"), 4),
        (("dimse", "ae title"), 5),
        (("dimse", "single"), 8),
        (("dimse", "many"), 10),
        (("dimse", "many", 1), 12),
        (("dimse", "many", 3, "b.c"), 14),
        (("policy", "line", 0, "then"), 17),
        (("policy", "line", 1), 18),
        (("policy", "line", 1, "below", "x"), 21),
        (("spaced", "out", "z"), 23),
    ],
)
def test_every_key_is_found_on_its_line(place: Place, line: int) -> None:
    assert lines_of(EVERYTHING)[place] == line


def test_the_places_are_those_that_tomllib_sees() -> None:
    assert set(lines_of(EVERYTHING)) == set(places(tomllib.loads(EVERYTHING)))


def test_windows_line_ends_count_once() -> None:
    assert lines_of("[a]\r\nb = 1\r\n\r\nc = 2\r\n") == {("a",): 1, ("a", "b"): 2, ("a", "c"): 4}


def test_quotes_at_the_end_of_a_long_string_belong_to_it() -> None:
    text = 'a = """x"""""\nb = 1\n'
    assert tomllib.loads(text) == {"a": 'x""', "b": 1}
    assert lines_of(text)[("b",)] == 2


keys = st.text(st.sampled_from("ab_-1"), min_size=1, max_size=3)
strings = st.text(st.sampled_from("ab'\"#[]{}=,.\\\n é"), max_size=8)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\u{ord(each):04x}" if each in '\\"\n' else each for each in text) + '"'


values = st.recursive(
    st.one_of(st.integers(-9, 9).map(str), strings.map(quoted), st.sampled_from(["true", "1.5", "2020-01-01", "'#]'"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: f"[ {', '.join(each)} ]"),
        st.lists(inner, max_size=3).map(lambda each: "[\n" + "".join(f"  {one}, # ]\n" for one in each) + "]"),
        st.dictionaries(keys, inner, max_size=3).map(
            lambda each: "{" + ", ".join(f"{key} = {one}" for key, one in each.items()) + "}"
        ),
    ),
    max_leaves=6,
)


@given(st.dictionaries(keys, values, max_size=4), st.dictionaries(keys, values, max_size=4))
def test_any_text_that_tomllib_takes_is_indexed_whole(first: dict[str, str], second: dict[str, str]) -> None:
    lines = ["[one]"] + [f"{key} = {value}" for key, value in first.items()]
    for _ in range(2):
        lines += ["[[many.two]]"] + [f"{quoted(key)} = {value}" for key, value in second.items()]
    text = "\n".join(lines)
    found = lines_of(text)
    assert set(found) == set(places(tomllib.loads(text)))
    for place, line in found.items():
        if len(place) == 2 and place[0] == "one":
            assert text.splitlines()[line - 1].startswith(f"{place[1]} =")
