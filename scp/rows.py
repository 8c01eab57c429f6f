"""Records as rows: the journal's statements, compiled once, and the plain tuples that fill them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from rules.model import Severity
from scp import tables
from scp.identity import Identity
from scp.records import AssociationClosed, AssociationOpened, Receipt
from scp.tables import as_text, whole_milliseconds

Row = tuple[Any, ...]

_RECEIPT_TEXTS = attrgetter(
    "door", "calling_ae", "called_ae", "address", "sop_class_uid", "sop_instance_uid", "series_instance_uid",
    "study_instance_uid", "transfer_syntax_uid", "modality", "manufacturer", "model", "software_versions",
    "patient_id", "patient_name", "digest", "verdict", "ticket", "iod", "edition", "rule_set", "policy",
)  # fmt: skip
_OPENED = attrgetter(
    "calling_ae", "called_ae", "address", "port", "device", "implementation_class_uid",
    "implementation_version", "maximum_length", "contexts_accepted",
)  # fmt: skip


class Statements:
    """What the journal says to one kind of database, ready for its driver; values go in by position."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._postgres = dialect.name == "postgresql"
        self._driver = f"{dialect.name}+{dialect.driver}://"
        self._error: type[Exception] = dialect.loaded_dbapi.Error
        self.integrity_error: type[Exception] = dialect.loaded_dbapi.IntegrityError
        insert = postgresql.insert if self._postgres else sqlite.insert
        opened = [each.name for each in tables.association.c if each.name not in _CLOSING]
        association, tally = tables.association, tables.tally
        self.open_association = self._compiled(
            insert(association).on_conflict_do_nothing(index_elements=["id"]), opened
        )
        self.close_association = self._compiled(
            association.update().where(association.c.id == sa.bindparam("closing")), _CLOSING
        )
        self.insert_receipt = self._compiled(tables.receipt.insert())
        self.insert_finding = self._compiled(tables.finding.insert())
        self.insert_event = self._compiled(tables.event.insert())
        mark = "%s" if self._postgres else "?"
        self.last_event = _LAST_EVENT.format(mark)
        self.same_event = _SAME_EVENT.format(mark, mark, mark)
        adding = insert(tally)
        self.add_to_tally = self._compiled(
            adding.on_conflict_do_update(
                index_elements=list(tally.primary_key),
                set_={name: tally.c[name] + adding.excluded[name] for name in ("instances", "findings", "bytes")},
            )
        )

    def earlier(self, driver: Any, uids: Sequence[str], *, lock: bool = False) -> list[Row]:
        """UID, then the columns of `Earlier`, oldest first; with `lock` the UIDs are locked before, on Postgres."""
        wanted = sorted({clean(each) for each in uids})
        if not wanted:
            return []
        if not self._postgres:
            if len(wanted) == 1:
                return list(driver.execute(_EARLIER_OF_ONE, wanted))
            return list(driver.execute(_EARLIER_OF_MANY, (json.dumps(wanted),)))
        # Two statements, since one would look at the moment from before it had the locks.
        with driver.pipeline():
            if lock:
                driver.execute(_LOCK_UIDS, (sorted(map(_lock_key, wanted)),))
            found = driver.execute(_EARLIER.format("= any(%s)"), (wanted,))
        return list(found)

    def known(self, driver: Any, ids: list[int]) -> list[Row]:
        """Those of the ids that receipts have."""
        if self._postgres:
            return list(driver.execute("select id from receipt where id = any(%s)", (ids,)))
        return list(driver.execute(f"select id from receipt where id {_THESE}", (json.dumps(ids),)))  # noqa: S608

    def run(self, driver: Any, *filled: tuple[str, list[Row]]) -> None:
        """Execute each statement for its rows; on Postgres they all travel in one pipeline."""
        with driver.pipeline() if self._postgres else nullcontext():
            for statement, rows in filled:
                if rows:
                    driver.cursor().executemany(statement, rows)

    @contextmanager
    def transaction(self, connection: sa.Connection) -> Iterator[Any]:
        """The driver's own connection in a transaction that the block commits; rolled back where it does not."""
        with self.translated(connection) as driver:
            try:
                if not self._postgres:  # there the driver begins, with the first statement
                    driver.execute("begin immediate")
                yield driver
            except BaseException:
                with suppress(self._error):  # else it would hide why
                    driver.rollback()
                raise

    @contextmanager
    def translated(self, connection: sa.Connection) -> Iterator[Any]:
        """The driver's own connection: SQLAlchemy takes longer over five statements than SQLite does.

        What the driver raises comes out as SQLAlchemy's own exceptions all the same.
        """
        driver: Any = connection.connection.dbapi_connection
        try:
            yield driver
        except self._error as raised:
            raise sa.exc.DBAPIError.instance(
                None, None, raised, self._error, hide_parameters=True, dialect=connection.dialect
            ) from raised

    def _compiled(self, statement: sa.Insert | sa.Update, columns: Sequence[str] | None = None) -> str:
        style = {"paramstyle": "format" if self._postgres else "qmark"}
        dialect = sa.make_url(self._driver).get_dialect()(**style)
        return str(statement.compile(dialect=dialect, column_keys=columns))


_CLOSING = ["closed_at", "ending", "instances", "echoes", "bytes"]

_LOCK_UIDS = "select pg_advisory_xact_lock(key) from unnest(%s::bigint[]) as key"

_THESE = "in (select value from json_each(?))"

_LAST_EVENT = "select sequence, hash from event where writer = {} order by sequence desc limit 1"

_SAME_EVENT = "select 1 from event where at = {} and kind = {} and text = {} limit 1"

_EARLIER = """
    select sop_instance_uid, id, ticket, digest, transfer_syntax_uid, verdict, stored from receipt
    where sop_instance_uid {} and stored is not null order by id
"""
_EARLIER_OF_ONE = _EARLIER.format("= ?")
_EARLIER_OF_MANY = _EARLIER.format(_THESE)


def _lock_key(uid: str) -> int:
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8], signed=True)


class Rows:
    """Turns records into rows for one kind of database, with the patient's identity as the site keeps it."""

    def __init__(self, dialect: sa.Dialect, identity: Identity, node: str) -> None:
        self.node = clean(node)
        self._identity = identity
        self._text_times = dialect.name == "sqlite"

    def moment(self, moment: datetime) -> datetime | str:
        """The moment as the driver binds it; ValueError where it has no zone."""
        return as_text(moment) if self._text_times else whole_milliseconds(moment)

    def opened(self, record: AssociationOpened) -> Row:
        """A row of `association`, its closing columns left out."""
        return (
            record.id,
            self.moment(record.opened_at),
            self.node,
            *map(_kept, _OPENED(record)),
            clean(" ".join(record.contexts_refused)),
            clean(record.configuration),
            _kept(record.refusal),
        )

    def closed(self, record: AssociationClosed) -> Row:
        """The closing columns, then the id of the row they go to."""
        at = self.moment(record.closed_at)
        return (at, clean(record.ending), record.instances, record.echoes, record.bytes, record.id)

    def receipt(self, record: Receipt) -> Row:
        """A row of `receipt`."""
        texts = _RECEIPT_TEXTS(record)
        if not "".join(texts).isprintable():
            texts = tuple(map(clean, texts))
        (
            door, calling_ae, called_ae, address, sop_class, instance, series, study, transfer_syntax, modality,
            manufacturer, model, software, patient_id, patient_name, digest, verdict, *rest,
        ) = texts  # fmt: skip
        severities = [each.finding.severity for each in record.decisions]
        return (
            record.id,
            self.moment(record.received_at),
            self.node,
            door,
            record.association_id,
            calling_ae,
            called_ae,
            address,
            _kept(record.device),
            *(sop_class, instance, series, study, transfer_syntax),
            *(modality, manufacturer, model, software),
            self._identity.patient_id(patient_id),
            self._identity.patient_name(patient_name),
            record.size,
            digest,
            str(verdict),
            record.status,
            *rest,
            record.undecided,
            severities.count(Severity.ERROR),
            severities.count(Severity.WARNING),
            severities.count(Severity.NOTE),
            record.repeat_of,
            _kept(record.stored),
            record.receive_ms,
            record.check_ms,
            _kept(record.token),
        )

    def findings(self, record: Receipt) -> list[Row]:
        """The rows of `finding` of one receipt, numbered from 1."""
        at = self.moment(record.received_at) if record.decisions else None
        rows = []
        for number, decision in enumerate(record.decisions, 1):
            each = decision.finding
            rows.append(
                (
                    record.id,
                    number,
                    at,
                    each.rule,
                    each.severity.value,
                    clean(each.path),
                    each.tag,
                    each.value_number,
                    each.section,
                    clean(each.message),
                    each.count,
                    _kept(each.first),
                    _kept(each.last),
                    decision.line,
                    decision.action.value,
                    decision.wanted.value,
                )
            )
        return rows

    def tallies(self, records: Sequence[Receipt], writer: int) -> list[Row]:
        """What the receipts add to `tally`: a row of their own (rule ''), and one a rule."""
        sums: dict[tuple[str, ...], list[int]] = {}

        def add(key: tuple[str, ...], findings: int, size: int) -> None:
            row = sums.setdefault(key, [0, 0, 0])
            row[0] += 1
            row[1] += findings
            row[2] += size

        for each in records:
            whose = (
                as_text(each.received_at)[:10],
                *map(clean, (each.calling_ae, each.device or "", each.sop_class_uid, each.verdict)),
            )
            add((*whose, "", ""), len(each.decisions), each.size)
            rules: dict[tuple[str, str], int] = {}
            for decision in each.decisions:
                rule = (decision.finding.rule, decision.finding.severity.value)
                rules[rule] = rules.get(rule, 0) + 1
            for rule, findings in rules.items():
                add((*whose, *rule), findings, each.size)
        return [(*key, writer, *row) for key, row in sorted(sums.items())]


def clean(text: str) -> str:
    """The text as both engines can keep it: NUL and lone surrogates, which may be sent, become U+FFFD."""
    if text.isprintable():
        return str(text)
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _kept(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value
