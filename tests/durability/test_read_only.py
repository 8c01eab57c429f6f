"""A volume that turns read-only while instances arrive: senders are told to try again, and nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path

from consistency import disagreements
from senders import STORED, Sender, all_acknowledged
from serving import configure, started
from volumes import Volume

PATIENCE = 60.0


def test_a_volume_that_turns_read_only_loses_nothing_that_was_acknowledged(tmp_path: Path, volume: Volume) -> None:
    url, store = f"sqlite:///{tmp_path}/audit.db", volume.path / "store"
    port, http_port = configure(tmp_path, store=store)
    with started(tmp_path, port, http_port, url) as node:
        senders = [Sender(port, each, 300, size=2000) for each in range(4)]
        for each in senders:
            each.start()
        deadline = time.monotonic() + PATIENCE
        while len(all_acknowledged(senders)) < 30:
            assert time.monotonic() < deadline
            senders[0].join(0.01)
        volume.fall_back()
        for each in senders:
            each.join(PATIENCE)
            assert not each.is_alive(), "a sender waits for ever"
            failed = {status for status in each.statuses if status not in STORED}
            assert failed, f"it was read-only: {each.statuses}"
            assert all(0xA700 <= status <= 0xA7FF for status in failed)
            assert sum(each.statuses.values()) == each.count, "the Association was not broken off"
        acknowledged = all_acknowledged(senders)
        assert node.get("/healthz")[0] == 200
        assert node.get("/readyz")[0] == 503
        assert node.stop() == 0
    volume.mount_again()
    with started(tmp_path, port, http_port, url) as node:
        assert disagreements(url, node.store, acknowledged) == []
        after = Sender(port, 9, 5, size=2000)
        after.start()
        after.join(PATIENCE)
        assert after.statuses == {0: 5}
        assert node.stop() == 0
