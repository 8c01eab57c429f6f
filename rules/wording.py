"""How messages speak of values: what may be quoted, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_TOKEN = re.compile(r"[A-Za-z0-9 _-]{1,16}")


def shown(value: str) -> str:
    """A value fit for a message: itself where it is a short token, else only its length.

    What does not look like a code may hold anything, a name among it, and is not repeated.
    """
    if not value:
        return "empty"
    if _TOKEN.fullmatch(value):
        return value
    return f"a value of {len(value)} characters"


def listed(values: Iterable[str], most: int = 8) -> str:
    """Values as "A, B or C"; a longer list is cut short with its count."""
    names = list(values)
    if len(names) > most:
        return f"{', '.join(names[:most])} or {len(names) - most} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"


def outside(value: str, allowed: Sequence[str], otherwise: str) -> str:
    """What to say of a value that is none of those allowed, the one that was probably meant first if there is one.

    `otherwise` says what is wrong or wanted: "wanted A or B".
    """
    near = _nearest(value, allowed)
    if near is None:
        return f"is {shown(value)}, {otherwise}"
    hint = f"is {shown(value)}: did you mean {near}?"
    return hint if len(allowed) == 1 else f"{hint} {otherwise[0].upper()}{otherwise[1:]}"


def _nearest(value: str, allowed: Sequence[str]) -> str | None:
    # Imported when something is wrong, so that a sound instance does not pay for it.
    from difflib import get_close_matches

    plain = value.upper().replace("-", "_").strip()
    close = [plain] if plain in allowed else get_close_matches(plain, allowed, n=1, cutoff=0.75)
    return close[0] if close else None
