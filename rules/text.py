"""Text that does not go with its Specific Character Set, over a whole Data Set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rules.charset import is_decodable, unknown_terms
from rules.dictionary import format_tag
from rules.faults import Fault
from rules.values import TEXT

if TYPE_CHECKING:
    from rules.attributes import Header
    from rules.stencil import Stencil

SPECIFIC_CHARACTER_SET = 0x00080005


def text_faults(header: Header, stencil: Stencil | None = None) -> Iterator[Fault]:
    """Faults of kind "encoding", one an Attribute and place; the values of Items alike come from their stencil."""
    for tag in header.tags():
        if header.is_sequence(tag):
            for each in header.stencils(tag):
                if stencil is not None:
                    for item in header.items(tag):
                        yield from text_faults(item, stencil)
                    break
                yield from text_faults(each.exemplar, each if len(each.numbers) > 1 else None)
        elif tag == SPECIFIC_CHARACTER_SET:
            yield from _unknown(header)
        elif header.vr(tag) in TEXT:
            yield from _undecodable(header, tag, stencil)


def _unknown(header: Header) -> Iterator[Fault]:
    unknown = unknown_terms(header.texts(SPECIFIC_CHARACTER_SET))
    if unknown:
        offset = header.offset_of(SPECIFIC_CHARACTER_SET) or 0
        told = f"PS3.3 C.12.1.1.2 defines no character set {', '.join(ascii(term)[:24] for term in unknown[:4])}"
        yield Fault(offset, SPECIFIC_CHARACTER_SET, told, "encoding")


def _undecodable(header: Header, tag: int, stencil: Stencil | None) -> Iterator[Fault]:
    fields = {header.raw(tag) or b""} if stencil is None else stencil.distinct_at(header, tag)
    codecs = header.codecs()
    bad = [field for field in fields if not is_decodable(field, codecs)]
    if bad:
        sets = ascii("\\".join(header.character_sets()))[1:-1][:64].replace("\\\\", "\\")
        told = f"{format_tag(tag)} has bytes that {sets or 'the default character set'} cannot decode"
        yield Fault(header.offset_of(tag) or 0, tag, told, "encoding")
