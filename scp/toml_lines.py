"""Where each key of a TOML text stands: tomllib gives values without positions."""

from __future__ import annotations

import re
import tomllib

Place = tuple[str | int, ...]
"""Keys and array indexes (from 0) from the root of a TOML text to one value."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}\n#]+")


def lines_of(text: str) -> dict[Place, int]:
    """The line (from 1) of every table, key and array element of `text`, which tomllib has accepted."""
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    """One pass over a valid text; `at` is the next character to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Place, int] = {}
        self.elements: dict[Place, int] = {}
        """Arrays of tables, with how many elements have been met."""
        self._counted = 0
        self._line = 1

    def document(self) -> None:
        table: Place = ()
        self.skip_blank()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.skip_blank()

    def header(self) -> Place:
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        line = self.line()
        self.at += brackets
        keys = self.keys()
        self.at += brackets
        *parents, last = keys
        place = (*self.within(parents), last)
        if brackets == 2:
            number = self.elements.get(place, 0)
            self.elements[place] = number + 1
            self.lines.setdefault(place, line)
            place = (*place, number)
        elif place in self.elements:
            place = (*place, self.elements[place] - 1)
        self.lines.setdefault(place, line)
        return place

    def within(self, keys: list[str]) -> Place:
        """The place that a header's parents name: in an array of tables, its newest element."""
        place: Place = ()
        for key in keys:
            place = (*place, key)
            self.lines.setdefault(place, self.line())
            if place in self.elements:
                place = (*place, self.elements[place] - 1)
        return place

    def pair(self, table: Place) -> None:
        line = self.line()
        place = table
        for key in self.keys():
            place = (*place, key)
            self.lines.setdefault(place, line)
        self.at += 1  # the equals sign
        self.value(place)

    def value(self, place: Place) -> None:
        self.skip_blank()
        if self.text[self.at] == "[":
            self.array(place)
        elif self.text[self.at] == "{":
            self.inline_table(place)
        elif string := _STRING.match(self.text, self.at):
            self.at = string.end()
        elif scalar := _SCALAR.match(self.text, self.at):
            self.at = scalar.end()

    def array(self, place: Place) -> None:
        self.at += 1
        number = 0
        while self.more("]"):
            self.lines[*place, number] = self.line()
            self.value((*place, number))
            number += 1

    def inline_table(self, place: Place) -> None:
        self.at += 1
        while self.more("}"):
            self.pair(place)

    def more(self, closing: str) -> bool:
        """Step over blanks and a comma; False behind the closing bracket."""
        self.skip_blank()
        if self.text[self.at] == ",":
            self.at += 1
            self.skip_blank()
        if self.text[self.at] == closing:
            self.at += 1
            return False
        return True

    def keys(self) -> list[str]:
        """A dotted key, up to and not including what follows it."""
        keys = []
        while True:
            self.skip_blank()
            if string := _STRING.match(self.text, self.at):
                keys.append(tomllib.loads(f"key = {string.group()}")["key"])
                self.at = string.end()
            elif bare := _BARE_KEY.match(self.text, self.at):
                keys.append(bare.group())
                self.at = bare.end()
            self.skip_blank()
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def skip_blank(self) -> None:
        if blank := _BLANK.match(self.text, self.at):
            self.at = blank.end()

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
