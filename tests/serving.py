"""A node for tests: the real program in a process of its own, on free loopback ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import sqlalchemy as sa

from scp.database import open_engine

PROGRAM = Path(sys.executable).parent / "dicomgate"
START = 60.0
"""Seconds a node may take to listen on a busy machine."""


@dataclass
class Served:
    """A running node: where it listens, and where its things are."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    http_port: int
    url: str

    @property
    def store(self) -> Path:
        return Path(configuration(self.folder)["store"]["path"])

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A dicomgate command with this node's configuration."""
        return subprocess.run(
            [PROGRAM, *words, "--config", self.folder / "dicomgate.toml"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=env,
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the audit database."""
        engine = open_engine(self.url, read_only=True)
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(sa.text(sql))]
        engine.dispose()
        return rows

    def eventually(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the audit database, once there are any: what no answer waits for is written soon after."""
        deadline = time.monotonic() + START
        while not (rows := self.ask(sql)):
            assert time.monotonic() < deadline, f"no rows: {sql}"
        return rows

    @property
    def held(self) -> int:
        """Files of the store, whatever they are."""
        return sum(1 for each in self.store.rglob("*") if each.suffix in {".dcm", ".part"})

    def until_held(self, wanted: int) -> None:
        """Wait until there are so many: what is cut off is removed soon after."""
        deadline = time.monotonic() + START
        while self.held != wanted:
            assert time.monotonic() < deadline, f"{self.held} files, wanted {wanted}"

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP GET."""
        try:
            with urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except URLError as error:
            code = getattr(error, "code", None)
            if code is None:
                raise
            return int(code), error.read().decode()  # type: ignore[attr-defined]

    def children(self, role: str = "") -> dict[int, str]:
        """The node's processes that live, by pid: "worker-1", "worker-2", "http-1" and so on."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            with suppress(OSError):  # it has just ended
                if "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
                    found[int(pid)] = Path(f"/proc/{pid}/comm").read_text().strip()
        return {pid: name for pid, name in found.items() if name.startswith(role)}

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self) -> None:
        """SIGKILL to every process of the node: as when power goes, but for what the kernel still holds."""
        kill_session(self.process)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports() -> tuple[int, int]:
    """Two of them, held at the same time, so that they are not the same."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def configure(folder: Path, url: str | None = None, more: str = "", store: Path | None = None) -> tuple[int, int]:
    """Write a configuration; the ports it names. `more` is TOML that follows: `[section]` lines and all."""
    port, http_port = free_ports()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dicomgate.toml").write_text(
        f"""
dimse.port = {port}
http.port = {http_port}
store.path = "{store or folder / "store"}"
store.min_free = 0
audit.url = "{url or f"sqlite:///{folder}/audit.db"}"
{more}
"""
    )
    return port, http_port


def configuration(folder: Path) -> dict[str, Any]:
    """What was written for a folder that is configured already."""
    return tomllib.loads((folder / "dicomgate.toml").read_text())


@contextmanager
def serving(
    folder: Path,
    url: str | None = None,
    more: str = "",
    env: Mapping[str, str] | None = None,
    waits_for_dimse: int | None = None,
) -> Iterator[Served]:
    """A node that listens, at `waits_for_dimse` if not at its plain port; ended, however the test ends."""
    port, http_port = configure(folder, url, more)
    url = url or f"sqlite:///{folder}/audit.db"
    with started(folder, port, http_port, url, env, waits_for_dimse) as served:
        yield served


@contextmanager
def started(
    folder: Path,
    port: int,
    http_port: int,
    url: str,
    env: Mapping[str, str] | None = None,
    waits_for_dimse: int | None = None,
) -> Iterator[Served]:
    """The node of a folder that is configured already, with these variables beside the usual ones."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--config", folder / "dicomgate.toml"],
            stdout=log,
            stderr=log,
            env={key: value for key, value in os.environ.items() if not key.startswith("DICOMGATE_")} | dict(env or {}),
            start_new_session=True,
        )
    served = Served(process, folder, port, http_port, url)
    try:
        wait_for(waits_for_dimse or port, process, served)
        wait_for(http_port, process, served)
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
        kill_session(process)


_HANDING_OVER = """
import os, sys
names, program, config = sys.argv[1:4]
fds = [int(each) for each in sys.argv[4:]]
high = [os.dup2(each, 100 + index) for index, each in enumerate(fds)]  # either may stand where the other goes
for index, each in enumerate(high):
    os.dup2(each, 3 + index)
    os.close(each)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=names)
os.execv(program, [program, "serve", "--config", config])
"""
"""What a service manager does before it starts a program."""


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(str(path))

    def hears(self, begin: str) -> str:
        """Wait for a line that begins so."""
        deadline = time.monotonic() + START
        self.told.settimeout(START)
        while time.monotonic() < deadline:
            for line in self.told.recv(4096).decode().splitlines():
                if line.startswith(begin):
                    return line
        raise AssertionError(begin)

    def silent(self, line: str, seconds: float) -> bool:
        """Whether the line does not come for so long, what was said before left aside."""
        self.told.settimeout(seconds)
        deadline = time.monotonic() + START
        heard = time.monotonic()
        while time.monotonic() < deadline:
            try:
                if line in self.told.recv(4096).decode().splitlines():
                    heard = time.monotonic()
            except TimeoutError:
                return True
            if time.monotonic() - heard > seconds:
                return True
        return False

    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *_: object) -> None:
        self.told.close()


@contextmanager
def doors() -> Iterator[dict[str, socket.socket]]:
    """Listening sockets as a service manager holds them while nodes come and go."""
    with socket.create_server(("127.0.0.1", 0)) as dimse, socket.create_server(("127.0.0.1", 0)) as http:
        yield {"dimse": dimse, "http": http}


@contextmanager
def activated(
    folder: Path, doors: Mapping[str, socket.socket], env: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """The node of a folder that is configured already, handed these sockets; who connects to them waits for it."""
    fds = [each.fileno() for each in doors.values()]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _HANDING_OVER, ":".join(doors), PROGRAM, folder / "dicomgate.toml", *map(str, fds)],
            stdout=log,
            stderr=log,
            pass_fds=fds,
            env={key: value for key, value in os.environ.items() if not key.startswith("DICOMGATE_")} | dict(env or {}),
            start_new_session=True,
        )
    port, http_port = (doors[name].getsockname()[1] for name in ("dimse", "http"))
    try:
        yield Served(process, folder, port, http_port, f"sqlite:///{folder}/audit.db")
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
        kill_session(process)


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to a process that leads a session, and to all that it has started there; gone when this returns."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
    deadline = time.monotonic() + START
    while _members(process.pid):
        assert time.monotonic() < deadline, "killed processes are still there"
        time.sleep(0.01)


def _members(group: int) -> list[int]:
    """The processes of a group that still run, or hold what they had open."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, _, member_of = each.read_text().rpartition(")")[2].split()[:3]
            if int(member_of) == group and state != "Z":
                found.append(int(each.parent.name))
    return found


def wait_for(port: int, process: subprocess.Popen[bytes], served: Served) -> None:
    """Until something listens on the port."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the node ended with {process.returncode}: {served.log}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}: {served.log}")
