"""Builds the node, opens its doors, and closes them in order.

`run` is what `dicomgate serve` does: it returns when SIGTERM or SIGINT arrives.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

import rules
from rules.engine import RuleSet, load_rules
from scp import __version__
from scp.committer import Committer
from scp.config import Settings
from scp.database import DatabaseGone, DatabaseProblem, open_engine, read_url, shown
from scp.devices import Known
from scp.identity import open_identity
from scp.ids import LEASE_MS, LONG_LEASE_MS, Ids
from scp.journal import Journal
from scp.metrics import Metrics
from scp.policy import compile_policy
from scp.receive import Node
from scp.records import Event
from scp.recovery import recover_at_start
from scp.schema import upgrade
from scp.settings import Http
from scp.spool import Spool
from scp.store import Store
from scp.tokens import list_tokens

log = logging.getLogger("dicomgate")

CLAIM = 5.0
"""Seconds that a start waits for the children of a node that was killed: they end once they find it gone."""

STATEMENT_TIMEOUT = 10.0
"""Seconds a Postgres that no longer answers keeps senders waiting."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between looks whether the database has come: doubled from the first to the longest."""

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
    """A node that is one process and has no door: its store claimed, its journal open, closed in order at the end.

    Raises CannotStart, StoreProblem, DatabaseProblem or IdentityProblem, each with a clear line.
    """
    store = open_store(settings)
    with store.claimed():
        _upgrade(settings)
        with opened(settings) as made:
            made.committer.note(start_event(settings, made.rules, store.sweep()))
            try:
                yield made
            finally:
                made.committer.note(stop_event())


def open_store(settings: Settings) -> Store:
    """The store, its folders made and proven to be writable. Raises StoreProblem."""
    return Store.open(settings.store.path, settings.store.min_free, settings.store.durability == "syncfs")


@contextmanager
def opened(
    settings: Settings, metrics: Metrics | None = None, leased: Callable[[int], None] = lambda _number: None
) -> Iterator[Node]:
    """This process's part of a node whose store is claimed and whose schema is up to date; after any fork.

    `leased` is told the process numbers that ids are drawn under.
    """
    store = Store(settings.store.path.absolute(), settings.store.min_free, settings.store.durability == "syncfs")
    rules = read_rules(settings)
    engine = open_engine(settings.audit.url, settings.audit.connect_timeout, statement_timeout=STATEMENT_TIMEOUT)
    name = socket.gethostname()
    identity = open_identity(engine, settings.identity_key_path, settings.audit.patient_identity)
    ids = Ids(engine, lease_ms=LONG_LEASE_MS if settings.audit.spool else LEASE_MS, leased=leased)
    journal = Journal.open(engine, ids=ids, identity=identity, node_name=name)
    metrics = metrics or Metrics()
    committer = Committer(journal, store, Spool(store, settings.audit.spool), metrics)
    made = Node(
        name=name,
        configuration=settings.digest,
        ids=ids,
        rules=rules,
        policy=compile_policy(settings),
        known=Known.of(settings),
        store=store,
        engine=engine,
        journal=journal,
        committer=committer,
        metrics=metrics,
    )
    committer.start()
    try:
        yield made
    finally:
        committer.close()
        journal.close()
        with suppress(DatabaseProblem):  # a lease that cannot be given back runs out by itself
            ids.close()
        engine.dispose()


def start_event(settings: Settings, rules: RuleSet, swept: int) -> Event:
    """That the node has started, and with what."""
    detail: dict[str, object] = {
        "version": __version__,
        "pid": os.getpid(),
        "configuration": settings.digest,
        "rules": rules.version,
        "edition": rules.edition,
        "swept": swept,
    }
    words = f"dicomgate {__version__} started on {socket.gethostname()}"
    return Event(datetime.now(UTC), "start", words, detail)


def stop_event() -> Event:
    """That the node has stopped."""
    return Event(datetime.now(UTC), "stop", f"dicomgate on {socket.gethostname()} stopped", {"pid": os.getpid()})


def prepare(settings: Settings, metrics: Metrics, node_pid: int, doing: Callable[[str], None]) -> None:
    """Bring schema, identity key and store in order before anything is served, after a crash too.

    `doing` is told what it is at. Raises the problems of `node`.
    """
    _upgrade_once_there(settings, doing)
    doing("puts right what the last run left")
    with opened(settings, metrics) as made:
        event = start_event(settings, made.rules, made.store.sweep())
        made.committer.note(replace(event, detail={**event.detail, "pid": node_pid}))
        recover_at_start(made)


def read_rules(settings: Settings) -> RuleSet:
    """The rules that the settings name; read once a process, and inherited by its children. Raises CannotStart."""
    try:
        return load_rules(settings.rules.edition)
    except ValueError as error:
        raise CannotStart(f"rules.edition: {error}") from None


def _upgrade_once_there(settings: Settings, doing: Callable[[str], None]) -> None:
    """Upgrade the database, waiting for a server that is not there yet. Raises DatabaseProblem."""
    began = time.monotonic()
    pause, said = FIRST_PAUSE, ""
    while True:
        doing("brings the database up to date")
        try:
            return _upgrade(settings)
        except DatabaseGone as gone:
            waited = time.monotonic() - began
            if not gone.may_come or settings.audit.start_timeout == 0:
                raise
            if waited >= settings.audit.start_timeout:
                raise DatabaseProblem(f"{gone} (waited {waited:.0f} s for it: audit.start_timeout)") from None
            if str(gone) != said:
                said = str(gone)
                log.warning("waits for the database, up to %g s: %s", settings.audit.start_timeout, said)
            doing(f"waits for the database: {gone}")
            time.sleep(min(pause, settings.audit.start_timeout - waited))
            pause = min(pause * 2, LONGEST_PAUSE)


def _upgrade(settings: Settings) -> None:
    """Bring the schema up to date; a migration may take its time."""
    engine = open_engine(settings.audit.url, settings.audit.connect_timeout, statement_timeout=MIGRATION_TIMEOUT)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def run(settings: Settings, reread: Callable[[], Settings], say: Callable[[str], None] = print) -> None:
    """Serve until SIGTERM or SIGINT; on SIGHUP with the settings that `reread` gives.

    Raises CannotStart and the problems of `node`.
    """
    from scp.acceptor import Acceptor

    refuse_foreign_rules()
    with open_store(settings).claimed(wait=CLAIM, pid=os.getpid()):
        Acceptor(settings, reread, say).run()


def refuse_open_door(http: Http, host: str, engine: sa.Engine) -> None:
    """Raise CannotStart where HTTP would serve other machines, by this address, without asking anybody for a token."""
    if http.open_to_all or is_loopback(host) or list_tokens(engine):
        return
    raise CannotStart(
        f"HTTP at {host} serves other machines, and nobody would be asked for a token: set http.host, make a token "
        "with `dicomgate token add NAME --scope store`, or set http.open_to_all = true to let everybody read and store"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there; a name other than localhost counts as elsewhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def greeting(settings: Settings, ports: Mapping[str, int]) -> list[str]:
    """What a person who started the node wants to read first; `ports` by door, of those that are open."""
    dimse, tls, http = settings.dimse, settings.tls, settings.http
    doors, storescu = [], ""
    if "tls" in ports:
        doors.append(f"  DIMSE  {tls.host}:{ports['tls']}  AE Title {dimse.ae_title}, by TLS")
        trust = "+tla -ic" if tls.client_certificates != "required" else "+tls KEY.pem CERTIFICATE.pem -ic"
        storescu = f"  storescu -v -R {trust} -aec {dimse.ae_title} {_reach(tls.host)} {ports['tls']} FILE.dcm"
    if "dimse" in ports:
        doors.insert(0, f"  DIMSE  {dimse.host}:{ports['dimse']}  AE Title {dimse.ae_title}")
        storescu = f"  storescu -v -R -aec {dimse.ae_title} {_reach(dimse.host)} {ports['dimse']} FILE.dcm"
    return [
        f"dicomgate {__version__}",
        *doors,
        f"  HTTP   http://{http.host}:{ports['http']}/",
        f"  store  {settings.store.path.absolute()}",
        f"  audit  {shown(read_url(settings.audit.url))}",
        "Try it:",
        storescu,
    ]


def _reach(host: str) -> str:
    """Where this machine reaches what listens there."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
