"""Tickets: ten characters that find an instance in the audit, the log, the dashboard and the answer."""

from __future__ import annotations

import os

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that a ticket survives being read out on the telephone."""

LENGTH = 10

_MEANT = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None, "#": None})


def draw_ticket() -> str:
    """Fifty random bits; the audit's unique index has the last word, and a clash is drawn again."""
    return "".join([ALPHABET[each & 31] for each in os.urandom(LENGTH)])


def read_ticket(text: str) -> str | None:
    """The ticket that was meant by what a person typed, or None where it can be none."""
    ticket = text.strip().upper().translate(_MEANT)
    return ticket if len(ticket) == LENGTH and set(ticket) <= set(ALPHABET) else None
