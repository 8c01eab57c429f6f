"""`dicomgate audit`, as it is typed."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import needs
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from databases import a_receipt, decision

from rules.model import Severity
from scp.commands.audit import audit
from scp.database import writing
from scp.ids import Ids
from scp.journal import Journal
from scp.records import AssociationClosed, AssociationOpened, Event, Receipt

NOW = datetime.now(UTC)
Ask = Callable[..., Result]


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    file = tmp_path / "dicomgate.toml"
    file.write_text(f'[audit]\nurl = "{database_url}"\n[store]\npath = "{tmp_path}/store"\n')
    return file


@pytest.fixture
def ask(config: Path) -> Ask:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(audit, [*arguments, "--config", str(config)])

    return run


@pytest.fixture
def receipts(engine: sa.Engine, ids: Ids, journal: Journal) -> list[Receipt]:
    """Three receipts of one Association, an hour apart, the last one repeating the first."""
    association = ids.next()
    made = [
        a_receipt(
            ids.next(),
            decision("image-type-value-1", line=4),
            decision("type-2-missing", Severity.WARNING),
            association_id=association,
            received_at=NOW - timedelta(hours=2, minutes=30),
            calling_ae="CT1\x1b[31m",
            sop_instance_uid="1.2.9",
        ),
        a_receipt(ids.next(), received_at=NOW - timedelta(hours=1, minutes=30), association_id=association),
        a_receipt(ids.next(), received_at=NOW - timedelta(minutes=30), sop_instance_uid="1.2.9", stored=None),
    ]
    about = ("DICOMGATE", "10.0.0.1", 40000, None, "1.2", "TEST", 16384, 1, (), "c0ffee")
    with journal.transaction() as writer:
        writer.write(
            [
                AssociationOpened(association, NOW, "CT1", *about),
                AssociationOpened(ids.next(), NOW, "SPY", *about, "not allowed"),
                AssociationClosed(association, NOW, "released", 2, 0, 2000),
                *made,
                Event(NOW, "start", "started", {"pid": 1}),
            ]
        )
    return made


def test_list_prints_a_table_of_the_newest_first(ask: Ask, receipts: list[Receipt]) -> None:
    result = ask("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["received_at", "calling_ae", "iod", "verdict", "errors", "warnings", "ticket"]
    assert [line.split()[-1] for line in lines[1:]] == [each.ticket for each in reversed(receipts)]
    assert "\x1b" not in result.stdout
    assert lines[1].split()[0].endswith("Z")


def test_list_takes_filters_columns_sort_and_limit(ask: Ask, receipts: list[Receipt]) -> None:
    def tickets(*arguments: str) -> list[str]:
        return ask("list", "--columns", "ticket", "--format", "csv", *arguments).stdout.split()[1:]

    first, second, third = (each.ticket for each in receipts)
    assert tickets("--since", "2h") == [third, second]
    assert tickets("--until", "1h", "--limit", "1") == [second]
    assert tickets("--rule", "image-*") == tickets("--severity", "warning") == [first]
    assert tickets("--uid", "1.2.9", "--sort", "received_at") == [first, third]
    assert tickets("--ticket", second.lower()) == [second]
    assert tickets("--sop-class", "ct image", "--verdict", "accept", "--calling-ae", "CT1") == [third, second]
    assert tickets("--since", "2030-01-01") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--since", "soon"], "wanted 2h, 7d"),
        (["list", "--columns", "bogus"], "no column bogus"),
        (["list", "--sort", "rules"], "no column rules"),
        (["stats", "--uid", "1.2"], "takes no --uid"),
        (["export", "--format", "parquet"], "needs --output"),
        (["list", "--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_a_wrong_command_line_is_exit_code_two(ask: Ask, arguments: list[str], said: str) -> None:
    runner = CliRunner().invoke(audit, arguments) if "--config" in arguments else ask(*arguments)
    assert runner.exit_code == 2
    assert said in runner.stderr


@pytest.mark.parametrize("command", ["list", "stats", "associations", "events", "export"])
def test_every_format_says_the_same(ask: Ask, receipts: list[Receipt], command: str) -> None:
    as_json = json.loads(ask(command, "--format", "json").stdout)
    as_lines = [json.loads(line) for line in ask(command, "--format", "jsonl").stdout.splitlines()]
    as_csv = list(csv.DictReader(io.StringIO(ask(command, "--format", "csv").stdout)))
    assert as_json == as_lines
    assert [list(each) for each in as_csv] == [list(each) for each in as_json]
    assert len(as_json) == {"associations": 2, "events": 1, "stats": 2}.get(command, 3)
    assert ask(command, "--format", "table").exit_code == 0
    for row, plain in zip(as_json, as_csv, strict=True):
        assert {name: "" if value is None else str(value) for name, value in row.items()} == plain


def test_show_tells_everything_of_one_instance(ask: Ask, receipts: list[Receipt], tmp_path: Path) -> None:
    text = ask("show", receipts[0].ticket).stdout
    for expected in (
        "FLAG  CT Image",
        "image-type-value-1: ImageType (0008,0008) value 1 is ORIGINAL, wanted DERIVED",
        "PS3.3 C.8.32.2; policy line 4: flag",
        f"{tmp_path}/store/instances/{receipts[0].id}.dcm",
        "released at",
        "later arrivals of this instance:",
        receipts[2].ticket,
        "0xB007",
    ):
        assert expected in text
    assert "\x1b" not in text
    assert "earlier arrivals" in ask("show", "1.2.9").stdout
    assert ask("show", str(receipts[1].id)).stdout.startswith("ACCEPT")


def test_show_has_formats_too(ask: Ask, receipts: list[Receipt]) -> None:
    found = json.loads(ask("show", receipts[0].ticket, "--format", "json").stdout)
    assert found["findings"][0]["rule"] == "image-type-value-1"
    assert found["receipt"]["received_at"].endswith("Z")
    fields = dict(csv.reader(io.StringIO(ask("show", receipts[0].ticket, "--format", "csv").stdout)))
    assert fields["findings.1.rule"] == "image-type-value-1"
    assert fields["receipt.ticket"] == receipts[0].ticket
    assert json.loads(ask("show", receipts[0].ticket, "--format", "jsonl").stdout) == found


def test_show_says_what_it_does_not_find(ask: Ask, receipts: list[Receipt]) -> None:
    missing = ask("show", "0000000000")
    assert missing.exit_code == 1
    assert "no receipt" in missing.stderr
    assert "audit list --uid 1.2.3.0" in ask("show", "1.2.3.0").stderr


def test_stats_count(ask: Ask, receipts: list[Receipt]) -> None:
    rows = json.loads(ask("stats", "--by", "rule", "--format", "json").stdout)
    assert {row["rule"]: (row["instances"], row["findings"]) for row in rows} == {
        "image-type-value-1": (1, 1),
        "type-2-missing": (1, 1),
    }
    assert json.loads(ask("stats", "--since", "2h", "--format", "json").stdout) == [
        {"verdict": "accept", "instances": 2, "findings": 0}
    ]
    (row,) = json.loads(ask("stats", "--by", "sop-class", "--format", "json").stdout)
    assert (row["iod"], row["instances"]) == ("CT Image", 3)


def test_export_writes_a_whole_file_or_none(ask: Ask, receipts: list[Receipt], tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    assert ask("export", "--output", str(file), "--what", "findings").exit_code == 0
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [(row["ticket"], row["rule"]) for row in rows] == [
        (receipts[0].ticket, "image-type-value-1"),
        (receipts[0].ticket, "type-2-missing"),
    ]
    nowhere = ask("export", "--output", str(tmp_path / "nowhere" / "out.csv"))
    assert nowhere.exit_code == 2
    assert "nowhere" in nowhere.stderr
    assert not [each for each in tmp_path.iterdir() if each.name.endswith(".part")]


def test_export_to_parquet(ask: Ask, receipts: list[Receipt], tmp_path: Path) -> None:
    try:
        import pyarrow.parquet
    except ImportError:
        without = ask("export", "--format", "parquet", "--output", str(tmp_path / "out.parquet"))
        assert without.exit_code == 2
        assert "dicomgate[parquet]" in without.stderr
        needs.missing("pyarrow")
        return
    file = tmp_path / "out.parquet"
    assert ask("export", "--format", "parquet", "--output", str(file)).exit_code == 0
    table = pyarrow.parquet.read_table(file)
    assert table.column("ticket").to_pylist() == [each.ticket for each in receipts]
    assert str(table.schema.field("received_at").type) == "timestamp[ms, tz=UTC]"


def test_query_answers_in_sql(ask: Ask, receipts: list[Receipt]) -> None:
    rows = json.loads(
        ask("query", "select verdict, count(*) as n from receipt group by verdict", "--format", "json").stdout
    )
    assert {row["verdict"]: row["n"] for row in rows} == {"flag": 1, "accept": 2}
    assert ask("query", "select ticket from receipt where 1 = 0", "--format", "csv").stdout == "ticket\n"
    assert ask("query", "select 1 as a, 2 as a", "--format", "csv").stdout == "a,a_2\n1,2\n"
    wrong = ask("query", "select * from nothing")
    assert wrong.exit_code == 2
    assert "nothing" in wrong.stderr


WRITING = [
    "delete from event",
    "insert into event select * from event",
    "update receipt set verdict = 'accept'",
    "drop table tally",
    "create table x (a int)",
    "create temp table x (a int)",
    "select 1; delete from event",
    "begin",
    "with x as (select 1) delete from event",
]
ON_SQLITE = [
    "pragma query_only = off",
    "pragma writable_schema = on",
    "attach database '{elsewhere}' as elsewhere",
    "vacuum into '{elsewhere}'",
    "select load_extension('x')",
]
ON_POSTGRES = [
    "set transaction read write",
    "select set_config('transaction_read_only', 'off', false)",
    "do $$ begin set local transaction_read_only = off; delete from event; end $$",
    "with x as (delete from event returning *) select * from x",
    "commit; delete from event",
    "truncate event",
    "select nextval('x')",
]


@pytest.mark.parametrize("statement", WRITING)
def test_query_cannot_write(ask: Ask, receipts: list[Receipt], statement: str) -> None:
    refused(ask, statement)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", ON_SQLITE)
def test_query_cannot_write_by_the_ways_of_sqlite(
    ask: Ask, receipts: list[Receipt], tmp_path: Path, statement: str
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    refused(ask, statement.format(elsewhere=elsewhere))
    assert not elsewhere.exists()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("statement", ON_POSTGRES)
def test_query_cannot_write_by_the_ways_of_postgres(ask: Ask, receipts: list[Receipt], statement: str) -> None:
    refused(ask, statement)


def refused(ask: Ask, statement: str) -> None:
    """The statement is refused in one line, and nothing is gone."""
    result = ask("query", statement)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.splitlines()) == 1
    assert len(ask("events", "--format", "jsonl").stdout.splitlines()) == 1
    assert len(ask("list", "--format", "jsonl").stdout.splitlines()) == 3


def test_associations_and_events_are_listed(ask: Ask, receipts: list[Receipt]) -> None:
    (turned_away,) = json.loads(ask("associations", "--refused", "--format", "json").stdout)
    assert (turned_away["calling_ae"], turned_away["refusal"]) == ("SPY", "not allowed")
    (own,) = json.loads(ask("associations", "--calling-ae", "CT?", "--format", "json").stdout)
    assert (own["ending"], own["instances"]) == ("released", 2)
    assert ask("events", "--kind", "stop", "--format", "json").stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["list"], ["stats"], ["events"], ["export"]])
def test_before_anything_was_received_the_answer_is_empty(ask: Ask, arguments: list[str]) -> None:
    result = ask(*arguments, "--format", "json")
    assert (result.exit_code, result.stdout) == (0, "[]\n")
    assert "nothing received yet" in result.stderr


def test_asking_makes_no_database(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "dicomgate.toml"
    file.write_text(f'[audit]\nurl = "{sqlite_url}"\n')
    result = CliRunner().invoke(audit, ["show", "7XK2M9QD4T", "--config", str(file)])
    assert result.exit_code == 1
    assert not (tmp_path / "audit" / "audit.db").exists()


def test_a_newer_schema_is_not_read(ask: Ask, engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    result = ask("list")
    assert result.exit_code == 2
    assert "newer than this program" in result.stderr


def test_it_answers_while_the_node_writes(ask: Ask, receipts: list[Receipt], ids: Ids, journal: Journal) -> None:
    with journal.transaction() as writer:
        writer.write([a_receipt(ids.next())])
        assert len(ask("list", "--format", "jsonl").stdout.splitlines()) == 3
    assert len(ask("list", "--format", "jsonl").stdout.splitlines()) == 4


def test_it_answers_after_the_node_was_killed(sqlite_url: str, tmp_path: Path) -> None:
    """What is committed is in the write-ahead log; nobody has opened the file since."""
    code = """
import os, sys
from databases import a_receipt
from scp.database import open_engine
from scp.identity import Identity
from scp.ids import Ids
from scp.journal import Journal
from scp.schema import upgrade
engine = open_engine(sys.argv[1])
upgrade(engine)
ids = Ids(engine)
journal = Journal.open(engine, ids=ids, identity=Identity(), node_name="node")
with journal.transaction() as writer:
    writer.write([a_receipt(ids.next())])
os.kill(os.getpid(), 9)
"""
    tests = str(Path(__file__).parents[1])
    path = f"import sys; sys.path.insert(0, {tests!r})\n"
    subprocess.run([sys.executable, "-c", path + code, sqlite_url], check=False, timeout=60)
    file = tmp_path / "dicomgate.toml"
    file.write_text(f'[audit]\nurl = "{sqlite_url}"\n')
    result = CliRunner().invoke(audit, ["list", "--format", "jsonl", "--config", str(file)])
    assert len(result.stdout.splitlines()) == 1
    assert sqlite3.connect(sqlite_url.removeprefix("sqlite:///")).execute("pragma integrity_check").fetchone() == (
        "ok",
    )


def test_a_reader_who_leaves_early_is_no_error(config: Path, receipts: list[Receipt]) -> None:
    code = "from scp.cli import main; main()"
    command = [sys.executable, "-c", code, "audit", "list", "--format", "csv", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
