"""The fact tables: written one way, complete, and the same as the published tables where those are at hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import needs
import pytest

from rules import tables
from rules.build.corrections import read_corrections
from rules.dictionary import format_tag, tag_of, vr_of
from rules.facts import canonical
from rules.image_types import image_type
from rules.iods import functional_groups_of, iods, modules_of, never_stored, storage_sop_classes
from rules.modules import Include, Row, Table, macro, module

FILES = [each for each in sorted(tables.FACTS.rglob("*.json")) if each.name != "dictionary.json"]
MODULES = tables.names("modules")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(tables.FACTS)))
def test_a_table_is_written_the_canonical_way(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert canonical(json.loads(text)) == text


def test_a_code_string_has_values_or_a_reason_why_it_has_none() -> None:
    without = {
        (table["name"], row[0])
        for folder in ("modules", "macros")
        for table in map(partial(tables.read, folder), tables.names(folder))
        for row in table["rows"]
        if not row[0].endswith("include") and _is_code_without_values(row)
    }
    assert without == read_corrections(tables.FACTS / "corrections.toml").unlisted


def _is_code_without_values(row: list[Any]) -> bool:
    keyword = row[0].lstrip(">")
    listed = any(name.startswith(("enumerated", "defined", "value ")) for name in row[2])
    return vr_of(tag_of(keyword)) == "CS" and keyword not in ("ImageType", "FrameType") and not listed


def test_171_iods_with_their_sop_classes_are_known() -> None:
    assert len(iods()) == 171
    assert storage_sop_classes()["1.2.840.10008.5.1.4.1.1.30"] == "Parametric Map"
    assert sum(len(each.sop_class_uids) for each in iods().values()) == len(storage_sop_classes())
    assert all(each.section for each in iods().values())


def test_four_sop_classes_are_never_stored() -> None:
    assert len(never_stored()) == 4
    assert never_stored() < storage_sop_classes().keys()


def test_every_image_iod_has_one_table_of_image_type() -> None:
    named = Counter(iod for name in tables.names("image_type") for iod in tables.read("image_type", name)["iods"])
    assert len(named) == 62
    assert set(named.values()) == {1}
    assert named.keys() <= iods().keys()


@pytest.mark.parametrize("iod", [each for each in iods() if image_type(each)])
def test_what_is_said_of_image_type_holds_together(iod: str) -> None:
    facts = image_type(iod)
    assert facts is not None
    assert facts.fewest >= 2
    assert facts.most is None or facts.most >= facts.fewest
    assert [each.number for each in facts.values] == list(range(1, len(facts.values) + 1))
    for each in facts.values:
        assert each.section
        assert each.ground
        assert not (each.enumerated and each.defined)
        assert not set(each.retired) & set(each.defined)
    if facts.frames:
        assert tag_of(facts.frames.sequence)
        assert "MIXED" not in facts.frames.types.values[0].enumerated or "Legacy" in iod


def test_23_iods_have_a_frame_type() -> None:
    assert sum(bool(facts.frames) for each in iods() if (facts := image_type(each))) == 23


def test_the_parametric_map_has_its_33_modules() -> None:
    assert len(modules_of("Parametric Map")) == 33
    assert modules_of("a name that no IOD has") == ()


def every_row(within: Sequence[Row | Include]) -> Iterator[Row]:
    for each in within:
        if isinstance(each, Row):
            yield each
            yield from every_row(each.within)
        else:
            assert macro(each.macro) is not None
            yield from each.types.values()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_can_be_read_whole(name: str) -> None:
    table = module(tables.read("modules", name)["name"])
    assert table is not None
    assert tables.file_name(table.name) == name
    judge_table(table)


@pytest.mark.parametrize("name", tables.names("macros"))
def test_a_macro_can_be_read_whole(name: str) -> None:
    table = macro(name)
    assert table is not None
    judge_table(table)


def judge_table(table: Table) -> None:
    assert table.section
    for row in every_row(table.within):
        assert row.type in {"1", "1C", "2", "2C", "3"}
        assert (row.required_if is not None) == row.type.endswith("C")
        assert not row.within or vr_of(row.tag) == "SQ"


@pytest.mark.parametrize("iod", iods())
def test_an_iod_names_tables_that_are_there(iod: str) -> None:
    assert modules_of(iod)
    for each in modules_of(iod):
        assert each.usage in {"M", "C", "U"}
        assert (each.required_if is not None) == (each.usage == "C")
        assert module(each.name) is not None
    for each in functional_groups_of(iod):
        assert each.usage in {"M", "C", "U"}
        assert each.place in {"", "shared", "per-frame"}
        assert macro(tables.file_name(each.name)) is not None


def published(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in sorted((folder / "2025e").glob("dicom_tables_part_*.json")):
        for name, part in json.loads(file.read_text(encoding="utf-8")).items():
            found |= part if name != "header" else {}
    return found


@pytest.mark.parametrize(
    ("folder", "name", "table"),
    [
        ("modules", "parametric-map-image", "C.8.32-2"),
        ("macros", "content-identification", "10-12"),
        ("macros", "content-creator", "10.9.3-1"),
        ("macros", "person-identification", "10-1"),
        ("macros", "basic-code-sequence", "8.8-1a"),
        ("macros", "enhanced-code-sequence", "8.8-1b"),
    ],
)
def test_rows_and_types_are_those_of_the_published_table(folder: str, name: str, table: str) -> None:
    lines = published(needs.folder("DICOMGATE_TABLES"))[table]["table_lines"]
    theirs = [
        (each["name"].count(">"), format_tag(int(each["address"], 16)), each["required"])
        for each in lines
        if each["type"] == "InlineObject"
    ]
    ours = [
        (keyword.count(">"), format_tag(tag_of(keyword.lstrip(">"))), kind)
        for keyword, kind, _ in tables.read(folder, name)["rows"]
        if not keyword.endswith("include")
    ]
    assert ours == theirs


def test_the_type_of_image_type_is_that_of_the_published_tables() -> None:
    every = published(needs.folder("DICOMGATE_TABLES"))
    where = {
        "CT Image": "C.8-3", "MR Image": "C.8-4", "Nuclear Medicine Image": "C.8-9", "Ultrasound Image": "C.8-18",
        "X-Ray Angiographic Image": "C.8-26", "RT Image": "C.8-38", "Positron Emission Tomography Image": "C.8-63",
        "Digital X-Ray Image": "C.8-70", "Digital Mammography X-Ray Image": "C.8-74", "VL Photographic Image": "C.8-77",
        "Secondary Capture Image": "C.7-9", "Enhanced MR Image": "C.8-79", "Enhanced CT Image": "C.8-114",
        "Segmentation": "C.8.20-2", "Parametric Map": "C.8.32-2", "Confocal Microscopy Image": "C.8.35-1",
    }  # fmt: skip
    for iod, table in where.items():
        facts = image_type(iod)
        theirs = {
            each["required"]
            for each in every.get(table, {}).get("table_lines", [])
            if each.get("address") == "0x00080008"
        }
        assert facts is not None
        assert theirs <= {facts.type}
