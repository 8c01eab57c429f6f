"""What the fast receive path takes from pynetdicom's inside is still there, and what it encodes is right."""

from __future__ import annotations

import pynetdicom
import pytest
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.transport import AssociationServer, AssociationSocket

from scp.command_set import read_command
from scp.fast_path import response_pdus
from scp.status import Answer
from scp.storing import Announcement

ANNOUNCED = Announcement(7, 3, "1.2", "1.2.840.10008.1.2", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4")


def test_this_is_the_release_of_pynetdicom_that_it_was_tried_with() -> None:
    assert pynetdicom.__version__ == "3.0.4"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (DULServiceProvider, ["_process_recv_primitive", "_decode_pdu", "run_reactor", "stop_dul", "kill_dul"]),
        (Association, ["_run_reactor", "_serve_request", "_abort_nonblocking", "run_reactor", "kill"]),
        (AssociationSocket, ["ready", "recv", "send", "close", "event_queue"]),
        (AssociationServer, ["get_request", "verify_request", "active_associations"]),
        (DIMSEServiceProvider, ["receive_primitive"]),
    ],
)
def test_private_names_are_still_there(kind: type, names: list[str]) -> None:
    assert [name for name in names if not hasattr(kind, name)] == []


def test_private_attributes_are_still_there() -> None:
    ae = pynetdicom.AE()
    association = Association(ae, "acceptor")
    for name in ("_accepted_cx", "_kill", "_is_paused", "_reactor_checkpoint", "_dul_ready", "dul", "dimse", "acse"):
        assert hasattr(association, name), name
    for name in ("_idle_timer", "artim_timer", "event_queue", "_recv_pdu", "to_user_queue", "_kill_thread"):
        assert hasattr(association.dul, name), name


@pytest.mark.parametrize("maximum_length", [0, 16384, 32, 8])
def test_a_response_is_what_pynetdicom_reads(maximum_length: int) -> None:
    answer = Answer(0xB007, "image-type-value-1 (0008,0008) #7XK2M9QD4T", (0x00080008, 0x00080016))
    stream = response_pdus(ANNOUNCED, answer, maximum_length)
    message = C_STORE_RSP()
    at = 0
    done = False
    while at < len(stream):
        length = int.from_bytes(stream[at + 2 : at + 6], "big")
        assert not maximum_length or length <= maximum_length
        pdu = P_DATA_TF()
        pdu.decode(stream[at : at + 6 + length])
        done = message.decode_msg(pdu.to_primitive())
        at += 6 + length
    assert done
    read = message.command_set
    assert read.Status == 0xB007
    assert read.MessageIDBeingRespondedTo == 7
    assert read.ErrorComment == answer.error_comment
    assert list(read.OffendingElement) == [0x00080008, 0x00080016]
    assert read.AffectedSOPInstanceUID == "1.2.3.4"


@pytest.mark.parametrize("raw", [b"\0", b"\0" * 7, b"\0\0\0\0\xff\xff\xff\xff", b"\0\0\0\0\4\0\0\0\0\0"])
def test_what_is_no_command_set_is_none(raw: bytes) -> None:
    assert read_command(raw) is None
