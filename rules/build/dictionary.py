"""Writes the data dictionary of PS3.6 from pydicom's: `python -m rules.build.dictionary`."""

from __future__ import annotations

import json

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

from rules.dictionary import FILE


def main() -> None:
    """Rewrite `rules/facts/dictionary.json`, canonically: built again, it does not change by a byte."""
    FILE.write_text(dictionary_text(), encoding="ascii", newline="\n")


def dictionary_text() -> str:
    """One line an Attribute, by tag: tag (x for any digit), VR, VM, keyword, and "retired" where it is."""
    rows = {f"{tag:08X}": entry for tag, entry in DicomDictionary.items()}
    rows |= {tag.upper().replace("X", "x"): entry for tag, entry in RepeatersDictionary.items()}
    lines = []
    for tag, (vr, vm, _name, retired, keyword) in sorted(rows.items()):
        if keyword:
            lines.append(json.dumps([tag, vr, vm, keyword, "retired"] if retired else [tag, vr, vm, keyword]))
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    main()
