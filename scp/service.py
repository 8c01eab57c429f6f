"""Builds the node, opens its doors, and closes them in order.

`run` is what `dicomgate serve` does: it returns when SIGTERM or SIGINT arrives.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

import rules
from rules.engine import RuleSet, load_rules
from scp import __version__
from scp.committer import Committer
from scp.config import Settings
from scp.database import DatabaseProblem, open_engine, read_url, shown
from scp.identity import open_identity
from scp.ids import LEASE_MS, LONG_LEASE_MS, Ids
from scp.journal import Journal
from scp.policy import compile_policy
from scp.receive import Node
from scp.records import Event
from scp.recovery import recover_at_start
from scp.schema import upgrade
from scp.spool import Spool
from scp.store import Store
from scp.tokens import list_tokens

log = logging.getLogger("dicomgate")

Door = TypeVar("Door")

DRAIN = 10.0
"""Seconds that open Associations have to end once the node is told to stop."""


STATEMENT_TIMEOUT = 10.0
"""Seconds a Postgres that no longer answers keeps senders waiting."""


MIGRATION_TIMEOUT = 3600.0
"""Seconds a statement of a migration may take."""


class CannotStart(Exception):
    """The node cannot start; the message says why, in a line or more."""


def refuse_foreign_rules() -> None:
    """Raise CannotStart where `rules` is another project's package of that name."""
    ours = Path(__file__).resolve().parent.parent / "rules"
    found = Path(rules.__file__ or "").resolve().parent
    if found != ours or getattr(rules, "OWNER", None) != "dicomgate":
        raise CannotStart(
            f"the package `rules` at {found} is not dicomgate's own, which should be at {ours}: "
            "another project of that name is installed; give dicomgate an environment of its own"
        )


@contextmanager
def node(settings: Settings) -> Iterator[Node]:
    """A node with its store and journal open, closed in order at the end.

    Raises CannotStart, StoreProblem, DatabaseProblem or IdentityProblem, each with a clear line.
    """
    store = Store.open(settings.store.path, settings.store.min_free, settings.store.durability == "syncfs")
    with store.claimed():
        yield from _opened(settings, store)


def _opened(settings: Settings, store: Store) -> Iterator[Node]:
    rules = _rules(settings)
    _upgrade(settings)
    engine = open_engine(settings.audit.url, settings.audit.connect_timeout, statement_timeout=STATEMENT_TIMEOUT)
    name = socket.gethostname()
    identity = open_identity(engine, settings.identity_key_path, settings.audit.patient_identity)
    ids = Ids(engine, lease_ms=LONG_LEASE_MS if settings.audit.spool else LEASE_MS)
    journal = Journal.open(engine, ids=ids, identity=identity, node_name=name)
    committer = Committer(journal, store, Spool(store, settings.audit.spool))
    made = Node(
        name=name,
        configuration=settings.digest,
        ids=ids,
        rules=rules,
        policy=compile_policy(settings),
        store=store,
        engine=engine,
        journal=journal,
        committer=committer,
    )
    swept = store.sweep()
    committer.start()
    detail = {
        "version": __version__,
        "pid": os.getpid(),
        "configuration": settings.digest,
        "rules": made.rules.version,
        "edition": made.rules.edition,
        "swept": swept,
    }
    committer.note(Event(datetime.now(UTC), "start", f"dicomgate {__version__} started on {name}", detail))
    try:
        yield made
    finally:
        committer.note(Event(datetime.now(UTC), "stop", f"dicomgate on {name} stopped", {"pid": os.getpid()}))
        committer.close()
        journal.close()
        with suppress(DatabaseProblem):  # a lease that cannot be given back runs out by itself
            ids.close()
        engine.dispose()


def _rules(settings: Settings) -> RuleSet:
    try:
        return load_rules(settings.rules.edition)
    except ValueError as error:
        raise CannotStart(f"rules.edition: {error}") from None


def _upgrade(settings: Settings) -> None:
    """Bring the schema up to date; a migration may take its time."""
    engine = open_engine(settings.audit.url, settings.audit.connect_timeout, statement_timeout=MIGRATION_TIMEOUT)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def run(settings: Settings, say: Callable[[str], None] = print) -> None:
    """Serve until SIGTERM or SIGINT. Raises CannotStart and the problems of `node`."""
    from scp.dimse import DimseDoor
    from scp.web.server import HttpDoor

    refuse_foreign_rules()
    wait = _wait_for_signals()
    with node(settings) as made:
        refuse_open_door(settings, made.engine)
        recover_at_start(made)
        dimse = _listen("dimse", settings.dimse.host, settings.dimse.port, lambda: DimseDoor(settings, made))
        try:
            http = _listen("http", settings.http.host, settings.http.port, lambda: HttpDoor(settings, made, dimse))
        except CannotStart:
            dimse.close(0)
            raise
        dimse.start()
        http.start()
        for line in greeting(settings, dimse.port, http.port):
            say(line)
        sys.stdout.flush()
        wait()
        log.info("stopping")
        http.close()
        dimse.close(DRAIN)


def refuse_open_door(settings: Settings, engine: sa.Engine) -> None:
    """Raise CannotStart where HTTP would serve other machines without asking anybody for a token."""
    http = settings.http
    if http.open_to_all or is_loopback(http.host) or list_tokens(engine):
        return
    raise CannotStart(
        f"http.host = {http.host!r} serves other machines, and nobody would be asked for a token: make one with "
        "`dicomgate token add NAME --scope store`, or set http.open_to_all = true to let everybody read and store"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there; a name other than localhost counts as elsewhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wait_for_signals() -> Callable[[], None]:
    """A wait that SIGTERM or SIGINT ends, also one that comes before; neither ends the process from now on.

    The system may give a signal to any thread, and then this one is not woken: so it waits for the byte that
    Python writes at once, whichever thread it was.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _number, _frame: None)

    def wait() -> None:
        os.read(reading, 1)

    return wait


def _listen(what: str, host: str, port: int, make: Callable[[], Door]) -> Door:
    try:
        return make()
    except OSError as error:
        hint = {
            "EADDRINUSE": "another program listens there (is dicomgate running already?)",
            "EACCES": "ports below 1024 need the right to bind them (CAP_NET_BIND_SERVICE)",
            "EADDRNOTAVAIL": "this machine has no such address",
        }
        import errno

        name = errno.errorcode.get(error.errno or 0, "")
        why = hint.get(name, error.strerror or str(error))
        raise CannotStart(f"cannot listen on {host}:{port}: {why}; set {what}.port or {what}.host") from error


def greeting(settings: Settings, dimse_port: int, http_port: int) -> list[str]:
    """What a person who started the node wants to read first."""
    dimse, http = settings.dimse, settings.http
    reach = "127.0.0.1" if dimse.host in ("0.0.0.0", "::", "") else dimse.host  # noqa: S104
    return [
        f"dicomgate {__version__}",
        f"  DIMSE  {dimse.host}:{dimse_port}  AE Title {dimse.ae_title}",
        f"  HTTP   http://{http.host}:{http_port}/",
        f"  store  {settings.store.path.absolute()}",
        f"  audit  {shown(read_url(settings.audit.url))}",
        "Try it:",
        f"  storescu -v -R -aec {dimse.ae_title} {reach} {dimse_port} FILE.dcm",
    ]
