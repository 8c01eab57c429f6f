"""How much of each IOD is checked, counted from the tables that the engine really uses."""

from __future__ import annotations

from dataclasses import dataclass

from rules.image_types import image_type
from rules.iods import iods, modules_of
from rules.modules import every_row, module


@dataclass(frozen=True, slots=True)
class Coverage:
    """One IOD: the Modules, Attributes and conditions that are checked, and what is said of its Image Type.

    `conditions` and `undecided_conditions` are counted per row. `image_type` is "specific", "general" (as PS3.3
    C.7.6.1.1.2 has it for every image) or "none".
    """

    iod: str
    sop_class_uids: tuple[str, ...]
    modules: int
    attributes: int
    conditions: int
    undecided_conditions: int
    image_type: str


def coverage() -> tuple[Coverage, ...]:
    """Every IOD, in the order of PS3.3."""
    return tuple(_of(name, iod.sop_class_uids) for name, iod in iods().items())


def _of(iod: str, sop_class_uids: tuple[str, ...]) -> Coverage:
    levels = [level for usage in modules_of(iod) if (level := module(usage.module)) is not None]
    rows = [row for level in levels for row in every_row(level)]
    conditions = [row.required_if for row in rows if row.required_if is not None]
    facts = image_type(iod)
    typed = facts is not None
    framed = facts is not None and facts.frames is not None
    kind = "none" if facts is None else "general" if facts.section == GENERAL else "specific"
    return Coverage(
        iod,
        sop_class_uids,
        modules=len(levels),
        # Image Type and Frame Type have tables of their own.
        attributes=len(rows) + typed + framed,
        conditions=len(conditions),
        undecided_conditions=sum(not condition.decidable for condition in conditions),
        image_type=kind,
    )


GENERAL = "C.7.6.1.1.2"
