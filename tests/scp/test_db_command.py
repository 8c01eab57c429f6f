"""`dicomgate db`, and what is said of a database that cannot be used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from databases import PASSWORD, Postgres, a_receipt

from scp.commands.db import db
from scp.database import DatabaseGone, DatabaseProblem, open_engine, reading, writing
from scp.ids import Ids
from scp.journal import Journal
from scp.records import Event
from scp.schema import HEAD, upgrade

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_db(command: str, url: str) -> Result:
        file = tmp_path / "dicomgate.toml"
        file.write_text(f'[store]\npath = "{tmp_path}/store"\n[audit]\nurl = "{url}"\nconnect_timeout = 2\n')
        return CliRunner().invoke(db, [command, "--config", str(file)])

    return run_db


def test_from_nothing_to_sound(run: Run, database_url: str) -> None:
    before = run("current", database_url)
    assert before.exit_code == 0
    assert "none, empty" in before.stdout
    absent = run("check", database_url)
    assert absent.exit_code == 2
    assert "nothing received yet" in absent.stderr
    assert f"was upgraded ({HEAD})" in run("upgrade", database_url).stdout
    assert "is up to date" in run("upgrade", database_url).stdout
    assert f"{HEAD}, up to date" in run("current", database_url).stdout
    sound = run("check", database_url)
    assert (sound.exit_code, sound.stderr) == (0, "")
    assert "sound" in sound.stdout
    assert PASSWORD not in sound.stdout


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("update event set text = 'x'", "was changed"),
        ("delete from tally", "tally: sums up 0 receipts"),
        ("drop index ix_receipt_received_at", "ix_receipt_received_at"),
        ("drop view equipment", "view equipment"),
    ],
)
def test_check_tells_what_is_wrong(
    run: Run, engine: sa.Engine, ids: Ids, journal: Journal, database_url: str, harm: str, said: str
) -> None:
    receipt = a_receipt(ids.next(), stored=None)
    with journal.transaction() as writer:
        writer.write([receipt, Event(receipt.received_at, "start", "started", {})])
    assert run("check", database_url).exit_code == 0
    with writing(engine) as connection:
        connection.exec_driver_sql(harm)
    found = run("check", database_url)
    assert found.exit_code == 1
    assert said in found.stdout


def test_a_damaged_file_is_told(run: Run, sqlite_url: str, tmp_path: Path) -> None:
    run("upgrade", sqlite_url)
    file = tmp_path / "audit" / "audit.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + bytes(len(whole) - 8192))
    assert run("check", sqlite_url).exit_code in (1, 2)


def test_a_newer_schema_is_refused_everywhere(run: Run, engine: sa.Engine, database_url: str) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    for command in ("upgrade", "check"):
        result = run(command, database_url)
        assert result.exit_code == 2
        assert "newer than this program" in result.stderr
    assert "9999, newer" in run("current", database_url).stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "wrong-one"}, "the user name or password is wrong"),
        ({"username": "stranger"}, "the user name or password is wrong"),
        ({"database": "nowhere"}, "no such database"),
        ({"host": "host.invalid"}, "no such host"),
        ({"port": 1}, "connection refused"),
    ],
)
def test_an_unreachable_postgres_is_explained_in_one_line(
    run: Run, postgres_server: Postgres, change: dict[str, object], said: str
) -> None:
    url = sa.make_url(postgres_server.url()).set(**change)  # type: ignore[arg-type]  # as the test says
    result = run("upgrade", url.render_as_string(hide_password=False))
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert PASSWORD not in result.stderr
    assert "wrong-one" not in result.stderr


def test_a_file_that_is_no_database_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are notes" * 100)
    result = run("upgrade", f"sqlite:///{file}")
    assert result.exit_code == 2
    assert "is not a SQLite database" in result.stderr
    assert file.read_text().startswith("these are notes")


def test_a_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("upgrade", f"sqlite:///{tmp_path}/file/audit.db")
    assert result.exit_code == 2
    assert "cannot make the folder" in result.stderr


def test_a_file_another_user_owns_is_explained(sqlite_url: str, tmp_path: Path) -> None:
    """As nobody: root may write whatever the permissions say."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    upgrade(open_engine(sqlite_url))
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp/pytest-of-root") or folder == Path("/tmp/pytest-of-root"):
            folder.chmod(0o755)
    (tmp_path / "audit").chmod(0o755)
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        try:
            with writing(open_engine(sqlite_url)):
                pass
        except DatabaseProblem as problem:
            os._exit(0 if "Permission denied" in str(problem) or "read" in str(problem) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", "sqlite+aiosqlite:///x"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(DatabaseProblem, match=r"audit\.url"):
        open_engine(url)


def test_sqlite_is_set_up_to_last(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with reading(engine) as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.exec_driver_sql(f"pragma {pragma}").scalar() == value
    engine.dispose()


def test_a_file_with_an_odd_name_can_be_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/50% a#b/audit.db"
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    reader = open_engine(url, read_only=True)
    with reading(reader) as connection:
        assert connection.exec_driver_sql("select count(*) from receipt").scalar() == 0
    with pytest.raises(DatabaseGone, match="read-only"), reader.begin() as connection:
        pass_on(connection)
    reader.dispose()


def pass_on(connection: sa.Connection) -> None:
    try:
        connection.exec_driver_sql("delete from receipt")
    except sa.exc.DBAPIError as error:
        from scp.database import explain

        raise DatabaseGone(explain(error, connection.engine.url)) from error


def test_a_postgres_session_is_bounded_and_in_utc(postgres_url: str) -> None:
    engine = open_engine(postgres_url, connect_timeout=3)
    with reading(engine) as connection:
        said = {
            name: connection.exec_driver_sql(f"show {name}").scalar()
            for name in ("timezone", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    engine.dispose()
    assert said.pop("timezone") == "UTC"
    assert "0" not in said.values()


def test_a_wal_file_is_not_needed_to_look(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    engine.dispose()
    assert sqlite3.connect(tmp_path / "audit" / "audit.db").execute("select 1").fetchone() == (1,)
    reader = open_engine(sqlite_url, read_only=True)
    with reading(reader) as connection:
        assert connection.exec_driver_sql("select count(*) from event").scalar() == 0
    reader.dispose()
