"""Whether the audit's rows agree with each other: the events' hash chains, and the sums with what they sum."""

from __future__ import annotations

import sqlalchemy as sa

from scp.journal import GENESIS, event_hash
from scp.tables import as_text, event, finding, receipt, tally

_AT_ONCE = 1000


def verify_chain(connection: sa.Connection) -> list[str]:
    """What is wrong with the events' hash chains: changed, removed or added rows; empty where they hold."""
    wrong: list[str] = []
    writer, sequence, previous = None, 0, GENESIS
    ordered = sa.select(event).order_by(event.c.writer, event.c.sequence)
    with connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(ordered) as result:
        for row in result:
            if row.writer != writer:
                writer, sequence, previous = row.writer, 0, GENESIS
            if row.sequence != sequence + 1:
                wrong.append(f"event chain of {writer}: {row.sequence - sequence - 1} missing before {row.sequence}")
            elif row.previous_hash != previous:
                wrong.append(f"event chain of {writer}: {row.sequence} does not follow the one before it")
            own = event_hash(
                row.previous_hash,
                row.writer,
                row.sequence,
                as_text(row.at),
                row.kind,
                row.text,
                row.detail,
                row.association_id,
            )
            if row.hash != own:
                wrong.append(f"event chain of {writer}: {row.sequence} was changed")
            sequence, previous = row.sequence, row.hash
    return wrong


def verify_tally(connection: sa.Connection) -> list[str]:
    """Whether `tally` agrees with the rows it sums; reads the whole of both."""
    wrong = []
    for what, counted, summed in (
        ("receipts", receipt, sa.func.sum(tally.c.instances).filter(tally.c.rule == "")),
        ("findings", finding, sa.func.sum(tally.c.findings).filter(tally.c.rule != "")),
    ):
        rows = connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar() or 0
        sums = int(connection.execute(sa.select(summed)).scalar() or 0)
        if rows != sums:
            wrong.append(f"tally: sums up {sums} {what}, and there are {rows}")
    return wrong
