"""Section 9 of the template: what stands in the instances and answers themselves."""

from __future__ import annotations

from rules.charset import ALONE, CODECS, DEFAULT_REPERTOIRE
from scp.conformance.document import Section, Table, codes
from scp.stow_response import PRIVATE_CREATOR, PRIVATE_ELEMENTS

MULTI_BYTE = frozenset({"ISO 2022 IR 58", "ISO 2022 IR 87", "ISO 2022 IR 149", "ISO 2022 IR 159"})


def objects() -> Section:
    """Content of instances, character sets, private elements."""
    return Section(
        "Content of SOP Instances",
        (),
        (
            Section(
                "Created instances",
                (
                    "No SOP Instance is created, and none is changed. What is posted as metadata and bulk data is "
                    "encoded here: in Explicit VR Little Endian unless its pixels are compressed, with text in "
                    "`ISO_IR 192`.",
                ),
            ),
            Section(
                "Character sets",
                (
                    "Text is read to be checked and to be shown; it is kept in the bytes it came in. An instance in a "
                    "character set that is not listed is received like any other, with a finding.",
                    _character_sets(),
                ),
            ),
            Section(
                "Private elements of a Store Transaction's response",
                (
                    Table.of(
                        f"Private block (0009,xx00) of Private Creator `{PRIVATE_CREATOR}`",
                        ("Tag", "VR", "Content"),
                        [(f"(0009,xx{number})", vr, words) for number, (vr, words) in PRIVATE_ELEMENTS.items()],
                    ),
                ),
            ),
        ),
    )


def _character_sets() -> Table:
    known = set(CODECS) - {"", DEFAULT_REPERTOIRE}
    extended = known - ALONE
    return Table.of(
        "Specific Character Set (0008,0005)",
        ("Kind", "Defined Terms"),
        [
            ("Default repertoire", "absent or empty (ISO-IR 6)"),
            ("Without code extensions", codes(tuple(sorted(ALONE, key=_by_number)))),
            ("With code extensions, single-byte", codes(tuple(sorted(extended - MULTI_BYTE, key=_by_number)))),
            ("With code extensions, multi-byte", codes(tuple(sorted(extended & MULTI_BYTE, key=_by_number)))),
        ],
    )


def _by_number(term: str) -> tuple[str, int]:
    words, _, number = term.rpartition(" ")
    return (words, int(number)) if number.isdecimal() else (term, 0)
