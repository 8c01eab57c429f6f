"""Sequences that were met before, byte for byte, and what was found out about them then.

Senders repeat themselves: the codes of a procedure, a request, equipment and units are the same in thousands of
instances. Where the bytes of a Sequence are known, it is not walked, held against its tables or looked at value by
value again. Whoever asks for its Items is given them all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.kept import Kept

if TYPE_CHECKING:
    from rules.mentioned import Reference

LONGEST = 1024
"""Bytes of a Sequence that is remembered."""
MOST_BYTES = 1 << 22
"""Memory for all that is remembered."""
_MOST_ENTRIES = 8
_OVERHEAD, _FOR_EACH_BYTE = 600, 8
"""Bytes that Python needs at most for one of them, and for each of its bytes: most of these are for references."""

Key = tuple[int, int, tuple[str, ...], tuple[int | None, ...] | None, bytes]
"""All that bears on what is found out: tag, depth, Specific Character Set in force, what decides on VRs that are not
encoded, bytes of the Items."""


class Known:
    """What was found out about one Sequence."""

    __slots__ = ("elements", "extended", "references", "sound", "undecided")

    def __init__(self) -> None:
        self.elements: int | None = None
        """How many elements and Items are in it; None where it was not walked yet, or not without a fault."""
        self.sound = False
        """Whether nothing can be said of any of its values."""
        self.extended: bool | None = None
        """Whether text in it has characters beyond the default repertoire; None where nobody has asked."""
        self.references: tuple[Reference, ...] | None = None
        """The references in it; None where nobody has asked."""
        self.undecided: dict[int, int] = {}
        """Of Entries, by number: how many requirements are left undecided where its Items are held against what they
        ask, if nothing is found and nothing outside bears on it."""

    def remember(self, entry: int, undecided: int) -> None:
        """Put down what is left undecided by an Entry; few have to do with the same Sequence."""
        if len(self.undecided) >= _MOST_ENTRIES:
            self.undecided.clear()
        self.undecided[entry] = undecided


class Memory(Kept[Key, Known]):
    """Known Sequences, of which those that were not met for long are forgotten."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        super().__init__(most, _bytes_for)

    def of(self, key: Key) -> Known:
        """What is known of a Sequence; made where it is met first."""
        known = self.get(key)
        return self.put(key, Known()) if known is None else known


def _bytes_for(key: Key) -> int:
    return len(key[-1]) * _FOR_EACH_BYTE + _OVERHEAD


MEMORY = Memory()
