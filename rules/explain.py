"""What the fact tables ask of an IOD or of an Attribute, for the findings that are made from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rules import tables
from rules.dictionary import entry_of, format_tag, tag_of
from rules.editions import NEWEST
from rules.expressions import Expression, words
from rules.iods import (
    Usage,
    constraints_of,
    forbidden_modules_of,
    frame_constraints_of,
    functional_groups_of,
    iod_of,
    iods,
    modules_of,
)
from rules.modules import Include, Row, Table, Terms, macro, module


@dataclass(frozen=True, slots=True)
class Line:
    """One demand: of whom, the Usage or Type, the section, and what more is said."""

    of: str
    kind: str
    section: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """An IOD or an Attribute in a heading, and its demands under heads of their own."""

    name: str
    heading: str
    parts: tuple[tuple[str, tuple[Line, ...]], ...]

    def page(self) -> str:
        """As text, as `dicomgate rules show` prints it."""
        lines = [self.name, f"  {self.heading}"]
        for head, demands in self.parts:
            lines += ["", f"  {head}:"]
            for each in demands:
                lines.append(f"    {each.kind:<2} {each.of}, PS3.3 {each.section}")
                lines += [f"         {said}" for said in each.says]
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {"name": self.name, "heading": self.heading} | {
            head.lower(): [asdict(each) for each in demands] for head, demands in self.parts
        }


def explain(name: str, edition: str = NEWEST) -> Explained | None:
    """What an edition says of an IOD, by name or SOP Class UID, or of an Attribute, by keyword or tag; else None."""
    by_name = {each.lower(): each for each in iods()}
    iod = by_name.get(name.lower()) or iod_of(name, edition)
    if iod:
        return _iod(iod, edition)
    try:
        tag = tag_of(name)
    except KeyError:
        return None
    return _attribute(tag, edition)


def _iod(iod: str, edition: str) -> Explained:
    facts = iods()[iod]
    constraints = [
        *(Line(name, "", section, ("must not be there",)) for name, section in forbidden_modules_of(iod)),
        *(Line(path, row.type, row.section, tuple(_of_row(row))) for path, row in _constraints(iod)),
    ]
    parts = (
        ("Modules", tuple(_use(each) for each in modules_of(iod, edition))),
        ("Functional groups", tuple(_use(each) for each in functional_groups_of(iod, edition))),
        ("Content Constraints", tuple(constraints)),
    )
    heading = f"PS3.3 {facts.section}, {' and '.join(facts.sop_class_uids)}"
    return Explained(iod, heading, tuple(part for part in parts if part[1]))


def _attribute(tag: int, edition: str) -> Explained | None:
    entry = entry_of(tag)
    if entry is None:
        return None
    found: list[tuple[str, tuple[Line, ...]]] = []
    for head, folder, table_of in (("Modules", "modules", module), ("Macros", "macros", macro)):
        every = (table_of(each, edition) for each in tables.names(folder))
        found.append((head, tuple(line for table in every if table for line in _lines_of(table, tag))))
    constraints = [
        Line(f"{iod}: {path}", row.type, row.section, tuple(_of_row(row)))
        for iod in iods()
        for path, row in _constraints(iod)
        if row.tag == tag
    ]
    found.append(("Content Constraints", tuple(constraints)))
    retired = ", retired" if entry.retired else ""
    heading = f"{format_tag(tag)}, VR {entry.vr}, VM {entry.vm}{retired}"
    return Explained(entry.keyword or format_tag(tag), heading, tuple(part for part in found if part[1]))


def _constraints(iod: str) -> Iterator[tuple[str, Row]]:
    yield from _rows(constraints_of(iod))
    yield from _rows(frame_constraints_of(iod))


def _lines_of(table: Table, tag: int) -> Iterator[Line]:
    for path, row in _rows(table.within):
        if row.tag == tag:
            of = table.name if path == row.keyword else f"{table.name}: {path}"
            yield Line(of, row.type, row.section, tuple(_of_row(row)))


def _rows(within: Sequence[Row | Include], above: str = "") -> Iterator[tuple[str, Row]]:
    """The rows of a table with their paths, Macros not opened."""
    for each in within:
        if isinstance(each, Row):
            path = f"{above}.{each.keyword}" if above else each.keyword
            yield path, each
            yield from _rows(each.within, path)


def _use(usage: Usage) -> Line:
    says = list(_when(usage.required_if, usage.may_be, usage.may_be_if, usage.never_if))
    if usage.place:
        says.append(f"only {usage.place}")
    return Line(usage.name, usage.usage, usage.section, tuple(says))


def _of_row(row: Row) -> Iterator[str]:
    yield from _when(row.required_if, row.may_be, row.may_be_if, row.never_if)
    if row.items is not None:
        fewest, most = row.items
        yield (
            f"{fewest} Items or more"
            if most is None
            else f"{fewest} to {most} Items"
            if fewest != most
            else f"{most} Items"
        )
    if row.vm is not None:
        yield f"VM {row.vm}"
    for terms in row.terms:
        yield _of_terms(terms)


def _of_terms(terms: Terms) -> str:
    kind = "Enumerated Values" if terms.enumerated else "Defined Terms"
    number = f" of value {terms.number}" if terms.number else ""
    when = f" where {words(terms.condition)}" if terms.condition is not None else ""
    where = f" (PS3.3 {terms.section})" if terms.section else ""
    return f"{kind}{number}{when}: {', '.join(terms.allowed)}{where}"


def _when(
    required: Expression | None, may_be: bool, may_be_if: Expression | None, never: Expression | None
) -> Iterator[str]:
    if required is not None:
        yield f"required where {words(required)}"
    if may_be:
        yield "may be there otherwise"
    if may_be_if is not None:
        yield f"may be there where {words(may_be_if)}"
    if never is not None:
        yield f"not allowed where {words(never)}"
