"""One whole instance against its Plan: which Modules apply, the Data Set, its frames, its overlays."""

from __future__ import annotations

from functools import cache

from rules.checks.presence import MODULE_FORBIDDEN, MODULE_MISSING, MODULE_NOT_ALLOWED
from rules.dictionary import format_tag
from rules.functional_groups import judge_frames
from rules.header import Header
from rules.judge import Judge
from rules.modules import Row, module, rows_of
from rules.plan import Check, Entry, Level, Plan

OVERLAY = 0x6000
_LAST_OVERLAY = 0x601E


def judge_instance(judge: Judge, header: Header) -> None:
    """Judge an instance by all Modules of its IOD."""
    present = frozenset(header.tags())
    modules = judge.plan.modules(header, present)
    judge.undecided += len(modules.undecided)
    for option, tags in modules.barred:
        asked = option.asked
        words = asked.words if asked is not None else ""
        judge.tell(MODULE_NOT_ALLOWED, header, None, None, option.usage.name, option.usage.section, words, min(tags))
    for name, section, own in judge.plan.forbidden:
        if not own.isdisjoint(present):
            judge.tell(MODULE_FORBIDDEN, header, None, None, name, section, min(own & present))
    for option in modules.missing:
        judge.tell(MODULE_MISSING, header, None, None, option)
    judge.place(header, modules.root, present)
    judge_frames(judge, header, modules.root)
    for group in {tag >> 16 for tag in present if OVERLAY < tag >> 16 <= _LAST_OVERLAY and not tag & 0x10000}:
        if _has_overlays(judge.plan):
            judge.place(header, _overlay(group), present)


def _has_overlays(plan: Plan) -> bool:
    return any(option.usage.name == _OVERLAY_PLANE for option in plan.options)


@cache
def _overlay(group: int) -> Level:
    """The Overlay Plane Module for another of its repeating groups than the first (PS3.5 7.6)."""
    table = module(_OVERLAY_PLANE)
    rows: dict[int, Row] = {}
    entries: dict[int, Entry] = {}
    for row in rows_of(table.within) if table else ():
        tag = group << 16 | row.tag & 0xFFFF
        if row.tag >> 16 == OVERLAY:
            rows[tag] = Row(format_tag(tag), tag, row.type, row.section)
            entry = entries[tag] = Entry()
            entry.filled = rows[tag] if row.type == "1" else None
            entry.checks = tuple(Check(rows[tag], terms, "") for terms in row.terms)
    required = frozenset(tag for tag, row in rows.items() if row.type in ("1", "2"))
    return Level(required, rows, entries=entries, known=frozenset(rows))


_OVERLAY_PLANE = "Overlay Plane"
