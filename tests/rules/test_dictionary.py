"""The dictionary says what pydicom's says, and is built the same again."""

from __future__ import annotations

import subprocess
import sys

import needs
import pydicom.datadict
import pytest

from rules import dictionary
from rules.build.dictionary import dictionary_text
from rules.dictionary import entry_of, format_tag, is_retired, keyword_of, name_of, tag_of, vm_of, vr_of


def test_building_again_changes_no_byte() -> None:
    tables = needs.folder("DICOMGATE_TABLES") / "2025e"
    assert dictionary.FILE.read_text(encoding="ascii") == dictionary_text(tables)


def test_every_attribute_of_pydicom_is_there_as_it_has_it() -> None:
    changed = set()
    for tag, (vr, vm, _, retired, keyword) in pydicom.datadict.DicomDictionary.items():
        mine = (vr_of(tag), vm_of(tag), is_retired(tag), keyword_of(tag))
        if keyword and mine != (vr, vm, bool(retired), keyword):
            changed.add(keyword)
    newer = {"EthnicGroup", "SummarizedFilterLookupTable", "AnalogFilterType", "DoseValue"}
    assert changed == newer


def test_attributes_newer_than_pydicom_are_there() -> None:
    assert vr_of(tag_of("GenderIdentitySequence")) == "SQ"
    assert (vr_of(tag_of("EthnicGroups")), vm_of(tag_of("EthnicGroups"))) == ("UC", "1-n")
    assert is_retired(tag_of("EthnicGroup"))


@pytest.mark.parametrize("tag", [0x60000010, 0x60FE3000, 0x50022000, 0x00203110, 0x00280404, 0x7F020010])
def test_repeating_groups_are_found(tag: int) -> None:
    assert keyword_of(tag) == pydicom.datadict.keyword_for_tag(tag)
    assert vr_of(tag) == pydicom.datadict.dictionary_VR(tag)


def test_a_name_leads_back_to_its_tag() -> None:
    for tag in (0x00080005, 0x00091001, 0x60020010, 0x60000010, 0x12345678):
        assert tag_of(name_of(tag)) == tag
    assert (name_of(0x60000010), name_of(0x60020010)) == ("OverlayRows", "(6002,0010)")
    assert format_tag(0x7FE00010) == "(7FE0,0010)"
    assert tag_of("(7fe0,0010)") == 0x7FE00010


def test_what_no_dictionary_has_is_unknown() -> None:
    assert entry_of(0x00091001) is keyword_of(0x00091001) is vr_of(0x00091001) is vm_of(0x00091001) is None
    assert not is_retired(0x00091001)
    with pytest.raises(KeyError, match="Rosw"):
        tag_of("Rosw")


def test_group_lengths_and_private_creators_have_their_vr() -> None:
    assert (vr_of(0x00080000), vr_of(0x00090000)) == ("UL", "UL")
    assert (vr_of(0x00090010), vr_of(0x00091001), vr_of(0x000900FF)) == ("LO", None, "LO")


def test_the_reader_does_not_import_pydicom() -> None:
    code = "import sys, rules.header, rules.encode; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
