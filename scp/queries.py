"""What the command line and the dashboard ask of the audit: receipts, one instance, sums, associations, events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa

from scp.journal import GENESIS, event_hash
from scp.tables import as_text, association, event, finding, receipt, tally
from scp.tickets import read_ticket

Row = dict[str, Any]

SEVERITIES = {"error": receipt.c.errors, "warning": receipt.c.warnings, "note": receipt.c.notes}

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


@dataclass(frozen=True, slots=True)
class Filter:
    """Which receipts are meant: those that all of these fit. `*` and `?` stand for any text, any character.

    `since` is included, `until` is not. `rule` and `severity` ask for one finding that fits both.
    `sop_class` is a UID or the name of an IOD; `uid` is that of an instance, a Series or a Study.
    """

    since: datetime | None = None
    until: datetime | None = None
    calling_ae: str | None = None
    device: str | None = None
    rule: str | None = None
    severity: str | None = None
    verdict: str | None = None
    sop_class: str | None = None
    uid: str | None = None
    ticket: str | None = None


def receipts(
    connection: sa.Connection,
    wanted: Filter = Filter(),
    *,
    columns: Sequence[str] = tuple(RECEIPT_COLUMNS),
    sort: str = "-received_at",
    limit: int | None = None,
) -> Iterator[Row]:
    """The receipts wanted, as rows of these columns of `receipt` (or `rules`: the rules found, with spaces between).

    `sort` is a column, with `-` before it for the greatest first. They are read as they are taken, so that
    a million need no memory.
    """
    settled = _settle(connection, wanted)
    if settled is None:
        return
    query = sa.select(*(_column(connection, each) for each in columns))
    conditions = _receipt_conditions(settled)
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


def findings(connection: sa.Connection, wanted: Filter = Filter(), *, limit: int | None = None) -> Iterator[Row]:
    """Every finding of the receipts wanted (with `rule` or `severity`: those that fit), oldest receipt first."""
    settled = _settle(connection, wanted)
    if settled is None:
        return
    named = [finding.c[each.name] for each in finding.c if each.name != "received_at"]
    query = (
        sa.select(*(receipt.c[name] for name in _OF_THE_RECEIPT), *named)
        .join_from(receipt, finding, finding.c.receipt_id == receipt.c.id)
        .where(*_receipt_conditions(settled), *_finding_conditions(settled))
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


def stats(connection: sa.Connection, by: str = "verdict", wanted: Filter = Filter()) -> list[Row]:
    """Instances and findings, summed by one of STATS; the most first, days in order.

    `uid` and `ticket` of the filter are not looked at. Whole days come from `tally`, what is left of the first
    and the last day from the rows. Where several rules are asked for but not grouped by, `instances` is None:
    one instance may have broken more than one.
    """
    settled = _settle(connection, wanted)
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
        rows = [{**each, "iod": _iod_of(connection, each["sop_class_uid"])} for each in rows]
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
    query = sa.select(association).where(*_between(association.c.opened_at, since, until))
    if calling_ae is not None:
        query = query.where(association.c.calling_ae.in_(_expand(connection, association.c.calling_ae, calling_ae)))
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
    query = sa.select(event).where(*_between(event.c.at, since, until))
    if kind is not None:
        query = query.where(event.c.kind.in_(_expand(connection, event.c.kind, kind)))
    query = query.order_by(event.c.at.desc(), event.c.id.desc()).limit(limit)
    with connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(query) as result:
        for row in result.mappings():
            yield dict(row)


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


@dataclass(frozen=True, slots=True)
class _Settled:
    """A filter with its patterns replaced by what they stand for in this database."""

    since: datetime | None
    until: datetime | None
    severity: str | None
    rules: tuple[str, ...]
    """Empty where any rule will do."""
    values: dict[str, tuple[str, ...]]
    """By column: the values that fit."""
    uid: str | None
    ticket: str | None


def _settle(connection: sa.Connection, wanted: Filter) -> _Settled | None:
    """The filter in this database's own values; None where nothing can fit."""
    values: dict[str, tuple[str, ...]] = {}
    for name, text in (("calling_ae", wanted.calling_ae), ("device", wanted.device), ("verdict", wanted.verdict)):
        if text is not None:
            values[name] = _expand(connection, receipt.c[name], text)
    if wanted.sop_class is not None:
        values["sop_class_uid"] = _sop_classes(connection, wanted.sop_class)
    rules: tuple[str, ...] = ()
    if wanted.rule is not None:
        rules = _expand(connection, finding.c.rule, wanted.rule)
        if not rules:
            return None
    if not all(values.values()) or (wanted.severity is not None and wanted.severity not in SEVERITIES):
        return None
    ticket = None
    if wanted.ticket is not None:
        ticket = read_ticket(wanted.ticket)
        if ticket is None:
            return None
    settled = _Settled(wanted.since, wanted.until, wanted.severity, rules, values, wanted.uid, ticket)
    return _narrow(connection, settled) if len(values) + bool(rules) > 1 else settled


def _narrow(connection: sa.Connection, settled: _Settled) -> _Settled | None:
    """Leave out the rules that never met the rest, and the days before and after all that fits, by `tally`.

    A rule that is frequent and a sender that is frequent may never have met; without this, finding that
    out means reading every row of one of them. None where nothing is left.
    """
    met = sa.select(tally.c.rule, sa.func.min(tally.c.day), sa.func.max(tally.c.day))
    by_rule = bool(settled.rules or settled.severity)
    rows = connection.execute(met.where(*_tally_conditions(settled, by_rule)).group_by(tally.c.rule)).all()
    if not rows:
        return None
    begin = datetime.fromisoformat(f"{min(row[1] for row in rows)}T00:00:00+00:00")
    end = datetime.fromisoformat(f"{max(row[2] for row in rows)}T00:00:00+00:00") + timedelta(days=1)
    return replace(
        settled,
        rules=tuple(row[0] for row in rows) if settled.rules else (),
        since=max(begin, settled.since) if settled.since else begin,
        until=min(end, settled.until) if settled.until else end,
    )


def _expand(connection: sa.Connection, column: sa.ColumnElement[Any], text: str) -> tuple[str, ...]:
    """The column's values that fit the text; a text without `*`, `?` or `[` stands for itself."""
    if not re.search(r"[*?\[]", text):
        return (text,)
    return tuple(each for each in _distinct(connection, column) if fnmatchcase(each, text))


def _distinct(connection: sa.Connection, column: sa.ColumnElement[Any]) -> list[str]:
    """The values of a column that an index begins with, found by one look into the index for each."""
    values = sa.select(sa.func.min(column).label("value")).cte("value", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > values.c.value).scalar_subquery()
    values = values.union_all(sa.select(following).where(values.c.value.is_not(None)))
    return list(connection.execute(sa.select(values.c.value).where(values.c.value.is_not(None))).scalars())


def _sop_classes(connection: sa.Connection, text: str) -> tuple[str, ...]:
    """The SOP Class UIDs that a UID, or the name of an IOD, stands for here."""
    if re.fullmatch(r"[0-9.]+", text):
        return (text,)
    pattern = text.casefold()
    named = ((uid, _iod_of(connection, uid)) for uid in _distinct(connection, receipt.c.sop_class_uid))
    return tuple(uid for uid, iod in named if fnmatchcase(iod.casefold(), pattern))


def _iod_of(connection: sa.Connection, sop_class_uid: str) -> str:
    query = sa.select(receipt.c.iod).where(receipt.c.sop_class_uid == sop_class_uid)
    return connection.execute(query.order_by(receipt.c.received_at.desc()).limit(1)).scalar() or ""


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


def _between(
    column: sa.ColumnElement[Any], since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    return [*([column >= since] if since else []), *([column < until] if until else [])]


def _receipt_conditions(settled: _Settled) -> list[sa.ColumnElement[bool]]:
    conditions = _between(receipt.c.received_at, settled.since, settled.until)
    conditions += [_one_of(receipt.c[name], values) for name, values in settled.values.items()]
    if settled.severity and not settled.rules:
        conditions.append(SEVERITIES[settled.severity] > sa.literal_column("0"))
    if settled.uid is not None:
        uids = (receipt.c.sop_instance_uid, receipt.c.series_instance_uid, receipt.c.study_instance_uid)
        conditions.append(sa.or_(*(each == settled.uid for each in uids)))
    if settled.ticket is not None:
        conditions.append(receipt.c.ticket == settled.ticket)
    return conditions


def _finding_conditions(settled: _Settled) -> list[sa.ColumnElement[bool]]:
    conditions = [_one_of(finding.c.rule, settled.rules)] if settled.rules else []
    if settled.severity:
        conditions.append(finding.c.severity == settled.severity)
    return conditions


def _tally_conditions(settled: _Settled, by_rule: bool) -> list[sa.ColumnElement[bool]]:
    conditions = [tally.c.rule != "" if by_rule else tally.c.rule == ""]
    conditions += [_one_of(tally.c[name], values) for name, values in settled.values.items()]
    if settled.rules:
        conditions.append(_one_of(tally.c.rule, settled.rules))
    if settled.severity:
        conditions.append(tally.c.severity == settled.severity)
    return conditions


def _one_of(column: sa.ColumnElement[Any], values: Sequence[str]) -> sa.ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _has_finding(settled: _Settled) -> sa.ColumnElement[bool]:
    return sa.exists().where(finding.c.receipt_id == receipt.c.id, *_finding_conditions(settled))


def _first_with_rules(
    settled: _Settled, conditions: list[sa.ColumnElement[bool]], newest: bool, limit: int
) -> sa.Subquery:
    """The first receipts with any of the rules: each rule's own first ones from the index, then the first of all."""
    severity = [finding.c.severity == settled.severity] if settled.severity else []
    own = []
    for rule in settled.rules:
        query = (
            sa.select(finding.c.received_at, finding.c.receipt_id)
            .where(finding.c.rule == rule, *severity, *_between(finding.c.received_at, settled.since, settled.until))
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


def _pieces(settled: _Settled, by_rule: bool, keys: Sequence[str]) -> list[sa.Select[Any]]:
    """The sums of whole days, and selects that count what is left of the days at the ends."""
    whole = _tally_conditions(settled, by_rule)
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


def _counted(settled: _Settled, by_rule: bool, keys: Sequence[str], since: datetime, until: datetime) -> sa.Select[Any]:
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
    conditions = _receipt_conditions(replace(settled, since=since, until=until, severity=None, uid=None, ticket=None))
    if by_rule:
        instances = sa.func.count(finding.c.receipt_id.distinct()).label("instances")
        query = sa.select(*labelled, instances, sa.func.count().label("findings"))
        query = query.join_from(receipt, finding, finding.c.receipt_id == receipt.c.id)
        conditions += _finding_conditions(settled)
    else:
        total = sa.func.sum(receipt.c.errors + receipt.c.warnings + receipt.c.notes)
        query = sa.select(*labelled, sa.func.count().label("instances"), total.label("findings"))
    groups = [column for key, column in zip(keys, named, strict=True) if key != "day"]
    return query.where(*conditions).group_by(*groups).having(sa.func.count() > 0)
