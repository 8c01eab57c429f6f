"""Writes the data dictionary of PS3.6: `python -m rules.build.dictionary --tables-2025e DIR`.

pydicom's dictionary gives the Attributes; what the edition's own table adds or changes comes over it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

from rules.dictionary import FILE

Row = tuple[str, str, str, bool]
"""VR, VM, keyword, whether retired."""


def main(arguments: list[str] | None = None) -> None:
    """Rewrite `rules/facts/dictionary.json`, canonically: built again, it does not change by a byte."""
    parser = argparse.ArgumentParser(prog="python -m rules.build.dictionary", description=__doc__)
    parser.add_argument("--tables-2025e", type=Path, required=True, metavar="DIR", help="with dicom_tags.json in it")
    given = parser.parse_args(arguments)
    FILE.write_text(dictionary_text(given.tables_2025e), encoding="ascii", newline="\n")


def dictionary_text(tables: Path) -> str:
    """One line an Attribute, by tag: tag (x for any digit), VR, VM, keyword, and "retired" where it is."""
    rows = _of_pydicom()
    for tag, (vr, vm, keyword, retired) in _published(tables).items():
        if " or " in vm and tag in rows:
            vm = rows[tag][1]  # "1-n or 1" is no VM of PS3.5 6.4
        rows[tag] = (vr, vm, keyword, retired)
    lines = []
    for tag, (vr, vm, keyword, retired) in sorted(rows.items()):
        lines.append(json.dumps([tag, vr, vm, keyword, "retired"] if retired else [tag, vr, vm, keyword]))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _of_pydicom() -> dict[str, Row]:
    rows = {f"{tag:08X}": entry for tag, entry in DicomDictionary.items()}
    rows |= {tag.upper().replace("X", "x"): entry for tag, entry in RepeatersDictionary.items()}
    return {tag: (vr, vm, keyword, bool(retired)) for tag, (vr, vm, _, retired, keyword) in rows.items() if keyword}


def _published(tables: Path) -> dict[str, Row]:
    found = json.loads((tables / "dicom_tags.json").read_bytes())["dicom_tags"]
    rows = {}
    for written, row in (found["main"] | found["mask"]).items():
        if row["keyword"]:
            tag = written.removeprefix("0x").upper().replace("X", "x")
            rows[tag] = (row["vr"], row["vm"], row["keyword"], bool(row["retired"]))
    return rows


if __name__ == "__main__":
    main()
