"""The DICOMweb services at `/dicom-web`: HTTP in front of `scp.stow`."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from scp.admission import Refusal
from scp.config import Settings
from scp.multipart import BadMultipart
from scp.receive import Node
from scp.records import Event
from scp.sender import Sender
from scp.status import NOT_AUTHORIZED
from scp.storable import Storable
from scp.store import NoRoom
from scp.stow import DOOR, Bounds, Client, Result, StoreRequest, TooMuch, UnsupportedMediaType
from scp.stow_metadata import BadMetadata
from scp.stow_response import JSON, XML, chosen, respond
from scp.tokens import Token
from scp.uid import valid_uid
from scp.web.body import BadBody, Body, BrokeOff, TooSlow, body_of
from scp.web.guard import Places, problem

log = logging.getLogger("dicomgate.http")

ROOT = "/dicom-web"
STUDIES = f"{ROOT}/studies"
CAPABILITIES = (Path(__file__).parent / "static" / "capabilities.xml").read_text(encoding="utf-8")

_STORE = re.compile(f"{STUDIES}(?:/([^/]+))?")

NO_STUDY = "the address names no Study Instance UID"

MOST_CONNECTIONS = 256
"""Connections and requests of one process at a time."""

AT_ONCE = 64
"""Files that are synced at the same time."""


class StoreService:
    """Takes POST requests to the studies resource, and to one study below it (PS3.18 10.5)."""

    def __init__(self, settings: Settings, node: Node) -> None:
        self._settings = settings
        self._node = node
        self._bounds = Bounds(
            settings.dimse.max_instance_size, settings.http.max_instances, Storable.of(settings.dimse)
        )
        self._places = Places(settings.http.max_requests_per_client, settings.http.max_requests_per_minute)
        # A thread a request, from its body to its answer: a slow client keeps no other waiting.
        self._storing = ThreadPoolExecutor(MOST_CONNECTIONS, thread_name_prefix="stow")
        self._syncing = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stow-sync")

    def routes(self) -> list[Route]:
        """Where it says what it can do."""
        places = [ROOT, f"{ROOT}/", STUDIES, f"{STUDIES}/{{study}}"]
        return [Route(each, self.capabilities, methods=["OPTIONS"]) for each in places]

    def is_asked(self, scope: Scope) -> bool:
        """Whether something is to be stored: such requests come often, so no router is asked for their way."""
        return scope["type"] == "http" and scope["method"] == "POST" and _STORE.fullmatch(scope["path"]) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to store."""
        response = await self.store(Request(scope))
        await response(scope, receive, send)

    async def capabilities(self, request: Request) -> Response:
        """What the service can do, as the Retrieve Capabilities transaction has it (PS3.18 8.9)."""
        if not valid_uid(request.path_params.get("study", "0")):
            return problem(400, NO_STUDY)
        allowed = "OPTIONS, POST" if request.url.path.startswith(STUDIES) else "OPTIONS"
        text = CAPABILITIES.replace('base=""', f'base="{_root(request)}/"')
        return Response(text, media_type="application/vnd.sun.wadl+xml", headers={"allow": allowed})

    async def store(self, request: Request) -> Response:
        """The Store transaction; 429 for a client that has as many under way as it may."""
        token: Token | None = getattr(request.state, "token", None)
        address = request.client.host if request.client else ""
        name = token.name if token else None
        allowed = self._node.known.admit(Sender("", "", address, door=DOOR, token=name))
        if isinstance(allowed, Refusal):
            return self._not_allowed(address, name, allowed.cause)
        client = Client(address, name, allowed.device, allowed)
        whose = client.token or address
        full = self._places.take(whose)
        if full is not None:
            self._node.metrics.turned_away(429)
            return problem(429, full, {"retry-after": "1"})
        body = body_of(request.scope)
        try:
            work = partial(self._answer, request, client, body)
            return await asyncio.get_running_loop().run_in_executor(self._storing, work)
        finally:
            body.cut()
            self._places.give(whose)

    def _answer(self, request: Request, client: Client, body: Body) -> Response:
        """The answer, however the request fares; by a thread, which may wait for the client and the disk."""
        try:
            return self._store(request, client, body)
        except _Refused as refused:
            self._node.metrics.turned_away(refused.code)
            values = {"address": client.address, "token": client.token, "code": refused.code, "cause": refused.words}
            log.warning("a Store request from %(address)s was refused with %(code)d: %(cause)s", values)
            return problem(refused.code, refused.words, refused.headers)
        finally:
            body.close()

    def _store(self, request: Request, client: Client, body: Body) -> Response:
        media_type = chosen(request.headers.get("accept", ""))
        if media_type is None:
            raise _Refused(406, f"answers are {JSON} or {XML}")
        found = _STORE.fullmatch(request.scope["path"])
        study = found[1] if found else None
        if study is not None and not valid_uid(study):
            raise _Refused(400, NO_STUDY)
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._settings.http.max_request_size:
            raise _Refused(413, self._too_large)
        results = self._taken(request.headers.get("content-type", ""), client, study, body)
        answer = respond(results, f"{_root(request)}/studies", media_type)
        response = Response(answer.body, answer.code, media_type=answer.media_type)
        for each in answer.warnings:
            response.headers.append("warning", each)
        if answer.code == 503:
            response.headers["retry-after"] = "30"
        return response

    def _taken(self, content_type: str, client: Client, study: str | None, body: Body) -> list[Result]:
        """What became of the instances of a body. Raises _Refused, after which nothing of it is kept."""
        taken: StoreRequest | None = None
        try:
            taken = StoreRequest(content_type, client, study, self._bounds, self._node, self._syncing)
            size = 0
            for piece in body.pieces(self._settings.http.idle_timeout):
                size += len(piece)
                if size > self._settings.http.max_request_size:
                    raise TooMuch(self._too_large)
                taken.feed(piece)
            return taken.finish()
        except BaseException as error:
            if taken is not None:
                taken.abandon()
            code = next((code for kind, code in REFUSED_WITH.items() if isinstance(error, kind)), None)
            if code is None:
                log.exception("a Store request from %s could not be taken", client.address)
                raise _Refused(500, "a fault of the node's own") from error
            # Who sends nothing, or no HTTP, has nothing more to say on this connection.
            headers = {"connection": "close"} if isinstance(error, (BadBody, TooSlow)) else {}
            raise _Refused(code, str(error), headers) from error

    @property
    def _too_large(self) -> str:
        return f"more than {self._settings.http.max_request_size} bytes"

    def _not_allowed(self, address: str, token: str | None, cause: str) -> Response:
        """The answer to a sender that may not send; nothing of the body is read."""
        words = f"{address}{f', token {token}' if token else ''} {cause}"
        detail: dict[str, object] = {"address": address, "token": token, "status": NOT_AUTHORIZED.code}
        self._node.committer.note(Event(datetime.now(UTC), "sender-refused", words, detail))
        log.warning("a Store request was refused: %s", words)
        return problem(NOT_AUTHORIZED.http, NOT_AUTHORIZED.meaning + " store here")


REFUSED_WITH: dict[type[Exception], int] = {
    BadMultipart: 400,
    BadMetadata: 400,
    BadBody: 400,
    BrokeOff: 400,
    TooSlow: 408,
    TooMuch: 413,
    UnsupportedMediaType: 415,
    NoRoom: 503,
}
"""What a request as a whole is refused with."""


class _Refused(Exception):
    """A request is refused as a whole."""

    def __init__(self, code: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.headers = headers


def _root(request: Request) -> str:
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}{ROOT}"
