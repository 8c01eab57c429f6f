"""What a sender saw acknowledged outlives the power: with the audit beside the instances, and on another volume."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rounds import Tally, power_round
from serving import configure
from volumes import Volume


@pytest.mark.parametrize("durability", ["fsync", "syncfs"])
@pytest.mark.parametrize("audit", ["beside", "elsewhere"])
def test_power_lost_loses_nothing_that_was_acknowledged(
    tmp_path: Path, volume: Volume, audit: str, durability: str, rounds: Callable[[int], int], seed: int
) -> None:
    tally = Tally(f"power lost, {durability}, audit {audit}")
    for number in range(seed, seed + rounds(1)):
        folder, home = tmp_path / str(number), volume.path / str(number)
        # What beginning with a folder of its own needs synced is the node's to sync.
        url = f"sqlite:///{home if audit == 'beside' else folder}/audit.db"
        configure(folder, url, f'store.durability = "{durability}"', store=home / "store")
        power_round(volume, folder, url, number, tally)
        shutil.rmtree(folder)
        shutil.rmtree(home)
    tally.judge()
