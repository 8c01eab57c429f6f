"""Runs the migrations on the connection it is given, inside that connection's own transaction and lock."""

from __future__ import annotations

from alembic import context

from scp.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("migrations are run by: dicomgate db upgrade")
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
