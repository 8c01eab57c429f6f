"""The values of Specific Character Set (0008,0005), one by one and together (PS3.3 C.12.1.1.2)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.charset import CODECS, DEFAULT_REPERTOIRE
from rules.checks.value_patterns import SPECIFIC_CHARACTER_SET
from rules.checks.value_place import Place
from rules.model import Problem, Severity
from rules.wording import listed, shown


def character_set(place: Place) -> Iterator[Problem]:
    """What is wrong with the values of Specific Character Set, which is there."""
    terms = [each.strip(" ") for each in place.header.texts(SPECIFIC_CHARACTER_SET)]
    unknown = [shown(each) for each in terms if each not in CODECS or each == DEFAULT_REPERTOIRE]
    if unknown:
        yield place.problem(SPECIFIC_CHARACTER_SET, f"has {listed(unknown)}, which is no Defined Term")
    alone = [each for each in terms if each in _ALONE]
    extended = [each for each in terms if each.startswith("ISO 2022")]
    plain = [each for each in terms if each.startswith("ISO_IR") and each not in _ALONE]
    if len(terms) == 1 and extended:
        told = f"is {extended[0]} alone, a term for code extensions with several values"
        yield place.problem(SPECIFIC_CHARACTER_SET, told)
    if len(terms) > 1 and alone:
        told = f"has {alone[0]} among {len(terms)} values, wanted it alone"
        yield place.problem(SPECIFIC_CHARACTER_SET, told, severity=Severity.ERROR)
    elif len(terms) > 1 and plain:
        told = f"has {plain[0]} among {len(terms)} values, wanted {plain[0].replace('_IR', ' 2022 IR')}"
        yield place.problem(SPECIFIC_CHARACTER_SET, told)
    if len(terms) > 1 and terms[0] in _MULTI_BYTE:
        told = f"begins with {terms[0]}, wanted a single-byte character set first"
        yield place.problem(SPECIFIC_CHARACTER_SET, told)


_ALONE = frozenset(("ISO_IR 192", "GB18030", "GBK"))
_MULTI_BYTE = frozenset(f"ISO 2022 IR {number}" for number in (58, 87, 149, 159))
