"""Whether store, audit and what senders were told agree."""

from __future__ import annotations

import hashlib
from pathlib import Path

import sqlalchemy as sa

from scp.database import open_engine


def disagreements(url: str, store: Path, acknowledged: dict[str, str]) -> list[str]:
    """What does not agree, in words; [] where all does.

    `acknowledged` is the digest of each SOP Instance UID's Data Set that a sender was told is stored.
    """
    rows = receipts(url)
    wrong = []
    for uid, digest in acknowledged.items():
        if uid not in rows:
            wrong.append(f"{uid} was acknowledged and is not in the audit")
        elif rows[uid][0] != digest:
            wrong.append(f"{uid} was acknowledged and the audit has other bytes")
    places = {stored for _, stored in rows.values()}
    for uid, (digest, stored) in rows.items():
        if not (store / stored).is_file():
            wrong.append(f"{uid} is in the audit and {stored} is not there")
        elif data_set_digest((store / stored).read_bytes()) != digest:
            wrong.append(f"{uid}: {stored} has other bytes than the audit says")
    for kind in ("instances", "quarantine"):
        wrong += [f"{each} has no row" for each in (store / kind).rglob("*.dcm") if not _listed(each, store, places)]
    return wrong


def receipts(url: str) -> dict[str, tuple[str, str]]:
    """Per SOP Instance UID of a kept instance: the digest, and where the bytes are."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = connection.execute(
            sa.text("select sop_instance_uid, digest, stored from receipt where stored is not null")
        )
        rows = {uid: (digest, stored) for uid, digest, stored in found}
    engine.dispose()
    return rows


def data_set_digest(part10: bytes) -> str:
    """SHA-256 of what stands behind the File Meta Information."""
    data_set = 132 + 12 + int.from_bytes(part10[140:144], "little")
    return hashlib.sha256(part10[data_set:]).hexdigest()


def _listed(path: Path, store: Path, places: set[str]) -> bool:
    return path.relative_to(store).as_posix() in places
