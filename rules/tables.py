"""Reads the fact tables' files; what they mean is for `iods`, `modules` and `image_types`."""

from __future__ import annotations

import json
from os.path import isfile
from pathlib import Path
from typing import Any

FACTS = Path(__file__).with_name("facts")


def read(*place: str) -> dict[str, Any]:
    """One fact table, by its folder and its name without ".json"."""
    with open(_file(place), "rb") as file:  # noqa: PTH123
        table = json.loads(file.read())
    if not isinstance(table, dict):
        raise TypeError(f"{'/'.join(place)} is no table")
    return table


def exists(*place: str) -> bool:
    """Whether there is such a table."""
    return isfile(_file(place))  # noqa: PTH113


def names(folder: str) -> list[str]:
    """The tables of a folder, in alphabetical order."""
    return sorted(each.stem for each in (FACTS / folder).glob("*.json"))


def file_name(name: str) -> str:
    """The file that holds what the Standard calls `name`: "Parametric Map Image" is in parametric-map-image."""
    return "-".join("".join(each if each.isalnum() else " " for each in name.lower()).split())


def _file(place: tuple[str, ...]) -> str:
    """A plain string: an IOD has dozens of tables, and a Path for each takes longer than to read it."""
    return f"{_FACTS}/{'/'.join(place)}.json"


_FACTS = str(FACTS)
