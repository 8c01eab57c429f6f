"""One whole instance against its Plan: which Modules apply, the Data Set, its frames, its overlays."""

from __future__ import annotations

from functools import cache

from rules.checks.presence import MODULE_FORBIDDEN, MODULE_MISSING, MODULE_NOT_ALLOWED
from rules.dictionary import format_tag, vr_of
from rules.functional_groups import judge_frames
from rules.header import Header
from rules.judge import Judge
from rules.modules import Row, module, rows_of
from rules.plan import OVERLAY_PLANE, Check, Entry, Level

OVERLAY = 0x6000


def judge_instance(judge: Judge, header: Header, present: frozenset[int]) -> None:
    """Judge an instance, which holds these tags, by all Modules of its IOD."""
    modules, makeup = judge.plan.modules(header, present), judge.plan.makeup(present)
    judge.undecided += len(modules.undecided)
    for option, tags in modules.barred:
        asked = option.asked
        words = asked.words if asked is not None else ""
        judge.tell(MODULE_NOT_ALLOWED, header, None, None, option.usage.name, option.usage.section, words, min(tags))
    for name, section, tag in makeup.forbidden:
        judge.tell(MODULE_FORBIDDEN, header, None, None, name, section, tag)
    for option in modules.missing:
        judge.tell(MODULE_MISSING, header, None, None, option)
    judge.place(header, modules.root)
    judge_frames(judge, header, modules.root)
    for group in makeup.overlays:
        judge.place(header, _overlay(group))


@cache
def _overlay(group: int) -> Level:
    """The Overlay Plane Module for another of its repeating groups than the first (PS3.5 7.6)."""
    table = module(OVERLAY_PLANE)
    rows: dict[int, Row] = {}
    entries: dict[int, Entry | None] = {}
    for row in rows_of(table.within) if table else ():
        tag = group << 16 | row.tag & 0xFFFF
        if row.tag >> 16 == OVERLAY:
            rows[tag] = Row(format_tag(tag), tag, row.type, row.section)
            entry = Entry(vr_of(tag))
            entry.filled = rows[tag] if row.type == "1" else None
            entry.checks = tuple(Check(rows[tag], terms, "") for terms in row.terms)
            entries[tag] = entry
    required = frozenset(tag for tag, row in rows.items() if row.type in ("1", "2"))
    return Level(required, rows, entries=entries)
