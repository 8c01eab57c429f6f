"""Ids that never collide and never go back, whatever clocks, pauses and restarts do."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from scp.database import DatabaseGone, reading, writing
from scp.ids import EPOCH, LEASE_MS, NUMBERS, Ids, clock_ms, time_of
from scp.tables import event, id_lease
from scp.tickets import ALPHABET, LENGTH, draw_ticket, read_ticket


class Clock:
    """A wall clock that goes where a test puts it."""

    def __init__(self) -> None:
        self.now = clock_ms()

    def __call__(self) -> int:
        return self.now


def test_ids_rise_and_tell_their_time(engine: sa.Engine) -> None:
    ids = Ids(engine)
    drawn = [ids.next() for _ in range(20_000)]
    assert drawn == sorted(set(drawn))
    assert abs(time_of(drawn[0]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert all(0 < each < 1 << 63 for each in drawn)


def test_threads_draw_different_ids(engine: sa.Engine) -> None:
    ids = Ids(engine)
    drawn: list[int] = []

    def draw() -> None:
        mine = [ids.next() for _ in range(5000)]
        assert mine == sorted(mine)
        drawn.extend(mine)

    threads = [threading.Thread(target=draw) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(drawn)) == 40_000


def test_a_clock_that_steps_back_keeps_counting(engine: sa.Engine) -> None:
    clock = Clock()
    ids = Ids(engine, clock)
    before = ids.next()
    clock.now -= 3_600_000
    assert before < ids.next() < ids.next()


def test_counting_goes_on_from_the_database_after_a_restart(engine: sa.Engine) -> None:
    clock = Clock()
    ids = Ids(engine, clock)
    last = ids.next()
    with writing(engine) as connection:
        connection.execute(
            event.insert().values(
                id=last,
                at=EPOCH,
                writer="n/0",
                sequence=1,
                kind="start",
                text="",
                detail="{}",
                previous_hash="",
                hash="",
            )
        )
    clock.now -= 3_600_000
    assert Ids(engine, clock).next() > last


def test_processes_have_numbers_of_their_own(engine: sa.Engine) -> None:
    several = [Ids(engine) for _ in range(5)]
    assert [each.number for each in several] == [0, 1, 2, 3, 4]
    assert len({each.next() for each in several for _ in range(1000)}) == 5000


def test_a_number_given_back_is_leased_again_above_what_was_drawn(engine: sa.Engine) -> None:
    clock = Clock()
    first = Ids(engine, clock)
    drawn = [first.next() for _ in range(10)]
    first.close()
    clock.now -= 60_000
    second = Ids(engine, clock)
    assert second.number == first.number
    assert second.next() > drawn[-1]


def test_a_lease_is_renewed_by_use(engine: sa.Engine) -> None:
    clock = Clock()
    ids = Ids(engine, clock)
    for _ in range(10):
        clock.now += LEASE_MS // 2 + 1
        ids.renew_if_due()
        ids.next()
    assert ids.number == 0
    assert Ids(engine, clock).number == 1


def test_a_process_that_slept_through_its_lease_cannot_repeat_an_id(engine: sa.Engine) -> None:
    clock = Clock()
    sleeper = Ids(engine, clock)
    early = {sleeper.next() for _ in range(100)}
    clock.now += 2 * LEASE_MS
    heir = Ids(engine, clock)
    assert heir.number == sleeper.number
    clock.now -= LEASE_MS  # the sleeper's own clock never saw the time pass
    later = {sleeper.next() for _ in range(100)} | {heir.next() for _ in range(100)}
    assert len(early | later) == 300
    clock.now += 3 * LEASE_MS
    assert len({sleeper.next(), heir.next()} - later) == 2
    assert sleeper.number != heir.number


def test_a_clock_that_was_years_ahead_leaves_numbers_free(engine: sa.Engine) -> None:
    clock = Clock()
    ahead = Clock()
    ahead.now += 10 * 365 * 86_400_000
    wrong = Ids(engine, ahead)
    last = wrong.next()
    right = Ids(engine, clock)
    assert right.number == wrong.number
    assert right.next() > last


def test_all_numbers_taken_is_said(engine: sa.Engine) -> None:
    expiry = datetime.now(UTC) + timedelta(minutes=5)
    rows = [{"number": n, "holder": "x", "until_ms": 0, "expires_at": expiry} for n in range(NUMBERS)]
    with writing(engine) as connection:
        connection.execute(id_lease.insert(), rows)
    with pytest.raises(Exception, match="all 1024 process numbers"):
        Ids(engine)


def test_without_a_database_ids_last_as_long_as_the_lease(sqlite_url: str) -> None:
    from scp.database import open_engine
    from scp.schema import upgrade

    engine = open_engine(sqlite_url, connect_timeout=0.1)
    upgrade(engine)
    clock = Clock()
    ids = Ids(engine, clock)
    with writing(engine) as holding:
        holding.execute(sa.select(1))
        clock.now += LEASE_MS - 1000
        assert ids.next()
        clock.now += 2000
        with pytest.raises(DatabaseGone):
            ids.next()
        ids.close()  # runs out instead
    assert ids.next()
    engine.dispose()


DRAW = """
import sys
from scp.database import open_engine
from scp.ids import Ids
sys.stdin.readline()
ids = Ids(open_engine(sys.argv[1], 30))
print(ids.number, *(ids.next() for _ in range(2000)))
"""


def test_processes_that_start_at_once_share_no_id(engine: sa.Engine, database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for each in processes:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60)[0].split() for each in processes]
    assert sorted(each[0] for each in said) == ["0", "1", "2", "3"]
    assert len({number for each in said for number in each[1:]}) == 8000
    with reading(engine) as connection:
        assert len(connection.execute(sa.select(id_lease)).all()) == 4


def test_tickets_are_ten_characters_without_look_alikes() -> None:
    drawn = {draw_ticket() for _ in range(10_000)}
    assert len(drawn) == 10_000
    assert all(len(each) == LENGTH and set(each) <= set(ALPHABET) for each in drawn)
    assert not set("ILOU") & set(ALPHABET)


@given(st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH))
def test_a_ticket_is_read_as_people_write_it(ticket: str) -> None:
    slurred = ticket.replace("0", "o").replace("1", "l").lower()
    assert read_ticket(f" #{slurred[:5]}-{slurred[5:]} ") == ticket


@pytest.mark.parametrize("text", ["", "7XK2M9QD4", "7XK2M9QD4TT", "7XK2M9QD4U", "1.2.840.10", "ÄÄÄÄÄÄÄÄÄÄ"])
def test_what_cannot_be_a_ticket_is_none(text: str) -> None:
    assert read_ticket(text) is None
