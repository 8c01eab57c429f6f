"""What a sender saw acknowledged is on disk whole and in the audit, whenever the node was killed."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import builders
import peers
import pytest
from peers import Peer
from rules.encode import encode
from serving import configure, started

ROUNDS = 5
INSTANCES = 2000
SENDERS = 4


def send(port: int, sender: int, acknowledged: dict[str, str]) -> None:
    """Store until all are sent or the node is gone; notes the digest of what was answered with success."""
    attributes = builders.ct()
    for tag in ("SOPInstanceUID", "PixelData"):
        del attributes[tag]
    try:
        with Peer(port) as peer:
            peer.associate(calling=f"SENDER{sender}")
            for number in range(INSTANCES // SENDERS):
                uid = f"1.2.7.{sender + 1}.{number + 1}"
                data = encode({**attributes, "SOPInstanceUID": uid, "PixelData": bytes(20_000)}, peers.IMPLICIT)
                answer = peer.store(peers.CT, uid, data, message=number % 60_000 + 1)
                if peers.status(answer) in (0x0000, 0xB007):
                    acknowledged[uid] = hashlib.sha256(data).hexdigest()
    except (OSError, AssertionError):
        return


def audited(node_url: str) -> dict[str, tuple[str, str, str]]:
    """Per SOP Instance UID: digest, place, verdict."""
    import sqlalchemy as sa

    from scp.database import open_engine

    engine = open_engine(node_url)
    with engine.connect() as connection:
        found = connection.execute(sa.text("select sop_instance_uid, digest, stored, verdict from receipt"))
        rows = {uid: (digest, stored, verdict) for uid, digest, stored, verdict in found}
    engine.dispose()
    return rows


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, database_url: str, number: int) -> None:
    port, http_port = configure(tmp_path, database_url)
    acknowledged: dict[str, str] = {}
    with started(tmp_path, port, http_port, database_url) as node:
        senders = [threading.Thread(target=send, args=(port, each, acknowledged)) for each in range(SENDERS)]
        for each in senders:
            each.start()
        while len(acknowledged) < 40 + 60 * number and any(each.is_alive() for each in senders):
            senders[0].join(0.01)
        node.kill()
        for each in senders:
            each.join(20)
    assert acknowledged
    rows = audited(database_url)
    for uid, digest in acknowledged.items():
        assert uid in rows, f"{uid} was acknowledged and is not in the audit"
        kept, stored, _ = rows[uid]
        assert kept == digest
        data = (tmp_path / "store" / stored).read_bytes()
        assert hashlib.sha256(data[data_set_at(data) :]).hexdigest() == digest
    with started(tmp_path, port, http_port, database_url) as node:
        assert list((node.store / "incoming").iterdir()) == []


def data_set_at(part10: bytes) -> int:
    """Where the Data Set begins behind the File Meta Information."""
    return 132 + 12 + int.from_bytes(part10[140:144], "little")
