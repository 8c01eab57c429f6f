"""What the HTTP door answers: health for machines, one page for people."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scp import __version__
from scp.channel import Standing
from scp.config import Settings
from scp.database import DatabaseProblem, reading, shown, takes_writes
from scp.queries import Filter, findings_of, receipts, stats
from scp.receive import Node
from scp.reports.wording import counted
from scp.schema import HEAD, current
from scp.templates import templates_in
from scp.tokens import Scope as TokenScope
from scp.tokens import Tokens
from scp.web.dicomweb import StoreService
from scp.web.guard import Guard
from scp.web.scrape import Scrape

log = logging.getLogger("dicomgate.http")

HERE = Path(__file__).parent
SHOWN = 50
"""Arrivals on the page."""

DAY = timedelta(hours=24)


AskStanding = Callable[[], Standing | None]
"""Asks how the node as a whole is; None where its acceptor does not answer in time."""


def application(settings: Settings, node: Node, standing: AskStanding, tokens: Tokens, scrape: Scrape) -> ASGIApp:
    """The web application of one node."""
    pages = templates_in(HERE / "templates")
    pages.filters["bytes"] = readable_bytes
    pages.filters["summed"] = summed

    async def healthz(_: Request) -> Response:
        """200 while this process is able to answer, its committer lives, and the acceptor answers."""
        if not node.committer.is_alive:
            return PlainTextResponse("a thread has died\n", 503)
        if await run_in_threadpool(standing) is None:
            return PlainTextResponse("the acceptor does not answer\n", 503)
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        """200 where an instance that arrived now could be kept; else 503 and what is wrong."""
        found = await run_in_threadpool(lambda: readiness(settings, node, standing()))
        return JSONResponse(found, 200 if all(each["ok"] for each in found.values()) else 503)

    async def metrics(request: Request) -> Response:
        """Counts and states, for Prometheus."""
        accept = request.headers.get("accept", "")
        text, media_type = await run_in_threadpool(lambda: scrape.answer(standing(), accept))
        return Response(text, headers={"content-type": media_type})

    async def page(_: Request) -> Response:
        """The last arrivals and how the node is."""
        told = await run_in_threadpool(lambda: overview(settings, node, standing()))
        return HTMLResponse(pages.get_template("status.html").render(told))

    async def openapi(_: Request) -> Response:
        """The description of what is served here, for machines."""
        return FileResponse(HERE / "static" / "openapi.yaml", media_type="application/yaml")

    store = StoreService(settings, node)
    others = Starlette(
        routes=[
            Route("/", page),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/openapi.yaml", openapi),
            *store.routes(),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
    )

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        await (store if store.is_asked(scope) else others)(scope, receive, send)

    return _Headers(Guard(served, node, tokens, scope_needed))


def scope_needed(method: str, path: str) -> TokenScope:
    """What a token has to be for: storing is one thing, looking another."""
    return TokenScope.READ if method in ("GET", "HEAD", "OPTIONS") else TokenScope.STORE


def readiness(settings: Settings, node: Node, standing: Standing | None) -> dict[str, dict[str, Any]]:
    """What an arriving instance needs, each with whether it is there and a few words."""
    free = node.store.free
    answers = takes_writes(node.engine)
    away = "; away, and receipts wait in the spool" if settings.audit.spool and not answers else ""
    writable = node.store.is_writable
    return {
        "database": {"ok": answers or settings.audit.spool, "is": shown(node.engine.url) + away},
        "schema": _schema(node, answers),
        "store": {"ok": writable, "is": str(node.store.root)},
        "space": {"ok": free >= node.store.min_free, "is": f"{readable_bytes(free)} free"},
        "acceptor": {"ok": standing is not None, "is": "answers" if standing else "does not answer"},
        "dimse": {"ok": bool(standing and standing.workers), "is": _doors(standing)},
    }


def _schema(node: Node, answers: bool) -> dict[str, Any]:
    """Whether the database stands at the program's own migration; one that is away did so when the node started."""
    if not answers:
        return {"ok": True, "is": f"{HEAD}, when it was last seen"}
    try:
        found = current(node.engine)
    except DatabaseProblem as error:
        return {"ok": False, "is": str(error)}
    return {"ok": found == HEAD, "is": f"{found or 'none'}, this program's is {HEAD}"}


def _doors(standing: Standing | None) -> str:
    if standing is None:
        return "the acceptor does not answer"
    return f"port {standing.port}, {standing.workers} of {standing.wanted} workers"


def overview(settings: Settings, node: Node, standing: Standing | None) -> dict[str, Any]:
    """What the page shows. Where the database cannot be asked, it says so and shows the rest."""
    now = datetime.now(UTC)
    told: dict[str, Any] = {
        "version": __version__,
        "node": node,
        "now": now,
        "settings": settings,
        "port": standing.port if standing else (settings.dimse if settings.dimse.plain else settings.tls).port,
        "standing": standing,
        "ready": readiness(settings, node, standing),
        "verdicts": {},
        "receipts": [],
        "trouble": None,
    }
    try:
        with reading(node.engine) as connection:
            sums = stats(connection, "verdict", Filter(since=now - DAY))
            rows = list(receipts(connection, limit=SHOWN))
            findings = findings_of(connection, [each["id"] for each in rows])
    except DatabaseProblem as error:
        return {**told, "trouble": str(error)}
    told["verdicts"] = {each["verdict"]: each["instances"] for each in sums}
    told["receipts"] = [{**each, "findings": findings.get(each["id"], [])} for each in rows]
    return told


def summed(receipt: Mapping[str, Any]) -> str:
    """How many findings a receipt has of each severity that it has any of: "2 errors, 1 note"."""
    severities = {noun: receipt[f"{noun}s"] for noun in ("error", "warning", "note")}
    return ", ".join(counted(number, noun) for noun, number in severities.items() if number)


def readable_bytes(number: float) -> str:
    """1536 as "1.5 KiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


class _Headers:
    """Adds to every answer what keeps the page to itself: nothing is loaded from elsewhere, nothing is cached."""

    policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, self._sender(send))

    def _sender(self, send: Send) -> Callable[[Message], Any]:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", self.policy.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"cache-control", b"no-store"),
                ]
            await send(message)

        return sending
