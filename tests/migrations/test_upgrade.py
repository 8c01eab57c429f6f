"""Migrations from nothing, on both engines, and what meets them there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

import migrations
from scp.database import DatabaseProblem, open_engine, writing
from scp.schema import HEAD, State, _migrate, current, faults, known, require_current, state, upgrade
from scp.tables import VIEWS, metadata


@pytest.fixture
def empty(database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_an_empty_database_comes_up_to_date(empty: sa.Engine) -> None:
    assert state(empty) is State.EMPTY
    assert upgrade(empty) is State.EMPTY
    assert state(empty) is State.CURRENT
    assert current(empty) == HEAD
    assert upgrade(empty) is State.CURRENT


def test_the_outcome_is_what_tables_say(engine: sa.Engine) -> None:
    assert faults(engine) == []
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        assert set(inspector.get_table_names()) == {*metadata.tables, "alembic_version"}
        assert set(inspector.get_view_names()) == set(VIEWS)
        for name, table in metadata.tables.items():
            assert {each["name"] for each in inspector.get_indexes(name) if not each.get("duplicates_constraint")} == {
                index.name for index in table.indexes
            }
            assert inspector.get_pk_constraint(name)["name"] == table.primary_key.name
            assert {each["name"] for each in inspector.get_columns(name)} == set(table.c.keys())


def test_views_are_those_that_tables_define(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        for name, query in VIEWS.items():
            made = connection.exec_driver_sql(f"select * from {name}")
            said = connection.exec_driver_sql(query)
            assert list(made.keys()) == list(said.keys())
            made.close()
            said.close()
        if connection.dialect.name == "sqlite":
            for name, query in VIEWS.items():
                text = connection.execute(
                    sa.text("select sql from sqlite_master where name = :name"), {"name": name}
                ).scalar()
                assert " ".join(text.split()).lower() == f"create view {name} as {' '.join(query.split())}"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        ("drop index ix_receipt_received_at", "ix_receipt_received_at"),
        ("drop view equipment", "the view equipment is missing"),
        ("alter table receipt add column surprise integer", "surprise"),
    ],
)
def test_a_schema_that_was_changed_by_hand_is_told(engine: sa.Engine, break_it: str, said: str) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql(break_it)
    assert any(said in line for line in faults(engine))


def test_a_newer_schema_is_refused(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    assert state(engine) is State.NEWER
    for refuse in (upgrade, require_current):
        with pytest.raises(DatabaseProblem, match="newer than this program"):
            refuse(engine)
    assert current(engine) == "9999"


def test_tables_of_another_program_are_left_alone(empty: sa.Engine) -> None:
    with writing(empty) as connection:
        connection.exec_driver_sql("create table event (what text)")
    with pytest.raises(DatabaseProblem, match="tables of another program"):
        upgrade(empty)
    with empty.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["event"]


def test_a_migration_that_breaks_leaves_nothing(empty: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    whole = command.upgrade

    def break_after(*arguments: object) -> None:
        whole(*arguments)  # type: ignore[arg-type]  # passed on as they came
        raise RuntimeError("power cut")

    monkeypatch.setattr(command, "upgrade", break_after)
    with pytest.raises(RuntimeError):
        upgrade(empty)
    assert state(empty) is State.EMPTY
    monkeypatch.undo()
    upgrade(empty)
    assert state(empty) is State.CURRENT


START = """
import sys
from scp.database import open_engine
from scp.schema import upgrade
sys.stdin.readline()
engine = open_engine(sys.argv[1], 30)
print(upgrade(engine).name)
"""


@pytest.mark.parametrize("revision", known()[:-1])
def test_a_database_of_any_release_comes_up_with_what_it_holds(empty: sa.Engine, revision: str) -> None:
    with writing(empty) as connection:
        _migrate(connection, revision)
        columns = [each["name"] for each in sa.inspect(connection).get_columns("receipt")]
        receipt = metadata.tables["receipt"]
        said = {each.name: _value(each) for each in receipt.c if each.name in columns}
        connection.execute(receipt.insert().values(said))
    assert state(empty) is State.OLDER
    assert upgrade(empty) is State.OLDER
    assert faults(empty) == []
    with empty.connect() as connection:
        assert said.items() <= connection.execute(sa.select(receipt)).mappings().one().items()


def _value(column: sa.Column[object]) -> object:
    kind = column.type.python_type
    return datetime(2026, 1, 2, tzinfo=UTC) if kind is datetime else 7 if kind is int else kind("7")


def test_eight_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for each in processes:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=120)[0].strip() for each in processes]
    assert [each.returncode for each in processes] == [0] * 8
    assert sorted(said) == ["CURRENT"] * 7 + ["EMPTY"]


def test_the_constant_is_the_newest_migration() -> None:
    assert known()[-1] == HEAD
    folder = Path(migrations.__path__[0]) / "versions"
    assert len(known()) == len([each for each in folder.glob("*.py") if each.name != "__init__.py"])


def test_a_database_at_head_is_opened_without_alembic(engine: sa.Engine, database_url: str) -> None:
    code = START.replace("sys.stdin.readline()", "") + "print('alembic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, database_url], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["CURRENT", "False"]
