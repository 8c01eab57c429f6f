"""Who may use the HTTP door: tokens made, shown, wrong, expired and revoked; and a door that nobody guards."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from builders import ct
from posting import Answered, file, multipart, post
from serving import PROGRAM, Served, configure, serving, started

from scp import tables
from scp.database import writing
from scp.tokens import Scope, TokenProblem, Tokens, add_token, list_tokens, revoke_token
from scp.web.guard import Places

PATIENCE = 20.0
_numbers = iter(range(1, 1_000_000))


def store(node: Served, authorization: str | None = None) -> Answered:
    headers = {"Authorization": authorization} if authorization else {}
    return post(node.http_port, multipart([file(ct(SOPInstanceUID=f"1.2.10.{next(_numbers)}"))]), **headers)


def made(node: Served, name: str, *more: str) -> str:
    done = node.run("token", "add", name, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A node with a token to store with, and that token."""
    folder = tmp_path_factory.mktemp("guarded")
    port, http_port = configure(folder)
    url = f"sqlite:///{folder}/audit.db"
    node = Served(None, folder, port, http_port, url)  # type: ignore[arg-type]  # not started yet
    token = made(node, "ct-room", "--scope", "store")
    with started(folder, port, http_port, url) as node:
        yield node, token


def test_a_right_token_stores_and_is_named_in_the_audit(guarded: tuple[Served, str]) -> None:
    node, token = guarded
    answer = store(node, f"Bearer {token}")
    assert answer.code == 200
    ticket = answer.items("00081199")[0]["00091001"]["Value"][0]
    assert node.ask(f"select door, address, token from receipt where ticket = '{ticket}'") == [
        ("stow", "127.0.0.1", "ct-room")
    ]
    assert "token ct-room" in node.run("audit", "show", ticket).stdout
    assert token.rpartition("_")[2] not in node.log


def test_a_browser_may_give_it_as_a_password(guarded: tuple[Served, str]) -> None:
    node, token = guarded
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    assert store(node, f"Basic {basic}").code == 200


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        (None, "no token was shown"),
        ("Bearer nonsense", "no such token"),
        ("Bearer dg_aaaaaaaaaaaa_" + "A" * 43, "no such token"),
        ("Basic !!!", "no such token"),
        ("Digest x", "no such token"),
    ],
)
def test_without_a_token_or_with_a_wrong_one_nothing_is_stored(
    guarded: tuple[Served, str], authorization: str | None, why: str
) -> None:
    node, _ = guarded
    answer = store(node, authorization)
    assert (answer.code, answer.why) == (401, why)
    assert answer.headers["www-authenticate"].startswith(("Bearer", "Basic"))
    assert node.get("/")[0] == 401
    assert node.get("/healthz")[0] == node.get("/readyz")[0] == 200


def test_a_secret_that_is_almost_right_is_wrong(guarded: tuple[Served, str]) -> None:
    node, token = guarded
    other = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert store(node, f"Bearer {other}").code == 401


def test_a_token_is_good_for_what_it_is_for(guarded: tuple[Served, str]) -> None:
    node, _ = guarded
    reader = made(node, "reader", "--scope", "read")
    deadline = time.monotonic() + PATIENCE
    while (answer := store(node, f"Bearer {reader}")).code == 401:  # until the node has seen the new token
        assert time.monotonic() < deadline
    assert (answer.code, answer.why) == (403, "the token reader is not for store")
    assert "http-refused" in {kind for (kind,) in node.ask("select kind from event")}


def test_a_revoked_token_is_refused_soon(guarded: tuple[Served, str]) -> None:
    node, _ = guarded
    token = made(node, "leaver", "--scope", "admin")
    deadline = time.monotonic() + PATIENCE
    while store(node, f"Bearer {token}").code != 200:
        assert time.monotonic() < deadline
    assert node.run("token", "revoke", "leaver").returncode == 0
    while (answer := store(node, f"Bearer {token}")).code == 200:
        assert time.monotonic() < deadline
    assert (answer.code, answer.why) == (401, "the token leaver is revoked")
    listed = node.run("token", "list").stdout
    assert "leaver" in listed
    assert "revoked" in listed
    assert node.run("token", "revoke", "leaver").returncode == 1


def test_an_expired_token_is_refused_and_the_door_stays_shut(engine: sa.Engine) -> None:
    text = add_token(engine, "old", frozenset({Scope.STORE}), datetime.now(UTC) + timedelta(days=1))
    with writing(engine) as connection:
        connection.execute(tables.token.update().values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    tokens = Tokens(engine)
    found = tokens.found(text)
    assert found is not None
    assert found.standing(datetime.now(UTC)) == "expired"
    assert tokens.required
    tokens.close()


def test_only_the_hash_is_kept(engine: sa.Engine) -> None:
    text = add_token(engine, "a", frozenset({Scope.READ}), None)
    with engine.connect() as connection:
        row = connection.execute(sa.select(tables.token)).one()
    assert text.rpartition("_")[2] not in repr(row)
    assert len(row.hash) == 64


def test_names_are_used_once(engine: sa.Engine) -> None:
    add_token(engine, "a", frozenset({Scope.READ}), None)
    revoke_token(engine, "a")
    for name in ("a", "", "a b", "x" * 65, "é"):
        with pytest.raises(TokenProblem):
            add_token(engine, name, frozenset({Scope.READ}), None)
    assert [each.name for each in list_tokens(engine)] == ["a"]


@pytest.mark.parametrize("expires", ["yesterday", "0d", "2001-01-01", "9999999y"])
def test_an_end_that_is_none_is_refused(tmp_path: Path, expires: str) -> None:
    configure(tmp_path)
    node = Served(None, tmp_path, 0, 0, "")  # type: ignore[arg-type]  # only its commands are wanted
    done = node.run("token", "add", "x", "--scope", "read", "--expires", expires)
    assert done.returncode == 2
    assert "--expires" in done.stderr


def test_a_door_to_other_machines_needs_a_token_or_a_word(tmp_path: Path) -> None:
    configure(tmp_path, more='http.host = "0.0.0.0"')
    done = subprocess.run(
        [PROGRAM, "serve", "--config", tmp_path / "dicomgate.toml"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "dicomgate token add" in done.stderr
    assert "http.open_to_all" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_word_is_taken(tmp_path: Path) -> None:
    with serving(tmp_path, more='http.host = "0.0.0.0"\nhttp.open_to_all = true') as node:
        assert store(node).code == 200


def test_a_client_has_so_many_requests_under_way_and_no_more(tmp_path: Path) -> None:
    with serving(tmp_path, more="http.max_requests_per_client = 2") as node:
        held = []
        for _ in range(2):
            client = socket.create_connection(("127.0.0.1", node.http_port), 30)
            client.sendall(
                b"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: application/dicom\r\n"
                b"Content-Length: 100000\r\n\r\n" + bytes(200)
            )
            held.append(client)
        deadline = time.monotonic() + PATIENCE
        while (answer := store(node)).code == 200:  # until both have been seen
            assert time.monotonic() < deadline
        assert (answer.code, answer.headers["retry-after"]) == (429, "1")
        for each in held:
            each.close()
        while store(node).code != 200:
            assert time.monotonic() < deadline


def test_a_client_may_begin_so_many_requests_a_minute() -> None:
    now = [0.0]
    places = Places(at_once=0, a_minute=2, clock=lambda: now[0])
    assert [places.take("a"), places.take("a")] == [None, None]
    assert "within a minute" in str(places.take("a"))
    assert places.take("b") is None
    now[0] = 30.0
    assert places.take("a") is None
    assert places.take("a") is not None
