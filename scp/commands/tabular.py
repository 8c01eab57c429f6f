"""Rows to standard output or a file: an aligned table, JSON, a JSON object a line, CSV, Parquet."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

FORMATS = ("table", "json", "jsonl", "csv")

Row = Mapping[str, Any]

_MEASURED = 200
"""Rows that a table is measured by; those after them may stand out, and need no memory."""


def write(rows: Iterable[Row], columns: Sequence[str], form: str, out: TextIO) -> None:
    """The rows in one of FORMATS, written as they are taken. Moments are UTC, ISO 8601 with Z."""
    _WRITERS[form](rows, columns, out)


def as_json(value: object, indent: int | None = None) -> str:
    """JSON with moments as text, and text for what else JSON has no form for."""
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=indent)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):  # what Postgres makes of a sum
        return int(value) if value == value.to_integral_value() else float(value)
    return shown(value)


def shown(value: object) -> str:
    """A value as a person reads it; control characters, which a sender may have put there, do not reach a terminal."""
    if value is None:
        return ""
    if isinstance(value, datetime) and value.tzinfo is not None:
        from scp.tables import as_text

        return as_text(value)
    if isinstance(value, float):
        return f"{value:.1f}"
    text = str(value)
    return text if text.isprintable() else "".join(each if each.isprintable() else "\ufffd" for each in text)


def _write_table(rows: Iterable[Row], columns: Sequence[str], out: TextIO) -> None:
    iterator = iter(rows)
    first = [_cells(row, columns) for row in itertools.islice(iterator, _MEASURED)]
    numeric = [all(_is_number(row[place]) for row in first) and bool(first) for place in range(len(columns))]
    widths = [max([len(name), *(len(row[place]) for row in first)]) for place, name in enumerate(columns)]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        )
        return "  ".join(padded).rstrip() + "\n"

    out.write(line(columns))
    out.writelines(line(row) for row in first)
    out.writelines(line(_cells(row, columns)) for row in iterator)


def _cells(row: Row, columns: Sequence[str]) -> list[str]:
    return [shown(row[name]) for name in columns]


def _is_number(cell: str) -> bool:
    return not cell or cell.lstrip("-").replace(".", "", 1).isdigit()


def _write_json(rows: Iterable[Row], columns: Sequence[str], out: TextIO) -> None:
    opening = "[\n"
    for row in rows:
        out.write(opening + as_json({name: row[name] for name in columns}))
        opening = ",\n"
    out.write("[]\n" if opening == "[\n" else "\n]\n")


def _write_jsonl(rows: Iterable[Row], columns: Sequence[str], out: TextIO) -> None:
    for row in rows:
        out.write(as_json({name: row[name] for name in columns}) + "\n")


def _write_csv(rows: Iterable[Row], columns: Sequence[str], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([shown(row[name]) if isinstance(row[name], datetime) else row[name] for name in columns])


_WRITERS: dict[str, Callable[[Iterable[Row], Sequence[str], TextIO], None]] = {
    "table": _write_table,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
}


def write_parquet(rows: Iterable[Row], types: Mapping[str, type], file: Path) -> None:
    """The rows as a Parquet file, ten thousand at a time. `types` names the columns.

    Raises ModuleNotFoundError where pyarrow is not installed.
    """
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    kinds = {int: pyarrow.int64(), float: pyarrow.float64(), datetime: pyarrow.timestamp("ms", "UTC")}
    schema = pyarrow.schema([(name, kinds.get(kind, pyarrow.string())) for name, kind in types.items()])
    with parquet.ParquetWriter(file, schema) as writer:
        for batch in _batches(rows):
            columns = {name: [row[name] for row in batch] for name in types}
            writer.write_table(pyarrow.table(columns, schema=schema))


def _batches(rows: Iterable[Row], size: int = 10_000) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
