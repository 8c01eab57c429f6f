"""Smallest instances of every IOD that dciodvfy knows: what it finds in them has been adjudicated."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from dciodvfy import UNKNOWN, errors
from minimal import told_more

from rules.encode import header_of, part10
from rules.engine import check, load_rules
from rules.iods import iods
from rules.model import Severity

ADJUDICATED = tomllib.loads(Path(__file__).with_name("adjudicated.toml").read_text(encoding="utf-8"))["difference"]
KNOWN = [re.compile(each["pattern"]) for each in ADJUDICATED if each["only"] == "dciodvfy"]
CRASHES = {"Inventory"}
"""IODs of which dciodvfy does not come to an end."""
NOT_KNOWN = 62
"""IODs that dciodvfy of 2026 does not know."""


def said(iod: str, folder: Path) -> tuple[str, ...] | None:
    """What dciodvfy finds in a smallest instance; None where it does not know the IOD."""
    file = folder / "instance.dcm"
    file.write_bytes(part10(told_more(iod)))
    found = errors(file)
    return None if UNKNOWN in found else found


@pytest.mark.parametrize("iod", [each for each in iods() if each not in CRASHES])
def test_what_dciodvfy_finds_in_a_smallest_instance_is_adjudicated(iod: str, tmp_path: Path) -> None:
    lines = said(iod, tmp_path) or ()
    assert [each for each in lines if not any(known.search(f"{each} in {iod}") for known in KNOWN)] == []


@pytest.mark.parametrize("iod", iods())
def test_what_is_told_beyond_the_smallest_is_sound(iod: str) -> None:
    found = check(header_of(told_more(iod)), load_rules()).findings
    assert [each for each in found if each.severity is not Severity.NOTE] == []


def test_dciodvfy_knows_most_of_the_iods(tmp_path: Path) -> None:
    unknown = [iod for iod in iods() if iod not in CRASHES and said(iod, tmp_path) is None]
    assert len(unknown) == NOT_KNOWN
