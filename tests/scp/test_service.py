"""The program as a person starts and stops it, and what it says where it cannot."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import peers
import pytest
from databases import Postgres
from peers import Peer
from serving import PROGRAM, configure, serving, started

from scp import service
from scp.database import open_engine


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
    assert f"storescu -v -R -aec DICOMGATE 127.0.0.1 {node.port} FILE.dcm" in said


def test_it_ends_however_often_and_early_it_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as node:
        for _ in range(200):
            node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(10) == 0


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
    assert "<summary>1 error</summary>" in page
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


def test_an_edition_without_rules_is_named(tmp_path: Path) -> None:
    configure(tmp_path, more='rules.edition = "2019a"')
    assert "rules.edition: there are no rules for edition 2019a" in refusal(serve(tmp_path))


def test_a_database_that_is_gone_at_the_end_is_no_reason_to_fail(tmp_path: Path, stoppable_postgres: Postgres) -> None:
    with serving(tmp_path, stoppable_postgres.new_database()) as node:
        stoppable_postgres.stop()
        assert node.stop() == 0
        assert "Traceback" not in node.log


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    configure(tmp_path)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "incoming").write_text("a file, where a folder is wanted")
    assert f"the store {tmp_path}/store cannot be written" in refusal(serve(tmp_path))


def test_a_wrong_database_password_is_said_without_the_password(tmp_path: Path, postgres_server: Postgres) -> None:
    url = postgres_server.url().replace("s3cret-of-tests", "wr0ng-password")
    configure(tmp_path, url)
    said = refusal(serve(tmp_path))
    assert "password" in said
    assert "waits for" not in said, "it does not become right"
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
