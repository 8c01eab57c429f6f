"""The reader reads what pydicom writes, and pydicom what `encode` writes; real files read alike in both."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import damage
import needs
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_dataset

from rules.dictionary import format_tag
from rules.encode import DEFINED, UNDEFINED_LENGTHS, Layout, encode, part10
from rules.header import Header, NotDicom, read_header, read_part10
from rules.transfer_syntax import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

NATIVE = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)
SYNTAXES = st.sampled_from((*NATIVE, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN))
LAYOUTS = st.sampled_from((DEFINED, UNDEFINED_LENGTHS, Layout(undefined_items=True), Layout(undefined_sequences=True)))
UNDEFINED = 0xFFFFFFFF
PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


@given(damage.DATA_SETS, SYNTAXES, LAYOUTS)
@settings(deadline=None, max_examples=60)
def test_what_encode_writes_is_read_alike_by_pydicom_and_by_the_reader(
    attributes: Mapping[str, object], syntax: str, layout: Layout
) -> None:
    data = part10(attributes, syntax, layout)
    header, dataset = read_part10(data), pydicom.dcmread(io.BytesIO(data))
    assert header.faults == ()
    assert list(differences(header, dataset)) == []
    assert list(value_differences(header, dataset)) == []


@given(damage.DATA_SETS, st.sampled_from(NATIVE), LAYOUTS)
@settings(deadline=None, max_examples=60)
def test_what_pydicom_writes_is_read_as_it_was(attributes: Mapping[str, object], syntax: str, layout: Layout) -> None:
    implicit, little = syntax == IMPLICIT_VR_LITTLE_ENDIAN, syntax != EXPLICIT_VR_BIG_ENDIAN
    dataset = read_dataset(io.BytesIO(encode(attributes, syntax, layout)), implicit, little)
    _decode(dataset, layout.undefined_sequences)
    out = io.BytesIO()
    dataset.save_as(out, implicit_vr=implicit, little_endian=little)
    header = read_header(out.getvalue(), syntax)
    assert header.faults == ()
    assert header.tags() == tuple(int(tag) for tag in dataset._dict)
    assert list(value_differences(header, dataset)) == []


def test_the_real_files_read_as_pydicom_reads_them() -> None:
    """577 found files; those where the two readers part are named, each with the reason."""
    files = needs.folder("DICOMGATE_CORPUS") / "files"
    parted = set()
    read = 0
    for path in sorted(each for each in files.rglob("*") if each.is_file()):
        data = path.read_bytes()
        try:
            header = read_part10(data)
        except NotDicom:
            continue
        read += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            if list(differences(header, dataset)) or list(differences(header.meta, dataset.file_meta)):
                parted.add(_plain(path))
    assert read >= 577
    assert (
        parted
        == {
            "FreezePattern": "pydicom keeps the tag of an Item that stands without a Sequence",
            "GH364": "the same",
            "GH1339": "pydicom keeps nothing of a file whose fragments are cut off",
            "emri_small_jpeg_2k_lossless_too_short": "the same",
            "GH179A": "pydicom takes two blanks in place of a VR for half of a length, and stops",
            "GH179B": "the same",
            "brain_001": "pydicom takes trailing zero bytes for elements",
            "rtplan_truncated": "pydicom keeps a Sequence's said length and a value that is cut off",
        }.keys()
    )


def differences(header: Header | None, dataset: pydicom.Dataset, where: str = "") -> list[str]:
    """Where tags, VRs, raw lengths, raw values or Items differ."""
    if header is None:
        return []
    found = []
    mine, theirs = set(header.tags()), {int(tag) for tag in dataset._dict}
    found += [f"{where}{format_tag(tag)} is only in one" for tag in mine ^ theirs]
    for tag in mine & theirs:
        raw, here = dataset.get_item(tag), where + format_tag(tag)
        if isinstance(raw, RawDataElement):
            if not header.encoding.implicit and raw.VR is not None and header.vr(tag) != raw.VR:
                found.append(f"{here} VR {header.vr(tag)}, pydicom {raw.VR}")
            if raw.length not in (UNDEFINED, header.length(tag)):
                found.append(f"{here} length {header.length(tag)}, pydicom {raw.length}")
            elif tag not in PIXELS and (raw.value or b"") != header.raw(tag):
                found.append(f"{here} raw values differ")
        if header.is_sequence(tag):
            items, others = header.items(tag), dataset[tag].value or []
            if len(items) != len(others):
                found.append(f"{here} {len(items)} Items, pydicom {len(others)}")
            else:
                for item, other in zip(items, others, strict=True):
                    found += differences(item, other, here)
    return found


def value_differences(header: Header, dataset: pydicom.Dataset) -> list[str]:
    """Where decoded values differ."""
    found = []
    for tag in header.tags():
        element = dataset[tag]
        if element.VR == "SQ":
            for item, other in zip(header.items(tag), element.value, strict=True):
                found += value_differences(item, other)
            continue
        theirs = [] if element.value in (None, "", b"") else [element.value]
        if element.VM > 1 or (element.VM == 1 and isinstance(element.value, list | pydicom.multival.MultiValue)):
            theirs = list(element.value)
        mine = list(header.values(tag))
        if element.VR in ("IS", "DS", "AT"):
            theirs = ["" if each in (None, "") else type(mine[0] if mine else 0)(each) for each in theirs]
        elif element.VR not in ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD") and not isinstance(
            element.value, bytes
        ):
            theirs = [str(each) for each in theirs]
        if mine != theirs:
            found.append(f"{format_tag(tag)} {mine!r}, pydicom {theirs!r}")
    return found


def _decode(dataset: pydicom.Dataset, undefined: bool) -> None:
    """Make pydicom decode every value, so that it writes each anew."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = undefined
            for item in element.value:
                _decode(item, undefined)


def _plain(path: Path) -> str:
    """The name without the digest that the corpus puts behind it."""
    return path.stem.rpartition("_")[0]


@pytest.fixture(autouse=True)
def _silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="pydicom")
