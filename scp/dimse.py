"""The first door: Associations, C-ECHO and C-STORE (PS3.4 Annexes A and B, PS3.7 section 9.1, PS3.8).

Decides who is let in and what is negotiated, and records how it ended. How an instance is received is
`storing`; how bytes come from the peer is `upper_layer` or `fast_path`.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext

from scp.admission import (
    BY_USER,
    CALLED_AE_NOT_RECOGNIZED,
    PERMANENT,
    Admission,
    Limits,
    Refusal,
)
from scp.config import Settings
from scp.fast_path import FastAssociation
from scp.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.policy import device_of
from scp.receive import Node
from scp.records import AssociationClosed, AssociationOpened, Event
from scp.sender import Sender
from scp.storable import TRANSFER_SYNTAXES_TAKEN, Storable
from scp.storing import VERIFICATION, Announcement, Session, Storing
from scp.upper_layer import Bounds, GateAssociation, GateServer, prepare_pynetdicom

log = logging.getLogger("dicomgate.dimse")

SAID_AGAIN = 60.0
"""Seconds between two records of the same address's refused connections."""

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class DimseDoor:
    """Listens for Associations and serves them until it is closed.

    Raises OSError from the constructor where the address cannot be listened on.
    """

    def __init__(self, settings: Settings, node: Node) -> None:
        prepare_pynetdicom()
        self._settings = settings
        self._node = node
        dimse = settings.dimse
        self._admission = Admission(
            Limits(dimse.max_associations, dimse.max_associations_per_address, dimse.max_associations_per_ae)
        )
        self._storable = Storable.of(dimse)
        self._refused_at: dict[str, float] = {}
        ae = AE(dimse.ae_title)
        ae.maximum_associations = 1_000_000  # `Admission` counts, and tells those that speak from the silent
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        ae.maximum_pdu_size = dimse.maximum_pdu
        self._server = GateServer(
            ae,
            (dimse.host, dimse.port),
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
            admit=self._admit,
            ended=self._ended,
            lost=self._admission.disconnect,
        )
        ae._servers.append(self._server)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="dimse", daemon=True)

    @property
    def port(self) -> int:
        """The TCP port listened on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def close(self, drain: float) -> None:
        """Accept no more; let open Associations end within `drain` seconds, then abort them."""
        self._server.shutdown()
        deadline = time.monotonic() + drain
        while self.associations and time.monotonic() < deadline:
            time.sleep(0.02)
        for association in self._server.active_associations:
            association.abort(block=False)
        deadline = time.monotonic() + 1.0
        while self._server.active_associations and time.monotonic() < deadline:
            time.sleep(0.02)

    @property
    def is_alive(self) -> bool:
        """Whether connections are being accepted."""
        return self._thread.is_alive()

    @property
    def associations(self) -> int:
        """Associations open now."""
        return self._admission.associations

    # An Association begins

    def _admit(self, address: str) -> bool:
        """Whether a connection from there may be opened; a flood of refusals is recorded once a minute."""
        if self._admission.connect(address):
            return True
        now = time.monotonic()
        if now - self._refused_at.get(address, -SAID_AGAIN) >= SAID_AGAIN:
            if len(self._refused_at) > 1000:
                self._refused_at.clear()
            self._refused_at[address] = now
            text = f"{address}: too many connections are open; more are closed at once"
            self._node.committer.note(Event(datetime.now(UTC), "connection-refused", text, {"address": address}))
            log.warning("connections from %s are refused: too many are open", address)
        return False

    def _requested(self, event: evt.Event) -> None:
        """An A-ASSOCIATE-RQ is here: refuse it, or narrow its contexts to what will be accepted."""
        association = event.assoc
        assert isinstance(association, GateAssociation)
        request = association.requestor.primitive
        if not isinstance(request, A_ASSOCIATE):  # the peer has gone
            association.is_aborted = True
            association.kill()
            return
        session = self._session(association, request.calling_ae_title, request.called_ae_title)
        association.session = session
        refused = self._refusal(session)
        if refused is not None:
            self._node.committer.note(self._opened(session, association, refusal=refused.cause))
            self._event("association-refused", refused.cause, session)
            log.warning("association from %s (%s) refused: %s", session.calling_ae, session.address, refused.cause)
            association.acse.send_reject(refused.result, refused.source, refused.reason)
            association.kill()
            return
        session.counted = True
        self._narrow(association, request.presentation_context_definition_list)

    def _session(self, association: GateAssociation, calling_ae: str, called_ae: str) -> Session:
        remote = association.requestor.address_info
        address = remote.address if remote is not None else ""
        calling, called = _printable(calling_ae), _printable(called_ae)
        return Session(
            id=self._node.ids.next(),
            calling_ae=calling,
            called_ae=called,
            address=address,
            port=remote.port if remote is not None else 0,
            device=device_of(self._node.policy, Sender(calling, called, address)),
        )

    def _refusal(self, session: Session) -> Refusal | None:
        dimse = self._settings.dimse
        if dimse.require_called_ae and session.called_ae != dimse.ae_title:
            cause = f"called {session.called_ae}, and dimse.require_called_ae wants {dimse.ae_title}"
            return Refusal(PERMANENT, BY_USER, CALLED_AE_NOT_RECOGNIZED, cause)
        return self._admission.open(session.address, session.calling_ae)

    def _narrow(self, association: GateAssociation, proposed: Sequence[PresentationContext]) -> None:
        """Support what is proposed and can be stored, each context in the sender's own preference.

        pynetdicom goes by the acceptor's order of Transfer Syntaxes; so each proposal is cut down to
        the first of its own that is acceptable.
        """
        supported: dict[str, PresentationContext] = {}
        for context in proposed:
            abstract = str(context.abstract_syntax)
            if not self._storable.takes(abstract) and abstract != VERIFICATION:
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
        self._admission.disconnect(address)
        session = association.session
        if not isinstance(session, Session):
            cause = association.trouble or "no A-ASSOCIATE-RQ came"
            self._node.committer.note(
                Event(datetime.now(UTC), "connection-dropped", f"{address}: {cause}", {"address": address})
            )
            log.info("connection from %s dropped: %s", address, cause)
            return
        if session.counted:
            self._admission.close(session.address, session.calling_ae)
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
        log.info(
            "association %s from %s (%s) %s: %d instances, %d echoes, %.1f s",
            session.id,
            session.calling_ae,
            session.address,
            ending,
            session.instances,
            session.echoes,
            time.monotonic() - session.began,
        )

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


def _printable(text: Any) -> str:
    """What a peer calls itself, fit for a log and a database: ASCII without control characters, 64 at most."""
    return _UNPRINTABLE.sub("?", str(text).strip()[:64])
