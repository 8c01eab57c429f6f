"""The instances that a document refers to, and the evidence that it lists (PS3.3 C.17.2.3 and C.17.6.2)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.iods import iods, modules_of
from rules.model import Problem, Severity
from rules.registry import rule

CURRENT, OTHER = "CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"
_KEY_OBJECTS = "Key Object Document"
_NAMED_BY = ("ReferencedSOPSequence", "ReferencedRealWorldValueMappingInstanceSequence")
"""The Sequences of a Content Item, and of a reference in it, that name an instance."""


def _has_evidence(iod: str) -> bool:
    return any(usage.name in ("SR Document General", _KEY_OBJECTS) for usage in modules_of(iod))


def _document(sop_class: str, *listed: str, sequence: str = CURRENT) -> dict[str, object]:
    """A document that refers to two images and lists these."""
    items = [{"ReferencedSOPInstanceUID": uid} for uid in listed]
    series = [{"SeriesInstanceUID": "1.2.9", "ReferencedSOPSequence": items}]
    tree = [{"ValueType": "IMAGE", "ReferencedSOPSequence": [{"ReferencedSOPInstanceUID": f"1.2.{n}"}]} for n in (3, 4)]
    return {
        "SOPClassUID": iods()[sop_class].sop_class_uids[0],
        "ContentSequence": [{"ValueType": "CONTAINER", "ContentSequence": tree}],
        **({sequence: [{"StudyInstanceUID": "1.2.8", "ReferencedSeriesSequence": series}]} if listed else {}),
    }


@rule(
    "evidence-unlisted",
    section="C.17.2.3",
    # A list that leaves out an instance of another procedure breaks no sentence; that of key objects is of all.
    severity=Severity.WARNING,
    iods=_has_evidence,
    good=[
        _document("Enhanced SR", "1.2.3", "1.2.4"),
        _document("Enhanced SR", "1.2.3", "1.2.4", sequence=OTHER),
        _document("Key Object Selection Document", "1.2.3", "1.2.4"),
    ],
    bad=[
        _document("Enhanced SR"),
        _document("Enhanced SR", "1.2.3"),
        _document("Key Object Selection Document", "1.2.4"),
    ],
)
def evidence_unlisted(header: Header) -> Iterator[Problem]:
    """An instance that the Content Tree refers to is not in the evidence that the document lists.

    The lists say which study and series an instance is in; what they leave out cannot be retrieved. The list of a Key
    Object Selection is of all, and one that is not in it an error, as it is where there is no list at all.
    """
    listed = {uid for sequence in (CURRENT, OTHER) for uid in _listed(header, sequence)}
    paths: dict[str, str] = {}
    for uid, path in _referred(header):
        if uid not in listed:
            paths.setdefault(uid, path)
    if not paths:
        return
    keys = any(usage.name == _KEY_OBJECTS for usage in modules_of(_iod(header)))
    missed = list(paths.values())
    yield Problem(
        missed[0],
        f"names an instance that is not in {CURRENT}{'' if keys else f' nor in {OTHER}'}",
        severity=Severity.ERROR if keys or not (header.has(CURRENT) or header.has(OTHER)) else None,
        section="C.17.6.2" if keys else "C.17.2.3",
        count=len(missed),
        first=missed[0] if len(missed) > 1 else None,
        last=missed[-1] if len(missed) > 1 else None,
    )


def _iod(header: Header) -> str:
    uid = header.text("SOPClassUID")
    return next((name for name, iod in iods().items() if uid in iod.sop_class_uids), "")


def _listed(header: Header, sequence: str) -> Iterator[str]:
    for study in header.items(sequence):
        for series in study.items("ReferencedSeriesSequence"):
            for reference in series.items("ReferencedSOPSequence"):
                yield reference.text("ReferencedSOPInstanceUID") or ""


def _referred(header: Header) -> Iterator[tuple[str, str]]:
    """Each reference of the Content Tree: the SOP Instance UID and its path, in the order of the tree."""
    waiting = list(reversed(header.items("ContentSequence")))
    while waiting:
        item = waiting.pop()
        uid = item.text("ReferencedSOPInstanceUID")
        if uid:
            yield uid, item.path_of("ReferencedSOPInstanceUID")
        below = [each for sequence in (*_NAMED_BY, "ContentSequence") for each in item.items(sequence)]
        waiting += reversed(below)
