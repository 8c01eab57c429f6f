"""The tables of the audit database: one schema on SQLite and on Postgres.

Ids are those of `scp.ids`: 63 bits, time-ordered, unique over nodes. Text sorts by code point and times by
themselves on both engines. Every schema change is a migration; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


class Timestamp(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, whole milliseconds: `timestamptz` on Postgres, `2026-11-22T09:30:00.125Z` on SQLite.

    The text has a fixed width, so it sorts and compares as the moments do. ValueError without a zone.
    """

    impl = sa.Text
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What rows hold."""
        return datetime

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[datetime]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True, precision=3))
        return dialect.type_descriptor(sa.Text())  # type: ignore[arg-type]  # text here, a datetime outside

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | str | None:
        if value is None:
            return None
        return whole_milliseconds(value) if dialect.name == "postgresql" else as_text(value)

    def process_result_value(self, value: datetime | str | None, dialect: sa.Dialect) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


def whole_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC without its microseconds; ValueError where it has no zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def as_text(moment: datetime) -> str:
    """The moment as every output of the program writes it: ISO 8601, UTC, milliseconds, Z."""
    return whole_milliseconds(moment).isoformat(timespec="milliseconds")[:-6] + "Z"


# On SQLite only the exact word INTEGER makes a primary key the row's own number; it holds 64 bits there.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# By code point, as SQLite does it, whatever the server's locale is; it is the faster index, too.
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=nullable)


association = sa.Table(
    "association",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("opened_at", Timestamp, nullable=False),
    sa.Column("closed_at", Timestamp),
    _text("node"),
    _text("calling_ae"),
    _text("called_ae"),
    _text("address"),
    sa.Column("port", sa.Integer, nullable=False),
    _text("device", nullable=True),
    _text("implementation_class_uid"),
    _text("implementation_version"),
    sa.Column("maximum_length", sa.BigInteger, nullable=False),
    sa.Column("contexts_accepted", sa.Integer, nullable=False),
    _text("contexts_refused"),
    _text("configuration"),
    _text("refusal", nullable=True),
    _text("ending", nullable=True),
    sa.Column("instances", sa.Integer),
    sa.Column("echoes", sa.Integer),
    sa.Column("bytes", sa.BigInteger),
    sa.Index(None, "opened_at"),
    sa.Index(None, "calling_ae", "opened_at"),
)

receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("received_at", Timestamp, nullable=False),
    _text("node"),
    _text("door"),
    # Not a foreign key: an Association whose opening could not be written while the database was away
    # may still deliver once it is back.
    sa.Column("association_id", sa.BigInteger),
    _text("calling_ae"),
    _text("called_ae"),
    _text("address"),
    _text("device", nullable=True),
    _text("sop_class_uid"),
    _text("sop_instance_uid"),
    _text("series_instance_uid"),
    _text("study_instance_uid"),
    _text("transfer_syntax_uid"),
    _text("modality"),
    _text("manufacturer"),
    _text("model"),
    _text("software_versions"),
    _text("patient_id"),
    _text("patient_name"),
    sa.Column("size", sa.BigInteger, nullable=False),
    _text("digest"),
    _text("verdict"),
    sa.Column("status", sa.Integer, nullable=False),
    _text("ticket"),
    _text("iod"),
    _text("edition"),
    _text("rule_set"),
    _text("policy"),
    sa.Column("undecided", sa.Integer, nullable=False),
    sa.Column("errors", sa.Integer, nullable=False),
    sa.Column("warnings", sa.Integer, nullable=False),
    sa.Column("notes", sa.Integer, nullable=False),
    sa.Column("repeat_of", sa.BigInteger),
    _text("stored", nullable=True),
    sa.Column("receive_ms", sa.Double, nullable=False),
    sa.Column("check_ms", sa.Double, nullable=False),
    _text("token", nullable=True),
    sa.UniqueConstraint("ticket"),
    sa.Index(None, "received_at"),
    sa.Index(None, "calling_ae", "received_at"),
    sa.Index(None, "device", "received_at"),
    sa.Index(None, "sop_class_uid", "received_at"),
    sa.Index(None, "verdict", "received_at"),
    sa.Index(None, "sop_instance_uid"),
    sa.Index(None, "series_instance_uid"),
    sa.Index(None, "study_instance_uid"),
    sa.Index(None, "association_id"),
)
for _severity in ("errors", "warnings", "notes"):
    sa.Index(
        f"ix_receipt_with_{_severity}",
        receipt.c.received_at,
        sqlite_where=receipt.c[_severity] > 0,
        postgresql_where=receipt.c[_severity] > 0,
    )

finding = sa.Table(
    "finding",
    metadata,
    sa.Column("receipt_id", Id, sa.ForeignKey("receipt.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # The receipt's own moment once more: it lets one index answer "the newest with this rule".
    sa.Column("received_at", Timestamp, nullable=False),
    _text("rule"),
    _text("severity"),
    _text("path"),
    _text("tag"),
    sa.Column("value_number", sa.Integer),
    _text("section"),
    _text("message"),
    sa.Column("count", sa.Integer, nullable=False),
    _text("first_path", nullable=True),
    _text("last_path", nullable=True),
    sa.Column("policy_line", sa.Integer, nullable=False),
    _text("action"),
    _text("wanted_action"),
    sa.Index(None, "rule", "received_at", "receipt_id"),
    sqlite_with_rowid=False,
)

tally = sa.Table(
    "tally",
    metadata,
    _text("day"),
    _text("calling_ae"),
    _text("device"),
    _text("sop_class_uid"),
    _text("verdict"),
    _text("rule"),
    _text("severity"),
    # Each writer counts in rows of its own: on Postgres no commit ever waits for another's row.
    sa.Column("writer", sa.Integer, nullable=False),
    sa.Column("instances", sa.BigInteger, nullable=False),
    sa.Column("findings", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("day", "calling_ae", "device", "sop_class_uid", "verdict", "rule", "severity", "writer"),
    sqlite_with_rowid=False,
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("at", Timestamp, nullable=False),
    _text("writer"),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    _text("kind"),
    _text("text"),
    _text("detail"),
    sa.Column("association_id", sa.BigInteger),
    _text("previous_hash"),
    _text("hash"),
    sa.UniqueConstraint("writer", "sequence"),
    sa.Index(None, "at"),
    sa.Index(None, "kind", "at"),
)

id_lease = sa.Table(
    "id_lease",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    _text("holder", nullable=True),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_at", Timestamp, nullable=False),
)

identity_key = sa.Table(
    "identity_key",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _text("fingerprint"),
    sa.Column("made_at", Timestamp, nullable=False),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _text("name"),
    _text("hash"),
    _text("scopes"),
    sa.Column("made_at", Timestamp, nullable=False),
    sa.Column("expires_at", Timestamp),
    sa.Column("revoked_at", Timestamp),
    sa.UniqueConstraint("name"),
)

VIEWS = {
    "receipt_finding": """
        select f.received_at, f.rule, f.severity, f.path, f.tag, f.value_number, f.section, f.message,
               f.count, f.action, f.policy_line, r.id as receipt_id, r.ticket, r.verdict, r.calling_ae,
               r.device, r.manufacturer, r.model, r.software_versions, r.modality, r.iod, r.sop_class_uid,
               r.sop_instance_uid, r.series_instance_uid, r.study_instance_uid
        from finding f join receipt r on r.id = f.receipt_id
    """,
    "study_verdict": """
        select study_instance_uid, min(received_at) as first_received_at,
               max(received_at) as last_received_at, count(*) as instances,
               sum(case when verdict = 'accept' then 1 else 0 end) as accepted,
               sum(case when verdict = 'flag' then 1 else 0 end) as flagged,
               sum(case when verdict = 'quarantine' then 1 else 0 end) as quarantined,
               sum(case when verdict = 'reject' then 1 else 0 end) as rejected
        from receipt where repeat_of is null group by study_instance_uid
    """,
    "equipment": """
        select calling_ae, manufacturer, model, software_versions, min(received_at) as first_received_at,
               max(received_at) as last_received_at, count(*) as instances,
               sum(case when errors > 0 then 1 else 0 end) as with_errors
        from receipt group by calling_ae, manufacturer, model, software_versions
    """,
    "daily_verdict": """
        select day, calling_ae, nullif(device, '') as device, sop_class_uid, verdict,
               cast(sum(instances) as bigint) as instances, cast(sum(findings) as bigint) as findings,
               cast(sum(bytes) as bigint) as bytes
        from tally where rule = '' group by day, calling_ae, device, sop_class_uid, verdict
    """,
    "daily_rule": """
        select day, rule, severity, calling_ae, nullif(device, '') as device, sop_class_uid, verdict,
               cast(sum(instances) as bigint) as instances, cast(sum(findings) as bigint) as findings
        from tally where rule <> '' group by day, rule, severity, calling_ae, device, sop_class_uid, verdict
    """,
}
"""The everyday questions, by name: each a plain select that both engines understand."""
