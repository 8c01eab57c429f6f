"""Who sent an instance, as policy and audit see it."""

from __future__ import annotations

from builders import ct
from hypothesis import given
from hypothesis import strategies as st

from rules.encode import header_of
from scp.sender import LONGEST_TEXT, Sender, clean, sender_of


def sender(announced: str = "", **changes: object) -> Sender:
    header = header_of(ct(**changes))
    return sender_of(header, calling_ae="CT1", called_ae="DICOMGATE", address="192.0.2.1", sop_class_uid=announced)


def test_equipment_is_as_the_data_set_has_it() -> None:
    found = sender(Manufacturer="ACME", ManufacturerModelName="Scan 9", SoftwareVersions=["syngo", "9.1"])
    assert (found.manufacturer, found.model, found.modality) == ("ACME", "Scan 9", "CT")
    assert found.software_versions == ("syngo", "9.1")
    assert (found.calling_ae, found.address) == ("CT1", "192.0.2.1")


def test_what_was_announced_comes_before_the_data_sets_own_sop_class() -> None:
    assert sender().sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert sender("1.2.3").sop_class_uid == "1.2.3"


def test_equipment_that_is_missing_is_empty() -> None:
    found = sender(Manufacturer=None, ManufacturerModelName=None, Modality=None)
    assert (found.manufacturer, found.model, found.modality, found.software_versions) == ("", "", "", ())


@given(st.text(st.characters(), max_size=300))
def test_any_text_of_a_sender_becomes_fit_for_a_log_and_a_database(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) <= LONGEST_TEXT
    assert "\0" not in cleaned
    assert "\n" not in cleaned
    assert cleaned.encode().decode() == cleaned
