"""Every value of an instance, nested Items included, whatever its IOD: VR, VM, form, padding, characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.charset import CODECS
from rules.checks import code_sequences, references, value_rules
from rules.checks.file_meta import file_meta
from rules.checks.multiplicity import multiplicity
from rules.checks.private_blocks import private_blocks
from rules.checks.value_attributes import attribute, group_lengths
from rules.checks.value_field import Complaint, complaints
from rules.checks.value_patterns import BIG, LITTLE, SPECIFIC_CHARACTER_SET, STREAM_WORD, WORD, Plain, by_vr
from rules.checks.value_place import Place, once, places_within
from rules.dictionary import Entry, entry_of
from rules.encoding import PIXELS
from rules.header import Header
from rules.model import Finding, Problem, Severity, Undecided
from rules.registry import run
from rules.values import SINGLE, STRINGS
from rules.wording import listed, shown


def every_value(header: Header) -> Iterator[Finding | Undecided]:
    """Judge every element of an instance and of its File Meta Information; a fault that repeats is told once."""
    yield from once(_instance(header))


def _instance(header: Header) -> Iterator[Finding]:
    yield from file_meta(header)
    if header.meta is not None:
        yield from _elements(Place(header.meta))
    yield from group_lengths(Place(header))
    yield from _elements(Place(header))


def _elements(place: Place) -> Iterator[Finding]:
    """Every element of a Data Set or Item, then what they are together."""
    header = place.header
    tags = header.tags()
    patterns = BIG if header.encoding.big_endian else LITTLE
    sound = _sound if place.stencil is None else _all_sound
    for tag in tags:
        vr, offset, length = header.element(tag) or (None, 0, 0)
        key = (tag, vr)
        plain = patterns.get(key) if key in patterns.known else patterns.learn(tag, vr)
        if plain is None or not (length == 0 or sound(place, tag, plain, offset, length)):
            yield from _closer(place, tag, vr, plain)
    private = [tag for tag in tags if tag & 0x10000]
    if private:
        yield from private_blocks(place, private)
    if header.parent is not None:
        if not code_sequences.TAGS.isdisjoint(tags):
            yield from code_sequences.coded_entry(place)
        if not references.TAGS.isdisjoint(tags):
            yield from references.reference(place)


def _sound(place: Place, tag: int, plain: Plain, offset: int, length: int) -> bool:
    if plain.match is None:
        return length in plain.lengths
    return plain.match(place.header.source.data, offset, offset + length) is not None


def _all_sound(place: Place, tag: int, plain: Plain, offset: int, length: int) -> bool:
    assert place.stencil is not None
    fields = place.stencil.distinct_at(place.header, tag)
    if plain.match is None:
        return all(length in plain.lengths for length in set(map(len, fields)))
    return all(map(plain.match, fields))
