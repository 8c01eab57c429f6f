"""A document as values: numbered sections of paragraphs, lists and tables, for whatever form it is written in.

Text may hold code between backticks, and no other markup; `code` makes such a piece of what somebody else has written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a table under a heading of their own."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its number comes from the section that it stands in."""

    caption: str
    headers: Row
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, caption: str, headers: Row, rows: list[Row]) -> Table:
        """A table whose rows need no headings."""
        return cls(caption, headers, (Group("", tuple(rows)),))

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, whatever heading they stand under."""
        return tuple(row for group in self.groups for row in group.rows)


@dataclass(frozen=True, slots=True)
class Points:
    """A list; numbered where the order matters."""

    points: tuple[str, ...]
    numbered: bool = False


Block = str | Points | Table
"""A text is a paragraph."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its blocks, then the sections in it."""

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The whole: what the cover says, as pairs, and the sections, numbered from 1."""

    title: str
    subtitle: str
    cover: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    def numbered(self) -> Iterator[Numbered]:
        """Every section with its number, each before those in it."""
        for number, section in enumerate(self.sections, start=1):
            yield from _numbered(section, (number,))


@dataclass(frozen=True, slots=True)
class Numbered:
    """A section in its place. `blocks` are its own, each with the number of its table, or ""."""

    place: tuple[int, ...]
    title: str
    blocks: tuple[tuple[str, Block], ...]

    @property
    def number(self) -> str:
        """`7.3.1`."""
        return ".".join(map(str, self.place))


def code(text: str) -> str:
    """A piece of text, shown as it is."""
    return f"`{text.replace('`', chr(39))}`" if text else ""


def codes(texts: tuple[str, ...]) -> str:
    """Pieces of text in a row."""
    return ", ".join(map(code, texts))


def _numbered(section: Section, place: tuple[int, ...]) -> Iterator[Numbered]:
    blocks: list[tuple[str, Block]] = []
    tables = 0
    for block in section.blocks:
        tables += isinstance(block, Table)
        blocks.append((f"{'.'.join(map(str, place))}-{tables}" if isinstance(block, Table) else "", block))
    yield Numbered(place, section.title, tuple(blocks))
    for number, inner in enumerate(section.sections, start=1):
        yield from _numbered(inner, (*place, number))
