from __future__ import annotations

from scp.admission import CONNECTIONS_AN_ASSOCIATION, Admission, Limits

ONE, OTHER = 1, 2
"""Workers."""


def test_a_place_that_is_given_back_is_given_again_by_whichever_worker() -> None:
    admission = Admission(Limits(1, 0, 0))
    assert admission.open(ONE, 11, "10.0.0.1", "CT") is None
    assert admission.open(OTHER, 12, "10.0.0.2", "MR") == "1 associations in all are open, at most 1 are allowed"
    admission.close(ONE, 11)
    assert admission.open(OTHER, 12, "10.0.0.2", "MR") is None
    assert admission.associations == 1


def test_one_address_cannot_take_every_place() -> None:
    admission = Admission(Limits(10, 2, 0))
    assert admission.open(ONE, 11, "10.0.0.1", "A") is None
    assert admission.open(OTHER, 12, "10.0.0.1", "B") is None
    assert "from 10.0.0.1" in str(admission.open(ONE, 13, "10.0.0.1", "C"))
    assert admission.open(ONE, 14, "10.0.0.2", "C") is None


def test_one_title_cannot_take_every_place() -> None:
    admission = Admission(Limits(10, 0, 1))
    assert admission.open(ONE, 11, "10.0.0.1", "CT") is None
    assert "of CT" in str(admission.open(OTHER, 12, "10.0.0.2", "CT"))


def test_silent_connections_leave_room_for_another_address() -> None:
    admission = Admission(Limits(2, 0, 0))
    most = 2 * CONNECTIONS_AN_ASSOCIATION
    admitted = sum(admission.connect(ONE, "10.0.0.1") for _ in range(most))
    assert admitted == most // 2
    assert admission.connect(OTHER, "10.0.0.2")
    for _ in range(admitted):
        admission.disconnect(ONE, "10.0.0.1")
    assert admission.connect(ONE, "10.0.0.1")


def test_no_limit_means_none() -> None:
    admission = Admission(Limits(0, 0, 0))
    assert all(admission.connect(ONE, "10.0.0.1") for _ in range(1000))
    assert all(admission.open(ONE, id, "10.0.0.1", "CT") is None for id in range(1000))


def test_what_a_dead_worker_held_is_given_back_and_what_the_other_holds_is_not() -> None:
    admission = Admission(Limits(4, 3, 3))
    for id, worker in enumerate((ONE, ONE, OTHER)):
        assert admission.connect(worker, "10.0.0.1")
        assert admission.open(worker, id, "10.0.0.1", "CT") is None
    assert admission.load(ONE) == 2
    assert admission.release(ONE) == 2
    assert (admission.load(ONE), admission.load(OTHER)) == (0, 1)
    assert (admission.associations, admission.connections) == (1, 1)
    assert admission.open(OTHER, 3, "10.0.0.1", "CT") is None
    assert admission.open(OTHER, 4, "10.0.0.1", "CT") is None
    assert admission.open(OTHER, 5, "10.0.0.1", "CT") is not None


def test_what_was_not_counted_takes_nothing_back() -> None:
    admission = Admission(Limits(2, 0, 0))
    assert admission.open(ONE, 1, "10.0.0.1", "CT") is None
    admission.close(OTHER, 1)
    admission.close(ONE, 2)
    admission.disconnect(OTHER, "10.0.0.1")
    assert (admission.associations, admission.connections) == (1, 0)
