"""Text by Specific Character Set (0008,0005), with and without code extensions (PS3.3 C.12.1.1.2, PS3.5 6.1)."""

from __future__ import annotations

import re
from functools import lru_cache

ESCAPE = b"\x1b"

_SINGLE = {
    "ISO_IR 6": "ascii",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "iso8859-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 166": "iso8859-11",
    "ISO_IR 203": "iso8859-15",
}
_WHOLE = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk"}
_MULTI = {
    "ISO 2022 IR 58": "gb2312",
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 149": "euc_kr",
    "ISO 2022 IR 159": "iso2022_jp_2",
}
CODECS = (
    {"": "ascii"} | _SINGLE | _WHOLE | _MULTI | {name.replace("_IR", " 2022 IR"): of for name, of in _SINGLE.items()}
)
"""Defined Term of (0008,0005) to the name of Python's codec."""
DEFAULT_REPERTOIRE = "ISO_IR 6"
"""What the reader understands and the Standard has no term for: an absent or empty value says it."""
ALONE = frozenset((*_SINGLE, *_WHOLE)) - {DEFAULT_REPERTOIRE}
"""The terms that may be the only value."""

_ESCAPES = {
    b"(B": "ascii",
    b"(J": "shift_jis",
    b")I": "shift_jis",
    b"-A": "iso8859-1",
    b"-B": "iso8859-2",
    b"-C": "iso8859-3",
    b"-D": "iso8859-4",
    b"-F": "iso8859-7",
    b"-G": "iso8859-6",
    b"-H": "iso8859-8",
    b"-L": "iso8859-5",
    b"-M": "iso8859-9",
    b"-T": "iso8859-11",
    b"-b": "iso8859-15",
    b"$B": "iso2022_jp",
    b"$(D": "iso2022_jp_2",
    b"$)A": "gb2312",
    b"$)C": "euc_kr",
}
_WITH_ESCAPE = frozenset(("iso2022_jp", "iso2022_jp_2"))
"""Codecs that want the escape sequence before the text: it says which G0 set holds."""
_G0_MULTI, _G0_SINGLE = (b"$B", b"$(D"), (b"(B", b"(J")
_LINE_END = re.compile(rb"[\r\n\f\t]")
_DELIMITER = re.compile(rb"[\\^=\r\n\f\t]")
"""Where code extensions fall back to the first character set (PS3.5 6.1.2.5.3)."""

REPLACEMENT = "\ufffd"


@lru_cache(maxsize=256)
def codecs_of(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Python's codecs for the values of (0008,0005), the first one first; unknown terms are left out."""
    if not terms:
        return ("ascii",)
    found = [CODECS.get(_tidy(term)) for term in terms]
    return (found[0] or "ascii", *(codec for codec in found[1:] if codec))


def unknown_terms(terms: tuple[str, ...]) -> tuple[str, ...]:
    """The values of (0008,0005) that PS3.3 C.12.1.1.2 does not define, taken exactly."""
    return tuple(term for term in terms if term.strip() not in CODECS)


def is_decodable(raw: bytes, codecs: tuple[str, ...]) -> bool:
    """Whether the character sets can decode every byte."""
    if raw.isascii() and ESCAPE not in raw:
        return True
    try:
        decode(raw, codecs, "strict")
    except UnicodeError:
        return False
    return True


def is_left_invoked(raw: bytes) -> bool:
    """Whether a multi-byte set that took the place of the first one still holds where a line or the value ends.

    PS3.5 6.1.2.5.3. The sets that stand beside the first one, in G1, need no way back.
    """
    invoked = False
    for part in raw.split(ESCAPE)[1:]:
        if part.startswith(_G0_MULTI):
            invoked = True
        elif part.startswith(_G0_SINGLE):
            invoked = False
        if invoked and _LINE_END.search(part):
            return True
    return invoked


def decode(raw: bytes, codecs: tuple[str, ...], errors: str = "replace") -> str:
    """The text of `raw`; bytes that the character sets cannot decode become U+FFFD, or a UnicodeError if "strict"."""
    if ESCAPE not in raw:
        return raw.decode(codecs[0], errors)
    first, *extended = raw.split(ESCAPE)
    return first.decode(codecs[0], errors) + "".join([_fragment(each, codecs[0], errors) for each in extended])


def _fragment(fragment: bytes, default: str, errors: str) -> str:
    """What follows an escape character: the rest of the escape sequence, text, and where a delimiter ends its reign."""
    for size in (2, 3):
        codec = _ESCAPES.get(fragment[:size])
        if codec is None:
            continue
        if codec in _WITH_ESCAPE:
            return (ESCAPE + fragment).decode(codec, errors)
        text = fragment[size:]
        delimiter = _DELIMITER.search(text)
        if delimiter is None:
            return text.decode(codec, errors)
        cut = delimiter.start()
        return text[:cut].decode(codec, errors) + text[cut:].decode(default, errors)
    if errors == "strict":
        raise UnicodeError("an escape sequence of no character set")
    return REPLACEMENT + fragment.decode(default, errors)


def _tidy(term: str) -> str:
    """A Defined Term from the ways in which it is found misspelt: "ISO-IR 100", "ISO_2022_IR_87", "ISO IR 192"."""
    words = re.split(r"[\s_-]+", term.strip().upper())
    if words[:2] == ["ISO", "IR"] and len(words) == 3:
        return f"ISO_IR {words[2]}"
    if words[:3] == ["ISO", "2022", "IR"] and len(words) == 4:
        return f"ISO 2022 IR {words[3]}"
    return " ".join(words)
