"""One C-STORE from its announcement to its answer: the seam on which both receive paths stand.

A receive path calls `begin` when the command set is whole, `write` for each piece of the Data Set as it
comes, `finish` for the answer and, once that is sent, `settle`; or `abandon` when the sender is gone. None of
them raises.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scp.arrival import Arrival, Request, malformed_uid
from scp.logs import log_instance
from scp.receive import Node, begin, checked, refuse
from scp.records import Event
from scp.status import (
    INVALID_SOP_INSTANCE,
    LIMIT_REACHED,
    SOP_CLASS_NOT_SUPPORTED,
    Answer,
    answer_for_failure,
    answer_for_receipt,
    refusal,
)
from scp.store import Part

log = logging.getLogger("dicomgate.dimse")

VERIFICATION = "1.2.840.10008.1.1"

_WHERE = ", association %(association)s"


@dataclass(slots=True)
class Session:
    """What has happened in one Association so far."""

    id: int
    calling_ae: str
    called_ae: str
    address: str
    port: int
    device: str | None
    counted: bool = False
    """It holds one of the places that `Admission` gives out."""
    accepted: bool = False
    instances: int = 0
    echoes: int = 0
    bytes: int = 0
    rejected_studies: set[str] = field(default_factory=set)
    """Study Instance UIDs of instances that were rejected here."""
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a C-STORE-RQ says (PS3.7 section 9.3.1.1), and the presentation context that it came in. UIDs as sent."""

    message_id: int
    context_id: int
    abstract_syntax: str
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str


class Storing:
    """An instance that is being received."""

    def __init__(self, announced: Announcement, session: Session, node: Node, largest: int) -> None:
        self.announced = announced
        self._session = session
        self._node = node
        self._largest = largest
        self._started = time.perf_counter()
        self._part: Part | None = None
        self._only: bytes | bytearray | memoryview | None = None
        """The Data Set, as long as it came in one piece."""
        self._pieces = 0
        self._answer: Answer | None = None
        """Settled before the Data Set was whole: what still comes is let go."""
        self._after = ExitStack()
        """What is left to do once the sender has its answer."""

    def begin(self) -> None:
        """Make a part for the Data Set, or settle the answer of an instance that is not to be kept."""
        try:
            self._request = self._requested()
            malformed = malformed_uid(self._request)
            if malformed is not None:
                receipt = refuse(self._request, malformed, INVALID_SOP_INSTANCE, self._node)
                log_instance(log, receipt, self._started)
                self._answer = answer_for_receipt(receipt)
            elif self.announced.abstract_syntax == VERIFICATION:
                self._refused("C-STORE in a Verification context", refusal(SOP_CLASS_NOT_SUPPORTED))
            else:
                self._part = begin(self._request, self._node)
        except Exception as error:
            self._failed(error)

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Take a piece of the Data Set; it may be overwritten once `write` returns, the last once `finish` does."""
        if self._part is None:
            return
        try:
            if self._part.size + len(piece) > self._largest:
                self.overflow()
                return
            self._part.write(piece)
        except Exception as error:
            self._failed(error)
            return
        self._only = piece if self._pieces == 0 else None
        self._pieces += 1

    def overflow(self) -> None:
        """Settle that the Data Set is too large."""
        if self._answer is None:
            words = f"larger than {self._largest} bytes"
            self._refused(words, refusal(LIMIT_REACHED, words))

    def finish(self) -> Answer:
        """The answer; where it says stored, bytes and receipt are durable."""
        if self._part is not None:
            try:
                self._answer = self._received(self._part)
                self._part = None
            except Exception as error:
                self._failed(error)
        assert self._answer is not None
        return self._answer

    def settle(self) -> None:
        """Do what the sender need not wait for: close the file, write to the log."""
        try:
            self._after.close()
        except Exception:
            log.exception("an instance was received, and its file could not be let go of" + _WHERE, self._known())

    def abandon(self) -> None:
        """Keep nothing, unless it was answered for: the sender will not finish."""
        if self._part is not None:
            self._part.discard()
            self._part = None
        self.settle()

    def _received(self, part: Part) -> Answer:
        receive_ms = (time.perf_counter() - self._started) * 1000
        data = self._after.enter_context(part.mapped()) if self._pieces > 1 else self._only or b""
        arrival = Arrival(self._request, part, data, receive_ms, self._session.rejected_studies)
        instance = checked(arrival, self._node)
        receipt = self._node.committer.commit(instance)
        self._after.callback(log_instance, log, receipt, self._started)
        self._after.callback(instance.settle)
        self._session.instances += 1
        self._session.bytes += receipt.size
        return answer_for_receipt(receipt)

    def _refused(self, words: str, answer: Answer) -> None:
        """Settle on an answer that keeps nothing, and record why."""
        session = self._session
        detail: dict[str, object] = {
            "calling_ae": session.calling_ae,
            "address": session.address,
            "status": answer.status,
        }
        self._node.committer.note(
            Event(datetime.now(UTC), "instance-refused", words, detail, association_id=session.id)
        )
        self._node.metrics.refused(answer.status)
        values = {**self._known(), "status": answer.status, "cause": words}
        log.error("an instance from %(calling_ae)s was refused with 0x%(status)04X: %(cause)s" + _WHERE, values)
        self.abandon()
        self._answer = answer

    def _failed(self, error: Exception) -> None:
        answer = answer_for_failure(error)
        if answer.status_is_ours:
            words = "an instance from %(calling_ae)s could not be received"
            log.error(words + _WHERE, self._known(), exc_info=error)
        self._refused(str(error) or type(error).__name__, answer)

    def _known(self) -> dict[str, object]:
        """What the log says of an instance that has no ticket."""
        session = self._session
        return {"association": str(session.id), "calling_ae": session.calling_ae, "address": session.address}

    def _requested(self) -> Request:
        session, announced = self._session, self.announced
        return Request(
            id=self._node.ids.next(),
            received_at=datetime.now(UTC),
            door="dimse",
            association_id=session.id,
            calling_ae=session.calling_ae,
            called_ae=session.called_ae,
            address=session.address,
            device=session.device,
            sop_class_uid=announced.sop_class_uid,
            context_sop_class_uid=announced.abstract_syntax,
            sop_instance_uid=announced.sop_instance_uid,
            transfer_syntax_uid=announced.transfer_syntax_uid,
        )
