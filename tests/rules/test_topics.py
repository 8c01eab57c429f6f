"""What a topic said of one instance stands for others with the same values, and never for any that differ in them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from builders import ct
from growth import growth
from maps import parametric_map
from minimal import instance

from rules import topics
from rules.asking import MOST_TAGS
from rules.editions import NEWEST
from rules.encode import Element, encode, header_of
from rules.engine import Checked, check, load_rules
from rules.header import Header, read_header
from rules.iods import iods
from rules.model import Finding, Severity
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from rules.watched import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET, Watched, field_of

CT = "CT Image"
FOUND = Finding("a-rule", Severity.NOTE, "", "", "PS3.3", "found")


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """No structure is known before a test, nor after it of what it did."""
    topics._structure.cache_clear()
    yield
    topics._structure.cache_clear()


def outcome(data: bytes, syntax: str = EXPLICIT_VR_LITTLE_ENDIAN) -> Checked:
    return check(read_header(data, syntax), load_rules())


def answers(header: Header) -> list[topics.Answer]:
    return list(topics.structure_of(header, CT, NEWEST).answers(header))


def asking(monkeypatch: pytest.MonkeyPatch, topic: topics.Topic) -> None:
    monkeypatch.setattr(topics, "topics", lambda iod, edition, deciding: (topic,))


def test_a_topic_is_asked_again_only_where_a_value_differs_that_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def topic(header: Header) -> Iterator[Finding]:
        asked.append(header.integer("Rows"))
        if header.integer("Rows") == 5:
            yield FOUND

    asking(monkeypatch, topic)
    for number, rows in enumerate((4, 4, 4, 5, 5, 4, 5)):
        (answer,) = answers(header_of(ct(Rows=rows, InstanceNumber=str(number))))
        assert answer.findings == ((FOUND,) if rows == 5 else ())
    assert asked == [4, 4, 5], "the first instance of a structure is not watched"


def test_a_topic_that_reads_more_for_some_values_is_never_taken_for_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def topic(header: Header) -> Iterator[Finding]:
        if header.integer("Rows") == 5 and header.text("StationName") == "A":
            yield FOUND

    asking(monkeypatch, topic)
    for rows, station in ((4, "A"), (4, "A"), (5, "B"), (5, "A"), (4, "A"), (5, "B"), (5, "A"), (4, "B")):
        (answer,) = answers(header_of(ct(Rows=rows, StationName=station)))
        assert answer.findings == ((FOUND,) if (rows, station) == (5, "A") else ())


def test_a_topic_that_reads_more_than_values_is_always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def topic(header: Header) -> Iterator[Finding]:
        asked.append(header.items("ProcedureCodeSequence")[0].text("CodeValue"))
        yield from ()

    asking(monkeypatch, topic)
    for number in range(4):
        answers(header_of(ct(ProcedureCodeSequence=[{"CodeValue": str(number)}])))
    assert asked == ["0", "1", "2", "3"]


def test_a_topic_whose_values_are_always_others_is_not_watched_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = []

    def topic(header: Header) -> Iterator[Finding]:
        watched.append(isinstance(header, Watched))
        header.text("SOPInstanceUID")
        yield from ()

    asking(monkeypatch, topic)
    for number in range(40):
        answers(header_of(ct(SOPInstanceUID=f"1.2.{number}")))
    assert any(watched)
    assert not any(watched[topics.PATIENCE + 2 :])
    assert len(watched) == 40


def test_a_rule_that_cannot_be_watched_is_asked_of_the_header_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def topic(header: Header) -> Iterator[Finding]:
        if not isinstance(header, Header):
            raise TypeError
        yield FOUND

    asking(monkeypatch, topic)
    for _ in range(3):
        (answer,) = answers(header_of(ct()))
        assert answer.findings == (FOUND,)


@pytest.mark.parametrize(
    ("read", "more"),
    [
        (lambda header: header.text("PatientName"), {SPECIFIC_CHARACTER_SET}),
        (lambda header: header.has("PatientName"), set()),
        (lambda header: header.raw("NumberOfFrames"), set()),
        (lambda header: header.items("SharedFunctionalGroupsSequence"), set()),
        (lambda header: header.root.value("Rows"), set()),
    ],
)
def test_what_bears_on_how_a_value_is_read_counts_as_read(read: Any, more: set[int]) -> None:
    watched = Watched(header_of(ct()))
    read(watched)
    assert not watched.everything
    assert more <= watched.read


def test_without_an_encoded_vr_what_decides_on_it_counts_as_read() -> None:
    attributes = ct(SmallestImagePixelValue=Element("UN", b"\0\x80"))
    for header in (header_of(attributes), header_of(ct(SmallestImagePixelValue=7), IMPLICIT_VR_LITTLE_ENDIAN)):
        watched = Watched(header)
        watched.value("SmallestImagePixelValue")
        assert PIXEL_REPRESENTATION in watched.read


@pytest.mark.parametrize("name", ["source", "meta", "known", "elements", "character_sets", "faults", "pixel_offset"])
def test_whoever_asks_for_more_is_given_it_and_reads_everything(name: str) -> None:
    header = header_of(ct())
    watched = Watched(header)
    assert getattr(watched, name) == getattr(header, name)
    assert watched.everything


def test_a_field_tells_vr_length_and_value_apart() -> None:
    alike = [Element("US", b"\1\0"), Element("SS", b"\1\0"), Element("US", b"\2\0"), Element("US", b"\1\0\1\0")]
    tag = 0x00280010
    assert len({field_of(header_of(ct(Rows=each)), tag) for each in alike}) == len(alike)
    assert field_of(header_of(ct(Rows=3)), tag) == field_of(header_of(ct(Rows=3, StudyID="22")), tag)


def test_pixel_data_count_by_vr_and_length_and_only_where_they_are_whole() -> None:
    tag = 0x7FE00010
    fields = [field_of(header_of(ct(PixelData=Element("OW", bytes(size)))), tag) for size in (32, 32, 34)]
    assert fields[0] == fields[1] != fields[2]
    data = encode(ct(), EXPLICIT_VR_LITTLE_ENDIAN)
    assert field_of(read_header(data[:-2], EXPLICIT_VR_LITTLE_ENDIAN), tag) is None


def test_cut_off_pixel_data_are_found_behind_others_that_were_whole() -> None:
    data = encode(ct(), EXPLICIT_VR_LITTLE_ENDIAN)
    whole, cut = outcome(data), outcome(data[:-2])
    assert whole != cut
    for _ in range(3):
        assert (outcome(data), outcome(data[:-2])) == (whole, cut)


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN], ids=["explicit", "implicit"])
def test_instances_of_one_structure_are_judged_each_by_its_own_values(syntax: str) -> None:
    chance = random.Random(11)
    for name in sorted(iods())[:: 9 if syntax == EXPLICIT_VR_LITTLE_ENDIAN else 20]:
        data = [encode(each, syntax) for each in _variants(instance(name), chance)]
        wanted = []
        for each in data:
            topics._structure.cache_clear()
            wanted.append(outcome(each, syntax))
        topics._structure.cache_clear()
        for number in [*range(len(data)), *chance.choices(range(len(data)), k=2 * len(data))]:
            assert outcome(data[number], syntax) == wanted[number], name


def _variants(attributes: dict[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    """The instance with other values: too large, too small, of another Attribute."""
    yield attributes
    names = [name for name, value in attributes.items() if isinstance(value, str | int | float) and name[0] != "("]
    for _ in range(24):
        name = chance.choice(names)
        value = attributes[name]
        other = chance.choice(("0", "-1", "X", str(attributes["SOPClassUID"]))) if isinstance(value, str) else 0
        yield {**attributes, name: other if name != "SOPClassUID" else value}


def test_what_is_kept_of_a_structure_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def topic(header: Header) -> Iterator[Finding]:
        header.text("StudyDescription")
        yield from ()

    asking(monkeypatch, topic)
    most = 0
    for number in range(3000):
        for _ in range(2):
            header = header_of({"StudyDescription": f"{number:060}"})
            structure = topics.structure_of(header, CT, NEWEST)
            list(structure.answers(header))
        reading = structure.asked[0].reading
        assert reading is not None
        most = max(most, len(reading.answers))
    assert 10 < most * 60 < topics.MOST_BYTES


def test_long_values_and_large_structures_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def topic(header: Header) -> Iterator[Finding]:
        header.text("AdditionalPatientHistory")
        yield from ()

    asking(monkeypatch, topic)
    for _ in range(3):
        header = header_of({"AdditionalPatientHistory": "x" * 200})
        structure = topics.structure_of(header, CT, NEWEST)
        list(structure.answers(header))
    reading = structure.asked[0].reading
    assert reading is not None
    assert reading.answers == {}
    many = header_of({f"(0009,{number:04X})": Element("LO", "") for number in range(0x1000, 0x1000 + MOST_TAGS + 1)})
    assert topics.structure_of(many, CT, NEWEST) is not topics.structure_of(many, CT, NEWEST)
    assert topics.structure_of(header, CT, NEWEST) is structure


def test_maps_are_judged_alike_time_and_again() -> None:
    data = encode(parametric_map(BitsAllocated=8), EXPLICIT_VR_LITTLE_ENDIAN)
    assert [outcome(data) for _ in range(4)] == [outcome(data)] * 4


def test_ever_new_structures_of_many_tags_leave_nothing_behind() -> None:
    def send(number: int) -> None:
        private = {f"({group:04X},0010)": f"{number}" for group in range(0x0009, 0x0009 + 2 * 1500, 2)}
        other = {f"({0x4001 + 2 * number:04X},{element:04X})": "" for element in range(0x10, 0xF0)}
        outcome(encode({**ct(), **private, **other}, EXPLICIT_VR_LITTLE_ENDIAN))

    assert growth(send, first=3, more=12) < 1_000_000


def test_ever_new_sop_classes_leave_nothing_behind() -> None:
    def send(number: int) -> None:
        outcome(encode(ct(SOPClassUID="1.2." + "3" * 1000 + f".{number}"), EXPLICIT_VR_LITTLE_ENDIAN))

    assert growth(send, first=60, more=300) < 200_000
