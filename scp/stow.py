"""The second door: the Store transaction of STOW-RS (PS3.18 10.5), without HTTP.

A request is taken in piece by piece; its instances wait as parts on the store's volume until the body is whole.
Only then do they take the road, together, so that they share their commits; a request that breaks off keeps nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rules.header import NotDicom
from scp.arrival import Arrival, Request, malformed_uid
from scp.committer import Arriving
from scp.devices import Allowed
from scp.logs import log_instance
from scp.media_types import MediaType, media_type
from scp.multipart import BadMultipart, Multipart
from scp.part10 import FIRST_LOOK, LARGEST_META, FileMeta, read_file_meta
from scp.receive import Node, begin, checked, refuse
from scp.records import Event, Receipt
from scp.status import (
    INVALID_SOP_INSTANCE,
    LIMIT_REACHED,
    OUR_FAULT,
    SOP_CLASS_NOT_SUPPORTED,
    TRANSFER_SYNTAX_NOT_SUPPORTED,
    UNDECODABLE,
    Status,
    status_for_failure,
)
from scp.storable import TRANSFER_SYNTAXES_TAKEN, Storable
from scp.store import Part
from scp.stow_metadata import BadMetadata, Bulk, Model, pieces, read_json, read_xml, text_of
from scp.uid import valid_uid

log = logging.getLogger("dicomgate.stow")

DOOR = "stow"
DICOM = "application/dicom"
METADATA = {"application/dicom+json": read_json, "application/dicom+xml": read_xml}
"""Media types of metadata, and how each is read."""

LARGEST_METADATA = 1 << 26
"""Bytes of metadata in one request, which are held in memory."""

HELD_OPEN = 64
"""Parts of one request whose files stay open until the body is whole; beyond that they are opened again."""

TOGETHER = 64
"""Instances of one request that are checked, and then committed at once."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who posts: the address, and the name of the token that was shown, if one was."""

    address: str
    token: str | None
    device: str | None
    allowed: Allowed


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is taken: bytes of one instance, instances of one request, and which SOP Classes."""

    instance: int
    instances: int
    storable: Storable


@dataclass(frozen=True, slots=True)
class Stored:
    """An instance that has its receipt: kept, or rejected by rule."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Failed:
    """An instance of which nothing is kept. UIDs are "" where they could not be read; `words` hold no patient data."""

    sop_class_uid: str
    sop_instance_uid: str
    status: Status
    words: str


Result = Stored | Failed


class UnsupportedMediaType(Exception):
    """The Content-Type is none that this door takes; the message says what was wanted."""


class TooMuch(Exception):
    """The request goes beyond a limit; the message says which."""


class StoreRequest:
    """One request. Used by one thread at a time: `feed` its body, then `finish`, or `abandon` what broke off.

    `feed` and `finish` raise BadMultipart, UnsupportedMediaType or TooMuch where the request as a whole cannot be
    taken, after which only `abandon` may be called.
    """

    def __init__(
        self, content_type: str, client: Client, study: str | None, bounds: Bounds, node: Node, run: Executor
    ) -> None:
        """`run` has threads in which files of a slow volume are synced while more of the body comes."""
        self._node = node
        self._run = run
        self._client = client
        self._study = study
        self._bounds = bounds
        self._taken: list[_Instance] = []
        self._models: list[Model] = []
        self._bulks: dict[str, list[Bulk]] = {}
        self._numbers = 0
        self._metadata_size = 0
        self._current: _Instance | _Metadata | _BulkData | None = None
        kind = media_type(content_type)
        if kind is None:
            raise UnsupportedMediaType(f"no Content-Type, wanted multipart/related or {DICOM}")
        self._default = DICOM
        self._parts: Multipart | None = None
        if kind.name == "multipart/related":
            self._parts = self._multipart(kind)
        elif kind.name in (DICOM, *METADATA):
            self._default = kind.name
            self.begin({"content-type": content_type})
        else:
            raise UnsupportedMediaType(f"Content-Type {kind.name}, wanted multipart/related or {DICOM}")

    def _multipart(self, kind: MediaType) -> Multipart:
        boundary = kind.parameters.get("boundary")
        if boundary is None:
            raise BadMultipart("the Content-Type names no boundary")
        self._default = kind.parameters.get("type", DICOM).lower()
        if self._default not in (DICOM, *METADATA):
            raise UnsupportedMediaType(f"multipart/related of {self._default}, wanted {DICOM}")
        return Multipart(boundary, self)

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body."""
        if self._parts is None:
            self.data(memoryview(piece))
        else:
            self._parts.feed(piece)

    def finish(self) -> list[Result]:
        """What became of each instance, in the order of the parts, once all that is kept is durable."""
        if self._parts is None:
            self.end()
        else:
            self._parts.close()
        for model in self._models:
            self._take(model)
        self._forget_bulks()
        if not self._taken:
            raise BadMultipart("the body has no part" if not self._numbers else "the body has no instance")
        taken, self._taken = self._taken, []
        # What was rejected decides over what follows, so one has to come after the other.
        together = 1 if self._node.policy.study_safe else TOGETHER
        rejected: set[str] = set()
        return [
            result
            for at in range(0, len(taken), together)
            for result in _receive(taken[at : at + together], rejected, self._node)
        ]

    def abandon(self) -> None:
        """Keep nothing: the body broke off, or is not what it should be."""
        if self._current is not None:
            self._current.abandon()
            self._current = None
        for each in self._taken:
            each.abandon()
        self._taken = []
        self._forget_bulks()

    def _take(self, model: Model) -> None:
        """Write the file of an instance that came as metadata, as if it had come so."""
        self._hold_on_to_bounds()
        instance = _Instance(self._node, self._client, self._study, self._bounds)
        try:
            pieces(model, self._bulks, lambda piece: instance.write(memoryview(piece)))
        except BadMetadata as error:
            instance.refuse(model, UNDECODABLE, str(error))
        except Exception:
            log.exception("metadata from %s could not be made into an instance", self._client.address)
            instance.refuse(model, OUR_FAULT, OUR_FAULT.meaning)
        self._whole(instance)

    def _whole(self, instance: _Instance) -> None:
        """Put a whole instance with the others. The last is synced by who commits it, as all are on a fast volume."""
        if self._taken and self._node.store.syncs_slowly:
            self._taken[-1].sync_soon(self._run)
        instance.end(keep_open=len(self._taken) < HELD_OPEN)
        self._taken.append(instance)

    def _forget_bulks(self) -> None:
        for found in self._bulks.values():
            for each in found:
                each.path.unlink(missing_ok=True)
        self._bulks = {}

    def _hold_on_to_bounds(self) -> None:
        if max(len(self._taken), self._numbers) >= self._bounds.instances:
            raise TooMuch(f"more than {self._bounds.instances} instances in one request")

    # What the parts are told to (`multipart.Receiver`)

    def begin(self, headers: dict[str, str]) -> None:
        """A part begins."""
        self._hold_on_to_bounds()
        self._numbers += 1
        kind = media_type(headers.get("content-type", self._default))
        if kind is not None and kind.name == self._default == DICOM:
            self._current = _Instance(self._node, self._client, self._study, self._bounds)
        elif kind is not None and kind.name == self._default:
            self._current = _Metadata()
        elif kind is not None and self._default != DICOM and kind.name != DICOM and self._models:
            self._current = _BulkData(self._node, kind, headers.get("content-location", ""))
        else:
            said = headers.get("content-type", "")[:80]
            raise UnsupportedMediaType(f"part {self._numbers} is {said!r}, wanted {self._default}")

    def data(self, piece: memoryview) -> None:
        """Bytes of the part."""
        assert self._current is not None
        self._current.write(piece)
        if isinstance(self._current, _Metadata):
            self._metadata_size += len(piece)
            if self._metadata_size > LARGEST_METADATA:
                raise TooMuch(f"more than {LARGEST_METADATA} bytes of metadata")

    def end(self) -> None:
        """The part is whole."""
        current, self._current = self._current, None
        if isinstance(current, _Instance):
            self._whole(current)
        elif isinstance(current, _Metadata):
            self._models += METADATA[self._default](current.whole)
        elif current is not None:
            current.end()
            self._bulks.setdefault(current.location, []).append(current.bulk)


def _receive(instances: Sequence[_Instance], rejected: set[str], node: Node) -> Iterator[Result]:
    """Let instances take the road together."""
    with ExitStack() as maps:
        arriving = [(each, found) for each in instances if (found := each.check(rejected, maps)) is not None]
        outcomes = node.committer.commit_together([found for _, found in arriving])
        for (each, found), outcome in zip(arriving, outcomes, strict=True):
            each.committed(outcome)
            if isinstance(outcome, Receipt):
                found.settle()
    for each in instances:
        yield each.result


class _Metadata:
    """Data Sets in one of the models, held until they are whole."""

    def __init__(self) -> None:
        self.whole = bytearray()

    def write(self, piece: memoryview) -> None:
        """Take the next bytes."""
        self.whole += piece

    def abandon(self) -> None:
        """Nothing is on the disk."""


class _BulkData:
    """Bulk data on their way to a temporary file of the store."""

    def __init__(self, node: Node, kind: MediaType, location: str) -> None:
        self.location = location
        self._part = node.store.begin(node.ids.next(), b"")
        self.bulk = Bulk(Path(self._part.path), kind)

    def write(self, piece: memoryview) -> None:
        """Take the next bytes. Raises NoRoom."""
        self._part.write(piece)

    def end(self) -> None:
        """All of it is there; it is read again by name."""
        self._part.close()

    def abandon(self) -> None:
        """Keep nothing."""
        self._part.discard()


class _Instance:
    """One Part 10 file on its way in, and what became of it. None of its methods raises."""

    def __init__(self, node: Node, client: Client, study: str | None, bounds: Bounds) -> None:
        self._node = node
        self._client = client
        self._study = study
        self._bounds = bounds
        self._started = time.perf_counter()
        self._ahead: bytearray | None = bytearray()
        """The beginning of the file, until its File Meta Information is read."""
        self._request: Request | None = None
        self._part: Part | None = None
        self._result: Result | None = None
        """Where it is settled before the file is whole, what still comes is let go."""
        self._received = 0.0

    def write(self, piece: memoryview) -> None:
        """Take the next bytes of the file."""
        if self._result is not None:
            return
        try:
            if self._ahead is None:
                self._keep(piece)
            elif not self._ahead and len(piece) >= FIRST_LOOK:
                self._begin(piece, last=False)
            else:
                self._ahead += piece
                if len(self._ahead) >= FIRST_LOOK:
                    self._begin(memoryview(bytes(self._ahead)), last=False)
        except Exception as error:
            self._fail(error)

    def end(self, *, keep_open: bool) -> None:
        """The file is whole."""
        if self._result is None:
            try:
                if self._ahead is not None:
                    self._begin(memoryview(bytes(self._ahead)), last=True)
                if self._part is not None:
                    self._part.hasten()
                    if not keep_open:
                        self._part.close()
            except Exception as error:
                self._fail(error)
        self._received = (time.perf_counter() - self._started) * 1000

    def sync_soon(self, run: Executor) -> None:
        """Have the bytes made durable by another thread, while more of the body comes."""
        if self._part is not None:
            self._part.sync_soon(run)

    def check(self, rejected_studies: set[str], maps: ExitStack) -> Arriving | None:
        """What the committer is to be given, as long as `maps` is open; None where the result is there already."""
        if self._part is None or self._request is None:
            return None
        try:
            view = maps.enter_context(self._part.mapped())
            return checked(Arrival(self._request, self._part, view, self._received, rejected_studies), self._node)
        except Exception as error:
            self._fail(error)
            return None

    def committed(self, outcome: Receipt | BaseException) -> None:
        """Hear what the committer has made of it."""
        if isinstance(outcome, Receipt):
            log_instance(log, outcome, self._started)
            self._part = None
            self._result = Stored(outcome)
        else:
            self._fail(outcome)

    @property
    def result(self) -> Result:
        """What became of it."""
        assert self._result is not None
        return self._result

    def refuse(self, model: Model, status: Status, words: str) -> None:
        """Settle that this instance, of which there are only metadata, cannot be taken."""
        self._settle(status, words, text_of(model, "00080016"), text_of(model, "00080018"))

    def abandon(self) -> None:
        """Keep nothing."""
        if self._part is not None:
            self._part.discard()
            self._part = None
        self._ahead = None

    def _begin(self, ahead: memoryview, *, last: bool) -> None:
        """Read the File Meta Information and make a part; wait for more where it is not whole yet."""
        meta = read_file_meta(ahead)
        if meta is None:
            if not last and len(ahead) <= LARGEST_META:
                self._ahead = bytearray(ahead)
                return
            raise NotDicom("the file ends inside its File Meta Information, or has no Data Set")
        self._ahead = None
        request = self._request = self._requested(meta)
        malformed = malformed_uid(request)
        if malformed is not None:
            refuse(request, malformed, INVALID_SOP_INSTANCE, self._node)
            self._settle(INVALID_SOP_INSTANCE, malformed.message)
        elif not self._bounds.storable.takes(request.sop_class_uid):
            self._settle(SOP_CLASS_NOT_SUPPORTED, f"SOP Class UID {request.sop_class_uid} is not taken here")
        elif not self._client.allowed.may_send(request.sop_class_uid):
            self._settle(SOP_CLASS_NOT_SUPPORTED, f"SOP Class UID {request.sop_class_uid} is not taken from there")
        elif request.transfer_syntax_uid not in TRANSFER_SYNTAXES_TAKEN:
            said = request.transfer_syntax_uid if valid_uid(request.transfer_syntax_uid) else "missing or malformed"
            self._settle(TRANSFER_SYNTAX_NOT_SUPPORTED, f"the Transfer Syntax UID is {said}")
        else:
            self._part = begin(request, self._node)
            self._keep(ahead[meta.data_set :])

    def _keep(self, piece: memoryview) -> None:
        assert self._part is not None
        if self._part.size + len(piece) > self._bounds.instance:
            self._settle(LIMIT_REACHED, f"larger than {self._bounds.instance} bytes")
        else:
            self._part.write(piece)

    def _requested(self, meta: FileMeta) -> Request:
        client = self._client
        return Request(
            id=self._node.ids.next(),
            received_at=datetime.now(UTC),
            door=DOOR,
            association_id=None,
            calling_ae="",
            called_ae="",
            address=client.address,
            device=client.device,
            sop_class_uid=meta.sop_class_uid,
            context_sop_class_uid=meta.sop_class_uid,
            sop_instance_uid=meta.sop_instance_uid,
            transfer_syntax_uid=meta.transfer_syntax_uid,
            study_instance_uid=self._study,
            token=client.token,
        )

    def _fail(self, error: BaseException) -> Failed:
        if isinstance(error, NotDicom):
            return self._settle(UNDECODABLE, str(error))
        status = status_for_failure(error)
        if status is OUR_FAULT:
            words = "an instance from %(address)s could not be received"
            log.error(words, {"address": self._client.address}, exc_info=error)
            return self._settle(status, status.meaning)
        return self._settle(status, str(error) or status.meaning)

    def _settle(self, status: Status, words: str, sop_class_uid: str = "", sop_instance_uid: str = "") -> Failed:
        """Keep nothing, record why, and hold the result."""
        self.abandon()
        request = self._request
        failed = Failed(
            request.sop_class_uid if request is not None else sop_class_uid,
            request.sop_instance_uid if request is not None else sop_instance_uid,
            status,
            words,
        )
        detail: dict[str, object] = {"address": self._client.address, "status": status.code}
        self._node.committer.note(Event(datetime.now(UTC), "instance-refused", words, detail))
        self._node.metrics.refused(status.code)
        values = {"address": self._client.address, "token": self._client.token, "status": status.code, "cause": words}
        log.error("an instance from %(address)s was refused with 0x%(status)04X: %(cause)s", values)
        self._result = failed
        return failed
