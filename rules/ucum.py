"""The Unified Code for Units of Measure, as far as its grammar tells a unit from what is none."""

from __future__ import annotations

import re
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PREFIXES = _words("Q R Y Z E P T G M k h da d c m u n p f a z y r q Ki Mi Gi Ti")
_METRIC = _words(
    "m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t bar u eV pc kat eq osm U "
    "gf dyn erg P Bi St Mx G Oe Gb sb Lmb ph Ci R RAD REM Gal Ky cal cal_IT cal_th cal_m tex mho Np B bit By Bd st g%"
)
_OTHER = _words("% ' '' 10* 10^ gon deg min h d a a_t a_j a_g wk mo mo_s mo_j mo_g AU atm att sph circ bit_s")
_BRACKETED = re.compile(r"[A-Za-z0-9%]*\[[^][{}()./ ]+\]")
"""Units named in brackets, "[degF]", "mm[Hg]" and "B[SPL]" among them: there are hundreds, and they are not listed."""
_ATOM = re.compile(r"10[*^]|(?:\[[^][{}()./ ]*\]|[A-Za-z_%'])+")
_EXPONENT = re.compile(r"[+-]?[0-9]+")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_NUMBER = re.compile(r"[0-9]+")
_AS_DICOM_HAS_THEM = frozenset(
    ("diop", "ml/[100]g/min", "ml/[100]ml", "{Particles}/[100]g{Tissue}", "ppm", "10-6.mm2/s")
)
"""Codes that PS3.16 lists as UCUM's, though UCUM writes them otherwise."""
_DEEPEST = 16
"""Brackets within brackets that a unit may have."""


def is_unit(code: str) -> bool:
    """Whether a code can be a unit of UCUM in its case sensitive form, such as mm2/s, {ratio} or 10*-6.mm2/s."""
    return code in _AS_DICOM_HAS_THEM or (0 < len(code) <= 64 and _is_term(code))


@lru_cache(maxsize=1024)
def _is_term(code: str) -> bool:
    return _term(code, 0, 0) == len(code)


def _term(code: str, at: int, depth: int) -> int | None:
    """The end of a product or quotient that begins here; None where there is none."""
    if depth > _DEEPEST:
        return None
    end: int | None = at + 1 if code[at : at + 1] == "/" else at
    while end is not None:
        end = _component(code, end, depth)
        if end is None or code[end : end + 1] not in ("/", "."):
            return end
        end += 1
    return None


def _component(code: str, at: int, depth: int) -> int | None:
    if code[at : at + 1] == "(":
        end = _term(code, at + 1, depth + 1)
        return None if end is None or code[end : end + 1] != ")" else end + 1
    note = _ANNOTATION.match(code, at)
    if note is not None:
        return note.end()
    atom = _ATOM.match(code, at)
    if atom is None:
        number = _NUMBER.match(code, at)
        return number.end() if number is not None else None
    if not _known(atom.group()):
        return None
    exponent = _EXPONENT.match(code, atom.end())
    end = exponent.end() if exponent is not None else atom.end()
    note = _ANNOTATION.match(code, end)
    return note.end() if note is not None else end


def _known(atom: str) -> bool:
    if atom in _METRIC or atom in _OTHER or _BRACKETED.fullmatch(atom):
        return True
    return any(atom[:size] in _PREFIXES and atom[size:] in _METRIC for size in (1, 2))
