from __future__ import annotations

from scp.admission import CONNECTIONS_AN_ASSOCIATION, Admission, Limits


def test_a_place_that_is_given_back_is_given_again() -> None:
    admission = Admission(Limits(1, 0, 0))
    assert admission.open("10.0.0.1", "CT") is None
    refused = admission.open("10.0.0.2", "MR")
    assert refused is not None
    assert (refused.result, refused.source, refused.reason) == (2, 3, 2)
    admission.close("10.0.0.1", "CT")
    assert admission.open("10.0.0.2", "MR") is None
    assert admission.associations == 1


def test_one_address_cannot_take_every_place() -> None:
    admission = Admission(Limits(10, 2, 0))
    assert admission.open("10.0.0.1", "A") is None
    assert admission.open("10.0.0.1", "B") is None
    refused = admission.open("10.0.0.1", "C")
    assert refused is not None
    assert "from 10.0.0.1" in refused.cause
    assert admission.open("10.0.0.2", "C") is None


def test_one_title_cannot_take_every_place() -> None:
    admission = Admission(Limits(10, 0, 1))
    assert admission.open("10.0.0.1", "CT") is None
    refused = admission.open("10.0.0.2", "CT")
    assert refused is not None
    assert "of CT" in refused.cause


def test_silent_connections_leave_room_for_another_address() -> None:
    admission = Admission(Limits(2, 0, 0))
    most = 2 * CONNECTIONS_AN_ASSOCIATION
    admitted = sum(admission.connect("10.0.0.1") for _ in range(most))
    assert admitted == most // 2
    assert admission.connect("10.0.0.2")
    for _ in range(admitted):
        admission.disconnect("10.0.0.1")
    assert admission.connect("10.0.0.1")


def test_no_limit_means_none() -> None:
    admission = Admission(Limits(0, 0, 0))
    assert all(admission.connect("10.0.0.1") for _ in range(1000))
    assert all(admission.open("10.0.0.1", "CT") is None for _ in range(1000))
