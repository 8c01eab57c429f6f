"""The first door: Associations, C-ECHO and C-STORE (PS3.4 Annexes A and B, PS3.7 section 9.1, PS3.8).

Decides who is let in and what is negotiated, and records how it ended. How an instance is received is
`storing`; how bytes come from the peer is `upper_layer` or `fast_path`.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext

from scp.admission import (
    BY_USER,
    CALLED_AE_NOT_RECOGNIZED,
    PERMANENT,
    Refusal,
    beyond_limits,
)
from scp.config import Settings
from scp.devices import Allowed
from scp.fast_path import FastAssociation
from scp.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.receive import Node
from scp.records import AssociationClosed, AssociationOpened, Event
from scp.sender import Sender
from scp.storable import TRANSFER_SYNTAXES_TAKEN, Storable
from scp.storing import VERIFICATION, Announcement, Session, Storing
from scp.tls import Contexts, NoHandshake, shake_hands
from scp.upper_layer import Bounds, GateAssociation, GateServer, prepare_pynetdicom

log = logging.getLogger("dicomgate.dimse")


_ENDED = (
    "association %(association)s from %(calling_ae)s (%(address)s) %(ending)s: %(instances)d instances, "
    "%(echoes)d echoes, %(bytes)d bytes, %(seconds).1f s"
)

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class Places(Protocol):
    """Who says whether there is room for one more Association, over all processes of the node."""

    def open(self, id: int, address: str, calling_ae: str) -> str | None:
        """Take a place for the Association with this id; why there is none for it."""

    def close(self, id: int) -> None:
        """Give the place of an Association back."""

    def disconnect(self, address: str) -> None:
        """A connection from there is over."""


HEARING = 1.0
"""Seconds in which connections are heard that are open once there is a hurry: what they sent may be unread yet."""


class DimseDoor:
    """Serves Associations on connections that another process has accepted, until it is told to drain.

    `address` is where that process listens.
    """

    def __init__(
        self,
        settings: Settings,
        node: Node,
        places: Places,
        address: tuple[str, int],
        contexts: Contexts | None = None,
    ) -> None:
        prepare_pynetdicom()
        self._contexts = contexts
        self._settings = settings
        self._node = node
        dimse = settings.dimse
        self._places = places
        self._counting = threading.Lock()
        self._connections = 0
        self._associations = 0
        self._hurries = False
        self._heard_at = 0.0
        self._storable = Storable.of(dimse)
        ae = AE(dimse.ae_title)
        ae.maximum_associations = 1_000_000  # `Places` counts, and tells those that speak from the silent
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        ae.maximum_pdu_size = dimse.maximum_pdu
        self._server = GateServer(
            ae,
            address,
            dimse.ae_title,
            [
                (evt.EVT_REQUESTED, self._requested),
                (evt.EVT_ACCEPTED, self._accepted),
                (evt.EVT_C_ECHO, self._echo),
            ],
            bounds=Bounds(
                association_timeout=dimse.association_timeout,
                idle_timeout=dimse.idle_timeout,
                pdu_timeout=dimse.pdu_timeout,
                maximum_pdu=dimse.maximum_pdu,
                max_instance_size=dimse.max_instance_size,
            ),
            make_association=FastAssociation if dimse.receive_path == "fast" else GateAssociation,
            begin_store=self._begin_store,
            ended=self._ended,
        )
        ae._servers.append(self._server)

    def take(self, connection: socket.socket, address: str, port: int, *, is_tls: bool = False) -> None:
        """Serve a connection in threads of its own."""
        with self._counting:
            self._connections += 1
        if is_tls:
            threading.Thread(
                target=self._secure, args=(connection, address, port), name=f"handshake-{address}", daemon=True
            ).start()
        else:
            self._serve(connection, address, port)

    def _secure(self, connection: socket.socket, address: str, port: int) -> None:
        """Begin TLS on a connection, and serve it: in a thread of its own, so that who is slow holds up nobody."""
        assert self._contexts is not None
        seconds = self._settings.dimse.association_timeout
        try:
            secured = shake_hands(connection, self._contexts.current, seconds)
        except NoHandshake as problem:
            self._forget(connection, address)
            self._record_drop(address, str(problem))
        except Exception:
            log.exception("TLS with %s could not begin", address)
            self._forget(connection, address)
        else:
            log.debug("TLS with %s: %s, %s", address, secured.version(), (secured.cipher() or ("",))[0])
            self._serve(secured, address, port)

    def _serve(self, connection: socket.socket, address: str, port: int) -> None:
        try:
            self._server.serve(connection, (address, port))
        except Exception:
            log.exception("a connection from %s could not be served", address)
            self._forget(connection, address)

    def _forget(self, connection: socket.socket, address: str) -> None:
        """A connection is over that had no Association."""
        connection.close()
        self._places.disconnect(address)
        with self._counting:
            self._connections -= 1

    @property
    def is_sound(self) -> bool:
        """Always: each Association has threads of its own."""
        return True

    @property
    def is_quiet(self) -> bool:
        """Whether no connection is open; once there has been a hurry for a moment, whether no Association is."""
        hurries = self._hurries and time.monotonic() >= self._heard_at
        with self._counting:
            return not (self._associations if hurries else self._connections)

    def drain(self, hurry: bool) -> None:
        """Wait for what is open; with `hurry`, only a moment for connections that have said nothing so far."""
        if hurry and not self._hurries:
            self._heard_at = time.monotonic() + HEARING
        self._hurries = hurry
        if self._contexts is not None:
            self._contexts.close()

    def abort(self) -> None:
        """Abort what is open; gone within about a second, but for what a commit holds up."""
        for association in self._server.active_associations:
            association.abort(block=False)
        deadline = time.monotonic() + 1.0
        while not self.is_quiet and time.monotonic() < deadline:
            time.sleep(0.02)

    # An Association begins

    def _requested(self, event: evt.Event) -> None:
        """An A-ASSOCIATE-RQ is here: refuse it, or narrow its contexts to what will be accepted."""
        association = event.assoc
        assert isinstance(association, GateAssociation)
        request = association.requestor.primitive
        if not isinstance(request, A_ASSOCIATE):  # the peer has gone
            association.is_aborted = True
            association.kill()
            return
        calling, called = _printable(request.calling_ae_title), _printable(request.called_ae_title)
        remote = association.requestor.address_info
        sender = Sender(calling, called, remote.address if remote is not None else "")
        admitted = self._node.known.admit(sender, association.certificate)
        session = self._session(association, sender, admitted)
        association.session = session
        refused = admitted if isinstance(admitted, Refusal) else self._refusal(session)
        if isinstance(refused, Refusal):
            self._node.committer.note(self._opened(session, association, refusal=refused.cause))
            self._event("association-refused", refused.cause, session)
            self._node.metrics.rejected(refused)
            words = "association %(association)s from %(calling_ae)s (%(address)s) refused: %(cause)s"
            log.warning(words, {**_known(session), "cause": refused.cause})
            association.acse.send_reject(refused.result, refused.source, refused.reason)
            association.kill()
            return
        session.counted = True
        with self._counting:
            self._associations += 1
        assert isinstance(admitted, Allowed)
        self._narrow(association, request.presentation_context_definition_list, admitted)

    def _session(self, association: GateAssociation, sender: Sender, admitted: Allowed | Refusal) -> Session:
        remote = association.requestor.address_info
        return Session(
            id=self._node.ids.next(),
            calling_ae=sender.calling_ae,
            called_ae=sender.called_ae,
            address=sender.address,
            port=remote.port if remote is not None else 0,
            device=admitted.device if isinstance(admitted, Allowed) else None,
        )

    def _refusal(self, session: Session) -> Refusal | None:
        dimse = self._settings.dimse
        if dimse.require_called_ae and session.called_ae != dimse.ae_title:
            cause = f"called {session.called_ae}, and dimse.require_called_ae wants {dimse.ae_title}"
            return Refusal(PERMANENT, BY_USER, CALLED_AE_NOT_RECOGNIZED, cause)
        full = self._places.open(session.id, session.address, session.calling_ae)
        return None if full is None else beyond_limits(full)

    def _narrow(self, association: GateAssociation, proposed: Sequence[PresentationContext], allowed: Allowed) -> None:
        """Support what is proposed, can be stored and may come from there, each context as the sender prefers it.

        pynetdicom goes by the acceptor's order of Transfer Syntaxes; so each proposal is cut down to
        the first of its own that is acceptable.
        """
        supported: dict[str, PresentationContext] = {}
        for context in proposed:
            abstract = str(context.abstract_syntax)
            is_taken = self._storable.takes(abstract) and allowed.may_send(abstract)
            if not is_taken and abstract != VERIFICATION:
                continue
            chosen = next((each for each in context.transfer_syntax if each in TRANSFER_SYNTAXES_TAKEN), None)
            if chosen is None:
                continue
            context.transfer_syntax = [chosen]
            ours = supported.get(abstract)
            if ours is None:
                ours = supported[abstract] = PresentationContext()
                ours.abstract_syntax = context.abstract_syntax
            if chosen not in ours.transfer_syntax:
                ours.add_transfer_syntax(chosen)
        association.acceptor.supported_contexts = list(supported.values())

    def _accepted(self, event: evt.Event) -> None:
        association = event.assoc
        assert isinstance(association, GateAssociation)
        session = association.session
        assert isinstance(session, Session)
        session.accepted = True
        self._node.committer.note(self._opened(session, association, refusal=None))

    def _opened(self, session: Session, association: GateAssociation, refusal: str | None) -> AssociationOpened:
        requestor = association.requestor
        return AssociationOpened(
            id=session.id,
            opened_at=datetime.now(UTC),
            calling_ae=session.calling_ae,
            called_ae=session.called_ae,
            address=session.address,
            port=session.port,
            device=session.device,
            implementation_class_uid=_printable(requestor.implementation_class_uid or ""),
            implementation_version=_printable(requestor.implementation_version_name or ""),
            maximum_length=int(requestor.maximum_length or 0),
            contexts_accepted=len(association.accepted_contexts),
            contexts_refused=tuple(
                sorted({_printable(str(each.abstract_syntax)) for each in association.rejected_contexts})
            ),
            configuration=self._node.configuration,
            refusal=refusal,
        )

    # An Association ends

    def _ended(self, association: GateAssociation) -> None:
        """Called once at the end of each connection that was let in, whatever became of it."""
        remote = association.requestor.address_info
        address = remote.address if remote is not None else ""
        session = association.session
        counted = isinstance(session, Session) and session.counted
        if counted:
            self._places.close(cast(Session, session).id)
        self._places.disconnect(address)
        try:
            self._record_end(association, session, address)
        finally:
            # Last: a door that is quiet has nothing more to record.
            with self._counting:
                self._connections -= 1
                self._associations -= counted

    def _record_end(self, association: GateAssociation, session: object, address: str) -> None:
        if not isinstance(session, Session):
            self._record_drop(address, association.trouble or "no A-ASSOCIATE-RQ came")
            return
        if not session.accepted:
            return
        if association.trouble is not None:
            ending = "broken"
            self._event("association-broken", association.trouble, session)
        elif association.is_released:
            ending = "released"
        elif association.is_aborted:
            ending = "aborted"
        else:
            ending = "lost"
        self._node.committer.note(
            AssociationClosed(session.id, datetime.now(UTC), ending, session.instances, session.echoes, session.bytes)
        )
        self._node.metrics.ended(ending)
        values = {
            **_known(session),
            "ending": ending,
            "instances": session.instances,
            "echoes": session.echoes,
            "bytes": session.bytes,
            "seconds": round(time.monotonic() - session.began, 1),
        }
        log.info(_ENDED, values)

    def _record_drop(self, address: str, cause: str) -> None:
        words = f"{address}: {cause}"
        self._node.committer.note(Event(datetime.now(UTC), "connection-dropped", words, {"address": address}))
        self._node.metrics.ended("silent")
        log.info("connection from %(address)s dropped: %(cause)s", {"address": address, "cause": cause})

    def _event(self, kind: str, text: str, session: Session, **detail: object) -> None:
        detail = {"calling_ae": session.calling_ae, "address": session.address, **detail}
        self._node.committer.note(Event(datetime.now(UTC), kind, text, detail, association_id=session.id))

    # Services

    def _echo(self, event: evt.Event) -> int:
        session = getattr(event.assoc, "session", None)
        if isinstance(session, Session):
            session.echoes += 1
        return 0x0000

    def _begin_store(self, association: GateAssociation, announced: Announcement) -> Storing:
        """Begin to receive the instance of a C-STORE-RQ."""
        session = association.session
        assert isinstance(session, Session)
        storing = Storing(announced, session, self._node, self._settings.dimse.max_instance_size)
        storing.begin()
        return storing


def _known(session: Session) -> dict[str, object]:
    """What the log says of an Association."""
    return {
        "association": str(session.id),
        "calling_ae": session.calling_ae,
        "called_ae": session.called_ae,
        "address": session.address,
        "device": session.device,
    }


def _printable(text: Any) -> str:
    """What a peer calls itself, fit for a log and a database: ASCII without control characters, 64 at most."""
    return _UNPRINTABLE.sub("?", str(text).strip()[:64])
