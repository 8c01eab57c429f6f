"""What a sender saw acknowledged is on disk whole and in the audit, whenever the node was killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from databases import Postgres
from rounds import Tally, by_http, crash_round


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, rounds: Callable[[int], int], seed: int) -> None:
    tally = Tally("killed, SQLite")
    for number in range(seed, seed + rounds(5)):
        folder = tmp_path / str(number)
        crash_round(folder, f"sqlite:///{folder}/audit.db", number, tally)
        shutil.rmtree(folder)
    tally.judge()


def test_nor_does_it_with_postgres(
    tmp_path: Path, postgres_server: Postgres, rounds: Callable[[int], int], seed: int
) -> None:
    tally = Tally("killed, Postgres")
    for number in range(seed, seed + rounds(5)):
        folder, url = tmp_path / str(number), postgres_server.new_database()
        crash_round(folder, url, number, tally)
        shutil.rmtree(folder)
        postgres_server.drop(url)
    tally.judge()


def test_nor_does_it_over_http(tmp_path: Path, rounds: Callable[[int], int], seed: int) -> None:
    tally = Tally("killed, SQLite, STOW-RS")
    for number in range(seed, seed + rounds(3)):
        folder = tmp_path / str(number)
        crash_round(folder, f"sqlite:///{folder}/audit.db", number, tally, by_http)
        shutil.rmtree(folder)
    tally.judge()
