"""The answer to a Store transaction: the Store Instances Response Module as JSON or XML (PS3.18 10.5.3 and Annex I).

Items hold what the Module has, and a private block beside it, which says what only dicomgate knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import orjson

from rules.dictionary import keyword_of
from scp.media_types import accepted
from scp.records import Receipt
from scp.status import SUCCESS, Status, status_coded
from scp.stow import Failed, Result, Stored
from scp.uid import valid_uid
from scp.verdict import Action, Decision

JSON, XML = "application/dicom+json", "application/dicom+xml"

Model = dict[str, dict[str, Any]]
"""The DICOM JSON Model of a Data Set (PS3.18 Annex F): tag to VR and Value."""

PRIVATE_CREATOR = "DICOMGATE 1"
PRIVATE_ELEMENTS = {
    "01": ("SH", "ticket, as the audit has it"),
    "02": ("SQ", "findings that decided, an Item each, of the elements 03 to 08"),
    "03": ("LO", "rule"),
    "04": ("CS", "severity"),
    "05": ("UT", "path of the Attribute, by keywords, Items counted from 1"),
    "06": ("AT", "tag of the Attribute"),
    "07": ("LO", "section of the Standard"),
    "08": ("UT", "what was seen, and what was wanted"),
    "09": ("UT", "why nothing was kept, in words"),
}
"""The private block, by the last two digits of the element's number: VR and content."""

MOST_FINDINGS = 50
"""Findings told of one instance; the audit has all."""

MOST_WARNINGS = 20
"""`Warning` headers of one answer."""


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back: HTTP status code, media type, body, and the lines of its `Warning` headers."""

    code: int
    media_type: str
    body: bytes
    warnings: tuple[str, ...] = ()


def chosen(accept: str) -> str | None:
    """The media type that an Accept header wants of those there are; None where it wants none of them."""
    if not accept.strip():
        return JSON
    for each in accepted(accept):
        name = each.name
        if name in ("*/*", "application/*", "application/json", JSON):
            return JSON
        if name in ("application/xml", "text/xml", XML):
            return XML
        inner = each.parameters.get("type", "").lower()
        if name in ("multipart/related", "multipart/*") and inner in (JSON, XML):
            return inner
    return None


def respond(results: Sequence[Result], studies: str, media_type: str) -> Response:
    """The answer to a request whose instances fared so; `studies` is the address of the studies resource."""
    body = module(results, studies)
    encoded = orjson.dumps(body) if media_type == JSON else as_xml(body)
    return Response(code_of(results), media_type, encoded, tuple(_warnings(results))[:MOST_WARNINGS])


def code_of(results: Sequence[Result]) -> int:
    """200 where all is stored without a word; 202 where some is; else why nothing is (PS3.18 10.5.3.1)."""
    statuses = [_status(each) for each in results]
    if all(each is SUCCESS for each in statuses):
        return 200
    if any(_is_stored(each) for each in results):
        return 202
    codes = {each.http for each in statuses}
    return codes.pop() if len(codes) == 1 else 409


def module(results: Sequence[Result], studies: str) -> Model:
    """The Store Instances Response Module (PS3.18 Table I.1-1)."""
    found = Model()
    studies_stored = {
        each.receipt.study_instance_uid for each in results if isinstance(each, Stored) and _retrievable(each.receipt)
    }
    # One URL stands for the whole answer, so there is one only where all of it is in one study.
    study = studies_stored.pop() if len(studies_stored) == 1 else ""
    _put(found, "00081190", "UR", [f"{studies}/{study}"] if study else [])
    referenced = [
        _referenced(each.receipt, studies) for each in results if isinstance(each, Stored) and _is_stored(each)
    ]
    failed = [_failed(each) for each in results if not _is_stored(each) and _named(each)]
    others = [_reason(_status(each)) for each in results if not _is_stored(each) and not _named(each)]
    for tag, items in (("00081198", failed), ("00081199", referenced), ("0008119A", others)):
        if items:
            _put(found, tag, "SQ", items)
    return found


def as_xml(model: Model) -> bytes:
    """A Data Set of the JSON Model as the Native DICOM Model (PS3.19 A.1)."""
    root = ElementTree.Element("NativeDicomModel", {"xml:space": "preserve"})
    _attributes(root, model)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _referenced(receipt: Receipt, studies: str) -> Model:
    item = _reference(receipt.sop_class_uid, receipt.sop_instance_uid)
    _put(item, "00081190", "UR", [_address(receipt, studies)] if _retrievable(receipt) else [])
    status = status_coded(receipt.status)
    if status.reason is not None:
        _put(item, "00081196", "US", [status.reason])
    return item | _told(receipt)


def _failed(result: Result) -> Model:
    if isinstance(result, Failed):
        item = _reference(result.sop_class_uid, result.sop_instance_uid) | _reason(result.status)
        return item | _private({"09": [result.words]})
    receipt = result.receipt
    item = _reference(receipt.sop_class_uid, receipt.sop_instance_uid)
    return item | _reason(status_coded(receipt.status)) | _told(receipt)


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Model:
    item = Model()
    _put(item, "00081150", "UI", [sop_class_uid])
    _put(item, "00081155", "UI", [sop_instance_uid])
    return item


def _reason(status: Status) -> Model:
    item = Model()
    _put(item, "00081197", "US", [status.reason])
    return item


def _told(receipt: Receipt) -> Model:
    """The private block: the ticket, and what decided."""
    elements: dict[str, list[Any]] = {"01": [receipt.ticket]}
    findings = [_finding(each) for each in deciding(receipt)[:MOST_FINDINGS]]
    if findings:
        elements["02"] = findings
    return _private(elements)


def _finding(decision: Decision) -> Model:
    finding = decision.finding
    return _private(
        {
            "03": [finding.rule],
            "04": [finding.severity.value.upper()],
            "05": [finding.path],
            "06": [finding.tag.strip("()").replace(",", "")] if finding.tag else [],
            "07": [finding.section],
            "08": [finding.message],
        }
    )


def _private(elements: dict[str, list[Any]]) -> Model:
    item = Model()
    _put(item, "00090010", "LO", [PRIVATE_CREATOR])
    for number, values in elements.items():
        _put(item, f"000910{number}", PRIVATE_ELEMENTS[number][0], values)
    return item


def deciding(receipt: Receipt) -> list[Decision]:
    """The findings that the policy did more with than accept, the gravest first."""
    told = [each for each in receipt.decisions if each.action > Action.ACCEPT]
    return sorted(told, key=lambda each: each.action, reverse=True)


def _warnings(results: Iterable[Result]) -> Iterator[str]:
    """A line an instance that was not simply stored: `299 dicomgate "rule (tag) #ticket"` (RFC 9111 5.5)."""
    for each in results:
        if isinstance(each, Failed):
            yield _warning(each.words)
        elif _status(each) is not SUCCESS:
            told = deciding(each.receipt)
            leading = f"{told[0].finding.rule} {told[0].finding.tag} " if told else ""
            yield _warning(f"{leading}#{each.receipt.ticket}")


def _warning(words: str) -> str:
    fit = "".join(each if " " <= each <= "~" else "?" for each in words)[:200]
    escaped = fit.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 dicomgate "{escaped}"'


def _status(result: Result) -> Status:
    return result.status if isinstance(result, Failed) else status_coded(result.receipt.status)


def _is_stored(result: Result) -> bool:
    return isinstance(result, Stored) and not _status(result).is_failure


def _named(result: Result) -> bool:
    """Whether the instance can be referenced: both its UIDs are UIDs."""
    its = result if isinstance(result, Failed) else result.receipt
    return valid_uid(its.sop_class_uid) and valid_uid(its.sop_instance_uid)


def _retrievable(receipt: Receipt) -> bool:
    return receipt.verdict in (Action.ACCEPT.value, Action.FLAG.value) and bool(receipt.study_instance_uid)


def _address(receipt: Receipt, studies: str) -> str:
    return (
        f"{studies}/{receipt.study_instance_uid}/series/{receipt.series_instance_uid}"
        f"/instances/{receipt.sop_instance_uid}"
    )


def _put(model: Model, tag: str, vr: str, values: list[Any]) -> None:
    model[tag] = {"vr": vr, "Value": values} if values else {"vr": vr}


def _attributes(parent: ElementTree.Element, model: Model) -> None:
    for tag, element in sorted(model.items()):
        said = {"tag": tag, "vr": element["vr"]}
        keyword = keyword_of(int(tag, 16))
        if keyword:
            said["keyword"] = keyword
        elif int(tag[:4], 16) % 2 and tag[4:6] != "00":
            said["privateCreator"] = PRIVATE_CREATOR
            said["tag"] = tag[:4] + "00" + tag[6:]
        child = ElementTree.SubElement(parent, "DicomAttribute", said)
        for number, value in enumerate(element.get("Value", ()), 1):
            kind = "Item" if element["vr"] == "SQ" else "Value"
            inner = ElementTree.SubElement(child, kind, {"number": str(number)})
            if kind == "Item":
                _attributes(inner, value)
            else:
                inner.text = str(value)
