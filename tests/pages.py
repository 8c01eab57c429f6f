"""A page of HTML taken apart."""

from __future__ import annotations

from html.parser import HTMLParser

WITHIN_WORDS = {"a", "b", "wbr"}
VOID = {"meta", "link", "input", "br", "wbr", "img"}


class Page(HTMLParser):
    """A page taken apart: its text, its tags with attributes; asserts that they nest."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.text += "" if tag in WITHIN_WORDS else " "
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())
