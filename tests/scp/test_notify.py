"""What a service manager is told, and what it hands over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scp.notify import notify, watchdog_interval


@pytest.mark.parametrize("abstract", [False, True])
def test_a_manager_hears_what_it_is_told(tmp_path: Path, abstract: bool) -> None:
    address = f"@dicomgate-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + address[1:] if abstract else address)
        assert notify("READY=1", "STATUS=listening", env={"NOTIFY_SOCKET": address})
        assert manager.recv(100) == b"READY=1\nSTATUS=listening"


def test_nobody_is_no_trouble(tmp_path: Path) -> None:
    assert not notify("READY=1", env={})
    assert not notify("READY=1", env={"NOTIFY_SOCKET": str(tmp_path / "gone")})


def test_news_waits_a_moment_for_a_manager_that_is_behind(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        while notify("STATUS=busy", env={"NOTIFY_SOCKET": address}):
            pass
        reader = threading.Timer(0.2, manager.recv, (100,))
        reader.start()
        assert notify("READY=1", patience=20, env={"NOTIFY_SOCKET": address})
        reader.join()


def test_the_watchdog_is_fed_at_half_its_time() -> None:
    assert watchdog_interval({"WATCHDOG_USEC": "60000000"}) == 30.0
    assert watchdog_interval({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}) == 30.0
    assert watchdog_interval({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_interval({}) is None


HANDED = """
import os
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="dimse:http")
from scp.notify import handed_over
for name, (each,) in handed_over().items():
    print(name, each.getsockname()[1], os.get_inheritable(each.fileno()))
"""


def test_listening_sockets_are_taken_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as dimse, socket.create_server(("127.0.0.1", 0)) as http:

        def hand_over() -> None:
            # Both are kept out of the way first: either may stand where the other goes.
            high = [os.dup2(each.fileno(), 100 + index) for index, each in enumerate((dimse, http))]
            for index, fd in enumerate(high):
                os.dup2(fd, 3 + index)

        done = subprocess.run(
            [sys.executable, "-c", HANDED],
            preexec_fn=hand_over,
            pass_fds=(3, 4),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        ports = [each.getsockname()[1] for each in (dimse, http)]
    assert done.stdout.split("\n")[:2] == [f"dimse {ports[0]} False", f"http {ports[1]} False"]
