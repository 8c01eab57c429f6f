"""What the command line and the dashboard ask of the audit: receipts, one instance, sums, associations, events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scp.filters import (
    EVERYTHING,
    Settled,
    between,
    expand,
    finding_conditions,
    iod_of,
    receipt_conditions,
    settle,
    tally_conditions,
)
from scp.filters import Filter as Filter
from scp.tables import association, event, finding, receipt, tally
from scp.tickets import read_ticket

Row = dict[str, Any]

STATS = {
    "rule": ("rule", "severity"),
    "device": ("device",),
    "calling-ae": ("calling_ae",),
    "sop-class": ("sop_class_uid",),
    "day": ("day",),
    "verdict": ("verdict",),
}
"""What sums can be grouped by, and the columns that name a group."""

_OF_THE_RECEIPT = (
    "received_at",
    "ticket",
    "calling_ae",
    "device",
    "sop_class_uid",
    "iod",
    "sop_instance_uid",
    "verdict",
)

RECEIPT_COLUMNS: dict[str, type] = {each.name: each.type.python_type for each in receipt.c}
"""The columns of `receipt`, with their Python types."""

FINDING_COLUMNS: dict[str, type] = {
    **{name: receipt.c[name].type.python_type for name in _OF_THE_RECEIPT},
    **{each.name: each.type.python_type for each in finding.c if each.name != "received_at"},
}
"""The columns that `findings` gives, with their Python types."""

_MANY_RULES = 40
_AT_ONCE = 1000


def receipts(
    connection: sa.Connection,
    wanted: Filter = EVERYTHING,
    *,
    columns: Sequence[str] = tuple(RECEIPT_COLUMNS),
    sort: str = "-received_at",
    limit: int | None = None,
) -> Iterator[Row]:
    """The receipts wanted, as rows of these columns of `receipt` (or `rules`: the rules found, with spaces between).

    `sort` is a column, with `-` before it for the greatest first. They are read as they are taken, so that
    a million need no memory.
    """
    settled = settle(connection, wanted)
    if settled is None:
        return
    query = sa.select(*(_column(connection, each) for each in columns))
    conditions = receipt_conditions(settled)
    if settled.rules:
        if limit is not None and sort.lstrip("-") == "received_at" and len(settled.rules) <= _MANY_RULES:
            found = _first_with_rules(settled, conditions, sort.startswith("-"), limit)
            query = query.where(receipt.c.id.in_(sa.select(found.c.receipt_id)))
        else:
            query = query.where(_has_finding(settled), *conditions)
    else:
        query = query.where(*conditions)
    query = query.order_by(*_order(sort)).limit(limit)
    with connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(query) as result:
        for row in result:
            yield dict(zip(columns, row, strict=True))


def findings(connection: sa.Connection, wanted: Filter = EVERYTHING, *, limit: int | None = None) -> Iterator[Row]:
    """Every finding of the receipts wanted (with `rule` or `severity`: those that fit), oldest receipt first."""
    settled = settle(connection, wanted)
    if settled is None:
        return
    named = [finding.c[each.name] for each in finding.c if each.name != "received_at"]
    query = (
        sa.select(*(receipt.c[name] for name in _OF_THE_RECEIPT), *named)
        .join_from(receipt, finding, finding.c.receipt_id == receipt.c.id)
        .where(*receipt_conditions(settled), *finding_conditions(settled))
        .order_by(receipt.c.received_at, receipt.c.id, finding.c.number)
        .limit(limit)
    )
    with connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(query) as result:
        for row in result.mappings():
            yield dict(row)


def findings_of(connection: sa.Connection, receipt_ids: Sequence[int]) -> dict[int, list[Row]]:
    """The findings of some receipts, by receipt; those without any are left out."""
    found: dict[int, list[Row]] = {}
    query = sa.select(finding).where(finding.c.receipt_id.in_(receipt_ids)).order_by(finding.c.number)
    for row in connection.execute(query).mappings():
        found.setdefault(row["receipt_id"], []).append(dict(row))
    return found


def find(connection: sa.Connection, what: str) -> int | None:
    """The receipt that a ticket, a SOP Instance UID or an id names; of a UID that came often, the newest."""
    what = what.strip()
    by_uid = sa.select(receipt.c.id).where(receipt.c.sop_instance_uid == what).order_by(receipt.c.id.desc()).limit(1)
    found = connection.execute(by_uid).scalar()
    ticket = read_ticket(what)
    if found is None and ticket:
        found = connection.execute(sa.select(receipt.c.id).where(receipt.c.ticket == ticket)).scalar()
    if found is None and re.fullmatch(r"[0-9]{1,19}", what) and int(what) < 1 << 63:
        found = connection.execute(sa.select(receipt.c.id).where(receipt.c.id == int(what))).scalar()
    return found


def instance(connection: sa.Connection, receipt_id: int) -> dict[str, Any]:
    """All of one receipt: `receipt`, `findings`, `association`, and `earlier` and `later` of its UID.

    KeyError where there is no such receipt.
    """
    own = connection.execute(sa.select(receipt).where(receipt.c.id == receipt_id)).mappings().first()
    if own is None:
        raise KeyError(receipt_id)
    its_association = (
        connection.execute(sa.select(association).where(association.c.id == own["association_id"])).mappings().first()
    )
    brief = [receipt.c[name] for name in ("id", "received_at", "ticket", "verdict", "calling_ae", "digest", "stored")]
    others = (
        connection.execute(
            sa.select(*brief)
            .where(receipt.c.sop_instance_uid == own["sop_instance_uid"], receipt.c.id != receipt_id)
            .order_by(receipt.c.id)
        )
        .mappings()
        .all()
    )
    of_it = sa.select(finding).where(finding.c.receipt_id == receipt_id).order_by(finding.c.number)
    return {
        "receipt": dict(own),
        "findings": [
            {name: value for name, value in each.items() if name not in ("receipt_id", "received_at")}
            for each in connection.execute(of_it).mappings()
        ],
        "association": dict(its_association) if its_association else None,
        "earlier": [dict(each) for each in others if each["id"] < receipt_id],
        "later": [dict(each) for each in others if each["id"] > receipt_id],
    }


def stats(connection: sa.Connection, by: str = "verdict", wanted: Filter = EVERYTHING) -> list[Row]:
    """Instances and findings, summed by one of STATS; the most first, days in order.

    `uid` and `ticket` of the filter are not looked at. Whole days come from `tally`, what is left of the first
    and the last day from the rows. Where several rules are asked for but not grouped by, `instances` is None:
    one instance may have broken more than one.
    """
    settled = settle(connection, wanted)
    if settled is None:
        return []
    by_rule = by == "rule" or bool(settled.rules) or settled.severity is not None
    parts = _pieces(settled, by_rule, STATS[by])
    pieces = parts[0].subquery() if len(parts) == 1 else sa.union_all(*parts).subquery()
    keys = [pieces.c[each] for each in STATS[by]]
    sums = [sa.cast(sa.func.sum(pieces.c[each]), sa.BigInteger).label(each) for each in ("instances", "findings")]
    rows = [dict(each) for each in connection.execute(sa.select(*keys, *sums).group_by(*keys)).mappings()]
    if by_rule and by != "rule" and len(settled.rules or ()) != 1:
        rows = [{**each, "instances": None} for each in rows]
    if by == "sop-class":
        rows = [{**each, "iod": iod_of(connection, each["sop_class_uid"])} for each in rows]
    if by == "day":
        return sorted(rows, key=lambda each: str(each["day"]))
    return sorted(rows, key=lambda each: (-(each["instances"] or each["findings"]), *(each[key] for key in STATS[by])))


def associations(
    connection: sa.Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    calling_ae: str | None = None,
    refused: bool = False,
    limit: int | None = None,
) -> Iterator[Row]:
    """The Associations of a time, the newest first; with `refused`, those that were refused."""
    query = sa.select(association).where(*between(association.c.opened_at, since, until))
    if calling_ae is not None:
        query = query.where(association.c.calling_ae.in_(expand(connection, association.c.calling_ae, calling_ae)))
    if refused:
        query = query.where(association.c.refusal.is_not(None))
    query = query.order_by(association.c.opened_at.desc(), association.c.id.desc()).limit(limit)
    with connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(query) as result:
        for row in result.mappings():
            yield dict(row)


def events(
    connection: sa.Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    kind: str | None = None,
    limit: int | None = None,
) -> Iterator[Row]:
    """What happened to the node, the newest first."""
    query = sa.select(event).where(*between(event.c.at, since, until))
    if kind is not None:
        query = query.where(event.c.kind.in_(expand(connection, event.c.kind, kind)))
    query = query.order_by(event.c.at.desc(), event.c.id.desc()).limit(limit)
    with connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(query) as result:
        for row in result.mappings():
            yield dict(row)


def _column(connection: sa.Connection, name: str) -> sa.ColumnElement[Any]:
    if name != "rules":
        return receipt.c[name]
    join = sa.func.group_concat if connection.dialect.name == "sqlite" else sa.func.string_agg
    own = sa.select(finding.c.rule).where(finding.c.receipt_id == receipt.c.id).distinct().order_by(finding.c.rule)
    rules = own.correlate(receipt).subquery()
    return sa.select(join(rules.c.rule, sa.literal_column("' '"))).correlate(receipt).scalar_subquery()


def _order(sort: str) -> list[sa.ColumnElement[Any]]:
    column = receipt.c[sort.lstrip("-")]
    ties = [] if column is receipt.c.id else [receipt.c.id]
    return [each.desc() if sort.startswith("-") else each.asc() for each in (column, *ties)]


def _has_finding(settled: Settled) -> sa.ColumnElement[bool]:
    return sa.exists().where(finding.c.receipt_id == receipt.c.id, *finding_conditions(settled))


def _first_with_rules(
    settled: Settled, conditions: list[sa.ColumnElement[bool]], newest: bool, limit: int
) -> sa.Subquery:
    """The first receipts with any of the rules: each rule's own first ones from the index, then the first of all."""
    severity = [finding.c.severity == settled.severity] if settled.severity else []
    own = []
    for rule in settled.rules:
        query = (
            sa.select(finding.c.received_at, finding.c.receipt_id)
            .where(finding.c.rule == rule, *severity, *between(finding.c.received_at, settled.since, settled.until))
            .distinct()
        )
        if conditions:
            query = query.join_from(finding, receipt, receipt.c.id == finding.c.receipt_id).where(*conditions)
        order = [finding.c.received_at, finding.c.receipt_id]
        first = query.order_by(*(each.desc() if newest else each.asc() for each in order)).limit(limit).subquery()
        own.append(sa.select(first))
    every = (sa.union(*own) if len(own) > 1 else own[0]).subquery()
    columns = (every.c.received_at, every.c.receipt_id)
    ordered = [each.desc() if newest else each.asc() for each in columns]
    return sa.select(every).order_by(*ordered).limit(limit).subquery()


def _pieces(settled: Settled, by_rule: bool, keys: Sequence[str]) -> list[sa.Select[Any]]:
    """The sums of whole days, and selects that count what is left of the days at the ends."""
    whole = tally_conditions(settled, by_rule)
    rest: list[tuple[datetime, datetime]] = []
    since, until = settled.since, settled.until
    if since and until and since.date() == until.date():
        return [_counted(settled, by_rule, keys, since, until)]
    if since:
        midnight = _midnight(since)
        if since == midnight:
            whole.append(tally.c.day >= since.date().isoformat())
        else:
            whole.append(tally.c.day > since.date().isoformat())
            rest.append((since, midnight + timedelta(days=1)))
    if until:
        whole.append(tally.c.day < until.date().isoformat())
        if until != _midnight(until):
            rest.append((_midnight(until), until))
    columns = [tally.c[name] for name in (*keys, "instances", "findings")]
    return [sa.select(*columns).where(*whole), *(_counted(settled, by_rule, keys, *each) for each in rest)]


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _counted(settled: Settled, by_rule: bool, keys: Sequence[str], since: datetime, until: datetime) -> sa.Select[Any]:
    """What `tally` would say of a part of one day, counted from the rows."""
    columns = {
        "day": sa.literal_column(f"'{since.date().isoformat()}'"),
        "device": sa.func.coalesce(receipt.c.device, ""),
        "rule": finding.c.rule,
        "severity": finding.c.severity,
    }
    named = [columns[each] if each in columns else receipt.c[each] for each in keys]
    labelled = [column.label(key) for key, column in zip(keys, named, strict=True)]
    # Severity is a condition on the findings here, never on the receipts' counts.
    conditions = receipt_conditions(replace(settled, since=since, until=until, severity=None, uid=None, ticket=None))
    if by_rule:
        instances = sa.func.count(finding.c.receipt_id.distinct()).label("instances")
        query = sa.select(*labelled, instances, sa.func.count().label("findings"))
        query = query.join_from(receipt, finding, finding.c.receipt_id == receipt.c.id)
        conditions += finding_conditions(settled)
    else:
        total = sa.func.sum(receipt.c.errors + receipt.c.warnings + receipt.c.notes)
        query = sa.select(*labelled, sa.func.count().label("instances"), total.label("findings"))
    groups = [column for key, column in zip(keys, named, strict=True) if key != "day"]
    return query.where(*conditions).group_by(*groups).having(sa.func.count() > 0)
