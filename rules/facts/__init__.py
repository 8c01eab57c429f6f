"""The tables of PS3.3 as JSON, one file a table; `canonical` is how they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping


def canonical(table: Mapping[str, object]) -> str:
    """The one way to write a fact table: members in their order, a list of rows one row a line."""
    members = [f"{_text(name)}: {_member(value)}" for name, value in table.items()]
    return "{" + ",\n".join(members) + "}\n"


def _member(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "[\n" + ",\n".join(_text(row) for row in value) + "\n]"
    return _text(value)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
