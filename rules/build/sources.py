"""Reads the published tables of PS3.3: IODs, and Modules and Macros row by row, as they were printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.build.names import iod_name, macro_or_module, usage_letter


@dataclass(frozen=True, slots=True)
class Line:
    """One printed row of a Module or Macro.

    `tag` is "(gggg,eeee)", "" where the row names no one Attribute. `include` is the number of the Macro's table where
    the row includes one; `text` is then what is said beside it.
    """

    number: int
    depth: int
    name: str
    tag: str
    type: str
    text: str
    include: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The printed table of a Module or Macro, by its number ("C.8-4")."""

    number: str
    name: str
    macro: bool
    section: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A Module or functional group of an IOD: M, C or U, the text beside the letter, and its table's number."""

    name: str
    usage: str
    text: str
    section: str
    table: str


@dataclass(frozen=True, slots=True)
class PublishedIod:
    """An IOD with its Modules and functional groups, in printed order."""

    name: str
    section: str
    modules: tuple[Use, ...]
    functional_groups: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What the base edition prints. `dictionary` holds tag, VR, VM and keyword of every Attribute of PS3.6."""

    tables: Mapping[str, Table]
    iods: tuple[PublishedIod, ...]
    dictionary: Mapping[str, tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Second:
    """The same IODs as a second source has them: usage and text by IOD and name, sections by table number."""

    modules: Mapping[tuple[str, str], tuple[str, str]]
    functional_groups: Mapping[tuple[str, str], tuple[str, str]]
    sections: Mapping[str, str]
    order: tuple[tuple[str, str], ...]


def read_base(folder: Path, second: Second, moved: Mapping[str, str]) -> Published:
    """The base edition. `moved` names the right table of a Module whose section the source has wrong."""
    printed: dict[str, Any] = {}
    for part in (1, 2, 3):
        printed |= _member(folder, f"dicom_tables_part_{part}")
    of_section: dict[str, str] = {}
    section_of = dict(second.sections)
    for section, found in _member(folder, "dicom_modules").items():
        for each in found:
            of_section.setdefault(section, each["name"])
            section_of[each["name"]] = section
    made = {number: _table(number, table, section_of.get(number, "")) for number, table in printed.items()}
    by_name = {(table.macro, table.name): number for number, table in made.items()}

    def uses(rows: list[dict[str, Any]], macro: bool) -> tuple[Use, ...]:
        found = []
        for row in rows:
            section = row["ref"].removeprefix("sect_")
            table = moved.get(row["name"]) or of_section.get(section) or by_name.get((macro, row["name"]), "")
            letter, text = usage_letter(row["usage"])
            if table:
                section = section_of.get(table) or section
            found.append(Use(made[table].name if table else row["name"], letter, text, section, table))
        return tuple(found)

    groups = _member(folder, "dicom_iod_func_groups")
    modules = {iod_name(name): (rows, groups.get(name, [])) for name, rows in _member(folder, "dicom_iod").items()}
    iods = tuple(
        PublishedIod(name, section, uses(modules[name][0], False), uses(modules[name][1], True))
        for name, section in second.order
        if name in modules
    )
    tags = _member(folder, "dicom_tags")["main"]
    dictionary = {
        f"({tag[2:6].upper()},{tag[6:].upper()})": (row["keyword"], row["vr"], row["vm"])
        for tag, row in tags.items()
        if row["keyword"]
    }
    return Published(made, iods, dictionary)


def read_second(folder: Path) -> Second:
    """The source that kept the conditions beside the usages of every IOD."""
    iods = {each["id"]: each for each in _file(folder, "ciods")}
    names = {each["id"]: each["name"] for kind in ("modules", "macros") for each in _file(folder, kind)}
    sections = {}
    for kind in ("modules", "macros"):
        for each in _file(folder, kind):
            section, table = _linked(each["linkToStandard"])
            sections[table] = section
    modules = {
        (iods[row["ciodId"]]["name"], names[row["moduleId"]]): (row["usage"], row["conditionalStatement"] or "")
        for row in _file(folder, "ciod_to_modules")
    }
    groups = {
        (iods[row["ciodId"]]["name"], names[row["macroId"]]): (row["usage"], row["conditionalStatement"] or "")
        for row in _file(folder, "ciod_to_func_group_macros")
    }
    order = tuple((each["name"], _annex(_linked(each["linkToStandard"])[1])) for each in iods.values())
    return Second(modules, groups, sections, order)


def read_expanded(folder: Path) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """A third source, its Macros written out: by Module, path of keywords with the Type last, in printed order."""
    found = json.loads((folder / "module_attribute_map.json").read_bytes())
    return {
        module: tuple((*row["path"], row["keyword"], row["type"] if row["type"] != "None" else "") for row in rows)
        for module, rows in found.items()
    }


def paths(table: Table) -> Iterator[tuple[Line, str]]:
    """The lines that name an Attribute, each with its path of tags ("00400275:00321064"), Macros not written out."""
    above: list[str] = []
    for line in table.lines:
        if line.include or not line.tag:
            continue
        del above[line.depth :]
        above.append(line.tag[1:5] + line.tag[6:10])
        yield line, ":".join(above)


def _table(number: str, printed: Mapping[str, Any], section: str) -> Table:
    name, macro = macro_or_module(printed["table_caption"])
    return Table(number, name, macro, section, tuple(_line(place, row) for place, row in _counted(printed)))


def _counted(printed: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, str]]]:
    return enumerate(printed["table_lines"], start=1)


def _line(number: int, row: Mapping[str, str]) -> Line:
    if row["type"] == "LinkedObject":
        prefix = row["prefix"]
        said = prefix.lstrip(">")
        include = row["linked_resource"].removeprefix("table_")
        if said != "Include" or row["linked_resource"].startswith("sect_"):
            return Line(number, len(prefix) - len(said), said, "", "", row["usage"])
        return Line(number, len(prefix) - len(said), said, "", "", row["usage"], include)
    name = row["name"].lstrip(">")
    address = row["address"].removeprefix("0x").upper().replace("X", "x")
    tag = f"({address[:4]},{address[4:]})" if len(address) == 8 else ""
    return Line(number, len(row["name"]) - len(name), name.strip(), tag, row["required"].strip(), row["comment"])


def _annex(table: str) -> str:
    """The section of an IOD by the number of its Module table: "A.75-1" stands in A.75."""
    return re.sub(r"-\d+[a-z]?$", "", table)


def _linked(address: str) -> tuple[str, str]:
    page, _, table = address.rpartition("#table_")
    return page.rpartition("sect_")[2].removesuffix(".html"), table.removeprefix("PS3.3_")


def _member(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_bytes())[name]
    return found


def _file(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_bytes())
    return found
