"""Every value of an instance, nested Items included, whatever its IOD: VR, VM, form, padding, characters."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from rules.checks import code_sequences, references, value_rules
from rules.checks.file_meta import file_meta
from rules.checks.multiplicity import multiplicity
from rules.checks.private_blocks import private_blocks
from rules.checks.value_attributes import FILE_META, GROUP_LENGTH, attribute, reserved_groups
from rules.checks.value_character_set import character_set
from rules.checks.value_field import Complaint, complaints, count
from rules.checks.value_patterns import (
    SPECIFIC_CHARACTER_SET,
    STREAM_WORD,
    UNMET,
    WORD,
    Match,
    Plain,
    by_vr,
    is_creator,
    patterns_of,
)
from rules.checks.value_place import Place, once, places_within
from rules.dictionary import Entry, entry_of
from rules.encoding import KNOWN
from rules.header import Header
from rules.known import Known
from rules.model import Finding, Problem, Rule, Undecided
from rules.registry import run
from rules.stencil import MOST_KEPT
from rules.values import STRINGS


def every_value(header: Header) -> Iterator[Finding | Undecided]:
    """Judge every element of an instance and of its File Meta Information; a fault that repeats is told once."""
    yield from once(_instance(header), _HABITS)


def _instance(header: Header) -> Iterator[Finding | Undecided]:
    yield from file_meta(header)
    if header.meta is not None:
        yield from _elements(Place(header.meta))
    yield from _elements(Place(header))


def _elements(place: Place) -> Iterator[Finding | Undecided]:
    """Every element of a Data Set or Item, then what they are together."""
    header = place.header
    elements, data = header.elements(), header.source.data
    patterns = patterns_of(header.encoding)
    usual, alone = patterns.usual, place.stencil is None
    all_usual = True
    for tag, (vr, offset, length) in elements.items():
        plain: Plain | None
        said, match, lengths = usual.get(tag, UNMET)
        if said == vr:
            if match is not None:
                if not length or (match(data, offset, offset + length) if alone else _all_match(place, tag, match)):
                    continue
            elif length in lengths if alone else not length or _all_fit(place, tag, lengths):
                continue
            elif tag in header.nested():
                known = header.known(tag) if alone else None
                if known is None or not known.sound:
                    yield from _within(place, tag, known)
                continue
            plain = Plain(match, lengths)
        else:
            all_usual = False
            plain = patterns.of(tag, vr)
            if plain is not None and (not length or _sound(place, tag, plain, offset, length)):
                continue
        yield from _closer(place, tag, vr, plain)
    if not all_usual:
        yield from reserved_groups(place, tuple(elements))
        private = [tag for tag in elements if tag & 0x10000]
        if private:
            yield from private_blocks(place, private)
    if header.parent is not None:
        if not code_sequences.TAGS.isdisjoint(elements):
            yield from code_sequences.coded_entry(place)
        if not references.TAGS.isdisjoint(elements):
            yield from references.reference(place)


def _sound(place: Place, tag: int, plain: Plain, offset: int, length: int) -> bool:
    if place.stencil is not None:
        return _all_fit(place, tag, plain.lengths) if plain.match is None else _all_match(place, tag, plain.match)
    if plain.match is None:
        return length in plain.lengths
    return plain.match(place.header.source.data, offset, offset + length) is not None


def _all_match(place: Place, tag: int, match: Match) -> bool:
    if place.stencil is None:
        return False
    fields = place.stencil.distinct_at(place.header, tag)
    if len(fields) <= MANY:
        return all(map(match, fields))
    # The same UIDs are often named by frames, as sources and in the list of all references.
    sound: set[bytes] = place.header.source.answers.setdefault(match, set())
    left = fields - sound
    if not all(map(match, left)):
        return False
    if len(sound) < MOST_KEPT:
        sound |= left
    return True


def _all_fit(place: Place, tag: int, lengths: Container[int]) -> bool:
    if place.stencil is None or tag in place.header.nested():
        return False
    return all(length in lengths for length in set(map(len, place.stencil.distinct_at(place.header, tag))))


def _closer(place: Place, tag: int, vr: bytes | None, plain: Plain | None) -> Iterator[Finding | Undecided]:
    """An element that was not seen to be sound, or that is a sequence."""
    entry = entry_of(tag)
    if plain is None:
        yield from attribute(place, tag)
        yield from _encoded_vr(place, tag, vr, entry)
        plain = patterns_of(place.header.encoding).beneath(tag, vr)
        _, offset, length = place.header.elements()[tag]
        if plain is not None and (not length or _sound(place, tag, plain, offset, length)):
            return
    if place.header.is_sequence(tag):
        yield from _within(place, tag, place.header.known(tag) if place.stencil is None else None)
    elif tag == SPECIFIC_CHARACTER_SET:
        yield from run(value_rules.CHARACTER_SET, list(character_set(place)))
        yield from _values(place, tag, "CS", "1-n", vr, plain)
    else:
        yield from _values(place, tag, _judged_as(tag, vr, entry), entry.vm if entry else None, vr, plain)


def _within(place: Place, tag: int, known: Known | None) -> Iterator[Finding | Undecided]:
    """The Items of a Sequence; of a known one it is remembered that nothing can be said of them."""
    if known is not None and known.sound:
        return
    sound = True
    for each in places_within(place, tag):
        for said in _elements(each):
            sound = False
            yield said
    if known is not None and sound:
        known.sound = True


def _encoded_vr(place: Place, tag: int, vr: bytes | None, entry: Entry | None) -> Iterator[Finding]:
    """A VR that PS3.5 does not define at all is told of by the reader."""
    if entry is None or vr is None or vr not in KNOWN or vr.decode("ascii") in entry.vr.split(" or "):
        return
    if vr != b"UN" or tag >> 16 == FILE_META:
        told = f"is encoded as {vr.decode('ascii')}, wanted {entry.vr}"
        yield from run(value_rules.ENCODED_VR, [place.problem(tag, told)])


def _judged_as(tag: int, vr: bytes | None, entry: Entry | None) -> str:
    """The VR by which a value is judged: as encoded; else the dictionary's, of a choice the one that asks least."""
    if vr is not None and vr != b"UN":
        return vr.decode("latin-1")
    if entry is None:
        return "LO" if is_creator(tag) else "UN"
    choice = entry.vr.split(" or ")
    return next((each for each in choice if each in STREAM_WORD), choice[0])


def _values(
    place: Place, tag: int, vr: str, vm: str | None, encoded: bytes | None, plain: Plain | None
) -> Iterator[Finding | Undecided]:
    seen = plain.match if plain is not None else None
    for raw, numbers in place.fields(tag).items():
        if not raw or (seen is not None and seen(raw)):
            continue
        if len(raw) > LOOKED_AT and vr in STRINGS:
            yield Undecided(place.header.path_of(tag), f"whether {len(raw)} bytes of {vr} have the form they should")
            continue
        problems = _of_string if vr in STRINGS else _of_binary
        for rule, problem in problems(Field(place, tag, vr, vm, encoded, raw, numbers or None)):
            yield from run(rule, [problem])


@dataclass(frozen=True, slots=True)
class Field:
    """One value field, with the Items of its place that have it; `vr` is that by which it is judged."""

    place: Place
    tag: int
    vr: str
    vm: str | None
    encoded: bytes | None
    raw: bytes
    numbers: Sequence[int] | None

    def problem(self, message: str, value_number: int | None = None) -> Problem:
        return self.place.problem(self.tag, message, self.numbers, value_number)


def _of_string(field: Field) -> Iterator[tuple[Rule, Problem]]:
    character_sets = field.place.header.character_sets()
    for complaint in complaints(field.vr, field.raw, character_sets):
        message = complaint.message + _seen(field, complaint)
        yield _RULES.get(complaint.kind) or value_rules.BY_VR[field.vr], field.problem(message, complaint.value_number)
    if field.raw.strip(b" \0"):
        yield from _multiplicity(field, count(field.vr, field.raw, character_sets))


def _of_binary(field: Field) -> Iterator[tuple[Rule, Problem]]:
    """In explicit VR the reader has told of a length that does not fit."""
    word = WORD.get(field.vr) or STREAM_WORD.get(field.vr, 1)
    if len(field.raw) % word:
        if field.encoded in (None, b"UN"):
            told = f"has {len(field.raw)} bytes, wanted a multiple of {word}"
            yield value_rules.LENGTH, field.problem(told)
        return
    if field.vr in WORD:
        yield from _multiplicity(field, len(field.raw) // word)
    if field.vr in ("FD", "FL"):
        big_endian = field.place.header.encoding.big_endian and field.encoded != b"UN"
        finite = by_vr((field.vr,), "1-n", big_endian)
        if finite is not None and finite.match is not None and not finite.match(field.raw):
            yield value_rules.NOT_FINITE, field.problem("is infinite or no number")


def _multiplicity(field: Field, number: int) -> Iterator[tuple[Rule, Problem]]:
    if field.vm is None:
        return
    fewest, most, step = multiplicity(field.vm)
    if number < fewest or (most is not None and number > most) or (number - fewest) % step:
        told = f"has {number} value{'s' * (number != 1)}, VM is {field.vm}"
        yield value_rules.MULTIPLICITY, field.problem(told)


def _seen(field: Field, complaint: Complaint) -> str:
    """The value itself, where it is a code or a number, short, and not the patient's."""
    pattern = _QUOTABLE.get(field.vr)
    if complaint.kind != "syntax" or pattern is None or not pattern.fullmatch(complaint.value):
        return ""
    standard = entry_of(field.tag) is not None
    return f"; seen {complaint.value}" if standard and field.tag >> 16 != PATIENT else ""


LOOKED_AT = 1 << 20
"""Bytes of a value field of strings that are looked at value by value: nobody sends more, and it would take long."""
MANY = 16
"""Distinct values of an Attribute from which on those found sound are kept while the instance is judged."""
PATIENT = 0x0010
_HABITS = frozenset((value_rules.PADDING.id, GROUP_LENGTH.id))
"""What a sender that does it does everywhere."""
_RULES = {
    "padding": value_rules.PADDING,
    "undecodable": value_rules.UNDECODABLE,
    "escape": value_rules.ESCAPE_OPEN,
}
_QUOTABLE = {
    "CS": re.compile(r"[A-Za-z0-9 _-]{1,16}"),
    "DS": re.compile(r"[0-9.,eE+-]{1,20}"),
    "IS": re.compile(r"[0-9.,+-]{1,20}"),
}
