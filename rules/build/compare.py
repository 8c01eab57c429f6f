"""Compares the tables that were built with a source that has them with every Macro written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Files = Mapping[tuple[str, str], Mapping[str, Any]]
Path = tuple[str, ...]

MOST_DEPTH = 12
"""Levels written out: some Macros include themselves."""


def differences(files: Files, expanded: Mapping[str, tuple[Path, ...]]) -> Iterator[str]:
    """Rows that one of the two lacks, and Types that differ. Of a missing Sequence its Items are not told as well."""
    for name in sorted(expanded):
        place = ("modules", name) if ("modules", name) in files else ("macros", name)
        if place not in files:
            continue
        ours = dict(reversed([*written_out(files, place)]))
        theirs = {row[:-1]: row[-1] for row in reversed(expanded[name])}
        missing: set[Path] = set()
        for path in sorted(ours.keys() | theirs.keys(), key=_short_first):
            if path[:-1] in missing or len(path) > MOST_DEPTH // 2:
                missing.add(path)
            elif path not in ours or path not in theirs:
                missing.add(path)
                yield f"{name}: {'.'.join(path)} is only in the {'base edition' if path in ours else 'newer one'}"
            elif ours[path] != theirs[path]:
                types = f"{ours[path]} in the base edition, {theirs[path]} in the newer one"
                yield f"{name}: {'.'.join(path)} is Type {types}"


def _short_first(path: Path) -> tuple[int, Path]:
    return len(path), path


def written_out(files: Files, place: tuple[str, str]) -> Iterator[tuple[Path, str]]:
    """Every row of a table with its path and Type, Macros written out."""
    above: list[str] = []
    for depth, keyword, kind in _lines(files, place, 0):
        del above[depth:]
        above.append(keyword)
        yield tuple(above), kind


def _lines(files: Files, place: tuple[str, str], depth: int) -> Iterator[tuple[int, str, str]]:
    if depth > MOST_DEPTH or place not in files:
        return
    for name, kind, more in files[place]["rows"]:
        keyword = name.lstrip(">")
        here = depth + len(name) - len(keyword)
        if keyword == "include":
            types = {row[0]: row[1] for row in more.get("types", ())}
            for below, row, given in _lines(files, ("macros", kind), here):
                yield below, row, types.get(">" * (below - here) + row, given)
        else:
            yield here, keyword, kind
