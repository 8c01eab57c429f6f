"""Who sent an instance, as far as policy and audit ask."""

from __future__ import annotations

from dataclasses import dataclass


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
