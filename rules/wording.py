"""How messages speak of values: what may be quoted, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

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


def meant(value: str, among: Iterable[str]) -> str:
    """ "; did you mean X?" where one of the values is close, else nothing."""
    # Imported when something is wrong, so that a sound instance does not pay for it.
    from difflib import get_close_matches

    plain = value.upper().replace("-", "_").strip()
    names = list(among)
    close = [plain] if plain in names and plain != value else get_close_matches(plain, names, n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""
