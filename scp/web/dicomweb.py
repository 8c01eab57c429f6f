"""The DICOMweb services at `/dicom-web`: HTTP in front of `scp.stow`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

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
from scp.web.guard import Places, problem

log = logging.getLogger("dicomgate.http")

T = TypeVar("T")

ROOT = "/dicom-web"
CAPABILITIES = (Path(__file__).parent / "static" / "capabilities.xml").read_text(encoding="utf-8")

NO_STUDY = "the address names no Study Instance UID"

FED = 1 << 20
"""Bytes that are gathered before they are handed to the thread that writes."""

AT_ONCE = 64
"""Requests whose bodies are written, and files that are synced, at the same time."""


class TooSlow(Exception):
    """The client sends less than it has to."""


class StoreService:
    """Takes POST requests to the studies resource, and to one study below it (PS3.18 10.5)."""

    def __init__(self, settings: Settings, node: Node) -> None:
        self._settings = settings
        self._node = node
        self._bounds = Bounds(
            settings.dimse.max_instance_size, settings.http.max_instances, Storable.of(settings.dimse)
        )
        self._places = Places(settings.http.max_requests_per_client, settings.http.max_requests_per_minute)
        self._syncing = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stow-sync")
        self._writing = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stow-write")

    def routes(self) -> list[Route]:
        """Where the service is."""
        places = [ROOT, f"{ROOT}/", f"{ROOT}/studies", f"{ROOT}/studies/{{study}}"]
        return [
            *(Route(each, self.capabilities, methods=["OPTIONS"]) for each in places),
            Route(f"{ROOT}/studies", self.store, methods=["POST"]),
            Route(f"{ROOT}/studies/{{study}}", self.store, methods=["POST"]),
        ]

    async def capabilities(self, request: Request) -> Response:
        """What the service can do, as the Retrieve Capabilities transaction has it (PS3.18 8.9)."""
        if not valid_uid(request.path_params.get("study", "0")):
            return problem(400, NO_STUDY)
        allowed = "OPTIONS, POST" if request.url.path.startswith(f"{ROOT}/studies") else "OPTIONS"
        text = CAPABILITIES.replace('base=""', f'base="{self._root(request)}/"')
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
        try:
            return await self._store(request, client)
        finally:
            self._places.give(whose)

    async def _store(self, request: Request, client: Client) -> Response:
        media_type = chosen(request.headers.get("accept", ""))
        if media_type is None:
            return problem(406, f"answers are {JSON} or {XML}")
        study = request.path_params.get("study")
        if study is not None and not valid_uid(study):
            return problem(400, NO_STUDY)
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._settings.http.max_request_size:
            return problem(413, f"more than {self._settings.http.max_request_size} bytes")
        taken: StoreRequest | None = None
        try:
            content_type = request.headers.get("content-type", "")
            taken = StoreRequest(content_type, client, study, self._bounds, self._node, self._syncing)
            results = await self._take(taken, request)
        except (BadMultipart, BadMetadata) as error:
            return await self._refuse(client, taken, 400, str(error))
        except UnsupportedMediaType as error:
            return await self._refuse(client, taken, 415, str(error))
        except NoRoom as error:
            return await self._refuse(client, taken, 503, str(error))
        except TooMuch as error:
            return await self._refuse(client, taken, 413, str(error))
        except TooSlow as error:
            return await self._refuse(client, taken, 408, str(error))
        except ClientDisconnect:
            return await self._refuse(client, taken, 400, "the request broke off")
        except BaseException:
            await self._refuse(client, taken, 500, "a fault of the node's own")
            raise
        answer = respond(results, f"{self._root(request)}/studies", media_type)
        response = Response(answer.body, answer.code, media_type=answer.media_type)
        for each in answer.warnings:
            response.headers.append("warning", each)
        if answer.code == 503:
            response.headers["retry-after"] = "30"
        return response

    def _root(self, request: Request) -> str:
        return f"{request.scope['scheme']}://{request.headers.get('host', '')}{ROOT}"

    def _not_allowed(self, address: str, token: str | None, cause: str) -> Response:
        """The answer to a sender that may not send; nothing of the body is read."""
        words = f"{address}{f', token {token}' if token else ''} {cause}"
        detail: dict[str, object] = {"address": address, "token": token, "status": NOT_AUTHORIZED.code}
        self._node.committer.note(Event(datetime.now(UTC), "sender-refused", words, detail))
        log.warning("a Store request was refused: %s", words)
        return problem(NOT_AUTHORIZED.http, NOT_AUTHORIZED.meaning + " store here")

    async def _take(self, taken: StoreRequest, request: Request) -> list[Result]:
        """Hand the body to a thread while more of it comes, the last of it with the word to finish."""
        body = request.stream()
        http = self._settings.http
        writing: asyncio.Future[None] | None = None
        size = 0
        try:
            while True:
                gathered, whole = await _gathered(body, http.idle_timeout)
                size += len(gathered)
                if size > http.max_request_size:
                    raise TooMuch(f"more than {http.max_request_size} bytes")
                if writing is not None:
                    await writing
                    writing = None
                if whole:
                    return await self._in_thread(partial(self._finish, taken, gathered))
                writing = asyncio.ensure_future(self._in_thread(partial(taken.feed, gathered)))
        finally:
            if writing is not None:
                await writing

    def _finish(self, taken: StoreRequest, rest: bytes) -> list[Result]:
        taken.feed(rest)
        return taken.finish()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, work)

    async def _refuse(self, client: Client, taken: StoreRequest | None, code: int, words: str) -> Response:
        if taken is not None:
            await self._in_thread(taken.abandon)
        self._node.metrics.turned_away(code)
        values = {"address": client.address, "token": client.token, "code": code, "cause": words}
        log.warning("a Store request from %(address)s was refused with %(code)d: %(cause)s", values)
        return problem(code, words)


async def _gathered(body: AsyncIterator[bytes], patience: float) -> tuple[bytes, bool]:
    """The next FED bytes or so of a body, and whether it ends with them. Raises TooSlow, ClientDisconnect."""
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(patience):
            async for piece in body:
                pieces.append(piece)
                size += len(piece)
                if size >= FED:
                    return b"".join(pieces), False
    except TimeoutError:
        raise TooSlow(f"less than {FED} bytes in {patience:g} seconds") from None
    return b"".join(pieces), True
