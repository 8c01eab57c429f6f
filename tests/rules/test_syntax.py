from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.syntax import LONGEST, fault_of

SOUND = {
    "AE": ["CT_1", "a b", "x" * 16],
    "AS": ["000D", "999Y", "012M", "001W"],
    "CS": ["A", "A_1 B", "0" * 16],
    "DA": ["20240229", "00010101", "99991231"],
    "DS": ["0", "+1.", "-.5", "1e5", "1.5E-03", "1" * 16],
    "DT": ["2024", "202402", "20240229", "2024022923", "202402292359", "20240229235960", "20240229235959.123456+1400"],
    "IS": ["0", "-2147483648", "+2147483647", "000000000001"],
    "LO": ["x" * 64, "日" * 64],
    "LT": ["a\tb\r\n\f" + "\\", "x" * 10240],
    "PN": ["A^B^C^D^E", "A=B=C", "", "^^^^", "=" * 2, "日" * 64],
    "SH": ["ä" * 16],
    "ST": ["x" * 1024],
    "TM": ["00", "2359", "235960", "000000.0", "000000.123456"],
    "UC": ["x" * 100_000],
    "UI": ["0", "1.2.0.3", "1" * 64],
    "UR": ["https://example.org/a?b=c#d", "urn:oid:1.2", "a[1]%20"],
    "UT": ["x" * 100_000],
}
BROKEN = {
    "AE": ["x" * 17, "a\\b", "ä", "a\tb"],
    "AS": ["64", "064", "64Y", "064y", "0064Y"],
    "CS": ["a", "A-B", "A/B", "Ä", "0" * 17],
    "DA": ["2024", "20230229", "20240431", "20241301", "20240100", "00000101", "2024.1.1", "20240101-20240102"],
    "DS": ["", "1,5", "1 5", "1e", ".", "+", "NaN", "1.2.3", "1" * 17, "0x1"],
    "DT": [
        "202", "20241", "20240230", "2024022924", "202402292360", "20240229235961", "2024-1200x", "2024-0000",
        "2024+1401", "2024+0060", "2024-1201", "20240229235959.1234567", "2024022923.5",
    ],
    "IS": ["1.0", "1e2", "two", "2147483648", "-2147483649", "0000000000001"],
    "LO": ["x" * 65, "a\nb", "a\x00b", "\x85"],
    "LT": ["x" * 10241, "a\x0bb"],
    "PN": ["A^B^C^D^E^F", "A=B=C=D", "x" * 65, "A\nB", "A=" + "x" * 65],
    "SH": ["x" * 17, "\x7f"],
    "ST": ["x" * 1025],
    "TM": ["1", "24", "2360", "235961", "12:30", "1230.5", "123000.", "123000.1234567"],
    "UC": ["a\tb"],
    "UI": ["1.", ".1", "1..2", "1.02", "1.a", "1 2", "1" * 65],
    "UR": ["a b", "a\\b", "ä", '"a"'],
    "UT": ["\x1b"],
}  # fmt: skip


@pytest.mark.parametrize(("vr", "value"), [(vr, each) for vr, values in SOUND.items() for each in values])
def test_a_sound_value_has_no_fault(vr: str, value: str) -> None:
    assert fault_of(vr, value) is None


@pytest.mark.parametrize(("vr", "value"), [(vr, each) for vr, values in BROKEN.items() for each in values if each])
def test_a_broken_value_has_one(vr: str, value: str) -> None:
    assert fault_of(vr, value)


def test_every_vr_with_a_longest_value_is_held_to_it() -> None:
    digits = {vr: "1" * (most + 1) for vr, most in LONGEST.items()}
    assert [vr for vr, value in digits.items() if fault_of(vr, value) is None] == []


@given(st.dates())
def test_every_day_of_the_calendar_is_a_date(day: date) -> None:
    assert fault_of("DA", f"{day:%Y%m%d}".zfill(8)) is None


@given(st.integers(1, 9999), st.integers(0, 99), st.integers(0, 99))
def test_a_date_is_sound_exactly_where_the_calendar_has_it(year: int, month: int, day: int) -> None:
    try:
        date(year, month, day)
    except ValueError:
        assert fault_of("DA", f"{year:04}{month:02}{day:02}")
    else:
        assert fault_of("DA", f"{year:04}{month:02}{day:02}") is None


@given(st.sampled_from(sorted(SOUND)), st.text(min_size=4, alphabet=st.characters(min_codepoint=0x61)))
def test_no_message_repeats_the_value(vr: str, value: str) -> None:
    assert value not in (fault_of(vr, value) or "")
