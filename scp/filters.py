"""Which receipts are meant, and the conditions that say so to the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa

from scp.tables import finding, receipt, tally
from scp.tickets import read_ticket

SEVERITIES = {"error": receipt.c.errors, "warning": receipt.c.warnings, "note": receipt.c.notes}


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


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Settled:
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


def settle(connection: sa.Connection, wanted: Filter) -> Settled | None:
    """The filter in this database's own values; None where nothing can fit."""
    values: dict[str, tuple[str, ...]] = {}
    for name, text in (("calling_ae", wanted.calling_ae), ("device", wanted.device), ("verdict", wanted.verdict)):
        if text is not None:
            values[name] = expand(connection, receipt.c[name], text)
    if wanted.sop_class is not None:
        values["sop_class_uid"] = _sop_classes(connection, wanted.sop_class)
    rules: tuple[str, ...] = ()
    if wanted.rule is not None:
        rules = expand(connection, finding.c.rule, wanted.rule)
        if not rules:
            return None
    if not all(values.values()) or (wanted.severity is not None and wanted.severity not in SEVERITIES):
        return None
    ticket = None
    if wanted.ticket is not None:
        ticket = read_ticket(wanted.ticket)
        if ticket is None:
            return None
    settled = Settled(wanted.since, wanted.until, wanted.severity, rules, values, wanted.uid, ticket)
    return _narrow(connection, settled) if len(values) + bool(rules) > 1 else settled


def _narrow(connection: sa.Connection, settled: Settled) -> Settled | None:
    """Leave out the rules that never met the rest, and the days before and after all that fits, by `tally`.

    A rule that is frequent and a sender that is frequent may never have met; without this, finding that
    out means reading every row of one of them. None where nothing is left.
    """
    met = sa.select(tally.c.rule, sa.func.min(tally.c.day), sa.func.max(tally.c.day))
    by_rule = bool(settled.rules or settled.severity)
    rows = connection.execute(met.where(*tally_conditions(settled, by_rule)).group_by(tally.c.rule)).all()
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


def expand(connection: sa.Connection, column: sa.ColumnElement[Any], text: str) -> tuple[str, ...]:
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
    named = ((uid, iod_of(connection, uid)) for uid in _distinct(connection, receipt.c.sop_class_uid))
    return tuple(uid for uid, iod in named if fnmatchcase(iod.casefold(), pattern))


def iod_of(connection: sa.Connection, sop_class_uid: str) -> str:
    query = sa.select(receipt.c.iod).where(receipt.c.sop_class_uid == sop_class_uid)
    return connection.execute(query.order_by(receipt.c.received_at.desc()).limit(1)).scalar() or ""


def between(
    column: sa.ColumnElement[Any], since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    return [*([column >= since] if since else []), *([column < until] if until else [])]


def receipt_conditions(settled: Settled) -> list[sa.ColumnElement[bool]]:
    conditions = between(receipt.c.received_at, settled.since, settled.until)
    conditions += [_one_of(receipt.c[name], values) for name, values in settled.values.items()]
    if settled.severity and not settled.rules:
        conditions.append(SEVERITIES[settled.severity] > sa.literal_column("0"))
    if settled.uid is not None:
        uids = (receipt.c.sop_instance_uid, receipt.c.series_instance_uid, receipt.c.study_instance_uid)
        conditions.append(sa.or_(*(each == settled.uid for each in uids)))
    if settled.ticket is not None:
        conditions.append(receipt.c.ticket == settled.ticket)
    return conditions


def finding_conditions(settled: Settled) -> list[sa.ColumnElement[bool]]:
    conditions = [_one_of(finding.c.rule, settled.rules)] if settled.rules else []
    if settled.severity:
        conditions.append(finding.c.severity == settled.severity)
    return conditions


def tally_conditions(settled: Settled, by_rule: bool) -> list[sa.ColumnElement[bool]]:
    conditions = [tally.c.rule != "" if by_rule else tally.c.rule == ""]
    conditions += [_one_of(tally.c[name], values) for name, values in settled.values.items()]
    if settled.rules:
        conditions.append(_one_of(tally.c.rule, settled.rules))
    if settled.severity:
        conditions.append(tally.c.severity == settled.severity)
    return conditions


def _one_of(column: sa.ColumnElement[Any], values: Sequence[str]) -> sa.ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)
