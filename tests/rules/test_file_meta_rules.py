from __future__ import annotations

import builders
import pytest

from rules.checks.value_syntax import every_value
from rules.encode import Element
from rules.header import read_part10
from rules.model import Finding


def said(attributes: builders.Attributes, **meta: object) -> list[tuple[str, str, str]]:
    findings = every_value(read_part10(builders.part10(attributes, **meta)))
    return [(each.rule, each.severity, each.path) for each in findings if isinstance(each, Finding)]


def test_a_sound_file_draws_nothing() -> None:
    assert said(builders.ct()) == []


@pytest.mark.parametrize(
    "keyword",
    ["FileMetaInformationVersion", "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "ImplementationClassUID"],
)
def test_a_required_element_that_is_absent_or_empty_is_an_error(keyword: str) -> None:
    assert said(builders.ct(), **{keyword: None}) == [("file-meta-missing", "error", keyword)]
    assert said(builders.ct(), **{keyword: []}) == [("file-meta-missing", "error", keyword)]


@pytest.mark.parametrize("keyword", ["MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID"])
def test_file_meta_of_another_instance_is_an_error(keyword: str) -> None:
    assert said(builders.ct(), **{keyword: "1.2.3.4.5"}) == [("file-meta-differs", "error", keyword)]


def test_padding_does_not_make_a_uid_differ() -> None:
    attributes = builders.ct(SOPInstanceUID=Element("UI", b"1.2.3\0"))
    assert said(attributes, MediaStorageSOPInstanceUID="1.2.3") == []


def test_values_of_the_file_meta_are_judged_like_others() -> None:
    found = said(builders.ct(), SourceApplicationEntityTitle="A_TITLE_OF_18_CHARS", ImplementationClassUID="1.02")
    assert found == [
        ("value-syntax-uid", "error", "ImplementationClassUID"),
        ("value-syntax-ae", "error", "SourceApplicationEntityTitle"),
    ]
    assert said(builders.ct(), ImplementationVersionName=Element("UN", b"V1")) == [
        ("value-encoded-vr", "error", "ImplementationVersionName")
    ]


def test_a_transfer_syntax_that_the_standard_does_not_define_is_told() -> None:
    rule, path = "file-meta-transfer-syntax", "TransferSyntaxUID"
    assert said(builders.ct(), TransferSyntaxUID="1.2.3.4") == [(rule, "warning", path)]
    assert said(builders.ct(), TransferSyntaxUID="1.2.840.10008.1.2.777") == [(rule, "error", path)]


def test_a_file_without_sop_instance_uid_in_its_data_set_does_not_differ() -> None:
    assert said(builders.ct(SOPInstanceUID=None), MediaStorageSOPInstanceUID="1.2.3") == []
