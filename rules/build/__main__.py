"""Writes the fact tables of every IOD: `python -m rules.build FACTS --tables-2025e DIR --tables-2024b DIR ...`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from rules.build.compare import differences
from rules.build.corrections import read_corrections
from rules.build.earlier import read_earlier, read_earlier_usages
from rules.build.history import history
from rules.build.mentions import marker
from rules.build.sources import names_of, read_base, read_expanded, read_second
from rules.build.tables import Builder, Built
from rules.dictionary import entry_of, tag_of
from rules.facts import canonical

CORRECTIONS = Path(__file__).parents[1] / "facts" / "corrections.toml"


def main(arguments: list[str] | None = None) -> int:
    """Build, write and report; 1 where a row was refused or a condition is unread, and then nothing is written."""
    given = _arguments().parse_args(arguments)
    corrections = read_corrections(given.corrections)
    second = read_second(given.tables_2024b)
    earlier = read_earlier(given.wheel_2020) if given.wheel_2020 else {}
    published = read_base(given.tables_2025e, second, corrections, earlier)
    marked = marker(names_of(given.tables_2025e), {tag: row[0] for tag, row in published.dictionary.items()})
    usages = read_earlier_usages(given.wheel_2020) if given.wheel_2020 else {}
    past = history(earlier, usages, second, corrections.renamed)
    builder = Builder(published, second, past, corrections, marked, _known)
    built = builder.build()
    if given.highdicom:
        built.differences += differences(built.files, read_expanded(given.highdicom))
    built.differences = [each for each in built.differences if not each.startswith(corrections.kept)]
    print(report(built), end="")
    for each in built.refused:
        print(f"refused: {each}", file=sys.stderr)
    for at, table, keyword, digest, phrase, then in built.unread:
        print(f"unread: {at}: [{table!r}, {keyword!r}, {digest!r}] {phrase!r} {then!r}", file=sys.stderr)
    if (built.refused or built.unread) and not given.anyway:
        return 1
    write(built, given.facts)
    return 1 if built.refused or built.unread else 0


def write(built: Built, facts: Path) -> None:
    """The tables under the folder; files of a former build that no table has any more are removed."""
    for folder in ("iods", "modules", "macros"):
        home = facts / folder
        home.mkdir(parents=True, exist_ok=True)
        for old in home.glob("*.json"):
            if (folder, old.stem) not in built.files:
                old.unlink()
    for (folder, name), table in built.files.items():
        (facts / folder / f"{name}.json").write_text(canonical(table), encoding="utf-8", newline="\n")


def report(built: Built) -> str:
    """The totals, then what the sources disagree on."""
    folders = Counter(folder for folder, _ in built.files)
    rows = sum(len(table.get("rows", ())) for table in built.files.values())
    how = Counter(each[0] for each in built.conditions.values())
    told = Counter(each[1] for each in built.conditions.values())
    lines = [
        f"{folders['iods']} IODs, {folders['modules']} Modules, {folders['macros']} Macros, {rows} rows",
        f"{len(built.conditions)} distinct conditions: {how['by phrase']} read by phrase, {how['by hand']} by hand; "
        + ", ".join(f"{told[kind]} {kind}" for kind in ("decidable", "one way", "undecidable"))
        + f"; {len(built.of_themselves)} of the decidable by the Attribute itself"
        + f"; {len(built.unread)} unread",
        "value lists: " + ", ".join(f"{count} {kind}" for kind, count in sorted(built.lists.items())),
        f"Code Strings without values: {built.explained} explained, {len(built.unlisted)} not",
        *(f"not in the dictionary: {tag} {' '.join(built.unknown[tag])}" for tag in sorted(built.unknown)),
        *(f"without values: {each}" for each in built.unlisted),
        *(f"differs: {each}" for each in built.differences),
    ]
    return "\n".join(lines) + "\n"


def _known(tag: str) -> bool:
    return entry_of(tag_of(tag.replace("x", "0"))) is not None


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rules.build", description=__doc__)
    parser.add_argument("facts", type=Path, help="folder to write iods/, modules/ and macros/ to")
    parser.add_argument("--tables-2025e", type=Path, required=True, metavar="DIR", help="the base edition")
    parser.add_argument("--tables-2024b", type=Path, required=True, metavar="DIR", help="usages with their conditions")
    parser.add_argument("--wheel-2020", type=Path, metavar="FILE", help="the edition with value lists")
    parser.add_argument("--highdicom", type=Path, metavar="DIR", help="expanded rows to compare with")
    parser.add_argument("--corrections", type=Path, default=CORRECTIONS, metavar="FILE")
    parser.add_argument("--anyway", action="store_true", help="write though something was refused")
    return parser


if __name__ == "__main__":
    sys.exit(main())
