"""Who sent an instance, as far as policy and audit ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.header import Header


@dataclass(frozen=True, slots=True)
class Sender:
    """The other side of an arrival: names from the Association, equipment from the Data Set.

    `address` is an IPv4 or IPv6 address without port; `software_versions` is empty where the instance has none.
    """

    calling_ae: str
    called_ae: str
    address: str
    sop_class_uid: str = ""
    modality: str = ""
    manufacturer: str = ""
    model: str = ""
    software_versions: tuple[str, ...] = ()
    door: str = "dimse"
    """dimse or stow: at the latter there are no AE Titles."""
    token: str | None = None
    """Name of the token that was shown at the HTTP door."""


LONGEST_TEXT = 256
"""Characters kept of any value that a sender chose."""


def sender_of(
    header: Header,
    *,
    calling_ae: str,
    called_ae: str,
    address: str,
    sop_class_uid: str = "",
    door: str = "dimse",
    token: str | None = None,
) -> Sender:
    """The sender of an instance: names as given, equipment as the Data Set has it.

    `sop_class_uid` is what the sender announced; without it the Data Set's own holds.
    """
    return Sender(
        calling_ae=calling_ae,
        called_ae=called_ae,
        address=address,
        sop_class_uid=sop_class_uid or _text(header, "SOPClassUID"),
        modality=_text(header, "Modality"),
        manufacturer=_text(header, "Manufacturer"),
        model=_text(header, "ManufacturerModelName"),
        software_versions=tuple(clean(each) for each in header.texts("SoftwareVersions")),
        door=door,
        token=token,
    )


def clean(text: str) -> str:
    """A sender's text as any log or database takes it: no control characters, no lone surrogates, not endless."""
    if text.isprintable() and text.isascii():
        return text[:LONGEST_TEXT]
    printable = "".join(each if each.isprintable() else " " for each in text[:LONGEST_TEXT])
    return printable.encode("utf-8", "replace").decode("utf-8")


def _text(header: Header, keyword: str) -> str:
    return clean(header.text(keyword) or "")
