"""A document in Markdown, and as one HTML page that can be printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from markupsafe import Markup, escape

from scp.conformance.document import Block, Document, Points, Row, Table
from scp.templates import templates_in

TEMPLATES = Path(__file__).parent / "templates"

LONGEST_WORD = 40
"""Characters of code that are kept on one line."""

_CODE = re.compile(r"(`[^`]+`)")
_PIECE, _WORD = Markup("<code>{}</code>"), Markup('<code class="word">{}</code>')
_SPECIAL = re.compile(r"([\\*_<>|\[\]])")


def markdown(document: Document) -> str:
    """The document in Markdown, tables as GitHub has them."""
    return "\n".join(_lines(document)) + "\n"


def html(document: Document) -> str:
    """The document as one page without a request to anywhere."""
    pages = templates_in(TEMPLATES)
    pages.filters["text"] = _html_text
    pages.tests |= {"paragraph": _is(str), "points": _is(Points), "table": _is(Table)}
    return pages.get_template("statement.html").render(document=document, sections=list(document.numbered()))


FORMS: dict[str, Callable[[Document], str]] = {"markdown": markdown, "html": html}


def _lines(document: Document) -> Iterator[str]:
    yield f"# {document.title}"
    yield ""
    yield _text(document.subtitle)
    yield ""
    yield from _table(("", ""), [(name, value) for name, value in document.cover])
    for section in document.numbered():
        yield ""
        yield f"{'#' * (len(section.place) + 1)} {section.number} {_text(section.title)}"
        for number, block in section.blocks:
            yield ""
            yield from _block(number, block)


def _block(number: str, block: Block) -> Iterator[str]:
    if isinstance(block, Points):
        for count, point in enumerate(block.points, start=1):
            yield f"{count}." * block.numbered + "-" * (not block.numbered) + f" {_text(point)}"
    elif isinstance(block, Table):
        yield f"Table {number}. {_text(block.caption)}"
        yield ""
        rows: list[Row] = []
        for group in block.groups:
            if group.title:
                rows.append((f"**{_text(group.title)}**", *("" for _ in block.headers[1:])))
            rows += [tuple(map(_text, row)) for row in group.rows]
        yield from _table(block.headers, rows)
    else:
        yield _text(block)


def _table(headers: Row, rows: list[Row]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield "|" + " --- |" * len(headers)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _text(text: str) -> str:
    """What would be markup outside of code, escaped; inside of it only what would end a cell."""
    pieces = _CODE.split(" ".join(text.split()))
    return "".join(
        each.replace("|", r"\|") if number % 2 else _SPECIAL.sub(r"\\\1", each) for number, each in enumerate(pieces)
    )


def _html_text(text: str) -> Markup:
    pieces = _CODE.split(text)
    return Markup("").join(
        (_WORD if _is_word(each[1:-1]) else _PIECE).format(each[1:-1]) if number % 2 else escape(each)
        for number, each in enumerate(pieces)
    )


def _is_word(piece: str) -> bool:
    return " " not in piece and len(piece) <= LONGEST_WORD


def _is(kind: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kind)
