"""Sequences that are known are passed over, and never with another outcome than those that are looked into."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from builders import ct
from maps import PER_FRAME, SHARED, TYPES, frame, integer_map, parametric_map, shared
from minimal import instance

from rules import attributes as reader
from rules.dictionary import tag_of
from rules.encode import DEFINED, UNDEFINED_LENGTHS, Element, Layout, encode, header_of
from rules.engine import Checked, check, load_rules
from rules.header import Header, Limits, read_header
from rules.iods import iods
from rules.known import LONGEST, Known, Memory
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

CODE = {"CodeValue": "1", "CodingSchemeDesignator": "99ONE", "CodeMeaning": "one"}
PROCEDURE = 0x00081032
MAPPING = "RealWorldValueMappingSequence"


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known before a test, nor after it of what it did."""
    monkeypatch.setattr(reader, "MEMORY", Memory())


def header(attributes: dict[str, Any], **options: Any) -> Header:
    return read_header(encode(attributes, EXPLICIT_VR_LITTLE_ENDIAN), EXPLICIT_VR_LITTLE_ENDIAN, **options)


def checked(attributes: dict[str, Any]) -> Checked:
    return check(header(attributes), load_rules())


def told(attributes: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each.rule, each.path) for each in checked(attributes).findings}


def test_a_known_sequence_is_not_walked_again_unless_somebody_asks() -> None:
    attributes = ct(ProcedureCodeSequence=[CODE])
    wanted = checked(attributes)
    assert [checked(attributes) for _ in range(2)] == [wanted] * 2
    again = header(attributes)
    budget = again.source.budget
    assert check(again, load_rules()) == wanted
    assert again._sequences == {}
    assert again.source.budget == budget - 4, "its Item and elements count all the same"
    (item,) = again.items("ProcedureCodeSequence")
    assert item.text("CodeMeaning") == "one"
    assert again.source.budget == budget - 4
    assert item.path == "ProcedureCodeSequence[1]"


@pytest.mark.parametrize(
    "item",
    [
        {**CODE, "CodeMeaning": "one\x1b"},
        {name: value for name, value in CODE.items() if name != "CodeMeaning"},
        {**CODE, "SimpleFrameList": Element("UL", b"\0\0")},
        {},
    ],
    ids=["value", "missing", "length", "empty"],
)
def test_what_is_wrong_in_a_sequence_is_found_every_time(item: dict[str, Any]) -> None:
    attributes = ct(ProcedureCodeSequence=[item])
    first = checked(attributes)
    assert {each.rule for each in first.findings} - {each.rule for each in checked(ct()).findings}
    assert [checked(attributes) for _ in range(3)] == [first] * 3


def test_a_known_sequence_is_judged_anew_where_what_is_around_it_bears_on_it() -> None:
    """First Value Mapped is required beside Pixel Data: the same Item is sound in a map of floating point pixels."""
    groups = shared(*TYPES)
    mapping = groups[MAPPING][0]  # type: ignore[index]
    for each in ("First", "Last"):
        del mapping[f"RealWorldValue{each}ValueMapped"]
        mapping[f"DoubleFloatRealWorldValue{each}ValueMapped"] = 1.0
    sound = parametric_map(**{SHARED: [groups]})
    integers = {**integer_map(), SHARED: [groups]}
    path = f"{SHARED}[1].{MAPPING}[1].RealWorldValueFirstValueMapped"
    for _ in range(3):
        assert ("attribute-missing", path) in told(integers)
        assert ("attribute-missing", path) not in told(sound)


def test_a_known_sequence_is_read_anew_in_another_character_set() -> None:
    item = {**CODE, "CodeMeaning": Element("LO", "öne ".encode("latin-1"))}
    latin = ct(SpecificCharacterSet="ISO_IR 100", ProcedureCodeSequence=[item])
    for _ in range(3):
        assert not any(path.endswith("CodeMeaning") for _, path in told(latin))
    for other in ("ISO_IR 192", "ISO_IR 6"):
        for _ in range(2):
            wrong = told({**latin, "SpecificCharacterSet": other})
            assert any(path == "ProcedureCodeSequence[1].CodeMeaning" for _, path in wrong), other


def test_a_known_sequence_is_read_anew_where_its_vrs_are_decided_otherwise() -> None:
    """Without encoded VRs, Pixel Representation says which numbers of a lookup table are signed."""
    made: dict[int, set[Known | None]] = {}
    for signed in (0, 1, 0, 1):
        table = {"LUTDescriptor": [1, 0, 16], "LUTData": b"\0\0", "ModalityLUTType": "HU"}
        attributes = ct(PixelRepresentation=signed, ModalityLUTSequence=[table])
        place = read_header(encode(attributes, IMPLICIT_VR_LITTLE_ENDIAN), IMPLICIT_VR_LITTLE_ENDIAN)
        made.setdefault(signed, set()).add(place.known(tag_of("ModalityLUTSequence")))
    assert [len(each) for each in made.values()] == [1, 1]
    assert made[0].isdisjoint(made[1])
    assert None not in made[0] | made[1]


def test_under_other_limits_nothing_is_known() -> None:
    attributes = ct(ProcedureCodeSequence=[CODE])
    for _ in range(3):
        checked(attributes)
    shallow = header(attributes, limits=Limits(depth=0))
    assert any("nested more than 0 deep" in each.message for each in shallow.faults)


@pytest.mark.parametrize(("layout", "which"), [(DEFINED, 0), (UNDEFINED_LENGTHS, 1)], ids=["defined", "undefined"])
def test_what_is_known_changes_no_finding(layout: Layout, which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest instances, and each with something amiss, one after the other: as if each were the first."""
    chance = random.Random(5)
    instances = []
    for name in sorted(iods())[which::3]:
        whole = instance(name)
        instances += [whole, _damaged(whole, chance), _damaged(whole, chance)]
    data = [encode(each, EXPLICIT_VR_LITTLE_ENDIAN, layout) for each in instances]

    def outcome(one: bytes) -> tuple[Checked, object]:
        read = read_header(one, EXPLICIT_VR_LITTLE_ENDIAN)
        return check(read, load_rules()), read.faults

    wanted = []
    for each in data:
        monkeypatch.setattr(reader, "MEMORY", Memory())
        wanted.append(outcome(each))
    monkeypatch.setattr(reader, "MEMORY", Memory())
    for _ in range(3):
        order = list(range(len(data)))
        chance.shuffle(order)
        for number in order:
            assert outcome(data[number]) == wanted[number]


def _damaged(attributes: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The instance without one of its Attributes, at some depth or other."""
    made = deepcopy(attributes)
    place = made
    while True:
        name = chance.choice(sorted(place))
        below = place[name]
        if isinstance(below, list) and below and isinstance(below[0], dict) and below[0] and chance.random() < 0.8:
            place = below[0]
            continue
        if len(place) > 1 and name != "SOPClassUID":
            del place[name]
        return made


def test_memory_stays_bounded_however_many_sequences_come() -> None:
    memory = Memory(most=400_000)
    first = memory.of((PROCEDURE, 0, (), None, b"first"))
    for number in range(5000):
        memory.of((PROCEDURE, 0, (), None, number.to_bytes(4) * 20))
        if number % 20 == 0:
            assert memory.of((PROCEDURE, 0, (), None, b"first")) is first, "what is met often is kept"
    kept = [*memory._younger, *memory._older]
    assert sum(len(raw) for *_, raw in kept) < 100_000
    assert len(kept) < 300
    assert memory.of((PROCEDURE, 0, (), None, (17).to_bytes(4) * 20)).elements is None


def test_long_sequences_and_those_with_an_unknown_vr_are_not_remembered() -> None:
    long = header_of({"ProcedureCodeSequence": [{"CodeMeaning": "x" * 64}] * (LONGEST // 64)})
    assert long.known(PROCEDURE) is None
    unknown = header_of({"ProcedureCodeSequence": [{"SmallestImagePixelValue": Element("UN", b"\0\1")}]})
    assert unknown.known(PROCEDURE) is None
    assert header_of({"ProcedureCodeSequence": [CODE]}).known(PROCEDURE) is not None


def test_few_entries_are_remembered_of_one_sequence() -> None:
    known = Known()
    for entry in range(1000):
        known.remember(entry, 0)
        assert known.undecided[entry] == 0
    assert len(known.undecided) < 20


def test_a_header_that_was_checked_needs_no_garbage_collector() -> None:
    for attributes in (ct(ProcedureCodeSequence=[CODE]), _frames(9)):
        each = encode(attributes, EXPLICIT_VR_LITTLE_ENDIAN)
        for _ in range(3):
            check(read_header(each, EXPLICIT_VR_LITTLE_ENDIAN), load_rules())
        gc.collect()
        gc.disable()
        try:
            check(read_header(each, EXPLICIT_VR_LITTLE_ENDIAN), load_rules())
            assert gc.collect() == 0
        finally:
            gc.enable()


@pytest.mark.parametrize("layout", [DEFINED, UNDEFINED_LENGTHS], ids=["defined", "undefined"])
def test_items_are_there_again_after_an_instance_was_checked(layout: Layout) -> None:
    data = encode(_frames(30), EXPLICIT_VR_LITTLE_ENDIAN, layout)
    fresh, folded = (read_header(data, EXPLICIT_VR_LITTLE_ENDIAN) for _ in range(2))
    before = folded.items(SHARED)[0]
    first = check(folded, load_rules())
    budget = folded.source.budget
    assert list(_everything(folded)) == list(_everything(fresh))
    assert list(_everything(before)) == list(_everything(fresh.items(SHARED)[0]))
    assert folded.source.budget == budget
    assert folded.faults == fresh.faults
    assert check(folded, load_rules()) == first


def _frames(count: int) -> dict[str, Any]:
    groups = [
        {**frame(), "PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", str(z)]}]} for z in range(count)
    ]
    return parametric_map(**{PER_FRAME: groups, "NumberOfFrames": str(count), "FloatPixelData": bytes(4 * count)})


def _everything(place: Header) -> Iterator[object]:
    for tag in place.tags():
        yield place.path_of(tag), place.vr(tag)
        if place.is_sequence(tag):
            for item in place.items(tag):
                yield from _everything(item)
        else:
            yield place.raw(tag)
