"""What the fast receive path takes from pynetdicom's inside is still there, and what it encodes is right."""

from __future__ import annotations

import ast
import inspect
import re

import pynetdicom
import pytest
from pynetdicom import AE
from pynetdicom.acse import ACSE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import TRANSITION_TABLE, InvalidEventError, StateMachine
from pynetdicom.pdu import A_ABORT_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import A_ABORT, A_P_ABORT, A_RELEASE
from pynetdicom.transport import AssociationServer, AssociationSocket, RequestHandler

from scp import dimse, fast_path, upper_layer
from scp.command_set import read_command
from scp.fast_path import response_pdus
from scp.status import Answer
from scp.storing import Announcement
from scp.upper_layer import OUR_EVENTS, GateMachine

ANNOUNCED = Announcement(7, 3, "1.2", "1.2.840.10008.1.2", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4")


def test_this_is_the_release_of_pynetdicom_that_it_was_tried_with() -> None:
    assert pynetdicom.__version__ == "3.0.4"


USED: dict[type, list[str]] = {
    DULServiceProvider: [
        "_decode_pdu", "_idle_timer", "_kill_thread", "_process_recv_primitive", "_recv_pdu", "artim_timer",
        "event_queue", "idle_timer_expired", "kill_dul", "receive_pdu", "run_reactor", "send_pdu", "socket",
        "state_machine", "stop_dul", "to_provider_queue", "to_user_queue",
    ],
    Association: [
        "_abort_nonblocking", "_accepted_cx", "_dul_ready", "_is_paused", "_kill", "_reactor_checkpoint",
        "_run_reactor", "_serve_request", "acse", "dimse", "dul", "is_aborted", "is_established", "is_released",
        "kill", "requestor", "run_reactor", "set_socket",
    ],
    AssociationSocket: ["_is_connected", "assoc", "close", "event_queue", "ready", "recv", "send", "socket"],
    AssociationServer: ["_handlers", "active_associations", "get_request", "verify_request"],
    RequestHandler: ["_create_association", "ae", "local", "remote"],
    DIMSEServiceProvider: ["message", "msg_queue", "receive_primitive"],
    ACSE: ["is_aborted", "is_release_requested", "send_reject", "send_release"],
    StateMachine: ["current_state", "do_action", "dul"],
    AE: ["_servers"],
}  # fmt: skip
"""What is taken from pynetdicom's inside, documented or not."""


@pytest.mark.parametrize("kind", USED, ids=lambda kind: kind.__name__)
def test_what_is_used_of_pynetdicom_is_still_there(kind: type) -> None:
    said = "".join(inspect.getsource(each) for each in kind.__mro__ if each.__module__.startswith("pynetdicom"))
    made = set(re.findall(r"self\.(\w+)(?:: [^=]+?)? =", said))
    assert [name for name in USED[kind] if not hasattr(kind, name) and name not in made] == []


def test_every_private_name_that_is_used_is_in_the_list() -> None:
    """Or is our own: a method or an attribute that these modules make."""
    listed = {name for names in USED.values() for name in names} | {"_dul_ready"}
    for module in (fast_path, upper_layer, dimse):
        tree = ast.parse(inspect.getsource(module))
        nodes = list(ast.walk(tree))
        ours = {each.name for each in nodes if isinstance(each, (ast.FunctionDef, ast.ClassDef))}
        ours |= {each.attr for each in nodes if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)}
        used = {each.attr for each in nodes if isinstance(each, ast.Attribute) and re.match("_[a-z]", each.attr)}
        assert used - ours - listed == set(), module.__name__


def test_the_states_and_events_that_are_named_are_those_of_the_state_machine() -> None:
    assert TRANSITION_TABLE["Evt10", "Sta6"] == "DT-2"
    assert TRANSITION_TABLE["Evt17", "Sta6"] == "AA-4"
    assert TRANSITION_TABLE["Evt19", "Sta6"] == "AA-8"
    assert TRANSITION_TABLE["Evt18", "Sta13"] == "AA-2"
    assert {event for event, _ in TRANSITION_TABLE} >= OUR_EVENTS


@pytest.mark.parametrize(("source", "reason"), [(0, 0), (1, 9), (80, 0), (2, 3), (2, 255)])
def test_an_abort_is_one_whatever_it_says(source: int, reason: int) -> None:
    """Source 1 and reason 3 are reserved, and sent all the same."""
    abort = A_ABORT_RQ()
    abort.source, abort.reason_diagnostic = source, reason
    provider = Association(pynetdicom.AE(), "acceptor").dul
    machine = GateMachine(provider)
    machine.current_state = "Sta6"
    provider._recv_pdu.put(P_DATA_TF())  # which came when nobody wanted it any more
    provider._recv_pdu.put(abort)
    with pytest.raises(AttributeError, match="close"):  # there is no socket here: all else is done by then
        machine.do_action("Evt16")
    assert isinstance(provider.to_user_queue.get_nowait(), A_P_ABORT if source == 2 else A_ABORT)


@pytest.mark.parametrize("event", sorted(OUR_EVENTS))
def test_what_our_side_says_too_late_is_dropped_with_what_it_would_have_sent(event: str) -> None:
    """Left in the queue it would come round again and again."""
    provider = Association(pynetdicom.AE(), "acceptor").dul
    machine = GateMachine(provider)
    machine.current_state = "Sta13"
    provider.to_provider_queue.put(A_RELEASE())
    if (event, "Sta13") in TRANSITION_TABLE:
        pytest.fail(f"{event} has an action by now")
    machine.do_action(event)
    assert provider.to_provider_queue.empty()
    assert machine.current_state == "Sta13"


def test_what_happens_after_the_end_is_no_fault_and_in_other_states_it_is() -> None:
    machine = GateMachine(Association(pynetdicom.AE(), "acceptor").dul)
    machine.do_action("Evt17")
    machine.current_state = "Sta6"
    with pytest.raises(InvalidEventError):
        machine.do_action("Evt2")


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
