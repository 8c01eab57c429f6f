"""What a sender saw acknowledged is on disk whole and in the audit, whenever the node was killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from consistency import disagreements
from senders import Sender, all_acknowledged
from serving import configure, started

ROUNDS = 5
INSTANCES = 2000
SENDERS = 4


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, database_url: str, number: int) -> None:
    port, http_port = configure(tmp_path, database_url)
    with started(tmp_path, port, http_port, database_url) as node:
        senders = [Sender(port, each, INSTANCES // SENDERS) for each in range(SENDERS)]
        for each in senders:
            each.start()
        while len(all_acknowledged(senders)) < 40 + 60 * number and any(each.is_alive() for each in senders):
            senders[0].join(0.01)
        node.kill()
        for each in senders:
            each.join(20)
    acknowledged = all_acknowledged(senders)
    assert len(acknowledged) >= 40
    with started(tmp_path, port, http_port, database_url) as node:
        assert list((node.store / "incoming").iterdir()) == []
        assert disagreements(database_url, node.store, acknowledged) == []
