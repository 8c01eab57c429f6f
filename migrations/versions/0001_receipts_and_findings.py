"""Receipts and findings: the audit's first schema, with its events, tallies, leases and views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Moment = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True, precision=3), "postgresql")


def upgrade() -> None:
    op.create_table(
        "association",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("opened_at", Moment, nullable=False),
        sa.Column("closed_at", Moment, nullable=True),
        sa.Column("node", Text, nullable=False),
        sa.Column("calling_ae", Text, nullable=False),
        sa.Column("called_ae", Text, nullable=False),
        sa.Column("address", Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("device", Text, nullable=True),
        sa.Column("implementation_class_uid", Text, nullable=False),
        sa.Column("implementation_version", Text, nullable=False),
        sa.Column("maximum_length", sa.BigInteger, nullable=False),
        sa.Column("contexts_accepted", sa.Integer, nullable=False),
        sa.Column("contexts_refused", Text, nullable=False),
        sa.Column("configuration", Text, nullable=False),
        sa.Column("refusal", Text, nullable=True),
        sa.Column("ending", Text, nullable=True),
        sa.Column("instances", sa.Integer, nullable=True),
        sa.Column("echoes", sa.Integer, nullable=True),
        sa.Column("bytes", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_association")),
    )
    op.create_index(op.f("ix_association_calling_ae_opened_at"), "association", ["calling_ae", "opened_at"])
    op.create_index(op.f("ix_association_opened_at"), "association", ["opened_at"])
    op.create_table(
        "event",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("writer", Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("text", Text, nullable=False),
        sa.Column("detail", Text, nullable=False),
        sa.Column("association_id", sa.BigInteger, nullable=True),
        sa.Column("previous_hash", Text, nullable=False),
        sa.Column("hash", Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("writer", "sequence", name=op.f("uq_event_writer_sequence")),
    )
    op.create_index(op.f("ix_event_at"), "event", ["at"])
    op.create_index(op.f("ix_event_kind_at"), "event", ["kind", "at"])
    op.create_table(
        "id_lease",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("holder", Text, nullable=True),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_id_lease")),
    )
    op.create_table(
        "identity_key",
        sa.Column("id", Text, nullable=False),
        sa.Column("fingerprint", Text, nullable=False),
        sa.Column("made_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_key")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("node", Text, nullable=False),
        sa.Column("door", Text, nullable=False),
        sa.Column("association_id", sa.BigInteger, nullable=True),
        sa.Column("calling_ae", Text, nullable=False),
        sa.Column("called_ae", Text, nullable=False),
        sa.Column("address", Text, nullable=False),
        sa.Column("device", Text, nullable=True),
        sa.Column("sop_class_uid", Text, nullable=False),
        sa.Column("sop_instance_uid", Text, nullable=False),
        sa.Column("series_instance_uid", Text, nullable=False),
        sa.Column("study_instance_uid", Text, nullable=False),
        sa.Column("transfer_syntax_uid", Text, nullable=False),
        sa.Column("modality", Text, nullable=False),
        sa.Column("manufacturer", Text, nullable=False),
        sa.Column("model", Text, nullable=False),
        sa.Column("software_versions", Text, nullable=False),
        sa.Column("patient_id", Text, nullable=False),
        sa.Column("patient_name", Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("verdict", Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("ticket", Text, nullable=False),
        sa.Column("iod", Text, nullable=False),
        sa.Column("edition", Text, nullable=False),
        sa.Column("rule_set", Text, nullable=False),
        sa.Column("policy", Text, nullable=False),
        sa.Column("undecided", sa.Integer, nullable=False),
        sa.Column("errors", sa.Integer, nullable=False),
        sa.Column("warnings", sa.Integer, nullable=False),
        sa.Column("notes", sa.Integer, nullable=False),
        sa.Column("repeat_of", sa.BigInteger, nullable=True),
        sa.Column("stored", Text, nullable=True),
        sa.Column("receive_ms", sa.Double, nullable=False),
        sa.Column("check_ms", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("ticket", name=op.f("uq_receipt_ticket")),
    )
    op.create_index(op.f("ix_receipt_association_id"), "receipt", ["association_id"])
    op.create_index(op.f("ix_receipt_calling_ae_received_at"), "receipt", ["calling_ae", "received_at"])
    op.create_index(op.f("ix_receipt_device_received_at"), "receipt", ["device", "received_at"])
    op.create_index(op.f("ix_receipt_received_at"), "receipt", ["received_at"])
    op.create_index(op.f("ix_receipt_series_instance_uid"), "receipt", ["series_instance_uid"])
    op.create_index(op.f("ix_receipt_sop_class_uid_received_at"), "receipt", ["sop_class_uid", "received_at"])
    op.create_index(op.f("ix_receipt_sop_instance_uid"), "receipt", ["sop_instance_uid"])
    op.create_index(op.f("ix_receipt_study_instance_uid"), "receipt", ["study_instance_uid"])
    op.create_index(op.f("ix_receipt_verdict_received_at"), "receipt", ["verdict", "received_at"])
    op.create_index(
        "ix_receipt_with_errors",
        "receipt",
        ["received_at"],
        sqlite_where=sa.text("errors > 0"),
        postgresql_where=sa.text("errors > 0"),
    )
    op.create_index(
        "ix_receipt_with_notes",
        "receipt",
        ["received_at"],
        sqlite_where=sa.text("notes > 0"),
        postgresql_where=sa.text("notes > 0"),
    )
    op.create_index(
        "ix_receipt_with_warnings",
        "receipt",
        ["received_at"],
        sqlite_where=sa.text("warnings > 0"),
        postgresql_where=sa.text("warnings > 0"),
    )
    op.create_table(
        "tally",
        sa.Column("day", Text, nullable=False),
        sa.Column("calling_ae", Text, nullable=False),
        sa.Column("device", Text, nullable=False),
        sa.Column("sop_class_uid", Text, nullable=False),
        sa.Column("verdict", Text, nullable=False),
        sa.Column("rule", Text, nullable=False),
        sa.Column("severity", Text, nullable=False),
        sa.Column("writer", sa.Integer, nullable=False),
        sa.Column("instances", sa.BigInteger, nullable=False),
        sa.Column("findings", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "day",
            "calling_ae",
            "device",
            "sop_class_uid",
            "verdict",
            "rule",
            "severity",
            "writer",
            name=op.f("pk_tally"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "finding",
        sa.Column("receipt_id", Id, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("rule", Text, nullable=False),
        sa.Column("severity", Text, nullable=False),
        sa.Column("path", Text, nullable=False),
        sa.Column("tag", Text, nullable=False),
        sa.Column("value_number", sa.Integer, nullable=True),
        sa.Column("section", Text, nullable=False),
        sa.Column("message", Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_path", Text, nullable=True),
        sa.Column("last_path", Text, nullable=True),
        sa.Column("policy_line", sa.Integer, nullable=False),
        sa.Column("action", Text, nullable=False),
        sa.Column("wanted_action", Text, nullable=False),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_finding_receipt_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("receipt_id", "number", name=op.f("pk_finding")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_finding_rule_received_at_receipt_id"), "finding", ["rule", "received_at", "receipt_id"])
    op.execute(
        """
        create view receipt_finding as
        select f.received_at, f.rule, f.severity, f.path, f.tag, f.value_number, f.section, f.message,
               f.count, f.action, f.policy_line, r.id as receipt_id, r.ticket, r.verdict, r.calling_ae,
               r.device, r.manufacturer, r.model, r.software_versions, r.modality, r.iod, r.sop_class_uid,
               r.sop_instance_uid, r.series_instance_uid, r.study_instance_uid
        from finding f join receipt r on r.id = f.receipt_id
        """
    )
    op.execute(
        """
        create view study_verdict as
        select study_instance_uid, min(received_at) as first_received_at,
               max(received_at) as last_received_at, count(*) as instances,
               sum(case when verdict = 'accept' then 1 else 0 end) as accepted,
               sum(case when verdict = 'flag' then 1 else 0 end) as flagged,
               sum(case when verdict = 'quarantine' then 1 else 0 end) as quarantined,
               sum(case when verdict = 'reject' then 1 else 0 end) as rejected
        from receipt where repeat_of is null group by study_instance_uid
        """
    )
    op.execute(
        """
        create view equipment as
        select calling_ae, manufacturer, model, software_versions, min(received_at) as first_received_at,
               max(received_at) as last_received_at, count(*) as instances,
               sum(case when errors > 0 then 1 else 0 end) as with_errors
        from receipt group by calling_ae, manufacturer, model, software_versions
        """
    )
    op.execute(
        """
        create view daily_verdict as
        select day, calling_ae, nullif(device, '') as device, sop_class_uid, verdict,
               cast(sum(instances) as bigint) as instances, cast(sum(findings) as bigint) as findings,
               cast(sum(bytes) as bigint) as bytes
        from tally where rule = '' group by day, calling_ae, device, sop_class_uid, verdict
        """
    )
    op.execute(
        """
        create view daily_rule as
        select day, rule, severity, calling_ae, nullif(device, '') as device, sop_class_uid, verdict,
               cast(sum(instances) as bigint) as instances, cast(sum(findings) as bigint) as findings
        from tally where rule <> '' group by day, rule, severity, calling_ae, device, sop_class_uid, verdict
        """
    )
