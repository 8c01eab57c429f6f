"""Who is let in at the HTTP door: tokens, their scopes, and how much one client may ask at once."""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from scp.receive import Node
from scp.records import Event
from scp.seldom import Seldom
from scp.tokens import Scope, Token, Tokens

log = logging.getLogger("dicomgate.http")

OPEN = frozenset({"/healthz", "/readyz"})
"""Answered to anybody: they say nothing of patients or senders."""

MOST_ADDRESSES = 10_000


class Guard:
    """Lets through what may pass, and tells the rest why not. `scope["state"]["token"]` is the token that was shown."""

    def __init__(self, app: ASGIApp, node: Node, tokens: Tokens, needed: Callable[[str, str], Scope]) -> None:
        self._app = app
        self._node = node
        self._tokens = tokens
        self._needed = needed
        self._refused_lately = Seldom()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        token = self._shown(request.headers)
        refused = self._refusal(request, token)
        if refused is not None:
            self._node.metrics.turned_away(refused.status_code)
            await refused(scope, receive, send)
            return
        scope.setdefault("state", {})["token"] = token
        await self._app(scope, receive, send)

    def _shown(self, headers: Mapping[str, str]) -> Token | None:
        """The token of the Authorization header: as Bearer, or as the password of Basic, which browsers ask for."""
        kind, _, rest = headers.get("authorization", "").partition(" ")
        rest = rest.strip()
        if kind.lower() == "basic":
            try:
                rest = base64.b64decode(rest, validate=True).decode("ascii").partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return None
        elif kind.lower() != "bearer":
            return None
        return self._tokens.found(rest)

    def _refusal(self, request: Request, token: Token | None) -> Response | None:
        if token is None and not self._tokens.required:
            return None
        if token is None:
            given = "authorization" in request.headers
            return self._unauthorized(request, "no such token" if given else "no token was shown", given)
        standing = token.standing(datetime.now(UTC))
        if standing != "active":
            return self._unauthorized(request, f"the token {token.name} is {standing}", True)
        scope = self._needed(request.method, request.url.path)
        if token.allows(scope):
            return None
        words = f"the token {token.name} is not for {scope}"
        self._record(request, words)
        challenge = f'Bearer realm="dicomgate", error="insufficient_scope", scope="{scope}"'
        return problem(403, words, {"www-authenticate": challenge})

    def _unauthorized(self, request: Request, words: str, given: bool) -> Response:
        self._record(request, words)
        error = f', error="invalid_token", error_description="{words}"' if given else ""
        answer = problem(401, words, {"www-authenticate": f'Bearer realm="dicomgate"{error}'})
        answer.headers.append("www-authenticate", 'Basic realm="dicomgate"')
        return answer

    def _record(self, request: Request, words: str) -> None:
        """Record and log it, once a minute an address."""
        address = request.client.host if request.client else ""
        if not self._refused_lately.is_due(address):
            return
        detail: dict[str, object] = {"address": address, "path": request.url.path[:200]}
        self._node.committer.note(Event(datetime.now(UTC), "http-refused", f"{address}: {words}", detail))
        log.warning("a request from %(address)s was refused: %(cause)s", {"address": address, "cause": words})


class Places:
    """How many requests each client has under way and has begun of late; thread-safe. 0 is no limit."""

    def __init__(self, at_once: int, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._a_minute = a_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._begun: dict[str, tuple[float, float]] = {}
        """What is left of each client's minute, and when that was reckoned: it fills up again all the time."""

    def take(self, client: str) -> str | None:
        """Why there is no place; with None it is held until `give`."""
        with self._lock:
            if self._at_once and self._held[client] >= self._at_once:
                return f"{self._at_once} requests of this client are under way"
            if self._a_minute and not self._may_begin(client):
                return f"this client has begun {self._a_minute} requests within a minute"
            self._held[client] += 1
            return None

    def give(self, client: str) -> None:
        """Give a place back."""
        with self._lock:
            self._held[client] -= 1
            if self._held[client] <= 0:
                del self._held[client]

    def _may_begin(self, client: str) -> bool:
        now = self._clock()
        left, at = self._begun.get(client, (float(self._a_minute), now))
        left = min(self._a_minute, left + (now - at) * self._a_minute / 60)
        if len(self._begun) >= MOST_ADDRESSES:
            self._begun.clear()
        self._begun[client] = (left - 1 if left >= 1 else left, now)
        return left >= 1


def problem(code: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that says why a request as a whole was not taken (RFC 9457)."""
    return JSONResponse(
        {"status": code, "detail": words}, code, dict(headers or {}), media_type="application/problem+json"
    )
