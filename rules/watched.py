"""A Data Set that notes which of its values are read: what was said by those alone holds wherever they are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rules.dictionary import tag_of
from rules.encoding import PIXELS
from rules.values import TEXT

if TYPE_CHECKING:
    from rules.header import Header, PixelData

SPECIFIC_CHARACTER_SET = 0x00080005
PIXEL_REPRESENTATION = 0x00280103
LUT_DESCRIPTOR = 0x00283002
_GOVERNING = frozenset((SPECIFIC_CHARACTER_SET, PIXEL_REPRESENTATION, LUT_DESCRIPTOR))
"""Attributes that bear on how others are read, whose VR is not encoded."""
_THERE = frozenset(("encoding", "has", "is_sequence", "nested", "path_of", "tags", "transfer_syntax_uid"))
"""What a Header tells by the structure of its Data Set alone."""
_OF_ITEMS = frozenset(("count", "items", "stencils"))
_OF_A_VALUE = frozenset(
    (
        "empty",
        "field",
        "integer",
        "integers",
        "length",
        "number",
        "numbers",
        "raw",
        "text",
        "texts",
        "value",
        "values",
        "vr",
    )
)
"""What a Header tells of one Attribute by its VR and its value field."""


class Watched:
    """Stands for the Header of a Data Set. `read` are the tags of the values that were asked for.

    What is there is taken for granted: the tags, which of them are Sequences, the encoding, the Transfer Syntax.
    Whoever asks for more than values and what is there is given it, and `everything` counts as read.
    """

    __slots__ = ("_header", "everything", "read")

    parent = None
    path = ""

    def __init__(self, header: Header) -> None:
        self._header = header
        self.read: set[int] = set()
        self.everything = False

    @property
    def root(self) -> Watched:
        """Itself."""
        return self

    @property
    def pixel_data(self) -> PixelData | None:
        """As the Header tells, but for where it stands, which is no part of it."""
        pixels = self._header.pixel_data
        if pixels is None:
            return None
        self._note(pixels.tag)
        return pixels if self.everything else replace(pixels, start=0, offset=0)

    def __getattr__(self, name: str) -> Any:
        told = getattr(self._header, name)
        if name in _THERE:
            return told
        if name in _OF_ITEMS:
            return partial(self._items, told)
        if name in _OF_A_VALUE:
            return partial(self._value, told)
        self.everything = True
        return told

    def _note(self, name: str | int) -> None:
        """A value is asked for."""
        tag = name if isinstance(name, int) else tag_of(name)
        found = self._header.element(tag)
        if found is None:
            return
        if tag in self._header.nested() or (tag in PIXELS and not is_plain(self._header)):
            self.everything = True
            return
        self.read.add(tag)
        vr = found[0]
        if vr is None or vr == b"UN":
            self.read |= _GOVERNING
        elif vr.decode("latin-1") in TEXT:
            self.read.add(SPECIFIC_CHARACTER_SET)

    def _items(self, told: Callable[[str | int], Any], name: str | int) -> Any:
        """Items are asked for: where the Attribute is no Sequence, there are none, and that is all."""
        self.everything = self.everything or self._header.is_sequence(name)
        return told(name)

    def _value(self, told: Callable[[str | int], Any], name: str | int) -> Any:
        self._note(name)
        return told(name)


def is_plain(header: Header) -> bool:
    """Whether pixel data, if there are any, are one element of defined length, and complete."""
    pixels = header.source.pixels
    return not pixels or (len(pixels) == 1 and pixels[0].length is not None and pixels[0].complete)


def field_of(header: Header, tag: int) -> bytes | None:
    """What an Attribute's VR, length and value are told by; None for pixel data that are not plain.

    The eight bytes before a value hold the VR, unless it is not encoded, and the length; of pixel data no more counts.
    """
    _, offset, length = header.elements()[tag]
    if tag in PIXELS:
        return bytes(header.source.data[offset - 8 : offset]) if is_plain(header) else None
    return bytes(header.source.data[offset - 8 : offset + length])
