"""Instances that come as metadata and bulk data: what is made of them is what they say; and what cannot be."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pydicom
import pytest
from builders import ct
from posting import BOUNDARY, file, post
from serving import Served, serving

from scp.media_types import MediaType
from scp.stow_metadata import BadMetadata, Bulk, pieces, read_xml
from scp.stow_response import as_xml

JSON = f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}'
XML = f'multipart/related; type="application/dicom+xml"; boundary={BOUNDARY}'
PIXELS = bytes(range(32))

Model = dict[str, Any]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("node")) as served:
        yield served


_numbers = iter(range(1, 1_000_000))


def metadata(**changes: object) -> Model:
    """A sound CT image as metadata, its pixels at `pixels`."""
    changes = {"SOPInstanceUID": f"1.2.11.{next(_numbers)}", "PixelData": PIXELS, **changes}
    model: Model = pydicom.dcmread(io.BytesIO(file(ct(**changes)))).to_json_dict()
    model["7FE00010"] = {"vr": "OW", "BulkDataURI": "pixels"}
    return model


def body(*parts: tuple[str, str, bytes]) -> bytes:
    """A multipart/related body of (media type, Content-Location, content)."""
    out = b""
    for kind, location, content in parts:
        head = f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n"
        head += f"Content-Location: {location}\r\n" if location else ""
        out += head.encode() + b"\r\n" + content + b"\r\n"
    return out + f"--{BOUNDARY}--".encode()


def with_json(models: object, *bulk: tuple[str, str, bytes]) -> bytes:
    return body(("application/dicom+json", "", json.dumps(models).encode()), *bulk)


OCTETS = ("application/octet-stream", "pixels", PIXELS)


def kept(node: Served, model: Model) -> pydicom.Dataset:
    uid = model["00080018"]["Value"][0]
    ((place,),) = node.ask(f"select stored from receipt where sop_instance_uid = '{uid}'")
    return pydicom.dcmread(node.store / place)


def test_metadata_and_pixels_make_the_instance_they_describe(node: Served) -> None:
    first, second = metadata(), metadata(PatientName="Doe^Jane")
    answer = post(node.http_port, with_json([first, second], OCTETS), JSON)
    assert answer.code == 200, answer.body
    assert len(answer.items("00081199")) == 2
    found = kept(node, first)
    assert found.PixelData == PIXELS
    assert found.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    without = {tag: value for tag, value in found.to_json_dict().items() if tag != "7FE00010"}
    assert without == {tag: value for tag, value in first.items() if tag != "7FE00010"}
    assert list((node.store / "incoming").iterdir()) == []


def test_inline_values_need_no_bulk_data(node: Served) -> None:
    model = metadata()
    model["7FE00010"] = {"vr": "OW", "InlineBinary": base64.b64encode(PIXELS).decode()}
    assert post(node.http_port, json.dumps([model]).encode(), "application/dicom+json").code == 200
    assert kept(node, model).PixelData == PIXELS


def test_text_beyond_ascii_is_kept_as_utf_8(node: Served) -> None:
    model = metadata()
    model["00100010"] = {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jürgen"}]}
    assert post(node.http_port, with_json([model], OCTETS), JSON).code == 200
    found = kept(node, model)
    assert (found.SpecificCharacterSet, str(found.PatientName)) == ("ISO_IR 192", "Müller^Jürgen")


def test_compressed_frames_are_encapsulated(node: Served) -> None:
    model = metadata()
    jpeg = ("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70", "pixels", b"\xff\xd8\xff\xd9")
    answer = post(node.http_port, with_json([model], jpeg), JSON)
    assert answer.code in (200, 202), answer.body
    found = kept(node, model)
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"
    assert list(pydicom.encaps.generate_frames(found.PixelData, number_of_frames=1)) == [b"\xff\xd8\xff\xd9"]


def test_xml_says_the_same_as_json(node: Served) -> None:
    model = metadata()
    model["00081140"] = {"vr": "SQ", "Value": [{"00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]}}]}
    names = model["00100010"].pop("Value")
    text = as_xml(model).decode()
    person = "".join(
        f'<PersonName number="1"><Alphabetic><FamilyName>{family}</FamilyName><GivenName>{given}</GivenName>'
        "</Alphabetic></PersonName>"
        for family, given in (each["Alphabetic"].split("^") for each in names)
    )
    text = text.replace('keyword="PatientName" />', f'keyword="PatientName">{person}</DicomAttribute>')
    text = text.replace('keyword="PixelData" />', 'keyword="PixelData"><BulkData uri="pixels"/></DicomAttribute>')
    answer = post(node.http_port, body(("application/dicom+xml", "", text.encode()), OCTETS), XML)
    assert answer.code in (200, 202), answer.body
    found = kept(node, model)
    assert found.PixelData == PIXELS
    assert str(found.PatientName) == names[0]["Alphabetic"]
    assert found.ReferencedImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_private_elements_of_xml_get_a_block() -> None:
    (model,) = read_xml(
        b'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">'
        b'<DicomAttribute tag="00090001" vr="LO" privateCreator="A"><Value number="1">x</Value></DicomAttribute>'
        b'<DicomAttribute tag="00090001" vr="LO" privateCreator="B"><Value number="2">y</Value></DicomAttribute>'
        b"</NativeDicomModel>"
    )
    assert model == {
        "00090010": {"vr": "LO", "Value": ["A"]},
        "00091001": {"vr": "LO", "Value": ["x"]},
        "00090011": {"vr": "LO", "Value": ["B"]},
        "00091101": {"vr": "LO", "Value": [None, "y"]},
    }


def changed(tag: str, element: object) -> Model:
    return {**metadata(), tag: element}


@pytest.mark.parametrize(
    ("tag", "element", "why"),
    [
        ("00280010", {"vr": "US", "Value": ["many"]}, "cannot be read"),
        ("00280010", {"vr": "US", "Value": [70_000]}, "cannot be encoded"),
        ("00280010", {"vr": "LO", "Value": ["4"]}, "00280010 has VR LO, wanted US"),
        ("00280010", {"vr": "ZZ", "Value": [4]}, "no VR"),
        ("00280010", {"Value": [4]}, "no VR"),
        ("00280010", [4], "no VR"),
        ("00280010", {"vr": {}, "Value": [4]}, "no VR"),
        ("rows", {"vr": "US", "Value": [4]}, "is no tag"),
        ("00280010", {"vr": "US", "Value": 4}, "no array"),
        ("00280010", {"vr": "US", "Value": [{"a": 1}]}, "no number and no text"),
        ("00280010", {"vr": "US", "Value": [4], "InlineBinary": ""}, "wanted one of them"),
        ("00081140", {"vr": "SQ", "Value": ["x"]}, "00081140[1] is no object"),
        ("7FE00010", {"vr": "OW", "InlineBinary": "no base64!"}, "not base64"),
        ("7FE00010", {"vr": "OW", "InlineBinary": 7}, "not base64"),
        ("7FE00010", {"vr": "OW", "BulkDataURI": "http://192.0.2.1/pixels"}, "nothing is fetched"),
        ("7FE00010", {"vr": "OW", "BulkDataURI": "file:///etc/passwd"}, "nothing is fetched"),
        ("7FE00010", {"vr": "OW", "BulkDataURI": 7}, "no text"),
    ],
)
def test_an_instance_that_cannot_be_made_says_why_and_costs_the_others_nothing(
    node: Served, tag: str, element: object, why: str
) -> None:
    bad, good = changed(tag, element), metadata()
    answer = post(node.http_port, with_json([bad, good], OCTETS), JSON)
    assert answer.code == 202
    (failed,) = answer.items("00081198")
    assert failed["00081155"]["Value"] == bad["00080018"]["Value"]
    assert failed["00081197"]["Value"] == [49152]
    assert why in failed["00091009"]["Value"][0]
    assert [each["00081155"]["Value"] for each in answer.items("00081199")] == [good["00080018"]["Value"]]
    assert list((node.store / "incoming").iterdir()) == []


def deep(levels: int) -> Model:
    model: Model = {}
    for _ in range(levels):
        model = {"00081140": {"vr": "SQ", "Value": [model]}}
    return model


def test_endless_nesting_is_cut_off(node: Served) -> None:
    answer = post(node.http_port, with_json([{**metadata(), **deep(40)}], OCTETS), JSON)
    assert answer.code == 409
    assert "Sequences deep" in answer.items("00081198")[0]["00091009"]["Value"][0]


@pytest.mark.parametrize(
    ("content", "kind", "why"),
    [
        (body(("application/dicom+json", "", b"{nonsense")), JSON, "no JSON"),
        (body(("application/dicom+json", "", b"7")), JSON, "an array of Data Sets"),
        (body(("application/dicom+json", "", b"[7]")), JSON, "an array of Data Sets"),
        (body(("application/dicom+json", "", b"[]")), JSON, "no instance"),
        (body(("application/dicom+xml", "", b"<a>")), XML, "no XML"),
        (body(("application/dicom+xml", "", b"<a/>")), XML, "NativeDicomModel"),
        (body(("application/dicom+xml", "", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>')), XML, "document type"),
        (body(("application/dicom+xml", "", b"<NativeDicomModel><x/></NativeDicomModel>")), XML, "DicomAttribute"),
    ],
)
def test_metadata_that_cannot_be_read_are_a_bad_request(node: Served, content: bytes, kind: str, why: str) -> None:
    answer = post(node.http_port, content, kind)
    assert (answer.code, why in answer.why) == (400, True), answer.why


def test_bulk_data_in_front_of_metadata_are_refused(node: Served) -> None:
    assert post(node.http_port, body(OCTETS), JSON).code == 415


def test_bulk_data_that_the_disk_does_not_give_back_are_no_fault_of_the_sender() -> None:
    unreadable = Bulk(Path("/proc/self/mem"), MediaType("application/octet-stream", {}))
    with pytest.raises(OSError, match="Invalid argument"):
        pieces(metadata(), {"pixels": [unreadable]}, lambda piece: None)


def test_what_was_written_as_xml_is_read_again() -> None:
    model = deepcopy(metadata())
    model["00100010"] = {"vr": "PN"}
    model["7FE00010"] = {"vr": "OW"}
    text = as_xml(model)
    assert ElementTree.fromstring(text).tag == "NativeDicomModel"
    (again,) = read_xml(text)
    assert {tag: each["vr"] for tag, each in again.items()} == {tag: each["vr"] for tag, each in model.items()}
    with pytest.raises(BadMetadata):
        read_xml(text[:-5])
