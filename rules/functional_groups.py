"""The Shared and Per-Frame Functional Groups Sequences (PS3.3 C.7.6.16): where each Macro stands, and its content."""

from __future__ import annotations

from collections.abc import Sequence

from rules.checks import functional_groups as rules
from rules.checks import presence
from rules.conditions import Answer
from rules.header import Header, Stencil
from rules.judge import Judge, Numbers, spread
from rules.model import Rule
from rules.plan import PER_FRAME, SHARED, Group, Level
from rules.registry import run

NUMBER_OF_FRAMES = 0x00280008


def judge_frames(judge: Judge, header: Header, level: Level) -> None:
    """Judge the functional groups of an instance; `level` is what its Modules ask of the Data Set."""
    groups = judge.plan.groups
    wanted = judge.plan.per_frame_required and PER_FRAME in level.rows
    if wanted and not header.has(PER_FRAME) and not _told_by_order(header):
        _tell(judge, rules.PER_FRAME, header)
    if not groups or not (header.is_sequence(SHARED) or header.is_sequence(PER_FRAME)):
        return  # the Sequences are missed, not every group that would be in them
    shared = header.items(SHARED)[:1]
    stencils = header.stencils(PER_FRAME)
    frames = sum(len(each.numbers) for each in stencils)
    if header.has(PER_FRAME):
        said = header.integer(NUMBER_OF_FRAMES)
        if said is not None and frames and said != frames:
            _tell(judge, rules.FRAME_COUNT, header, frames, said)
    shared_tags = frozenset(shared[0].tags()) if shared else frozenset()
    tags = [frozenset(each.exemplar.tags()) for each in stencils]
    holding = list(zip(stencils, tags, strict=True))
    for group in groups:
        if not group.own_topic:
            _placed(judge, header, group, shared, group.row.tag in shared_tags, holding)
    known = frozenset([group.row.tag for group in groups])
    for item in shared:
        _unlisted(judge, item, None, shared_tags - known)
        judge.place(item, judge.plan.frame)
    for stencil, present in holding:
        _unlisted(judge, stencil.exemplar, stencil, present - known)
        judge.place(stencil.exemplar, judge.plan.frame, stencil)


def _unlisted(judge: Judge, place: Header, stencil: Stencil | None, tags: frozenset[int]) -> None:
    """What stands among the functional groups and is none of the IOD's; private ones are anyone's to add."""
    for tag in sorted(tags):
        if not tag & 0x10000:
            judge.tell(rules.UNLISTED, place, stencil, None, tag)


def _placed(
    judge: Judge,
    header: Header,
    group: Group,
    shared: Sequence[Header],
    in_shared: bool,
    stencils: list[tuple[Stencil, frozenset[int]]],
) -> None:
    """Where one functional group stands: shared, in every frame, in no place that is not for it."""
    tag = group.row.tag
    having = [each for each, present in stencils if tag in present]
    lacking = [(each, present) for each, present in stencils if tag not in present]
    if in_shared and group.usage.place == "per-frame":
        _tell(judge, rules.MISPLACED, shared[0], group)
    if having and group.usage.place == "shared":
        _tell_frames(judge, rules.MISPLACED, having, group)
    elif in_shared and having:
        _tell_frames(judge, rules.TWICE, having, group)
    if in_shared:
        _needless(judge, group, [(shared[0], None, None)])
        return
    if having and group.asked is not None:
        _needless(judge, group, [(each.exemplar, each, frozenset(each.exemplar.tags())) for each in having])
    if group.usage.usage == "U" or not (lacking or shared):
        return
    if group.usage.place == "per-frame" and not stencils:
        return  # told once, of the Per-Frame Functional Groups Sequence itself
    where = "PerFrame" if group.usage.place == "per-frame" and stencils else "Shared"
    if group.asked is None:
        _missing(judge, header, group, [(each, None) for each, _ in lacking], bool(having), where)
        return
    required: list[tuple[Stencil, Numbers]] = []
    unknown = False
    for stencil, present in lacking:
        left = group.asked.among(present, root=False)
        for answer, numbers in judge.asked(left, stencil.exemplar, present, stencil):
            if answer is Answer.YES:
                required.append((stencil, numbers))
            unknown = unknown or answer is Answer.UNKNOWN
    if not stencils and shared:
        answer = group.asked.of(shared[0], frozenset(shared[0].tags()))
        unknown = answer is Answer.UNKNOWN
        if answer is Answer.YES:
            _missing(judge, header, group, [], False, where)
    if required:
        every = not having and sum(_how_many(*each) for each in required) == sum(len(s.numbers) for s, _ in stencils)
        _missing(judge, header, group, required, not every, where)
    judge.undecided += unknown and not required


def _missing(
    judge: Judge,
    header: Header,
    group: Group,
    lacking: Sequence[tuple[Stencil, Numbers]],
    in_some: bool,
    where: str,
) -> None:
    """A functional group that is required: told once for all frames, or of the frames that lack it."""
    if in_some or where == "PerFrame":
        for stencil, numbers in lacking:
            for finding in run(rules.MISSING, stencil.exemplar, group, in_some):
                judge.add(spread(finding, stencil.exemplar, numbers or stencil.numbers))
    elif lacking or not header.has(PER_FRAME):
        _tell(judge, rules.MISSING, header, group, False)


def _needless(
    judge: Judge, group: Group, places: Sequence[tuple[Header, Stencil | None, frozenset[int] | None]]
) -> None:
    """A conditional functional group where its condition is not met and nothing allows it otherwise."""
    if group.asked is None or group.usage.may_be or group.usage.usage != "C":
        return
    for place, stencil, present in places:
        tags = present if present is not None else frozenset(place.tags())
        for answer, numbers in judge.asked(group.asked.among(tags, root=False), place, tags, stencil):
            if answer is not Answer.NO:
                continue
            if group.may is not None and group.may.of(place, tags) is not Answer.NO:
                continue
            judge.tell(presence.NOT_ALLOWED, place, stencil, numbers, group.row, group.asked)


def _told_by_order(header: Header) -> bool:
    """Whether the frames are described by their order alone (PS3.3 C.7.6.17.3): none has Dimension Index Values."""
    return header.text("DimensionOrganizationType") == "TILED_FULL" and not header.has("DimensionIndexSequence")


def _tell(judge: Judge, rule: Rule, *subject: object) -> None:
    for finding in run(rule, *subject):
        judge.add(finding)


def _tell_frames(judge: Judge, rule: Rule, having: Sequence[Stencil], group: Group) -> None:
    for stencil in having:
        for finding in run(rule, stencil.exemplar, group):
            judge.add(spread(finding, stencil.exemplar, stencil.numbers))


def _how_many(stencil: Stencil, numbers: Numbers) -> int:
    return len(stencil.numbers if numbers is None else numbers)
