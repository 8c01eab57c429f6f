"""What instances are taken at every door: SOP Classes and Transfer Syntaxes."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom._uid_dict import UID_dictionary

from rules.iods import never_stored, storage_sop_classes
from rules.transfer_syntax import TRANSFER_SYNTAXES
from scp.settings import Dimse
from scp.uid import valid_uid

STANDARD_ROOT = "1.2.840.10008."
STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."

TRANSFER_SYNTAXES_TAKEN = frozenset(
    uid
    for uid in TRANSFER_SYNTAXES
    if not uid.startswith(("1.2.840.10008.1.2.6.", "1.2.840.10008.1.2.7.", "1.2.840.10008.1.20"))
)
"""All but those of mail, XML, real-time streams and Papyrus."""


_NEWER_THAN_PYDICOM = {"1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage"}


@dataclass(frozen=True, slots=True)
class Storable:
    """The SOP Classes that a site takes: those known to be stored, its private ones, and perhaps any."""

    known: frozenset[str]
    any: bool

    @classmethod
    def of(cls, dimse: Dimse) -> Storable:
        """As the configuration says."""
        return cls(stored_sop_classes() | set(dimse.private_sop_classes), dimse.accept_unknown_sop_classes)

    def takes(self, sop_class_uid: str) -> bool:
        """Whether instances of this SOP Class are taken."""
        if sop_class_uid in self.known:
            return True
        if not self.any or not valid_uid(sop_class_uid):
            return False
        # Under the Standard's own root only storage classes can be meant; under any other, anything.
        return not sop_class_uid.startswith(STANDARD_ROOT) or sop_class_uid.startswith(STORAGE_ROOT)


def stored_sop_classes() -> frozenset[str]:
    """The SOP Classes that can be stored: those of PS3.3 as it is, and the retired ones that pydicom knows."""
    retired = {
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and uid.startswith(STORAGE_ROOT) and "Storage" in name
    }
    return frozenset(storage_sop_classes()) - never_stored() | retired


def sop_class_name(uid: str) -> str:
    """The name of a SOP Class in PS3.6 or its extensions; "" for one that is in none of them."""
    return UID_dictionary[uid][0] if uid in UID_dictionary else _NEWER_THAN_PYDICOM.get(uid, "")


def is_retired(uid: str) -> bool:
    """Whether the Standard has retired a SOP Class."""
    return uid in UID_dictionary and UID_dictionary[uid][3] == "Retired"
