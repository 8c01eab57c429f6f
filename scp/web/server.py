"""The HTTP door: a small server in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable

import uvicorn
import uvloop

from scp.channel import Standing
from scp.config import Settings
from scp.receive import Node
from scp.silence import SilenceAlarm
from scp.tokens import Tokens
from scp.web.body import Protocol
from scp.web.dicomweb import MOST_CONNECTIONS
from scp.web.scrape import Scrape
from scp.web.views import application

log = logging.getLogger("dicomgate.http")


class HttpDoor:
    """Answers HTTP requests on bound sockets, which other processes may share, until it is told to drain.

    `standing` asks how the node as a whole is; a door that watches tells of devices that are silent.
    """

    def __init__(
        self,
        settings: Settings,
        node: Node,
        listeners: list[socket.socket],
        standing: Callable[[], Standing | None],
        *,
        watches: bool,
    ) -> None:
        self._listeners = listeners
        self._tokens = Tokens(node.engine)
        self._alarm = SilenceAlarm(settings.device, node, records=watches)
        scrape = Scrape(settings, node, lambda: self._alarm.heard)
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(settings, node, standing, self._tokens, scrape),
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_keep_alive=5,
                limit_concurrency=MOST_CONNECTIONS,
                http=Protocol,
                ws="none",
                server_header=False,
                proxy_headers=bool(settings.http.trusted_proxies),
                forwarded_allow_ips=list(settings.http.trusted_proxies),
            )
        )
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._alarm.start()
        self._thread.start()

    def take(self, connection: socket.socket, address: str, port: int, *, is_tls: bool = False) -> None:
        """Nobody hands connections to this door: it accepts them itself."""
        connection.close()

    @property
    def is_sound(self) -> bool:
        """Whether requests are being answered."""
        return self._thread.is_alive()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is being answered any more."""
        return not self._thread.is_alive()

    def drain(self, hurry: bool) -> None:
        """Accept no more; requests that are under way go on, and connections that wait for the next are closed."""
        self._server.should_exit = True
        self._alarm.stop()

    def abort(self) -> None:
        """Cut off what is still under way."""
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(2)
        self._tokens.close()

    def _serve(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._server.serve(sockets=self._listeners))
        except Exception:
            log.exception("the HTTP door has failed")
