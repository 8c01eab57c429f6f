from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.checks.value_character_set import character_set
from rules.checks.value_field import complaints, count
from rules.checks.value_patterns import BIG, LITTLE, SPECIFIC_CHARACTER_SET, by_vr
from rules.checks.value_place import Place
from rules.dictionary import tag_of
from rules.encode import header_of
from rules.syntax import fault_of
from rules.values import STRINGS

LETTERS = b"0123456789.+-eE DWMY^=\\\0_AZaz/:\n\x1b\xe4"
FIELDS = st.one_of(
    st.binary(max_size=24),
    st.lists(st.sampled_from(LETTERS), max_size=24).map(bytes),
    st.from_regex(rb"[12][0-9]{3}[01][0-9][0-3][0-9]([0-2][0-9]([0-6][0-9]){0,2})?(\\[0-9]{8})? ?", fullmatch=True),
    st.from_regex(rb"[0-9]{1,3}(\.[0-9]{1,20}){0,5}\0?", fullmatch=True),
)
VMS = {"1": (1, 1), "1-n": (1, 1000), "3": (3, 3), "2-2n": (2, 1000)}


@given(st.sampled_from(sorted(STRINGS)), st.sampled_from(sorted(VMS)), FIELDS)
def test_what_is_plain_has_nothing_to_complain_of_in_any_character_set(vr: str, vm: str, raw: bytes) -> None:
    raw += b" " * (len(raw) % 2)
    plain = by_vr((vr,), vm)
    if not raw or plain is None or plain.match is None or not plain.match(raw):
        return
    for character_sets in ((), ("ISO_IR 13",), ("ISO_IR 192",), ("", "ISO 2022 IR 87"), ("GB18030",)):
        assert list(complaints(vr, raw, character_sets)) == []
        number = count(vr, raw, character_sets)
        fewest, most = (1, 1) if vr in {"LT", "ST", "UR", "UT"} else VMS[vm]
        assert fewest <= number <= most
        assert vm != "2-2n" or vr in {"LT", "ST", "UR", "UT"} or number % 2 == 0


@pytest.mark.parametrize(
    ("vr", "raw"),
    [
        ("AE", b"CT_1"), ("AS", b"064Y"), ("CS", b"AXIAL "), ("DA", b"20200131"), ("DS", b" -1.5E3 "),
        ("DT", b"20200131120000.5+0100 "), ("IS", b" 12 "), ("LO", b"a long string "), ("LT", b"two\r\nlines\\"),
        ("PN", b"Doe^Jane^^^"), ("SH", b"short "), ("ST", b"a text"), ("TM", b"120000.123456 "), ("UC", b"code"),
        ("UI", b"1.2.840.10008.1\0"), ("UR", b"urn:oid:1.2 "), ("UT", b"text"),
    ],
)  # fmt: skip
def test_an_ordinary_value_is_plain(vr: str, raw: bytes) -> None:
    plain = by_vr((vr,), "1")
    assert plain is not None
    assert plain.match is not None
    assert plain.match(raw)
    assert plain.match(b"__" + raw + b"__", 2, 2 + len(raw))


def test_a_date_is_plain_only_where_the_calendar_has_it() -> None:
    plain = by_vr(("DA",), "1")
    assert plain is not None
    assert plain.match is not None
    days = [f"2023{month:02}{day:02}" for month in range(14) for day in range(33)]
    assert [day for day in days if bool(plain.match(day.encode())) is bool(fault_of("DA", day))] == []
    assert not plain.match(b"20230229")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("vr", "letter"), [("FD", "d"), ("FL", "f")])
@given(number=st.floats(width=32))
def test_a_floating_point_number_is_plain_exactly_where_it_is_finite(
    vr: str, letter: str, order: str, number: float
) -> None:
    plain = by_vr((vr,), "1", order == ">")
    assert plain is not None
    assert plain.match is not None
    finite = abs(number) < float("inf")
    assert bool(plain.match(struct.pack(order + letter, number))) is finite


@pytest.mark.parametrize(
    ("vm", "vr", "sizes", "others"),
    [
        ("1", "US", [2], [4, 3, 1]),
        ("3", "US", [6], [2, 4, 8]),
        ("1-3", "UL", [4, 8, 12], [16, 6]),
        ("2-2n", "SL", [8, 16, 24], [4, 12]),
        ("3-3n", "UV", [24, 48], [8, 32]),
        ("1", "OF", [0, 4, 400], [2]),
    ],
)
def test_the_length_of_binary_values_tells_their_number(vm: str, vr: str, sizes: list[int], others: list[int]) -> None:
    plain = by_vr((vr,), vm)
    assert plain is not None
    assert all(each in plain.lengths for each in sizes)
    assert not any(each in plain.lengths for each in others)


def test_what_wants_a_closer_look_is_never_plain() -> None:
    for keyword, vr in [
        ("StudyComments", b"LT"),
        ("StudyDate", b"LO"),
        ("Rows", b"UN"),
        ("SourceImageSequence", b"SQ"),
    ]:
        assert LITTLE.of(tag_of(keyword), vr) is None
    assert LITTLE.of(0x00089FFF, b"LO") is None
    assert LITTLE.of(0x00091001, b"SQ") is None


@pytest.mark.parametrize("field", [b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 13 ", b"GB18030 "])
def test_a_character_set_that_may_stand_alone_is_plain(field: bytes) -> None:
    plain = LITTLE.of(SPECIFIC_CHARACTER_SET, b"CS")
    assert plain is not None
    assert plain.match is not None
    assert plain.match(field)
    assert not list(character_set(Place(header_of({"SpecificCharacterSet": field.decode()}))))


@pytest.mark.parametrize("field", [b"ISO_IR 6", b"ISO 2022 IR 87", b"\\ISO 2022 IR 87", b"ISO_IR 100\\", b"LATIN1"])
def test_other_character_sets_want_a_closer_look(field: bytes) -> None:
    plain = LITTLE.of(SPECIFIC_CHARACTER_SET, b"CS")
    assert plain is not None
    assert plain.match is not None
    assert not plain.match(field)


def test_a_choice_of_vrs_is_plain_in_each_and_where_the_encoding_does_not_say() -> None:
    tag = tag_of("SmallestImagePixelValue")
    for vr in (b"US", b"SS", None):
        plain = BIG.of(tag, vr)
        assert plain is not None
        assert 2 in plain.lengths
        assert 4 not in plain.lengths
    assert BIG.of(tag, b"OW") is None
