"""Modality (0008,0060) against the IOD, where one alone is usual (PS3.3 C.7.3.1.1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.iods import iod_in_any_edition, iods
from rules.model import Example, Problem, Severity
from rules.registry import rule
from rules.wording import shown

USUAL = {
    "CT Image": "CT",
    "MR Image": "MR",
    "Computed Radiography Image": "CR",
    "Nuclear Medicine Image": "NM",
    "Dermoscopic Photography Image": "DMS",
    "Photoacoustic Image": "PA",
}
"""By IOD; only those of which the Standard was not seen to settle it, and whose equipment is of one kind."""


def _example(iod: str, modality: str) -> Example:
    return {"SOPClassUID": iods()[iod].sop_class_uids[0], "Modality": modality}


@rule(
    "modality-unusual",
    section="C.7.3.1.1.1",
    severity=Severity.WARNING,
    iods=list(USUAL),
    only_with=["Modality"],
    good=[_example("CT Image", "CT"), _example("MR Image", "MR")],
    bad=[_example("CT Image", "MR"), _example("MR Image", "CT")],
)
def modality_unusual(header: Header) -> Iterator[Problem]:
    """Modality is another than what instances of this IOD are made by.

    It is permitted, since the Modality is that of the equipment; but worklists, hanging protocols and routing choose by
    it, and it is mostly a slip.
    """
    usual = USUAL.get(iod_in_any_edition(header))
    modality = header.text("Modality")
    if usual is not None and modality and modality != usual:
        yield Problem("Modality", f"is {shown(modality)}, usually {usual}")
