"""pynetdicom's upper layer, with bounds: no wait without an end, no PDU without a limit.

The stock receive path. What is changed here, and why:

- reads are large, and TCP_QUICKACK is set again after each: a sender that leaves Nagle on would
  otherwise wait for our delayed acknowledgement, some 44 ms an instance;
- a PDU that stalls, or is longer than what was announced, ends its Association;
- nothing is read while an instance waits to be served, so that a sender that does not wait for
  answers fills its own memory, not ours;
- `poll` in place of `select`, which fails above descriptor 1023.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from queue import Empty
from typing import TYPE_CHECKING, Any, cast

from pydicom.uid import UID
from pynetdicom import _config, evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.fsm import TRANSITION_TABLE, StateMachine
from pynetdicom.pdu import A_ABORT_RQ
from pynetdicom.pdu_primitives import A_P_ABORT, P_DATA
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from scp.devices import Certificate
from scp.status import Answer
from scp.storing import Announcement, Storing
from scp.tls import HANDSHAKE, peer_certificate
from scp.uid import valid_uid

if TYPE_CHECKING:
    from pynetdicom.ae import ApplicationEntity

log = logging.getLogger("dicomgate.dimse")

LARGEST_NEGOTIATION = 1 << 20
"""Bytes of an A-ASSOCIATE-RQ: 128 contexts of 40 Transfer Syntaxes need some 200 KB."""

SLACK = 1024
"""Bytes by which a P-DATA-TF may exceed the announced maximum: some senders count the PDV header apart."""

READ_AT_ONCE = 1 << 18

A_ASSOCIATE_RQ, A_ABORT = 0x01, 0x07
"""The first and the last of the PDU types (PS3.8 section 9.3)."""

OUR_EVENTS = frozenset({"Evt7", "Evt8", "Evt9", "Evt11", "Evt14", "Evt15"})
"""Events that our own side causes: it accepts, rejects, sends, releases, answers a release, aborts (PS3.8 9.2.2)."""

ABORTED = "Evt16"
"""An A-ABORT has come."""

BY_PROVIDER = 2
ABORT_REASONS = frozenset({0, 1, 2, 4, 5, 6})
"""Source of an A-ABORT that names a reason, and the reasons that there are (PS3.8 9.3.8)."""

IDLE = "Sta1"
"""The state in which there is no connection (PS3.8 9.2.1)."""

_ABORT_INVALID_PDU = bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, 6))
_ABORT_UNEXPECTED = bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, 2))


class PeerTrouble(OSError):
    """The peer broke the protocol or stalled; the connection is of no more use."""


class Overflow(BytesIO):
    """Stands where a Data Set that is too large would be gathered: counts, and keeps nothing."""

    def write(self, data: Any, /) -> int:
        return len(data)


class GateSocket(AssociationSocket):
    """One peer's connection, each wait on it bounded by `pdu_timeout` seconds."""

    def __init__(self, association: GateAssociation, client: socket.socket, bounds: Bounds) -> None:
        client.settimeout(bounds.pdu_timeout)
        super().__init__(association, client_socket=client)
        self.bounds = bounds
        self._poll = select.poll()
        self._poll.register(client, select.POLLIN | select.POLLHUP | select.POLLERR)
        self._body_next = False
        self._lost_count = False
        """What comes is no PDU: where the next one would begin, nobody can say."""

    @property
    def ready(self) -> bool:
        """There is something to read, and room for it."""
        if self.socket is None or not self._is_connected:
            return False
        if self._lost_count:
            self._drain()
            return False
        association = cast(GateAssociation, self.assoc)
        if association.dimse.msg_queue.qsize() > 0 or association.is_serving:
            return False
        message = association.dimse.message
        gathered = message.data_set if message is not None else None
        if message is not None and gathered is not None and gathered.tell() > self.bounds.max_instance_size:
            message.data_set = Overflow()
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True
        try:
            return bool(self._poll.poll(0))
        except (OSError, ValueError):
            self.event_queue.put("Evt17")
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """Exactly so many bytes, or fewer where the peer has closed the connection.

        Raises PeerTrouble when the peer stalls or announces a PDU beyond the bounds.
        """
        # The caller reads a PDU as six bytes of header, then the rest.
        is_header = not self._body_next
        self._body_next = False
        if not is_header:
            self.refuse_longer_than_bounds(nr_bytes)
        sock = cast(socket.socket, self.socket)
        deadline = time.monotonic() + self.bounds.pdu_timeout
        buffer = bytearray(nr_bytes)
        view = memoryview(buffer)
        have = 0
        while have < nr_bytes:
            try:
                got = sock.recv_into(view[have : have + READ_AT_ONCE])
            except TimeoutError as error:
                raise self.stalled(nr_bytes, have) from error
            if not got:
                view.release()
                del buffer[have:]
                self.tell_who_waits()
                return buffer
            have += got
            if have < nr_bytes and time.monotonic() > deadline:
                raise self.stalled(nr_bytes, have)
        acknowledge_at_once(sock)
        if is_header:
            self._body_next = A_ASSOCIATE_RQ <= buffer[0] <= A_ABORT
            if not self._body_next:
                self.lose_count(buffer[0])
        return buffer

    def tell_who_waits(self) -> None:
        """End the wait for an A-ASSOCIATE-RQ that will not come: pynetdicom would sit it out."""
        association = cast(GateAssociation, self.assoc)
        if association.requestor.primitive is None:
            association.dul.to_user_queue.put(A_P_ABORT())

    def lose_count(self, kind: int) -> None:
        """What came is no PDU: read nothing more of it."""
        self._lost_count = True
        what = "TLS on the port without it" if kind == HANDSHAKE else f"no PDU is of type {kind:#04x}"
        cast(GateAssociation, self.assoc).trouble = what

    def abort(self) -> None:
        """Send an A-ABORT past the state machine, where that has failed."""
        if self.socket is not None:
            self.send(_ABORT_UNEXPECTED)

    def close_politely(self) -> None:
        """Close, once what was sent to us is out of the way."""
        self._drain()
        self.close()

    def _drain(self) -> None:
        """Throw away what is left to read: closing over it would reset the connection before our abort is read."""
        sock = cast(socket.socket, self.socket)
        try:
            sock.setblocking(False)  # under TLS, there may be less to read than the poll says
            while self._poll.poll(0) and sock.recv(READ_AT_ONCE):
                continue
        except (OSError, ValueError):
            return
        finally:
            with suppress(OSError):
                sock.settimeout(self.bounds.pdu_timeout)

    def refuse_longer_than_bounds(self, nr_bytes: int) -> None:
        """Raise PeerTrouble, after an A-ABORT, where a PDU's body is announced to be longer than it may."""
        association = cast(GateAssociation, self.assoc)
        limit = self.bounds.maximum_pdu + SLACK if association.is_established else LARGEST_NEGOTIATION
        if nr_bytes > limit:
            association.trouble = f"a PDU of {nr_bytes} bytes, where at most {limit} were agreed"
            self.send(_ABORT_INVALID_PDU)
            raise PeerTrouble(association.trouble)

    def stalled(self, wanted: int, have: int) -> PeerTrouble:
        """What to raise where the peer has stopped inside a PDU; the A-ABORT is sent."""
        association = cast(GateAssociation, self.assoc)
        association.trouble = f"stalled inside a PDU: {have} of {wanted} bytes in {self.bounds.pdu_timeout:g} seconds"
        self.send(_ABORT_UNEXPECTED)
        return PeerTrouble(association.trouble)


def acknowledge_at_once(sock: socket.socket) -> None:
    """Send the acknowledgement of what was read now; the kernel forgets the wish after some reads."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    except OSError:  # the connection is gone, or not TCP: the next read says so
        return


class Bounds:
    """The limits in time (seconds) and size (bytes) of one Association."""

    __slots__ = ("association_timeout", "idle_timeout", "max_instance_size", "maximum_pdu", "pdu_timeout")

    def __init__(
        self,
        association_timeout: float,
        idle_timeout: float,
        pdu_timeout: float,
        maximum_pdu: int,
        max_instance_size: int,
    ) -> None:
        self.association_timeout = association_timeout
        self.idle_timeout = idle_timeout
        self.pdu_timeout = pdu_timeout
        self.maximum_pdu = maximum_pdu
        self.max_instance_size = max_instance_size


class GateMachine(StateMachine):
    """The state machine of PS3.8 section 9.2, for which what comes too late is no fault."""

    def do_action(self, event: str) -> None:
        """Do what the event asks for: nothing, where it is over, or where our side speaks after the peer has ended."""
        if (event, self.current_state) in TRANSITION_TABLE:
            if event == ABORTED:
                self._settle_abort()
            super().do_action(event)
        elif event in OUR_EVENTS:
            # An action takes the primitive that it sends from the queue: it would come round again.
            with suppress(Empty):
                self.dul.to_provider_queue.get_nowait()
        elif self.current_state != IDLE:
            super().do_action(event)

    def _settle_abort(self) -> None:
        """Let an A-ABORT be one whatever source and reason it names (PS3.8 9.3.8): some values raise in pynetdicom.

        Before it stands what no action has taken, since the Association was over by then.
        """
        received = self.dul._recv_pdu.queue
        while received and not isinstance(received[0], A_ABORT_RQ):
            received.popleft()
        if received:
            abort = cast(A_ABORT_RQ, received[0])
            if abort.source != BY_PROVIDER:
                abort.source = 0
            elif abort.reason_diagnostic not in ABORT_REASONS:
                abort.reason_diagnostic = 0


class GateDimse(DIMSEServiceProvider):
    """The messages of one Association; one that cannot be understood ends it."""

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take a part of a message."""
        try:
            super().receive_primitive(primitive)
        except Exception:
            cast(GateAssociation, self.assoc).break_off("a command set that cannot be understood")


class GateAssociation(Association):
    """An Association whose C-STORE requests go straight to `begin_store`, whatever their SOP Class.

    `trouble` is why the upper layer ended it, in a few words, where it did. `session` is the door's own.
    """

    def __init__(self, server: GateServer) -> None:
        super().__init__(server.ae, MODE_ACCEPTOR)
        self.dul.state_machine = GateMachine(self.dul)
        self.dimse = GateDimse(self)
        self._server = server
        self.acse_timeout = server.bounds.association_timeout
        self.network_timeout = server.bounds.idle_timeout
        self.begin_store = server.begin_store
        self.ended = server.ended
        self.session: object | None = None
        self.certificate: Certificate | None = None
        """What the peer has proven to be, by TLS."""
        self.trouble: str | None = None
        self.is_serving = False

    def run_reactor(self) -> None:
        """Serve the peer to the end, whatever end that is."""
        try:
            super().run_reactor()
        finally:
            self.ended(self)

    def _serve_request(self, msg: Any, context_id: int) -> None:
        """Serve one DIMSE request; pynetdicom's own way for all but C-STORE."""
        self.is_serving = True
        try:
            if isinstance(msg, C_STORE):
                self._serve_store(msg, context_id)
            else:
                super()._serve_request(msg, context_id)
        finally:
            self.is_serving = False
            # pynetdicom restarts this timer on reads alone: a slow disk would end the Association.
            self.dul._idle_timer.restart()

    def announcement(
        self, context_id: int, message_id: int | None, sop_class_uid: str, sop_instance_uid: str
    ) -> Announcement | None:
        """What a C-STORE-RQ announces; None where it can have no answer, and then the Association is aborted."""
        context = self._accepted_cx.get(context_id)
        if context is None:
            self.break_off(f"C-STORE in presentation context {context_id}, which was not accepted")
            return None
        if message_id is None:
            self.break_off("a C-STORE-RQ without a Message ID")
            return None
        return Announcement(
            message_id=message_id,
            context_id=context_id,
            abstract_syntax=str(context.abstract_syntax),
            transfer_syntax_uid=str(context.transfer_syntax[0]),
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
        )

    def break_off(self, trouble: str) -> None:
        """Abort the Association, and remember why."""
        self.trouble = trouble
        self._abort_nonblocking()

    def _serve_store(self, request: C_STORE, context_id: int) -> None:
        announced = self.announcement(
            context_id,
            request.MessageID,
            str(request.AffectedSOPClassUID or ""),
            str(request.AffectedSOPInstanceUID or ""),
        )
        if announced is None:
            return
        storing = self.begin_store(self, announced)
        data_set = request.DataSet
        if isinstance(data_set, Overflow):
            storing.overflow()
        elif data_set is not None:
            storing.write(data_set.getbuffer())
        try:
            _respond(self, announced, storing.finish())
        finally:
            storing.settle()


def _respond(association: GateAssociation, announced: Announcement, answer: Answer) -> None:
    """Send a C-STORE-RSP (PS3.7 section 9.3.1.2). UIDs that are not valid ones are not echoed."""
    response = C_STORE()
    response.MessageID = announced.message_id
    response.MessageIDBeingRespondedTo = announced.message_id
    if valid_uid(announced.sop_class_uid):
        response.AffectedSOPClassUID = UID(announced.sop_class_uid)
    if valid_uid(announced.sop_instance_uid):
        response.AffectedSOPInstanceUID = UID(announced.sop_instance_uid)
    response.Status = answer.status
    if answer.error_comment:
        response.ErrorComment = answer.error_comment  # type: ignore[assignment]  # mistyped there
    if answer.offending_elements:
        response.OffendingElement = list(answer.offending_elements)  # type: ignore[assignment]  # mistyped there
    association.dimse.send_msg(response, announced.context_id)


BeginStore = Callable[[GateAssociation, Announcement], Storing]
"""Begins to receive the instance that a C-STORE-RQ announces."""


class GateRequestHandler(RequestHandler):
    """Makes the Association of an accepted connection."""

    server: GateServer

    def _create_association(self) -> Association:
        server = self.server
        association = server.make_association(server)
        if isinstance(self.request, ssl.SSLSocket):
            association.certificate = peer_certificate(self.request)
        association.name = f"AcceptorThread@{self.client_address[0]}:{self.client_address[1]}"
        association.set_socket(GateSocket(association, self.request, server.bounds))
        association.acceptor.maximum_length = server.bounds.maximum_pdu
        association.acceptor.ae_title = server.ae_title
        association.acceptor.address_info = self.local
        association.acceptor.implementation_class_uid = self.ae.implementation_class_uid
        association.acceptor.implementation_version_name = self.ae.implementation_version_name
        association.requestor.address_info = self.remote
        handlers: dict[Any, Any] = server._handlers  # one pair for an intervention event, else a list of pairs
        for event, bound in handlers.items():
            for handler, arguments in [bound] if event.is_intervention else bound:
                association.bind(event, handler, arguments)
        return association


class GateServer(ThreadedAssociationServer):
    """Gives each connection its Association; it listens to nothing, another process accepts for it."""

    def __init__(
        self,
        ae: ApplicationEntity,
        address: tuple[str, int],
        ae_title: str,
        handlers: list[evt.EventHandlerType],
        *,
        bounds: Bounds,
        make_association: Callable[[GateServer], GateAssociation],
        begin_store: BeginStore,
        ended: Callable[[GateAssociation], None],
    ) -> None:
        self.bounds = bounds
        self.make_association = make_association
        self.begin_store = begin_store
        self.ended = ended
        super().__init__(ae, address, ae_title, [], None, handlers, GateRequestHandler)

    def server_bind(self) -> None:
        """Nothing is bound."""
        cast(socket.socket, self.socket).close()

    def server_activate(self) -> None:
        """Nothing is listened to."""

    def serve(self, client: socket.socket, address: tuple[str, int]) -> None:
        """Begin an Association on a connection, its acknowledgements and answers never held back.

        Raises what goes wrong before the Association's own thread runs; then the connection is the caller's.
        """
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        acknowledge_at_once(client)
        self.finish_request(client, address)


def prepare_pynetdicom() -> None:
    """Set what pynetdicom and pydicom keep for the whole process.

    UIDs are validated here, not there: an over-long one is to get a status, not an abort. Nothing is
    logged a PDU.
    """
    from pydicom import config

    _config.LOG_HANDLER_LEVEL = "none"
    _config.VALIDATORS["UI"] = lambda _value: (True, "")
    config.settings.reading_validation_mode = config.IGNORE
    config.settings.writing_validation_mode = config.IGNORE
