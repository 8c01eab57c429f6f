"""What the journal is given to keep: one frozen value a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scp.verdict import Decision


@dataclass(frozen=True, slots=True)
class AssociationOpened:
    """An Association (PS3.8) that was accepted, or refused (`refusal` says why)."""

    id: int
    opened_at: datetime
    calling_ae: str
    called_ae: str
    address: str
    port: int
    device: str | None
    implementation_class_uid: str
    implementation_version: str
    maximum_length: int
    contexts_accepted: int
    contexts_refused: tuple[str, ...]
    """Abstract Syntaxes with no acceptable context, so that what was refused can be shown."""
    configuration: str
    """Digest of the effective configuration."""
    refusal: str | None = None
    """None for an accepted Association; else the reason in a few words."""


@dataclass(frozen=True, slots=True)
class AssociationClosed:
    """How an Association ended, and what was done in it."""

    id: int
    closed_at: datetime
    ending: str
    """released, aborted, lost, broken, or crashed: its process died, and the sums are of its receipts."""
    instances: int
    echoes: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """One arriving instance, with what was found and done. Sizes are bytes, times UTC, durations milliseconds."""

    id: int
    received_at: datetime
    door: str
    """dimse, stow or recovery."""
    association_id: int | None
    calling_ae: str
    called_ae: str
    address: str
    device: str | None
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    transfer_syntax_uid: str
    modality: str
    manufacturer: str
    model: str
    software_versions: str
    """Values joined by a backslash, as in the Data Set."""
    patient_id: str
    patient_name: str
    """Both in clear here; the journal hashes them before they are written, unless the site asks for plain."""
    size: int
    """Of the Data Set as received."""
    digest: str
    """SHA-256 of the Data Set's bytes as received, hexadecimal."""
    verdict: str
    status: int
    ticket: str
    iod: str
    edition: str
    rule_set: str
    policy: str
    undecided: int
    repeat_of: int | None
    """The receipt whose kept bytes are the same; None where this is not a repeat."""
    stored: str | None
    """Where the bytes are, relative to the store; None where nothing was kept."""
    receive_ms: float
    check_ms: float
    token: str | None = None
    """Name of the token that was shown at the HTTP door."""
    decisions: tuple[Decision, ...] = ()
    """The findings, each with what the policy said of it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the node. `kind` is a short word; `detail` is JSON-able and holds no patient data."""

    at: datetime
    kind: str
    text: str
    detail: dict[str, object]
    association_id: int | None = None


Record = AssociationOpened | AssociationClosed | Receipt | Event


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier receipt of the same SOP Instance UID whose bytes are still kept."""

    id: int
    ticket: str
    digest: str
    transfer_syntax_uid: str
    verdict: str
    stored: str
