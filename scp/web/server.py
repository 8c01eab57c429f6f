"""The HTTP door: a small server in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

import uvicorn

from scp.config import Settings
from scp.dimse import DimseDoor
from scp.receive import Node
from scp.tokens import Tokens
from scp.web.views import application

log = logging.getLogger("dicomgate.http")


class HttpDoor:
    """Listens for HTTP requests until it is closed.

    Raises OSError from the constructor where the address cannot be listened on.
    """

    def __init__(self, settings: Settings, node: Node, dimse: DimseDoor) -> None:
        family = socket.AF_INET6 if ":" in settings.http.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((settings.http.host, settings.http.port))
            self._socket.listen(128)
        except OSError:
            self._socket.close()
            raise
        self._tokens = Tokens(node.engine)
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(settings, node, dimse, self._tokens),
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_keep_alive=5,
                timeout_graceful_shutdown=1,
                limit_concurrency=256,
                server_header=False,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The TCP port listened on."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer what is being asked, then stop."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(3)
        self._tokens.close()
        self._socket.close()

    def _serve(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[self._socket]))
        except Exception:
            log.exception("the HTTP door has failed")
