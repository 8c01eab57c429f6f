"""A device that is quiet for too long is told of once, and once more when it is heard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import builders
import peers
import pytest
from databases import a_receipt
from peers import Peer
from serving import serving

from scp import service
from scp.receive import Node
from scp.settings import Audit, Device, Settings
from scp.settings import Store as StoreSettings
from scp.silence import SilenceAlarm
from scp.tables import event

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CT = Device(name="CT two", ae_titles=("CT2",), quiet_hours=8, contact="radiology-it@example.org")
MR = Device(name="MR", ae_titles=("MR",))


@pytest.fixture
def node(tmp_path: Path, database_url: str) -> Iterator[Node]:
    settings = Settings(store=StoreSettings(path=tmp_path / "store", min_free=0), audit=Audit(url=database_url))
    with service.node(settings) as made:
        yield made


def receive(node: Node, number: int, at: datetime, device: str = "CT two") -> None:
    with node.journal.transaction() as writer:
        writer.write([a_receipt(node.ids.next(), sop_instance_uid=f"1.2.{number}", received_at=at, device=device)])


def told(node: Node) -> list[tuple[str, str]]:
    """Kind and words of every silence and sound, oldest first, once all notes are written."""
    node.committer.close()
    with node.engine.connect() as connection:
        rows = connection.execute(event.select().where(event.c.kind.like("device-%")).order_by(event.c.at, event.c.id))
        return [(each.kind, each.text) for each in rows]


def look(node: Node, *moments: datetime, devices: tuple[Device, ...] = (CT, MR)) -> SilenceAlarm:
    """A process's looks, each of which has written what it tells before the next."""
    watch = SilenceAlarm(devices, node, records=True)
    watch._began = NOW
    for each in moments:
        watch.look(each)
        flush(node)
    return watch


def flush(node: Node) -> None:
    with node.committer._queue:
        notes = list(node.committer._notes)
        node.committer._notes.clear()
    with node.journal.transaction() as writer:
        writer.write(notes)


def test_a_silence_is_told_once_and_its_end_too(node: Node) -> None:
    receive(node, 1, NOW)
    receive(node, 2, NOW - HOUR)
    watch = look(node, NOW + HOUR, NOW + 9 * HOUR, NOW + 10 * HOUR)
    assert [(each.device.name, each.last, each.silent) for each in watch.heard] == [
        ("CT two", NOW, True),
        ("MR", None, False),
    ]
    receive(node, 3, NOW + 10 * HOUR)
    watch = look(node, NOW + 11 * HOUR, NOW + 12 * HOUR)
    assert not any(each.silent for each in watch.heard)
    look(node, NOW + 19 * HOUR)
    assert told(node) == [
        ("device-silent", "nothing came from CT two since 2026-11-25 12:00 UTC: 9.0 hours, 8 are allowed"),
        ("device-heard", "CT two is heard again"),
        ("device-silent", "nothing came from CT two since 2026-11-25 22:00 UTC: 9.0 hours, 8 are allowed"),
    ]


def test_a_restart_forgets_no_silence_and_tells_of_none_twice(node: Node) -> None:
    receive(node, 1, NOW)
    look(node, NOW + 9 * HOUR)
    look(node, NOW + 9 * HOUR)
    assert len(told(node)) == 1


def test_who_was_never_heard_counts_from_when_the_node_watches(node: Node) -> None:
    assert not look(node, NOW + 7 * HOUR).heard[0].silent
    assert look(node, NOW + 9 * HOUR).heard[0].silent
    look(node, NOW + HOUR)
    assert told(node) == [
        ("device-silent", "nothing came from CT two since the node watches: 9.0 hours, 8 are allowed")
    ]


def test_nobody_is_silent_while_receipts_wait_in_the_spool(node: Node) -> None:
    receive(node, 1, NOW)
    waiting = node.store.root / "spool" / "7" / "1.jsonl"
    waiting.parent.mkdir(parents=True)
    waiting.touch()
    assert not look(node, NOW + 9 * HOUR).heard[0].silent
    waiting.unlink()
    assert told(node) == []


def test_a_second_process_knows_and_says_nothing(node: Node) -> None:
    receive(node, 1, NOW)
    watch = SilenceAlarm((CT,), node, records=False)
    watch.look(NOW + 9 * HOUR)
    assert watch.heard[0].silent
    assert told(node) == []


def test_a_node_tells_of_its_device(tmp_path: Path) -> None:
    more = 'dimse.workers = 1\n[[device]]\nname = "CT two"\nae_titles = "CT2"\nquiet_hours = 0.0002\n'
    with serving(tmp_path, more=more) as node:
        silent = node.eventually("select detail from event where kind = 'device-silent'")
        with Peer(node.port) as peer:
            peer.associate(calling="CT2")
            data = builders.data_set(builders.ct(SOPInstanceUID="1.2.3"), peers.IMPLICIT)
            assert peers.status(peer.store(peers.CT, "1.2.3", data)) == 0
            assert node.eventually("select 1 from event where kind = 'device-heard'")
        text = node.get("/metrics")[1]
        assert 'dicomgate_device_silent{device="CT two"}' in text
        assert 'dicomgate_device_quiet_limit_seconds{device="CT two"} 0.72' in text
        assert '"last": null' in silent[0][0].replace('":null', '": null')
        assert re.search(r"WARNING http-1.* nothing came from CT two", node.log)
