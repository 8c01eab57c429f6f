"""Instances that come as metadata and bulk data (PS3.18 10.5.2, Annex F; PS3.19 A.1) made into Part 10 files.

The metadata are Data Sets in the JSON Model or the Native DICOM Model; the values that they leave out follow as parts
of their own, which Content-Location names. Bulk data stay in files until their instance is written; nothing is ever
fetched from elsewhere. Text is written as UTF-8, as both models have it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import orjson

from rules.dictionary import entry_of
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from scp.media_types import MediaType

if TYPE_CHECKING:
    from pydicom import Dataset

Model = dict[str, Any]
"""A Data Set in the DICOM JSON Model: tag to `vr` and `Value`, `InlineBinary` or `BulkDataURI`."""

DEEPEST = 32
"""Sequences within Sequences."""

LARGEST_NESTED = 1 << 26
"""Bytes of a bulk value inside an Item, which is held in memory; those of the Data Set itself are not."""

PIXEL_DATA = "7FE00010"

COMPRESSED = {
    "image/jpeg": "1.2.840.10008.1.2.4.70",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jpx": "1.2.840.10008.1.2.4.92",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/jxl": "1.2.840.10008.1.2.4.110",
    "video/mpeg2": "1.2.840.10008.1.2.4.100",
    "video/mp4": "1.2.840.10008.1.2.4.102",
}
"""Media types of compressed pixels, and the Transfer Syntax of one that does not name its own (PS3.18 8.7.3)."""

_VRS = frozenset(
    each
    for line in (
        "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN",
        "SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV",
    )
    for each in line.split()
)
_TAG = re.compile(r"[0-9A-Fa-f]{8}")


class BadMetadata(ValueError):
    """Metadata that cannot be read; the message says where, and holds no value."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """A part of bulk data: where its bytes wait, and what they are."""

    path: Path
    kind: MediaType


Bulks = Mapping[str, Sequence[Bulk]]
"""Bulk data by Content-Location, in the order they came."""


def read_json(data: bytes | bytearray) -> list[Model]:
    """The Data Sets of a part of application/dicom+json. Raises BadMetadata."""
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadMetadata(f"no JSON: {error.msg} at character {error.pos}") from None
    models = said if isinstance(said, list) else [said]
    if not all(isinstance(each, dict) for each in models):
        raise BadMetadata("wanted an array of Data Sets")
    return models


def read_xml(data: bytes | bytearray) -> list[Model]:
    """The Data Set of a part of application/dicom+xml. Raises BadMetadata."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BadMetadata("XML with a document type, which may hold anything")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  # without a document type there are no entities to expand
    except ElementTree.ParseError as error:
        raise BadMetadata(f"no XML: line {error.position[0]}, column {error.position[1]}") from None
    if _local(root) != "NativeDicomModel":
        raise BadMetadata("wanted a NativeDicomModel")
    return [_model(root, "", 0)]


def pieces(model: Model, bulks: Bulks, write: Callable[[bytes], None]) -> None:
    """Write the Part 10 file of one instance, piece by piece. Raises BadMetadata, and OSError of bulk data."""
    import pydicom
    from pydicom.filewriter import dcmwrite

    # What is right is for the rules to say; here everything is written as it was said.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    check_model(model)
    with ExitStack() as opened:
        data_set = _data_set(model, bulks, opened)
        try:
            dcmwrite(_Sink(write), data_set, enforce_file_format=True)  # type: ignore[arg-type]  # write and tell do
        except (ValueError, TypeError, OSError, NotImplementedError, AttributeError, OverflowError) as error:
            fault = _disk_fault(error)
            if fault is not None:
                raise fault from None
            raise BadMetadata(f"cannot be encoded: {_first_line(error)}") from None


def check_model(model: object, path: str = "", depth: int = 0) -> None:
    """Raise BadMetadata, naming the element, where a Data Set is not as PS3.18 F.2 has it."""
    if depth > DEEPEST:
        raise BadMetadata(f"{path}: more than {DEEPEST} Sequences deep")
    if not isinstance(model, dict):
        raise BadMetadata(f"{path or 'the Data Set'} is no object")
    for tag, element in model.items():
        where = f"{path}.{tag}" if path else tag
        if not _TAG.fullmatch(tag):
            raise BadMetadata(f"{where[:80]} is no tag: wanted eight hexadecimal digits")
        vr = element.get("vr") if isinstance(element, dict) else None
        if not isinstance(vr, str) or vr not in _VRS:
            raise BadMetadata(f"{where} has no VR, or one that does not exist")
        _check_vr(tag, vr, where)
        given = [each for each in ("Value", "InlineBinary", "BulkDataURI") if each in element]
        if len(given) > 1:
            raise BadMetadata(f"{where} has {' and '.join(given)}, wanted one of them")
        if given == ["Value"]:
            _check_values(vr, element["Value"], where, depth)
        elif given == ["InlineBinary"]:
            _decoded(element["InlineBinary"], where)
        elif given and not isinstance(element["BulkDataURI"], str):
            raise BadMetadata(f"{where} has a BulkDataURI that is no text")


def _check_vr(tag: str, vr: str, where: str) -> None:
    """Of an element of the Standard the dictionary knows the VR; another would not be read again."""
    entry = entry_of(int(tag, 16))
    if entry is None or vr == "UN":
        return
    known = {"OB", "OW"} if tag == PIXEL_DATA else set(entry.vr.replace(" or ", " ").replace("/", " ").split())
    if known and vr not in known:
        raise BadMetadata(f"{where} has VR {vr}, wanted {' or '.join(sorted(known))}")


def _check_values(vr: str, values: object, where: str, depth: int) -> None:
    if not isinstance(values, list):
        raise BadMetadata(f"{where} has a Value that is no array")
    for number, value in enumerate(values, 1):
        if vr == "SQ":
            check_model({} if value is None else value, f"{where}[{number}]", depth + 1)
        elif vr == "PN":
            if value is not None and not isinstance(value, (dict, str)):
                raise BadMetadata(f"{where} has a name that is neither text nor component groups")
        elif isinstance(value, (dict, list)):
            raise BadMetadata(f"{where} has a value that is no number and no text")


def _data_set(model: Model, bulks: Bulks, opened: ExitStack) -> Dataset:
    """The Data Set with its File Meta Information; the bulk values of its own elements are open files."""
    from pydicom import Dataset
    from pydicom.dataelem import DataElement
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    large = {tag: each for tag, each in model.items() if "BulkDataURI" in each and each["vr"] != "UN"}
    group2 = {tag: model[tag] for tag in model if tag.startswith("0002")}
    plain = {tag: each for tag, each in model.items() if tag not in large and tag not in group2}

    def nested(_tag: str, vr: str, uri: str) -> bytes:
        (bulk, *more) = _found(bulks, uri, _tag)
        if more or bulk.path.stat().st_size > LARGEST_NESTED:
            raise BadMetadata(f"the bulk data of {_tag} is in several parts, or larger than {LARGEST_NESTED} bytes")
        return bulk.path.read_bytes()

    try:
        data_set: Dataset = Dataset.from_json(plain, bulk_data_uri_handler=nested)
    except BadMetadata:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise BadMetadata(f"cannot be read: {_first_line(error)}") from None
    syntax = EXPLICIT_VR_LITTLE_ENDIAN
    for tag, element in large.items():
        found = _found(bulks, element["BulkDataURI"], tag)
        kind = found[0].kind
        if tag.upper() == PIXEL_DATA and kind.name in COMPRESSED:
            stated = text_of(group2, "00020010") or text_of(model, "00083002")
            syntax = kind.parameters.get("transfer-syntax") or stated or COMPRESSED[kind.name]
            value = DataElement(int(tag, 16), "OB", _encapsulated(found, opened))
            value.is_undefined_length = True
        elif len(found) > 1:
            raise BadMetadata(f"{len(found)} parts have the Content-Location of {tag}")
        elif element["vr"][0] == "O":
            value = DataElement(int(tag, 16), element["vr"], opened.enter_context(found[0].path.open("rb")))
        else:
            text = found[0].path.read_bytes().decode("utf-8", "replace")
            value = DataElement(int(tag, 16), element["vr"], text)
        data_set[int(tag, 16)] = value
    if not _is_ascii(model):
        data_set.SpecificCharacterSet = "ISO_IR 192"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(text_of(model, "00080016"))
    meta.MediaStorageSOPInstanceUID = UID(text_of(model, "00080018"))
    meta.TransferSyntaxUID = UID(syntax)
    data_set.file_meta = meta
    return data_set


def _encapsulated(frames: Sequence[Bulk], opened: ExitStack) -> BufferedIOBase:
    from pydicom.encaps import encapsulate_buffer

    files: list[BufferedIOBase] = [opened.enter_context(each.path.open("rb")) for each in frames]
    return encapsulate_buffer(files)


def _found(bulks: Bulks, uri: str, tag: str) -> Sequence[Bulk]:
    found = bulks.get(uri) or bulks.get(uri.strip())
    if not found:
        raise BadMetadata(f"no part has the Content-Location that {tag} names; nothing is fetched from elsewhere")
    return found


def _decoded(text: object, where: str) -> bytes:
    if isinstance(text, str):
        with suppress(binascii.Error, ValueError):
            return base64.b64decode(text, validate=True)
    raise BadMetadata(f"{where} has InlineBinary that is not base64")


def text_of(model: Mapping[str, Any], tag: str) -> str:
    """The first value of an element, however broken the Data Set is; "" where it is no text."""
    element = model.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    first = values[0] if isinstance(values, list) and values else None
    return first if isinstance(first, str) else ""


def _is_ascii(model: object) -> bool:
    if isinstance(model, dict):
        return all(_is_ascii(each) for each in model.values())
    if isinstance(model, list):
        return all(map(_is_ascii, model))
    return not isinstance(model, str) or model.isascii()


def _first_line(error: BaseException) -> str:
    """What a library says went wrong, without the values that it quotes."""
    line = str(error).partition("\n")[0]
    return re.sub(r"'[^']*'|\"[^\"]*\"", "...", line)[:160] or type(error).__name__


def _disk_fault(error: BaseException | None) -> OSError | None:
    """What the system said where bulk data wait. What pydicom raises of values is an OSError too, without a number."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error
        error = error.__cause__ or error.__context__
    return None


class _Sink:
    """A file that hands on what is written to it, in pieces of some size."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._at = 0

    def write(self, data: bytes) -> int:
        self._at += len(data)
        self._write(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        raise OSError("what was written is on its way")


# The Native DICOM Model


def _model(place: ElementTree.Element, path: str, depth: int) -> Model:
    if depth > DEEPEST:
        raise BadMetadata(f"{path}: more than {DEEPEST} Sequences deep")
    model: Model = {}
    for element in place:
        if _local(element) != "DicomAttribute":
            raise BadMetadata(f"{path or 'the Data Set'} holds {_local(element)[:40]}, wanted DicomAttribute")
        tag = element.get("tag", "").upper()
        if not _TAG.fullmatch(tag):
            raise BadMetadata(f"{path}: a DicomAttribute without a tag")
        creator = element.get("privateCreator")
        if creator:
            tag = _in_block(model, tag, creator)
        model[tag] = _element(element, f"{path}.{tag}" if path else tag, depth)
    return model


def _in_block(model: Model, tag: str, creator: str) -> str:
    """The tag of a private element in the block that its creator has, or is given now (PS3.5 7.8.1)."""
    group = tag[:4]
    for block in range(0x10, 0x100):
        place = f"{group}00{block:02X}"
        held = model.get(place)
        if held is None:
            model[place] = {"vr": "LO", "Value": [creator]}
        elif held.get("Value") != [creator]:
            continue
        return f"{group}{block:02X}{tag[6:]}"
    raise BadMetadata(f"group {group} has no block left")


def _element(element: ElementTree.Element, path: str, depth: int) -> Model:
    vr = element.get("vr", "")
    found: Model = {"vr": vr}
    numbered: dict[int, Any] = {}
    for child in element:
        kind = _local(child)
        if kind == "BulkData":
            found["BulkDataURI"] = child.get("uri") or child.get("uuid") or ""
        elif kind == "InlineBinary":
            found["InlineBinary"] = "".join((child.text or "").split())
        elif kind in ("Value", "Item", "PersonName"):
            number = child.get("number", "")
            if not number.isdecimal() or int(number) < 1:
                raise BadMetadata(f"{path}: a {kind} without its number")
            numbered[int(number)] = _value(child, kind, vr, f"{path}[{number}]", depth)
        else:
            raise BadMetadata(f"{path} holds {kind[:40]}")
    if numbered:
        if len(numbered) != max(numbered) and max(numbered) > 1_000_000:
            raise BadMetadata(f"{path} has a value numbered {max(numbered)}")
        found["Value"] = [numbered.get(each) for each in range(1, max(numbered) + 1)]
    return found


def _value(child: ElementTree.Element, kind: str, vr: str, path: str, depth: int) -> Any:
    if kind == "Item":
        return _model(child, path, depth + 1)
    if kind == "PersonName":
        return {_local(group): "^".join(_components(group)).rstrip("^") for group in child}
    text = child.text or ""
    try:
        if vr in ("US", "SS", "UL", "SL", "UV", "SV", "IS"):
            return int(text)
        return float(text) if vr in ("FL", "FD", "DS") else text
    except ValueError:
        raise BadMetadata(f"{path} is no number") from None


def _components(group: ElementTree.Element) -> Iterator[str]:
    held = {_local(each): each.text or "" for each in group}
    for name in ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"):
        yield held.get(name, "")


def _local(element: ElementTree.Element) -> str:
    """The name without its namespace, which some clients leave out."""
    return element.tag.rpartition("}")[2]
