"""A clock that jumps, as after an empty battery or a wrong time server, costs no instance and no order."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import needs
import pytest
from consistency import disagreements
from senders import Sender
from serving import configure, started

PATIENCE = 60.0


@pytest.mark.parametrize("jump", ["-3h", "-400d", "+2h"])
def test_a_clock_that_jumps_loses_and_mixes_nothing(tmp_path: Path, jump: str) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0")
    port, http_port = configure(tmp_path)
    env = faked(clock)
    acknowledged: dict[str, str] = {}
    order: list[str] = []
    with started(tmp_path, port, http_port, f"sqlite:///{tmp_path}/audit.db", env) as node:
        for number, moved in enumerate(("+0", jump, "+0")):
            clock.write_text(moved)
            sender = Sender(port, number, 30)
            sender.start()
            sender.join(PATIENCE)
            assert sender.statuses == {0: 30}
            acknowledged |= sender.acknowledged
            order += sender.acknowledged
        assert disagreements(node.url, node.store, acknowledged) == []
        ((first, last),) = node.ask("select min(received_at), max(received_at) from receipt")
        assert datetime.fromisoformat(last) - datetime.fromisoformat(first) > timedelta(hours=1), "the clock was moved"
        # Ids go on from the last one of their process: no order within one is turned round.
        rows = node.ask("select sop_instance_uid, id from receipt order by id")
        for worker in {(id >> 12) & 0x3FF for _, id in rows}:
            own = [uid for uid, id in rows if (id >> 12) & 0x3FF == worker]
            assert own == sorted(own, key=order.index)
        assert node.stop() == 0


def test_a_machine_that_boots_in_1970_loses_nothing_and_draws_no_id_twice(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    port, http_port = configure(tmp_path)
    acknowledged: dict[str, str] = {}
    for number, moved in enumerate(("@1970-01-01 00:00:07", "@1970-01-01 00:00:07", "+0", "@1970-01-01 00:00:07")):
        clock.write_text(moved)
        with started(tmp_path, port, http_port, f"sqlite:///{tmp_path}/audit.db", faked(clock)) as node:
            sender = Sender(port, number, 30)
            sender.start()
            sender.join(PATIENCE)
            assert sender.statuses == {0: 30}, node.log
            acknowledged |= sender.acknowledged
            assert disagreements(node.url, node.store, acknowledged) == []
            assert node.get("/readyz")[0] == 200
            assert node.stop() == 0
            ((receipts, ids),) = node.ask("select count(*), count(distinct id) from receipt")
            assert receipts == ids == 30 * (number + 1)


def faked(clock: Path) -> dict[str, str]:
    """Variables by which a program takes the time that a file says; only the wall clock is moved, as it is in life.

    The library lets a sleep fail, or last, now and then: what the log says of that is no fault of the node's.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        needs.missing("libfaketime")
        raise AssertionError
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
