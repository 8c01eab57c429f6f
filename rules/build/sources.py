"""Reads the published tables of PS3.3: IODs, and Modules and Macros row by row, as they were printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rules.build.corrections import Corrections
from rules.build.earlier import Earlier
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
    """The printed table of a Module or Macro, by its number ("C.8-4"); `file` is the source's that has it."""

    number: str
    name: str
    macro: bool
    section: str
    lines: tuple[Line, ...]
    file: str = ""


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


def read_base(folder: Path, second: Second, given: Corrections, earlier: Earlier) -> Published:
    """The base edition, with the tables, IODs and functional groups that it lost taken from where a person says."""
    dictionary = {
        tag: (row["keyword"], row["vr"], row["vm"])
        for tag, row in ((_tag(written), row) for written, row in _attributes(folder).items())
        if row["keyword"]
    }
    printed: dict[str, Any] = {}
    file_of: dict[str, str] = {}
    for part in (1, 2, 3):
        found = _member(folder, f"dicom_tables_part_{part}")
        printed |= found
        file_of |= dict.fromkeys(found, f"dicom_tables_part_{part}.json")
    of_section: dict[str, str] = {}
    section_of = dict(second.sections)
    for section, found in _member(folder, "dicom_modules").items():
        for each in found:
            of_section.setdefault(section, each["name"])
            section_of[each["name"]] = section
    for number in printed:
        own = _OWN_SECTION.fullmatch(number)
        if own and own[1].count(".") > section_of.get(number, "").count("."):
            section_of[number] = own[1]
    section_of |= given.sections
    tables = {
        number: _table(number, table, section_of.get(number, ""), file_of[number]) for number, table in printed.items()
    }
    by_caption = {table.name: number for number, table in tables.items()}
    for table_of, line in given.lines:
        if "depth" in given.lines[(table_of, line)]:
            number = by_caption[table_of]
            tables[number] = _moved(tables[number], line, given.lines[(table_of, line)]["depth"])
            given.used.add((table_of, line))
    for lost in given.tables:
        tables[lost["number"]] = _earlier_table(lost, earlier, dictionary)
    by_name = {(table.macro, table.name.lower()): number for number, table in tables.items()}

    def use(name: str, macro: bool, usage: tuple[str, str], section: str = "") -> Use:
        number = given.moved.get(name) or of_section.get(section) or by_name.get((macro, name.lower()), "")
        return (
            Use(
                tables[number].name if number else name,
                *usage,
                section_of.get(number) or tables[number].section,
                number,
            )
            if number
            else Use(name, *usage, section, "")
        )

    def uses(rows: list[dict[str, Any]], macro: bool) -> tuple[Use, ...]:
        return tuple(
            use(row["name"], macro, usage_letter(row["usage"]), row["ref"].removeprefix("sect_")) for row in rows
        )

    def uses_of_second(iod: str, macro: bool) -> tuple[Use, ...]:
        found = second.functional_groups if macro else second.modules
        return tuple(use(name, macro, usage) for (of, name), usage in found.items() if of == iod)

    groups = {iod_name(name): rows for name, rows in _member(folder, "dicom_iod_func_groups").items()}
    modules = {iod_name(name): rows for name, rows in _member(folder, "dicom_iod").items()}
    lost_parts = {each["name"]: each["lost"] for each in given.iods}
    iods = []
    for name, section in second.order:
        lost_part = lost_parts.get(name, "")
        iods.append(
            PublishedIod(
                name,
                section,
                uses_of_second(name, False) if lost_part == "modules" else uses(modules.get(name, []), False),
                uses_of_second(name, True) if lost_part == "functional groups" else uses(groups.get(name, []), True),
            )
        )
    return Published(tables, tuple(iods), dictionary)


def names_of(folder: Path) -> dict[str, str]:
    """Keywords by the Attribute's name in small letters; of two with one name, the one that is not retired."""
    rows = _attributes(folder).values()
    named = sorted((row for row in rows if row["keyword"]), key=lambda row: not row["retired"])
    return {row["name"].lower(): row["keyword"] for row in named}


def _earlier_table(lost: Mapping[str, Any], earlier: Earlier, dictionary: Mapping[str, tuple[str, str, str]]) -> Table:
    """A table that the base edition's source left out, from the earlier one; names are keywords there."""
    lines: list[Line] = []
    for number, path in earlier:
        if number == lost["number"]:
            row = earlier[(number, path)]
            last = path.rpartition(":")[2]
            tag = f"({last[:4]},{last[4:]})"
            name = dictionary[tag][0] if tag in dictionary else tag
            lines.append(Line(len(lines) + 1, path.count(":"), name, tag, row.type, row.text))
    return Table(lost["number"], lost["name"], False, lost["section"], tuple(lines))


def _attributes(folder: Path) -> dict[str, dict[str, str]]:
    """PS3.6 by tag, those of repeating groups with an x for any digit."""
    found = _member(folder, "dicom_tags")
    return {**found["main"], **found["mask"]}


def _tag(written: str) -> str:
    """ "0x00080060", or "60xx0010" of a repeating group, as "(0008,0060)"."""
    digits = written.removeprefix("0x").upper().replace("X", "x")
    return f"({digits[:4]},{digits[4:]})"


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


def _table(number: str, printed: Mapping[str, Any], section: str, file: str) -> Table:
    name, macro = macro_or_module(printed["table_caption"])
    return Table(number, name, macro, section, tuple(_line(place, row) for place, row in _counted(printed)), file)


def _counted(printed: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, str]]]:
    return enumerate(printed["table_lines"], start=1)


def _moved(table: Table, line: int, depth: int) -> Table:
    """The table with one of its lines at another depth."""
    return replace(
        table, lines=tuple(replace(each, depth=depth) if each.number == line else each for each in table.lines)
    )


def _line(number: int, row: Mapping[str, str]) -> Line:
    if row["type"] == "LinkedObject":
        prefix = row["prefix"]
        said = prefix.lstrip(">")
        include = row["linked_resource"].removeprefix("table_")
        if said != "Include" or row["linked_resource"].startswith("sect_"):
            return Line(number, len(prefix) - len(said), said, "", "", row["usage"])
        return Line(number, len(prefix) - len(said), said, "", "", row["usage"], include)
    name = row["name"].lstrip(">")
    tag = _tag(row["address"]) if len(row["address"].removeprefix("0x")) == 8 else ""
    return Line(number, len(row["name"]) - len(name), name.strip(), tag, row["required"].strip(), row["comment"])


_OWN_SECTION = re.compile(r"([A-Z](?:\.\d+){3,})-\d+[a-z]?")
"""The number of a table that is counted within its section: "C.36.2.4.5-2" is the second of C.36.2.4.5."""


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
