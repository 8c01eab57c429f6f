"""The fact tables against the published ones, where DICOMGATE_TABLES and DICOMGATE_TABLES_2020 say where those are."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import needs
import pytest

from rules import tables
from rules.build.__main__ import main


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    published = needs.folder("DICOMGATE_TABLES")
    wheel = os.environ.get("DICOMGATE_TABLES_2020", "")
    if not Path(wheel).is_file():
        needs.missing("the wheel named by DICOMGATE_TABLES_2020")
    facts = tmp_path_factory.mktemp("facts")
    arguments = [str(facts), "--tables-2025e", str(published / "2025e"), "--tables-2024b", str(published / "2024b")]
    found = importlib.util.find_spec("highdicom")
    if found is not None and found.origin is not None:
        arguments += ["--highdicom", str(Path(found.origin).parent / "_standard")]
    assert main([*arguments, "--wheel-2020", wheel]) == 0
    return facts


def test_every_iod_of_ps3_3_is_built(built: Path) -> None:
    names = {tables.file_name(row[0]) for row in tables.read("iods")["rows"]}
    assert {each.stem for each in (built / "iods").iterdir()} == names


@pytest.mark.parametrize("folder", ["iods", "modules", "macros"])
def test_the_facts_are_what_the_sources_give_byte_for_byte(built: Path, folder: str) -> None:
    fresh = {each.name: each.read_bytes() for each in (built / folder).iterdir()}
    kept = {each.name: each.read_bytes() for each in (tables.FACTS / folder).glob("*.json")}
    assert fresh.keys() == kept.keys()
    assert [name for name in fresh if fresh[name] != kept[name]] == []


def test_the_kinds_of_sop_classes_are_what_the_tables_give(built: Path) -> None:
    assert (built / "kinds.json").read_bytes() == (tables.FACTS / "kinds.json").read_bytes()
