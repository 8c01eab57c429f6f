"""Reads what a row of PS3.3 says of its presence: when it is required, when it may be, when it never may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rules.build.clauses import OWN_CHANGE, Structure, condition


@dataclass(frozen=True, slots=True)
class Phrase:
    """When an Attribute is required, when it may be present though it is not, and when it never may.

    `may` is None where nothing is said, "always" where it may be present otherwise.
    """

    required: Structure
    may: Structure | str | None = None
    never: Structure | None = None


def said(text: str) -> str:
    """The part of a row's text that speaks of requirement and presence, one sentence a line; "" where none does."""
    sentences = list(_sentences(text))
    for place, sentence in enumerate(sentences):
        if found := _STARTS.search(sentence):
            kept = [sentence[found.start() :]]
            kept += [each for each in sentences[place + 1 :] if _SPEAKS.search(each)]
            return "\n".join(kept)
    return ""


def read(sentences: str, marked: Callable[[str], str]) -> Phrase | None:
    """A Phrase, or None where any of it is not understood. `marked` puts keywords in braces for Attributes."""
    parts: dict[str, Structure | str] = {}
    for sentence in sentences.split("\n"):
        rest, otherwise = _otherwise(marked(sentence).strip(" .;"))
        for name, found in (("may", "always" if otherwise else None), *_part(rest)):
            if found is None:
                continue
            if name in parts or found == _UNREAD:
                return None
            parts[name] = found
    required, may, never = parts.get("required"), parts.get("may"), parts.get("never")
    if not isinstance(required, dict) or isinstance(never, str):
        return None
    first = _without_own(required)
    if first == required:
        return Phrase(required, may, never)
    return Phrase(first, "always", never) if first is not None and may is None else None


def _part(sentence: str) -> Iterator[tuple[str, Structure | str]]:
    """Which of the three a sentence states, and the clause read."""
    for name, lead in (("required", _REQUIRED), ("may", _MAY_IF), ("never", _NEVER_IF)):
        if found := lead.match(sentence):
            yield name, condition(sentence[found.end() :]) or _UNREAD
            return
    if sentence and not _NOTHING_MORE.match(sentence):
        yield "required", _UNREAD


def _without_own(required: Structure) -> Structure | None:
    """What is left of "A, or the value changes" when that is left to the Attribute itself; None where nothing is."""
    if required == OWN_CHANGE:
        return None
    if "any" in required:
        left = [each for each in required["any"] if each != OWN_CHANGE]
        required = {"any": left} if len(left) > 1 else left[0]
    return None if "own" in str(required) else required


def permits(sentences: str) -> bool:
    """Whether the sentences say that the Attribute may be present otherwise, with nothing more to it."""
    return any(_otherwise(each.strip(" .;"))[1] for each in sentences.split("\n"))


_UNREAD = "unread"
_STARTS = re.compile(
    r"\b([Oo]nly required|[Rr]equired,? (only )?(if|when|for|where|unless|Pixel)|Shall be present if)\b"
)
_SPEAKS = re.compile(
    r"^(Only )?([Rr]equired|(May|Maybe) (be|also)|Otherwise|Optional|(It )?[Ss]hall (not )?be present|"
    r"Not permitted|Not present)\b"
)
_REQUIRED = re.compile(
    r"^(Only )?([Rr]equired,? (only )?(if|when|where|for)|Shall be present if)[,:]?\s+(if |Required if )?(?!otherwise)"
)
_MAY_IF = re.compile(
    r"^(Otherwise,? )?[Mm]ay (also )?be present( otherwise)?,?( only)? (if|when)[,:]?\s+|"
    r"^Otherwise,? may be present( only)? if "
)
_NEVER_IF = re.compile(r"^(Shall not be present|Not permitted|May not be present) (if|when) ")
_NOTHING_MORE = re.compile(
    r"^((It )?[Ss]hall not be present otherwise|Not permitted otherwise|Otherwise not (used|present|permitted))$"
)
_OTHERWISE = re.compile(
    r"[\s,;.(]*\b(but )?((([Mm]ay|can)( also)? be|Maybe be) present otherwise|[Oo]ptional otherwise|"
    r"[Oo]therwise,? may be present)( even if not required| as well)?[\s).]*$"
)


def _otherwise(sentence: str) -> tuple[str, bool]:
    """The sentence without "may be present otherwise", and whether it said so."""
    found = _OTHERWISE.search(sentence)
    return (sentence[: found.start()].strip(" ,;."), True) if found else (sentence, False)


def _sentences(text: str) -> Iterator[str]:
    """Sentences; a line that ends in a colon goes on over the bullets below it."""
    joined = re.sub(r"[:]\s*\n\s*(?=\S)", ": ", text.replace("\u00a0", " "))
    joined = re.sub(r"(,|, or|, and| or| and)\s*\n\s*", r"\1 ", joined)
    for line in joined.split("\n"):
        for sentence in re.split(r"(?<=[.;)A-Z])\.?\s+(?=May be|Shall not|Otherwise|See )|(?<=[.;])\s+(?=[A-Z])", line):
            if sentence.strip():
                yield sentence.strip()
