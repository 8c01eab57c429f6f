"""The program as a person starts and stops it, and what it says where it cannot."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import peers
import pytest
from databases import Postgres
from peers import Peer
from serving import PROGRAM, configure, serving, started

from scp import service
from scp.cli import main
from scp.commands import serve as serve_command
from scp.database import open_engine
from scp.web import server


def serve(folder: Path, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """`dicomgate serve` that is expected to end by itself."""
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [PROGRAM, "serve", "--config", folder / "dicomgate.toml"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **kwargs,
    )


def refusal(run: subprocess.CompletedProcess[str]) -> str:
    """What was said by a node that would not start: every line its own, none a traceback's."""
    assert run.returncode == 2, run.stdout + run.stderr
    lines = run.stderr.splitlines()
    assert lines
    assert all(line.startswith("dicomgate: ") for line in lines), run.stderr
    return run.stderr


def test_it_says_where_it_listens_and_what_to_try_and_ends_when_told(tmp_path: Path) -> None:
    with serving(tmp_path) as node:
        assert node.stop() == 0
        said = node.log
    assert f"127.0.0.1:{node.port}" in said
    assert f"http://127.0.0.1:{node.http_port}/" in said
    assert f"storescu -v -aec DICOMGATE 127.0.0.1 {node.port} FILE.dcm" in said


def test_an_open_association_may_end_before_the_node_does(tmp_path: Path) -> None:
    with serving(tmp_path) as node, Peer(node.port) as peer:
        peer.associate()
        node.process.terminate()
        assert peer.release()[0] == peers.RELEASED
        assert node.process.wait(20) == 0


def test_health_and_readiness(tmp_path: Path) -> None:
    with serving(tmp_path) as node:
        assert node.get("/healthz") == (200, "ok\n")
        code, body = node.get("/readyz")
        assert (code, '"database"' in body) == (200, True)


def test_the_page_shows_an_arrival_and_its_findings_escaped(tmp_path: Path) -> None:
    import builders

    with serving(tmp_path) as node, Peer(node.port) as peer:
        assert "Nothing has arrived yet" in node.get("/")[1]
        peer.associate(calling="<b>CT")
        attributes = builders.ct(Manufacturer="<script>alert(1)</script>", ImageType=["MIXED", "PRIMARY", "AXIAL"])
        peer.store(peers.CT, "1.2.3.4", builders.data_set(attributes, peers.IMPLICIT))
        page = node.get("/")[1]
    assert "&lt;b&gt;CT" in page
    assert "image-type-value-1" in page
    assert "<script>" not in page


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    port, _ = configure(tmp_path)
    with socket.create_server(("127.0.0.1", port)):
        said = refusal(serve(tmp_path))
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "dimse.port" in said


def test_an_unknown_key_is_named_with_its_line(tmp_path: Path) -> None:
    configure(tmp_path, more="dimse.prot = 104")
    assert "dicomgate.toml:" in refusal(serve(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_a_store_that_cannot_be_written_is_named() -> None:
    with tempfile.TemporaryDirectory(prefix="dicomgate-") as outer:
        folder = Path(outer)
        folder.chmod(0o755)
        configure(folder)
        code = _as_nobody(lambda: main(["serve", "--config", str(folder / "dicomgate.toml")]), folder / "said")
        assert code == 2
        assert (folder / "said").read_text().startswith(f"dicomgate: the store {folder}/store cannot be written")


LOADED = (serve_command, server)
"""What the call imports: another user may not be able to read it then."""


def _as_nobody(call: Callable[[], None], said: Path) -> int:
    """The exit code of a call made by another user in a process of its own, its standard error in `said`."""
    with said.open("wb") as file:
        child = os.fork()
        if child == 0:
            sys.stderr = os.fdopen(os.dup(file.fileno()), "w")
            os.setuid(65534)
            try:
                call()
            except SystemExit as end:
                sys.stderr.flush()
                os._exit(end.code if isinstance(end.code, int) else 1)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_a_wrong_database_password_is_said_without_the_password(tmp_path: Path, postgres_server: Postgres) -> None:
    url = postgres_server.url().replace("s3cret-of-tests", "wr0ng-password")
    configure(tmp_path, url)
    said = refusal(serve(tmp_path))
    assert "password" in said
    assert "wr0ng-password" not in said


def test_a_database_of_a_later_release_is_refused(tmp_path: Path, database_url: str) -> None:
    port, http_port = configure(tmp_path, database_url)
    with started(tmp_path, port, http_port, database_url):
        pass
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    engine.dispose()
    assert "newer" in refusal(serve(tmp_path))


def test_another_projects_rules_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service.refuse_foreign_rules()
    monkeypatch.setattr(service.rules, "__file__", str(tmp_path / "rules" / "__init__.py"))
    with pytest.raises(service.CannotStart, match="not dicomgate's own"):
        service.refuse_foreign_rules()
