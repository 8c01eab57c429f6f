"""Patient identity as the audit keeps it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp.database import reading
from scp.identity import Identity, IdentityProblem, open_identity, settled_id, settled_name
from scp.tables import identity_key


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "node" / "identity.key"


def test_the_key_is_made_once_and_only_its_owner_reads_it(engine: sa.Engine, key_file: Path) -> None:
    first = open_identity(engine, key_file)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert open_identity(engine, key_file) == first
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_hash_hides_the_value_and_matches_itself(engine: sa.Engine, key_file: Path) -> None:
    identity = open_identity(engine, key_file)
    hashed = identity.patient_id("4711")
    assert re.fullmatch(r"k1:[0-9a-f]{64}", hashed)
    assert identity.patient_id("4711  ") == hashed
    assert identity.patient_id("4712") != hashed
    assert identity.patient_name("4711") != hashed
    assert Identity("k1", b"another key").patient_id("4711") != hashed
    assert identity.patient_id("") == identity.patient_name(" ^^ ") == ""


@pytest.mark.parametrize(
    ("name", "settled"),
    [
        ("DOE^JANE", "DOE^JANE"),
        ("DOE^JANE^^^ ", "DOE^JANE"),
        ("DOE ^ JANE=", "DOE^JANE"),
        ("Yamada^Tarou=山田^太郎==", "Yamada^Tarou=山田^太郎"),
        ("Mu\u0308ller", "M\u00fcller"),
        ("\0", ""),
        ("^^Mid", "^^Mid"),
    ],
)
def test_a_name_is_settled_before_it_is_hashed(name: str, settled: str) -> None:
    assert settled_name(name) == settled


def test_an_id_keeps_its_inner_spaces() -> None:
    assert settled_id(" 47 11 \0") == "47 11"


def test_plain_keeps_clear_text_and_makes_no_key(engine: sa.Engine, key_file: Path) -> None:
    identity = open_identity(engine, key_file, "plain")
    assert identity.patient_id("4711 ") == "4711"
    assert identity.patient_name("DOE^JANE^") == "DOE^JANE"
    assert not key_file.exists()


def test_a_lost_key_is_not_replaced(engine: sa.Engine, key_file: Path) -> None:
    open_identity(engine, key_file)
    key_file.unlink()
    with pytest.raises(IdentityProblem, match="identity key is missing"):
        open_identity(engine, key_file)
    assert not key_file.exists()


def test_nodes_on_one_database_share_the_key(engine: sa.Engine, key_file: Path, tmp_path: Path) -> None:
    first = open_identity(engine, key_file)
    other = tmp_path / "other.key"
    other.write_text("k1 " + "ab" * 32 + "\n")
    other.chmod(0o600)
    with pytest.raises(IdentityProblem, match="not the identity key"):
        open_identity(engine, other)
    other.write_text(key_file.read_text())
    assert open_identity(engine, other) == first


def test_a_new_key_takes_over_from_the_old(engine: sa.Engine, key_file: Path) -> None:
    old = open_identity(engine, key_file)
    with key_file.open("a") as file:
        file.write("k2 " + "cd" * 32 + "\n")
    new = open_identity(engine, key_file)
    assert old.patient_id("4711").startswith("k1:")
    assert new.patient_id("4711").startswith("k2:")
    with reading(engine) as connection:
        kept = connection.execute(sa.select(identity_key.c.id, identity_key.c.fingerprint)).all()
    assert sorted(row.id for row in kept) == ["k1", "k2"]
    assert not any(new.key.hex() in row.fingerprint or old.key.hex() in row.fingerprint for row in kept)


@pytest.mark.parametrize(
    "text", ["", "k1", "k1 abc", "secret", "k1 " + "zz" * 32, "k1 {0}\nk1 {0}".format("ab" * 32), "\xff"]
)
def test_a_damaged_key_is_said(engine: sa.Engine, key_file: Path, text: str) -> None:
    key_file.parent.mkdir()
    key_file.write_text(text)
    key_file.chmod(0o600)
    with pytest.raises(IdentityProblem, match=re.escape(str(key_file))):
        open_identity(engine, key_file)
    assert key_file.read_text() == text


def test_a_key_that_others_can_read_is_refused(engine: sa.Engine, key_file: Path) -> None:
    open_identity(engine, key_file)
    key_file.chmod(0o644)
    with pytest.raises(IdentityProblem, match="chmod 600"):
        open_identity(engine, key_file)


def test_the_key_does_not_show(engine: sa.Engine, key_file: Path) -> None:
    identity = open_identity(engine, key_file)
    assert identity.key.hex() not in repr(identity)
    assert repr(identity.key) not in repr(identity)
