"""The fast receive path: pynetdicom's upper layer, but for the one state in which instances travel.

In the data transfer state (Sta6 of PS3.8 section 9.2) P-DATA-TF PDUs are read into one buffer and taken
apart here: a C-STORE-RQ's command set is parsed, its Data Set written to the store piece by piece as it
comes, and its response encoded, without a message class in between. The thread that reads is the thread
that serves, so a sender can be no faster than the disk. Everything else (negotiation, release, abort, TLS,
C-ECHO and every other service) is pynetdicom's own, woken by events instead of by a sleep a millisecond.

Relies on names that are private to pynetdicom 3.0.4; a test fails where one of them is gone.
"""

from __future__ import annotations

import logging
import os
import queue
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from struct import Struct, pack
from typing import TYPE_CHECKING, Any, cast

from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import P_DATA

from scp.command_set import (
    AFFECTED_SOP_CLASS_UID,
    AFFECTED_SOP_INSTANCE_UID,
    C_STORE_RQ,
    COMMAND_FIELD,
    DATA_SET_TYPE,
    MESSAGE_ID,
    NO_DATA_SET,
    c_store_rsp,
    number,
    read_command,
    uid,
)
from scp.status import Answer
from scp.storing import Announcement, Storing
from scp.uid import valid_uid
from scp.upper_layer import (
    A_ABORT,
    A_ASSOCIATE_RQ,
    GateAssociation,
    GateMachine,
    GateSocket,
    acknowledge_at_once,
)

if TYPE_CHECKING:
    from scp.upper_layer import GateServer

log = logging.getLogger("dicomgate.dimse")

P_DATA_TF = 0x04
DATA_TRANSFER, AWAITING_CLOSE = "Sta6", "Sta13"
IDLE_TURN = 500
"""Milliseconds after which a quiet loop looks at its timers."""

LARGEST_COMMAND = 1 << 16
"""Bytes of a command set; a C-STORE-RQ has some 200."""

_pdu_head = Struct(">BxI")
_pdv_head = Struct(">IBB")


class FastAssociation(GateAssociation):
    """An Association that is served by its own upper layer; its thread only answers what is no C-STORE."""

    def __init__(self, server: GateServer) -> None:
        super().__init__(server)
        self.dul = FastProvider(self)
        # Setting them again puts the timeouts into the new provider's timers.
        self.acse_timeout = server.bounds.association_timeout
        self.network_timeout = server.bounds.idle_timeout

    def break_off(self, trouble: str) -> None:
        """Abort the Association, and remember why; called by the thread that reads."""
        self.trouble = self.trouble or trouble
        self.dul.event_queue.put("Evt19")

    def _run_reactor(self) -> None:
        """Serve what the upper layer hands over, and end when it ends; woken, not polling."""
        self._is_paused = False
        while not self._kill:
            self._is_paused = True
            self._reactor_checkpoint.wait()
            self._is_paused = False
            try:
                context_id, message = self.dimse.msg_queue.get(timeout=IDLE_TURN / 1000)
            except queue.Empty:
                context_id, message = None, None
            if message is not None and context_id is not None:
                self._serve_request(message, context_id)
            if self._has_ended():
                return

    def _has_ended(self) -> bool:
        """Answer a release, notice an abort, end what has gone quiet."""
        if self.is_established and self.acse.is_release_requested():
            self.acse.send_release(is_response=True)
            self.is_released = True
            self.is_established = False
            self.kill()
        elif self.acse.is_aborted():
            self.dul.receive_pdu(wait=False)
            self.is_aborted = True
            self.is_established = False
            self.kill()
        elif not self.dul.is_alive():
            self.kill()
        elif self.dul.idle_timer_expired():
            self.abort()
            self.kill()
        else:
            return False
        return True


class FastProvider(DULServiceProvider):
    """The upper layer of one Association, driven by `poll` and an eventfd."""

    def __init__(self, association: FastAssociation) -> None:
        super().__init__(association)
        self.state_machine = GateMachine(self)
        self._alarm = _Alarm()
        self._command = b""
        self._storing: Storing | None = None
        self._reader: _Reader | None = None

    # What other threads do

    def send_pdu(self, primitive: Any) -> None:
        """Queue a primitive for the peer, and wake the loop that sends it."""
        super().send_pdu(primitive)
        self._alarm.ring()

    def kill_dul(self) -> None:
        """End the loop."""
        super().kill_dul()
        self._alarm.ring()

    def stop_dul(self) -> bool:
        """End the loop where the state machine is idle; True when it has ended."""
        if self.state_machine.current_state != "Sta1":
            return False
        self._kill_thread = True
        self._alarm.ring()
        if threading.current_thread() is not self:
            self.join()
        return True

    # The loop

    def run_reactor(self) -> None:
        """Run until the Association is over."""
        try:
            self._loop()
        finally:
            if self._storing is not None:
                self._storing.abandon()
                self._storing = None
            self._alarm.close()
            self._wake_association()

    def _loop(self) -> None:
        self._idle_timer.start()
        self.assoc._dul_ready.set()
        watched = select.poll()
        watched.register(self._alarm.fd, select.POLLIN)
        gate = cast(GateSocket, self.socket)
        fd = cast(socket.socket, gate.socket).fileno()
        watched.register(fd, select.POLLIN)
        while not self._kill_thread:
            try:
                self._turn(gate, watched)
            except Exception:
                log.exception("the upper layer of an association failed")
                cast(FastAssociation, self.assoc).trouble = "a fault in the upper layer"
                gate.abort()
                return

    def _turn(self, gate: GateSocket, watched: select.poll) -> None:
        """One event: a timer, something to send, or something to read."""
        if self.artim_timer.expired:
            self.event_queue.put("Evt18")
        if self.event_queue.empty() and not self._process_recv_primitive():
            if gate.socket is None:
                self._alarm.wait()
            elif self.state_machine.current_state == AWAITING_CLOSE:
                gate.close_politely()
            elif self._reading(gate).has_more or self._wait(watched, gate.socket):
                self._read_pdu(gate)
                while self._reading(gate).has_more and self._nothing_else():
                    self._read_pdu(gate)
                self._idle_timer.restart()
        while True:
            try:
                event = self.event_queue.get_nowait()
            except queue.Empty:
                return
            self.state_machine.do_action(event)
            if event not in ("Evt9", "Evt10"):
                self._wake_association()

    def _nothing_else(self) -> bool:
        """Whether instances may go on arriving: nothing has happened, and nothing waits to be sent."""
        if self._kill_thread or self.event_queue.queue or self.to_provider_queue.queue:
            return False
        return self.state_machine.current_state == DATA_TRANSFER

    def _wait(self, watched: select.poll, sock: socket.socket) -> bool:
        """Whether the peer has sent something; waits for it, for an alarm or for the next look at the timers."""
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        readable = False
        for fd, _ in watched.poll(IDLE_TURN):
            if fd == self._alarm.fd:
                self._alarm.silence()
            else:
                readable = True
        return readable

    def _wake_association(self) -> None:
        self.assoc.dimse.msg_queue.put((None, None))

    def _reading(self, gate: GateSocket) -> _Reader:
        if self._reader is None:
            self._reader = _Reader(gate)
        return self._reader

    # PDUs

    def _read_pdu(self, gate: GateSocket) -> None:
        """Read one PDU and act on it: instances here, all else by way of pynetdicom's state machine."""
        try:
            found = self._reading(gate).next()
        except OSError:
            self.event_queue.put("Evt17")
            return
        if found is None:
            gate.tell_who_waits()
            self.event_queue.put("Evt17")
            return
        kind, pdu = found
        if kind == P_DATA_TF and self.state_machine.current_state == DATA_TRANSFER:
            self._take_apart(pdu)
        elif A_ASSOCIATE_RQ <= kind <= A_ABORT:
            self._hand_on(pdu)
        else:
            gate.lose_count(kind)
            self.event_queue.put("Evt19")

    def _hand_on(self, pdu: memoryview) -> None:
        try:
            decoded, event = self._decode_pdu(bytearray(pdu))
        except Exception:
            self.event_queue.put("Evt19")
            return
        self.event_queue.put(event)
        self._recv_pdu.put(decoded)

    def _take_apart(self, pdu: memoryview) -> None:
        """The presentation data values of a P-DATA-TF (PS3.8 section 9.3.5 and Annex E)."""
        at, end = 6, len(pdu)
        while at < end:
            if at + 6 > end:
                self.event_queue.put("Evt19")
                return
            length, context_id, control = _pdv_head.unpack_from(pdu, at)
            if length < 2 or at + 4 + length > end:
                self.event_queue.put("Evt19")
                return
            fragment = pdu[at + 6 : at + 4 + length]
            at += 4 + length
            if control & 1:
                self._take_command(context_id, fragment, last=bool(control & 2))
            else:
                self._take_data(context_id, fragment, control)
            if self._kill_thread or not self.event_queue.empty():
                return

    def _take_command(self, context_id: int, fragment: memoryview, last: bool) -> None:
        self._command += bytes(fragment)
        if len(self._command) > LARGEST_COMMAND:
            self._break_off(f"a command set of more than {LARGEST_COMMAND} bytes")
            return
        if not last:
            return
        raw, self._command = self._command, b""
        if self._storing is not None:
            self._break_off("a second command set before the Data Set of the first was whole")
            return
        command = read_command(raw)
        if command is None or number(command, COMMAND_FIELD) != C_STORE_RQ:
            self._pass_on(context_id, b"\x03" + raw)
            return
        association = cast(FastAssociation, self.assoc)
        announced = association.announcement(
            context_id,
            number(command, MESSAGE_ID),
            uid(command, AFFECTED_SOP_CLASS_UID),
            uid(command, AFFECTED_SOP_INSTANCE_UID),
        )
        if announced is None:
            return
        self._storing = association.begin_store(association, announced)
        if number(command, DATA_SET_TYPE) == NO_DATA_SET:
            self._finish()

    def _take_data(self, context_id: int, fragment: memoryview, control: int) -> None:
        storing = self._storing
        if storing is None:
            self._pass_on(context_id, bytes((control,)) + bytes(fragment))
            return
        if context_id != storing.announced.context_id:
            self._break_off("a Data Set in another presentation context than its command set")
            return
        storing.write(fragment)
        if control & 2:
            self._finish()

    def _finish(self) -> None:
        storing = self._storing
        assert storing is not None
        answer = storing.finish()
        # The time that checks and disk took is not the peer's silence.
        self._idle_timer.restart()
        sock = self.socket.socket if self.socket is not None else None
        if sock is not None and self.state_machine.current_state == DATA_TRANSFER:
            try:
                _send(sock, response_pdus(storing.announced, answer, self.assoc.requestor.maximum_length or 0))
            except OSError:
                self.event_queue.put("Evt17")
        self._storing = None
        storing.settle()

    def _pass_on(self, context_id: int, value: bytes) -> None:
        """Give a fragment of another service's message to pynetdicom."""
        if self.assoc.dimse.message is None and not value[0] & 1:
            self._break_off("a Data Set without a command set")
            return
        primitive = P_DATA()
        primitive.presentation_data_value_list = [[context_id, value]]  # type: ignore[list-item]  # lists, it insists
        self.assoc.dimse.receive_primitive(primitive)

    def _break_off(self, trouble: str) -> None:
        cast(FastAssociation, self.assoc).break_off(trouble)


def _send(sock: socket.socket, pdus: bytes) -> None:
    """Send all of it; in one call where there is room for it, as there nearly always is. Raises OSError."""
    sent = 0
    if not isinstance(sock, ssl.SSLSocket):
        with suppress(BlockingIOError):  # not `send`, which polls first where there is a timeout
            sent = os.write(sock.fileno(), pdus)
    if sent < len(pdus):
        sock.sendall(memoryview(pdus)[sent:])


def response_pdus(announced: Announcement, answer: Answer, maximum_length: int) -> bytes:
    """A C-STORE-RSP in as many P-DATA-TF PDUs as the requestor's maximum length makes of it; 0 is no limit."""
    command = c_store_rsp(
        announced.message_id,
        announced.sop_class_uid if valid_uid(announced.sop_class_uid) else "",
        announced.sop_instance_uid if valid_uid(announced.sop_instance_uid) else "",
        answer.status,
        answer.error_comment,
        answer.offending_elements,
    )
    most = max(maximum_length - 6, 1) if maximum_length else len(command)
    pieces = [command[at : at + most] for at in range(0, len(command), most)]
    return b"".join(
        _pdu_head.pack(P_DATA_TF, len(piece) + 6)
        + pack(">IBB", len(piece) + 2, announced.context_id, 1 | (index == len(pieces) - 1) << 1)
        + piece
        for index, piece in enumerate(pieces)
    )


class _Reader:
    """PDUs out of one buffer that is filled with as much as the peer has sent."""

    def __init__(self, gate: GateSocket) -> None:
        self._gate = gate
        self._buffer = bytearray(2 * gate.bounds.maximum_pdu)
        self._start = self._end = 0
        self._readable = select.poll()
        self._readable.register(cast(socket.socket, gate.socket), select.POLLIN)

    @property
    def has_more(self) -> bool:
        """Whether the head of a PDU is here already."""
        return self._end - self._start >= 6

    def next(self) -> tuple[int, memoryview] | None:
        """Type and bytes of the next PDU, head included, good until the next call; None where the peer has gone.

        Raises OSError where the peer stalls or announces a PDU beyond the bounds.
        """
        if self._start == self._end:
            self._start = self._end = 0
        if not self._have(6):
            return None
        kind, length = _pdu_head.unpack_from(self._buffer, self._start)
        if not A_ASSOCIATE_RQ <= kind <= A_ABORT:
            return kind, memoryview(b"")
        self._gate.refuse_longer_than_bounds(length)
        if not self._have(6 + length):
            return None
        view = memoryview(self._buffer)[self._start : self._start + 6 + length]
        self._start += 6 + length
        return kind, view

    def _have(self, wanted: int) -> bool:
        """Read until so many bytes are here; False where the connection ends before."""
        if self._end - self._start >= wanted:
            return True
        if self._start + wanted > len(self._buffer):
            self._make_room(wanted)
        sock = cast(socket.socket, self._gate.socket)
        deadline = time.monotonic() + self._gate.bounds.pdu_timeout
        view = memoryview(self._buffer)
        while self._end - self._start < wanted:
            got = self._receive(sock, view[self._end :], deadline)
            if got == 0:
                return False
            if got is not None:
                self._end += got
            if self._end - self._start < wanted and (got is None or time.monotonic() > deadline):
                raise self._gate.stalled(wanted, self._end - self._start)
        # Before what came is written and digested: where Nagle is on, the peer sends no more until it hears.
        acknowledge_at_once(sock)
        return True

    def _receive(self, sock: socket.socket, room: memoryview, deadline: float) -> int | None:
        """How many bytes came, as far as there is room: 0 where the connection ended, None where none came in time."""
        if isinstance(sock, ssl.SSLSocket):
            try:
                return sock.recv_into(room)
            except TimeoutError:
                return None
        while True:
            try:
                # Not `recv_into`, which polls before each read where there is a timeout.
                return os.readv(sock.fileno(), [room])
            except BlockingIOError:
                if not self._readable.poll(max(deadline - time.monotonic(), 0.0) * 1000):
                    return None

    def _make_room(self, wanted: int) -> None:
        """Move what is here to the front, into a larger buffer where it has to be."""
        rest = memoryview(self._buffer)[self._start : self._end]
        if wanted > len(self._buffer):
            self._buffer = bytearray(wanted)
        memoryview(self._buffer)[: len(rest)] = rest
        self._start, self._end = 0, len(rest)


class _Alarm:
    """An eventfd that any thread may ring, also once it is closed."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._open = True

    def ring(self) -> None:
        """Wake who waits for it."""
        with self._lock:
            if self._open:
                os.eventfd_write(self.fd, 1)

    def wait(self) -> None:
        """Wait until it rings, or for the next look at the timers."""
        if select.select([self.fd], [], [], IDLE_TURN / 1000)[0]:
            self.silence()

    def silence(self) -> None:
        """Be ready to ring again."""
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Let go of the descriptor; ringing does nothing from now on."""
        with self._lock:
            self._open = False
            os.close(self.fd)
