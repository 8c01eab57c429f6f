"""Item counts and value lists, as the text of a row states them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher

from rules.build.clauses import Structure, condition
from rules.build.earlier import EarlierRow

_COUNT = re.compile(
    r"\b(No more than one|Only a single|A single|Only one|Exactly one|One or more|Zero or more|Zero or one|"
    r"One or two|Two or more|Zero,? one or two|Exactly two|Only two|Two|Three|Three or more|Four) Items? "
    r"(?:shall be|are|is|may be)"
)
_COUNTS: dict[str, tuple[int, int | None]] = {
    "no more than one": (0, 1),
    "only a single": (1, 1),
    "a single": (1, 1),
    "only one": (1, 1),
    "exactly one": (1, 1),
    "one or more": (1, None),
    "zero or more": (0, None),
    "zero or one": (0, 1),
    "one or two": (1, 2),
    "two or more": (2, None),
    "zero one or two": (0, 2),
    "exactly two": (2, 2),
    "only two": (2, 2),
    "two": (2, 2),
    "three": (3, 3),
    "three or more": (3, None),
    "four": (4, 4),
}
SAME = 0.82
"""How alike two texts of a row must be, as difflib measures it, for the older one's values to be believed."""


def item_count(text: str, kind: str) -> tuple[int, int | None] | None:
    """The fewest and most Items that a Sequence may have; None where the text says nothing.

    Types 2 and 3 may be present without Items whatever else is said (PS3.5 7.4.3 and 7.4.5).
    """
    found = _COUNT.search(text)
    if not found:
        return None
    fewest, most = _COUNTS[found[1].lower().replace(",", "")]
    return (fewest if kind in ("1", "1C") else 0, most)


def same_row(text: str, kind: str, earlier: EarlierRow) -> bool:
    """Whether a row still says of its Attribute what it said earlier, conditions and cross references aside."""
    if kind != earlier.type:
        return False
    if _alike(_words(text), _words(earlier.text)):
        return True
    now = _gist(text)
    if now:
        return _alike(now, _gist(earlier.text))
    return " ".join(_words(earlier.text)).endswith(" ".join(_words(text)))


def _alike(now: list[str], then: list[str]) -> bool:
    return bool(now) and SequenceMatcher(None, now, then, autojunk=False).ratio() >= SAME


def value_lists(
    earlier: EarlierRow, marked: Callable[[str], str]
) -> Iterator[tuple[str, int, Structure | None, tuple[str, ...]]]:
    """Each list as ("enumerated" or "defined", value number or 0, condition, terms). ValueError for what is unread.

    Lists of retired terms, and those that a shared section has for another Attribute, are passed over. `marked` puts
    keywords in braces for Attributes.
    """
    for each in earlier.lists:
        found = _HEADING.fullmatch(each.heading.replace("\u00a0", " ").strip(" :"))
        if not found or not each.terms:
            continue
        about = _named_first(found["number"] or found["about"] or "", earlier.name)
        if about is None:
            continue
        kind = "enumerated" if found["kind"].lower().startswith("enumerated") else "defined"
        terms = tuple(dict.fromkeys(term.strip('"') for term in each.terms))
        if not about:
            yield kind, 0, None, terms
        elif number := re.fullmatch(r"Value (\d)", about):
            yield kind, int(number[1]), None, terms
        elif (clause := re.match(r"(if|when) ", about)) and (under := condition(marked(about[clause.end() :]))):
            yield kind, 0, under, terms
        else:
            raise ValueError(each.heading)


def _named_first(about: str, name: str) -> str | None:
    """What a heading says after the name of the Attribute that it is for; None where that is another Attribute."""
    named = re.match(r"([A-Z][\w/' -]+?) \([0-9A-Fx]{4},[0-9A-Fx]{4}\)\s*", about)
    if named is None:
        return about
    return about[named.end() :] if named[1].lower() == name.lower() else None


_HEADING = re.compile(
    r"(?:(?P<number>Value \d) )?(?P<kind>Enumerated Values?|Defined Terms?)(?: for| of)?(?: (?P<about>\S.*))?",
    re.DOTALL | re.IGNORECASE,
)


def plain_number(term: str) -> str:
    """A whole number as values are written out: "00" is 0, "0001H" is 1. Other terms are left as they are."""
    if re.fullmatch(r"[0-9A-F]{4}H", term):
        return str(int(term[:-1], 16))
    return str(int(term)) if term.isdigit() else term


def _gist(text: str) -> list[str]:
    """The words that describe the Attribute."""
    return _words(" ".join(each for each in re.split(r"(?<=[.:;])\s+|\n", text) if not _ASIDE.search(each)))


def _words(text: str) -> list[str]:
    """The words, cross references left out."""
    return re.findall(r"[a-z0-9]+", _REFERENCE.sub(" ", text).lower())


_REFERENCE = re.compile(
    r"\b(sect|table|figure|note|biblio)_[\w.-]+|(\(?[Ss]ee )?(Section|Table|Figure) [A-Z0-9][\w.-]*|\bSee\b\.?"
)
_ASIDE = re.compile(r"\b([Rr]equired|[Mm]ay be present|Items?|See|Section|sect_\S+)\b")
