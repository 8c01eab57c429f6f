"""Mistakes in the configuration, in words: what pydantic found, said as dicomgate says it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from scp.settings import Settings
from scp.toml_lines import Place

SECRETS = frozenset({("tls", "key_password"), ("audit", "url")})
"""Keys whose values are not said again: they are secrets, or hold one."""


def said(place: Place, error: ErrorDetails) -> tuple[str, str]:
    """What is wrong at a place, and a hint ("" for none)."""
    kind, context = error["type"], error.get("ctx") or {}
    if place in SECRETS and kind != "value_error":
        return "is no text", ""
    if kind == "extra_forbidden":
        return "is no key that dicomgate knows", _did_you_mean_at(place)
    if kind == "missing":
        return "is missing", f"{dotted(place[:-1])} needs it"
    if kind == "value_error":
        return str(context["error"]), ""
    if kind.startswith("byte_size"):
        return f"is {_shown(error['input'])}, wanted bytes or a size", 'such as "256 MiB" or "8 GiB"'
    wanted = {
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "float_parsing": "a number",
        "finite_number": "a finite number",
        "string_type": "text in quotes",
        "tuple_type": "a list",
        "is_instance_of": "the path of a folder",
        "model_type": "a table of keys",
        "literal_error": f"{context.get('expected', '')}",
        "greater_than": f"more than {context.get('gt', 0):g}",
        "greater_than_equal": f"at least {context.get('ge', 0):g}",
        "less_than_equal": f"at most {context.get('le', 0):g}",
    }.get(kind)
    if wanted is None:
        return str(error["msg"]), ""
    if kind == "model_type" and isinstance(error["input"], list):
        return "is a list, wanted one table", f"write [{dotted(place)}] with single brackets"
    if kind == "tuple_type" and isinstance(error["input"], dict):
        return "is a table, wanted a list of tables", f"write [[{dotted(place)}]] with double brackets"
    return f"is {_shown(error['input'])}, wanted {wanted}", ""


def _shown(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _did_you_mean_at(place: Place) -> str:
    """The nearest known key of the same section, or the section that has this very key."""
    *parents, last = place
    siblings = _keys_at(tuple(parents))
    if near := did_you_mean(str(last), siblings, prefix=dotted(tuple(parents))):
        return near
    elsewhere = [name for name in Settings.model_fields if str(last) in _keys_at((name,))]
    if elsewhere:
        return f"did you mean {elsewhere[0]}.{last}?"
    return f"known here: {', '.join(siblings)}" if siblings else ""


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """The known word nearest to one that is not, as a question; "" where none is near."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean {prefix + '.' if prefix else ''}{near[0]}?" if near else ""


def _keys_at(place: Place) -> list[str]:
    """The keys a table at `place` may have."""
    model: Any = Settings
    for step in place:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step)
        annotation = field.annotation if field else None
        model = next(iter(getattr(annotation, "__args__", ())), annotation)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return list(model.model_fields)


def dotted(place: Place) -> str:
    """A place as it is said to people: array elements counted from 1."""
    return "".join(f"[{each + 1}]" if isinstance(each, int) else f".{each}" for each in place).removeprefix(".")
