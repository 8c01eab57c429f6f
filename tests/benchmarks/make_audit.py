"""Makes an audit database of a million receipts and five million findings, and measures what it is asked.

    python tests/benchmarks/make_audit.py make sqlite:///big/audit.db [RECEIPTS]
    python tests/benchmarks/make_audit.py measure sqlite:///big/audit.db

`make` wants an empty database (an address as in `audit.url`); it fills the tables past the journal, with the
journal's own rows' shape, and builds the indexes last. `measure` prints, a line a question, the median and the
95th percentile in milliseconds, over questions that differ in their values.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scp.database import for_writing, open_engine, reading
from scp.filters import Filter
from scp.ids import EPOCH
from scp.queries import STATS, find, instance, receipts, stats
from scp.schema import upgrade
from scp.tables import as_text, finding, receipt, tally
from scp.tickets import ALPHABET

DAYS = 90
SENDERS = 20
RULES = [f"{topic}-{what}" for topic in ("image-type", "type-1", "type-2", "terms", "frames") for what in "abcdefgh"]
CLASSES = [
    ("1.2.840.10008.5.1.4.1.1.2", "CT", "CT Image"),
    ("1.2.840.10008.5.1.4.1.1.4", "MR", "MR Image"),
    ("1.2.840.10008.5.1.4.1.1.30", "MR", "Parametric Map"),
    ("1.2.840.10008.5.1.4.1.1.128", "PT", "PET Image"),
    ("1.2.840.10008.5.1.4.1.1.1.1", "DX", "Digital X-Ray Image - For Presentation"),
]
SEVERITY_OF = {rule: ("error", "warning", "warning", "note")[number % 4] for number, rule in enumerate(RULES)}
BATCH = 10_000

Row = tuple[Any, ...]


def make(url: str, count: int) -> None:
    """Fill an empty database; the findings number five times the receipts."""
    engine = open_engine(url, statement_timeout=3600)
    upgrade(engine)
    started = time.monotonic()
    indexes = [index for table in (receipt, finding) for index in table.indexes]
    with for_writing(engine.connect()) as connection:
        with connection.begin():
            for index in indexes:
                index.drop(connection)
        sums: dict[Row, list[int]] = {}
        for batch in _batches(count, url.startswith("sqlite"), sums):
            with connection.begin():
                for table, rows in zip((receipt, finding), batch, strict=True):
                    _fill(connection, table, rows)
            print(f"\r{len(sums):,} sums, {time.monotonic() - started:.0f} s", end="", file=sys.stderr)
        with connection.begin():
            _fill(connection, tally, [(*key, 0, *row) for key, row in sums.items()])
            for index in indexes:
                index.create(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze")
    engine.dispose()
    print(f"\r{count:,} receipts in {time.monotonic() - started:.0f} s", file=sys.stderr)


def _batches(count: int, text_times: bool, sums: dict[Row, list[int]]) -> Iterator[tuple[list[Row], list[Row]]]:
    chance = random.Random(20)
    typical = {f"SCANNER{n:02}": chance.sample(RULES, 8) for n in range(SENDERS)}
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    step = timedelta(days=DAYS) / count
    for start in range(0, count, BATCH):
        rows: list[Row] = []
        found: list[Row] = []
        for number in range(start, min(start + BATCH, count)):
            moment = end - step * (count - number)
            row_id = (int((moment - EPOCH).total_seconds() * 1000) << 22) + number % 4096
            sender = f"SCANNER{(number // 100) % SENDERS:02}"
            sop_class, modality, iod = CLASSES[(number // 100) % SENDERS % len(CLASSES)]
            verdict = chance.choices(("accept", "flag", "quarantine", "reject"), (30, 60, 8, 2))[0]
            rules = chance.choices(typical[sender], k=chance.choice((2, 4, 5, 6, 8)))
            if number % 50_000 == 7:
                rules[0] = "rare-rule"
            severities = [SEVERITY_OF.get(rule, "error") for rule in rules]
            at = as_text(moment) if text_times else moment
            study = f"1.2.826.0.1.3680043.10.777.{number // 100}"
            ticket = "".join(chance.choices(ALPHABET, k=10))
            rows.append(
                (
                    row_id, at, "node", "dimse", number // 1000, sender, "DICOMGATE", "10.0.0.1",
                    f"device {sender[-2:]}" if int(sender[-2:]) % 2 else None, sop_class,
                    f"{study}.{number // 25 % 4}.{number}", f"{study}.{number // 25 % 4}", study,
                    "1.2.840.10008.1.2.1", modality, "ACME", f"Model {sender[-1]}", "1.0",
                    "k1:" + f"{number // 100:064x}", "k1:" + f"{number // 100:064x}", 525_000, f"{number:064x}",
                    verdict, 0 if verdict == "accept" else 0xB007, ticket, iod, "2025e", "1", "policy", 3,
                    severities.count("error"), severities.count("warning"), severities.count("note"), None,
                    f"instances/{moment:%Y-%m-%d/%H-%M}/{row_id}.dcm", chance.expovariate(0.2),
                    chance.expovariate(2),
                )
            )  # fmt: skip
            whose = (f"{moment:%Y-%m-%d}", sender, rows[-1][8] or "", sop_class, verdict)
            _add(sums, (*whose, "", ""), len(rules))
            for rule in set(rules):
                _add(sums, (*whose, rule, SEVERITY_OF.get(rule, "error")), rules.count(rule))
            found += [
                (
                    row_id, place, at, rule, severity, "ImageType", "(0008,0008)", 1, "PS3.3 C.8.32.2",
                    "is ORIGINAL, wanted DERIVED", 1, None, None, 0, "flag", "flag",
                )
                for place, (rule, severity) in enumerate(zip(rules, severities, strict=True), 1)
            ]  # fmt: skip
        yield rows, found


def _add(sums: dict[Row, list[int]], key: Row, findings: int) -> None:
    row = sums.setdefault(key, [0, 0, 0])
    row[0] += 1
    row[1] += findings
    row[2] += 525_000


def _fill(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    driver: Any = connection.connection.dbapi_connection
    columns = ", ".join(each.name for each in table.c)
    if connection.dialect.name == "postgresql":
        with driver.cursor().copy(f"copy {table.name} ({columns}) from stdin") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(table.c))
        driver.executemany(f"insert into {table.name} ({columns}) values ({marks})", rows)


def measure(url: str) -> float:
    """Ask everything 20 times over; returns the worst 95th percentile."""
    engine = open_engine(url)
    chance = random.Random(1)
    with reading(engine) as connection:
        last = connection.execute(sa.select(sa.func.max(receipt.c.received_at))).scalar_one()
        ids = list(connection.execute(sa.select(receipt.c.id).order_by(receipt.c.received_at).limit(5000)).scalars())
        samples = [instance(connection, chance.choice(ids))["receipt"] for _ in range(20)]

    def sender() -> str:
        return f"SCANNER{chance.randrange(SENDERS):02}"

    def old() -> dict[str, datetime]:
        begin = last - timedelta(days=chance.uniform(2, DAYS))
        return {"since": begin, "until": begin + timedelta(days=1)}

    filters: dict[str, Callable[[], Filter]] = {
        "nothing": Filter,
        "a day": lambda: Filter(**old()),
        "AE": lambda: Filter(calling_ae=sender()),
        "AE, a day": lambda: Filter(calling_ae=sender(), **old()),
        "AE glob": lambda: Filter(calling_ae="SCANNER1*"),
        "AE unknown": lambda: Filter(calling_ae="NOBODY"),
        "device": lambda: Filter(device=f"device {chance.randrange(1, SENDERS, 2):02}"),
        "rule": lambda: Filter(rule=chance.choice(RULES)),
        "rule, a day": lambda: Filter(rule=chance.choice(RULES), **old()),
        "rule glob": lambda: Filter(rule="image-type-*"),
        "rule rare": lambda: Filter(rule="rare-rule"),
        "any rule": lambda: Filter(rule="*"),
        "rule and AE": lambda: Filter(rule=chance.choice(RULES), calling_ae=sender()),
        "rule glob and AE": lambda: Filter(rule="type-*", calling_ae=sender()),
        "rule and verdict": lambda: Filter(rule=chance.choice(RULES), verdict="reject"),
        "severity": lambda: Filter(severity=chance.choice(("error", "warning", "note"))),
        "severity and AE": lambda: Filter(severity="error", calling_ae=sender()),
        "verdict": lambda: Filter(verdict=chance.choice(("accept", "flag", "quarantine", "reject"))),
        "verdict and AE": lambda: Filter(verdict="reject", calling_ae=sender()),
        "SOP Class": lambda: Filter(sop_class=chance.choice(CLASSES)[0]),
        "IOD name": lambda: Filter(sop_class="parametric map"),
        "SOP Class and AE": lambda: Filter(sop_class=CLASSES[0][0], calling_ae=sender()),
        "instance": lambda: Filter(uid=chance.choice(samples)["sop_instance_uid"]),
        "Study": lambda: Filter(uid=chance.choice(samples)["study_instance_uid"]),
        "ticket": lambda: Filter(ticket=chance.choice(samples)["ticket"]),
    }
    worst = 0.0
    with reading(engine) as connection:
        for name, filtered in filters.items():
            worst = max(worst, _time(f"list: {name}", lambda f=filtered: list(receipts(connection, f(), limit=50))))
        columns = ["received_at", "calling_ae", "verdict", "rules"]
        worst = max(worst, _time("list: with rules", lambda: list(receipts(connection, columns=columns, limit=50))))
        some = ("nothing", "a day", "AE", "rule", "rule glob", "rule and AE", "verdict", "severity")
        for by in STATS:
            for name in some:
                filtered = filters[name]
                worst = max(worst, _time(f"stats by {by}: {name}", lambda b=by, f=filtered: stats(connection, b, f())))
        worst = max(
            worst, _time("show", lambda: instance(connection, find(connection, chance.choice(samples)["ticket"]) or 0))
        )
    engine.dispose()
    print(f"worst 95th percentile: {worst:.0f} ms")
    return worst


def _time(name: str, ask: Callable[[], object]) -> float:
    took = []
    for _ in range(20):
        started = time.perf_counter()
        ask()
        took.append((time.perf_counter() - started) * 1000)
    p95 = statistics.quantiles(took, n=20)[-1]
    print(f"{name:32} median {statistics.median(took):7.1f}   p95 {p95:7.1f}", flush=True)
    return p95


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000)
    else:
        measure(sys.argv[2])
