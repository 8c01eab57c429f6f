"""Builds the fact tables from what the sources print and what a person decided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rules import tables
from rules.build.corrections import Corrections, digest
from rules.build.earlier import EarlierRow
from rules.build.history import EARLIER, History, Then
from rules.build.kinds import kinds
from rules.build.phrases import Phrase, permits, read, said
from rules.build.places import Level, Places, Unplaced
from rules.build.sources import Line, Published, PublishedIod, Second, Table, Use
from rules.build.values import item_count, plain_number, same_row, value_lists
from rules.conditions import Answer
from rules.expressions import answers
from rules.tables import file_name

Row = list[Any]


@dataclass(slots=True)
class Built:
    """The tables by folder and file name, what was refused, and what a person should look at."""

    files: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unread: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)
    """File and row, table, keyword, digest, phrase, and the phrase of the earlier edition."""
    differences: list[str] = field(default_factory=list)
    conditions: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """Distinct conditions, by phrase and structure: read "by phrase" or "by hand"; "decidable", "one way" or not."""
    of_themselves: set[tuple[str, str]] = field(default_factory=set)
    """Those among the decidable that only the Attribute itself can meet: its absence is never an error."""
    lists: Counter[str] = field(default_factory=Counter)
    unlisted: list[str] = field(default_factory=list)
    """Rows of Code Strings without values, and without a reason why."""
    explained: int = 0
    """How many rows of Code Strings have no values, for a reason."""
    unknown: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Keyword, VR and VM by tag of Attributes that the project's dictionary lacks."""


class Builder:
    """One run over the sources."""

    def __init__(
        self,
        published: Published,
        second: Second,
        past: History,
        corrections: Corrections,
        marked: Callable[[str], str],
        known: Callable[[str], bool],
    ) -> None:
        self._published, self._second, self._past, self._earlier = published, second, past, past.rows
        self._corrections, self._marked, self._known = corrections, marked, known
        self._places = Places(published)
        self._keywords = frozenset(keyword for keyword, *_ in published.dictionary.values())
        self.built = Built()
        self._written: set[str] = set()
        self._at = ""
        """The file and row that is being read, for what is told of it."""

    def build(self) -> Built:
        """Every IOD and all that it includes."""
        for iod in self._published.iods:
            self._iod(iod)
        uids = [(file_name(name), each) for name, _, each in tables.read("iods")["rows"]]
        built = self.built.files
        built[("", "kinds")] = kinds(built, [row for row in uids if ("iods", row[0]) in built])
        self.built.refused += self._corrections.unused()
        return self.built

    # IODs

    def _iod(self, iod: PublishedIod) -> None:
        facts: dict[str, Any] = {"name": iod.name, "section": iod.section}
        if self._past.lacked(iod.name) and iod.name not in self._corrections.renamed:
            facts["then"] = {EARLIER: None}
        facts["modules"] = list(self._uses(iod, iod.modules, "module"))
        groups = list(self._uses(iod, iod.functional_groups, "functional group"))
        if groups:
            facts["functional groups"] = groups
        self._corrections.used.add(("constraint", iod.name))
        if constraints := self._corrections.constraints.get(iod.name):
            facts["constraints"] = [row for each in constraints for row in self._constraint(iod.name, each)]
        if tree := self._corrections.trees.get(iod.name):
            facts["content tree"] = {name: said for name, said in tree.items() if name != "relations"}
            facts["relations"] = tree["relations"]
        self.built.files[("iods", file_name(iod.name))] = facts

    def _uses(self, iod: PublishedIod, uses: tuple[Use, ...], kind: str) -> Iterator[Row]:
        theirs = self._second.modules if kind == "module" else self._second.functional_groups
        names = {(of, name.lower()): said_there for (of, name), said_there in theirs.items()}
        seen: set[str] = set()
        for use in uses:
            self._at = "dicom_iod.json" if kind == "module" else "dicom_iod_func_groups.json"
            usage, text = use.usage, use.text
            other = names.get((iod.name, use.name.lower()))
            if other is not None:
                if not usage:
                    usage, text = other
                elif other[0] != usage:
                    self._differs(f"{iod.name}, {kind} {use.name}: {usage} in the base edition, {other[0]} in 2024b")
                if usage == "C" and not text:
                    text = other[1]
            if not usage or not use.table or use.name in seen:
                self._refuse(iod.name, use.name, "no usage" if not usage else "no table" if not use.table else "twice")
                continue
            seen.add(use.name)
            more: dict[str, Any] = {}
            if usage == "C":
                more |= self._usage_condition(iod, use, kind, text)
            if place_of := self._placement(use, kind, f"{use.text} {other[1] if other else ''}"):
                more["place"] = place_of
            if then := self._past.of_use(iod.name, f"{kind} {use.table}", usage, more, other[0] if other else None):
                more["then"] = then
            yield [use.name, usage, use.section, more]
            self._table(use.table)

    def _placement(self, use: Use, kind: str, text: str) -> str:
        """ "shared" or "per-frame" where a functional group may stand in one of the two Sequences only."""
        if kind == "module":
            return ""
        for name, excluded in (("per-frame", "Shared"), ("shared", "Per-[Ff]rame")):
            if re.search(rf"([Mm]ay|[Ss]hall) not be used as a {excluded} Functional Group", text):
                return name
        return self._corrections.placement.get(use.name, "")

    def _usage_condition(self, iod: PublishedIod, use: Use, kind: str, text: str) -> dict[str, Any]:
        phrase = text if text[:1].isupper() else f"{text[:1].upper()}{text[1:]}"
        of = _OF_USES[kind]
        phrase = said(phrase) or phrase
        read_as = self._phrase(of, use.name, phrase, "")
        if read_as is None:
            return {}
        try:
            placed = self._placed(read_as, lambda each: self._places.placed_for_iod(each, kind != "module"))
        except Unplaced as lost:
            self._unread(of, use.name, phrase, f"where is {lost}?")
            return {}
        self._count(placed, of, use.name, phrase)
        return placed

    def _constraint(self, iod: str, given: Mapping[str, Any]) -> Iterator[Row]:
        """A Module that the IOD excludes, or a row that it narrows, of frames or not, with its section of Annex A."""
        self._at = "corrections.toml"
        section = {"section": given["section"]}
        for module in given.get("forbidden", ()):
            if not any(table.name == module and not table.macro for table in self._published.tables.values()):
                self._refuse(f"constraint of {iod}", module, "is no Module")
            yield ["forbidden", module, section]
        for kind, member in (("row", "rows"), ("frame", "frames")):
            for name, more in given.get(member, ()):
                if name.lstrip(">") not in self._keywords:
                    self._refuse(f"constraint of {iod}", name, "names no Attribute")
                yield [kind, name, {**more, **section}]

    # Modules and Macros

    def _table(self, number: str) -> None:
        if number in self._written:
            return
        self._written.add(number)
        table = self._published.tables[number]
        folder = "macros" if table.macro else "modules"
        place = (folder, file_name(table.name))
        self._at = table.file
        if place in self.built.files:
            self._refuse(table.name, "", f"two tables would be {'/'.join(place)}")
        if not table.section:
            self._refuse(table.name, "", "no section")
        facts: dict[str, Any] = {"name": table.name, "section": table.section, "rows": []}
        self.built.files[place] = facts
        levels = self._places.levels(table)
        above: list[str] = []
        seen: set[str] = set()
        dropped: int | None = None
        for line, level in zip(table.lines, levels, strict=True):
            self._at = f"{table.file} row {line.number}"
            if dropped is not None and line.depth > dropped:
                continue
            dropped = None
            given = self._corrections.lines.get((table.name, line.number))
            if given is not None:
                self._corrections.used.add((table.name, line.number))
                if given.get("drop"):
                    dropped = line.depth
                    continue
            if line.include:
                facts["rows"] += self._include(table, line, level, given, ":".join(above[: line.depth]))
                continue
            keyword = self._keyword(table, line)
            if keyword is None:
                dropped = line.depth
                continue
            del above[line.depth :]
            above.append(line.tag[1:5] + line.tag[6:10])
            path = ":".join(above)
            row = self._row(table, line, level, keyword, path)
            if row is None:
                dropped = line.depth
                continue
            if path in seen:
                self._refuse(table.name, keyword, "is there twice")
                continue
            seen.add(path)
            facts["rows"].append(row)

    def _keyword(self, table: Table, line: Line) -> str | None:
        entry = self._published.dictionary.get(line.tag)
        if entry is None:
            self._refuse(table.name, line.name, "names no Attribute")
            return None
        if not self._known(line.tag):
            self.built.unknown[line.tag] = entry
        return entry[0]

    def _include(
        self, table: Table, line: Line, level: Level, given: Mapping[str, Any] | None, above: str
    ) -> Iterator[Row]:
        macro = self._published.tables.get(line.include)
        if macro is None:
            if line.include != "IODFunctionalGroupMacros":
                self._refuse(table.name, line.include, "includes a table that is not there")
            return
        more: dict[str, Any] = {}
        if given is not None:
            types = [[row[0], row[1], self._placed_more(row[2:], level, table)] for row in given.get("types", ())]
            more |= {"types": types} if types else {}
            more |= {"if": self._places.placed(given["if"], level, table)} if "if" in given else {}
        elif re.search(r"\b(is|to be|shall be) Type \d|[Rr]equired if|Include if", line.text):
            self._refuse(table.name, macro.name, "says more of the Macro than that it is included")
        if not self._past.had_any(table, above, self._tags(macro)):
            more["then"] = {EARLIER: None}
        yield [">" * line.depth + "include", file_name(macro.name), more]
        self._table(line.include)

    def _tags(self, macro: Table) -> frozenset[str]:
        """The tags that a Macro puts at its place, as paths have them."""
        tags: set[str] = set()
        for line in macro.lines:
            if line.depth == 0 and line.include in self._published.tables:
                tags |= self._tags(self._published.tables[line.include])
            elif line.depth == 0 and line.tag:
                tags.add(line.tag[1:5] + line.tag[6:10])
        return frozenset(tags)

    def _row(self, table: Table, line: Line, level: Level, keyword: str, path: str) -> Row | None:
        place = (table.name, ">" * line.depth + keyword)
        given = self._corrections.rows.get(place, {})
        if given:
            self._corrections.used.add(place)
            if given.get("drop"):
                return None
        kind = given.get("type", line.type)
        if kind not in _TYPES:
            self._refuse(table.name, keyword, f"has the Type {kind!r}")
            return None
        earlier = self._earlier.get((table.number, path))
        more: dict[str, Any] = {}
        if kind in ("1C", "2C"):
            more |= self._condition(table, line, level, keyword, earlier)
        vr = self._published.dictionary[line.tag][1]
        if vr != "SQ" and keyword not in ("ImageType", "FrameType"):
            more |= self._values(table, line, level, keyword, earlier)
        elif count := item_count(line.text, kind):
            more["items"] = list(count)
        if {*_GIVEN, "listed in"} & set(given):
            more = {name: more[name] for name in more if name not in _LISTS}
        if not set(_GIVEN) & set(given) and (terms := self._corrections.terms.get(given.get("listed in", ""))):
            more |= {name: terms[name] for name in _GIVEN if name in terms}
        for name in ("may", *_GIVEN, "items", "vm", "listed in"):
            if given.get(name, []) != []:
                more[name] = given[name]
        if vr == "CS" and keyword not in ("ImageType", "FrameType") and not set(_LISTS) & set(more):
            self._explain(table.name, place)
        if given.get("then") != "as now" and (then := self._then(table, line, level, path, more)):
            more["then"] = then
        return [place[1], kind, more]

    def _then(self, table: Table, line: Line, level: Level, path: str, more: Mapping[str, Any]) -> Then:
        """What the earlier edition had otherwise of a row: all of it, its Type, its lists."""
        then = self._past.of_row(table, path, line.type, more)
        earlier = self._earlier.get((table.number, path))
        if earlier is None or then.get(EARLIER, {}) is None or self._terms_of(earlier).get("then") == "as now":
            return then
        try:
            lists = self._listed(table, line, level, earlier, count=False)
        except ValueError:
            return then
        now = {name: more[name] for name in _LISTS if name in more}
        if lists and lists != now:
            then = {EARLIER: {**then.get(EARLIER, {}), **lists}}
        return then

    def _placed_more(self, given: list[Mapping[str, Any]], level: Level, table: Table) -> dict[str, Any]:
        """What a person says of a Macro's row, its conditions placed."""
        return {
            name: self._places.placed(said_of, level, table) if isinstance(said_of, Mapping) else said_of
            for each in given
            for name, said_of in each.items()
        }

    # Conditions

    def _condition(
        self, table: Table, line: Line, level: Level, keyword: str, earlier: EarlierRow | None
    ) -> dict[str, Any]:
        phrase = said(line.text)
        then = said(earlier.text) if earlier is not None and earlier.type == line.type else ""
        read_as = self._phrase(table.name, keyword, phrase, then)
        if read_as is None:
            return {}
        try:
            placed = self._placed(read_as, lambda each: self._places.placed(each, level, table))
        except Unplaced as lost:
            self._unread(table.name, keyword, phrase or then, f"where is {lost}?")
            return {}
        self._count(placed, table.name, keyword, phrase or then)
        return placed

    def _phrase(self, of: str, keyword: str, phrase: str, then: str) -> Phrase | None:
        """By hand where a person decided, else as read; from the earlier edition where the base edition lost it."""
        key = (of, keyword, digest(phrase or then))
        by_hand = self._corrections.conditions.get(key)
        if by_hand is not None:
            self._corrections.used.add(key)
            if by_hand.may is None and permits(phrase or then):
                return replace(by_hand, may="always")
            return by_hand
        read_as = read(phrase or then, self._marked) if phrase or then else None
        if read_as is None:
            self._unread(of, keyword, phrase or then, then if phrase else "")
        return read_as

    def _placed(self, phrase: Phrase, placed: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {"if": placed(phrase.required)}
        if phrase.may == "always":
            made["may"] = "always"
        elif isinstance(phrase.may, Mapping):
            made["may"] = placed(phrase.may)
        if phrase.never is not None:
            made["never"] = placed(phrase.never)
        return made

    def _count(self, placed: Mapping[str, Any], of: str, keyword: str, phrase: str) -> None:
        how = "by hand" if (of, keyword, digest(phrase)) in self._corrections.conditions else "by phrase"
        can = answers(placed["if"]) - {Answer.UNKNOWN}
        told = ("undecidable", "one way", "decidable")[len(can)]
        distinct = (self._marked(phrase), str(placed))
        self.built.conditions[distinct] = (how, told)
        if told == "decidable" and Answer.YES not in answers(without(placed["if"], keyword)):
            self.built.of_themselves.add(distinct)

    # Values

    def _values(
        self, table: Table, line: Line, level: Level, keyword: str, earlier: EarlierRow | None
    ) -> dict[str, Any]:
        if earlier is None or not earlier.lists:
            return {}
        if given := self._terms_of(earlier):
            self._corrections.used.add(("terms", earlier.section))
            return {name: given[name] for name in _LISTS if name in given} | {"listed in": earlier.section}
        if not same_row(line.text, line.type, earlier):
            self.built.lists["left out: the row has changed"] += 1
            self._differs(f"{table.name}, {keyword}: the row has changed since 2020; its values are left out")
            return {}
        try:
            return self._listed(table, line, level, earlier)
        except ValueError as heading:
            self.built.lists["left out: heading not read"] += 1
            self._differs(f"{table.name}, {keyword}: values under the heading {heading} are left out")
            return {}

    def _explain(self, table: str, place: tuple[str, str]) -> None:
        """Tell of a Code String without values, unless a person said why it has none."""
        if place in self._corrections.unlisted:
            self._corrections.used.add(("unlisted", *place))
            self.built.explained += 1
        else:
            self.built.unlisted.append(f"{self._at}: {table}, {place[1]}")

    def _terms_of(self, earlier: EarlierRow) -> Mapping[str, Any]:
        """What a person decided of the section that has the row's lists; nothing where the row has them itself."""
        return self._corrections.terms.get(earlier.section, {}) if earlier.section else {}

    def _listed(
        self, table: Table, line: Line, level: Level, earlier: EarlierRow, count: bool = True
    ) -> dict[str, Any]:
        """The lists of a row of the earlier edition. ValueError for a heading that is not read."""
        more: dict[str, Any] = {}
        vr = self._published.dictionary[line.tag][1]
        if vr in ("AT", "SQ") or self._published.dictionary[line.tag][0] in ("ImageType", "FrameType"):
            return {}
        whole = vr[:2] in ("US", "SS", "UL", "SL")
        for kind, number, under, terms in list(value_lists(earlier, self._marked)):
            self.built.lists[kind] += count
            listed: list[Any] = [plain_number(each) for each in terms] if whole else list(terms)
            if under is not None:
                try:
                    placed = self._places.placed(under, level, table)
                except Unplaced:
                    continue
                more.setdefault(f"{kind} if", []).append([placed, listed])
            elif number:
                more.setdefault(f"value {number}", {})[kind] = listed
            else:
                more.setdefault(kind, []).extend(each for each in listed if each not in more.get(kind, []))
        if more and earlier.section:
            more["listed in"] = earlier.section
        return more

    # Told to a person

    def _refuse(self, table: str, row: str, why: str) -> None:
        self.built.refused.append(f"{self._at}: {table}{', ' if row else ''}{row}: {why}")

    def _unread(self, of: str, keyword: str, phrase: str, then: str) -> None:
        marked = self._marked(phrase.replace("\n", " | "))
        self.built.unread.append((self._at, of, keyword, digest(phrase), marked, then))

    def _differs(self, told: str) -> None:
        self.built.differences.append(told)


_GIVEN = ("enumerated", "enumerated if", "defined", "defined if")
"""The lists that a person may give."""
_LISTS = (
    "listed in",
    "enumerated",
    "enumerated if",
    "defined",
    "defined if",
    *(f"value {number}" for number in range(1, 10)),
)


def without(expression: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    """What is left of an expression where the Attribute is not there."""
    made: dict[str, Any] = {}
    for operation, subject in expression.items():
        if operation in ("all", "any"):
            made[operation] = [without(each, keyword) for each in subject]
        elif operation == "not":
            made[operation] = without(subject, keyword)
        elif keyword == (subject if isinstance(subject, str) else subject[0]) and expression.get("at") is None:
            return {"all" if operation == "absent" else "any": []}
        else:
            made[operation] = subject
    return made


_OF_USES = {"module": "Module", "functional group": "Functional Group"}
_TYPES = ("1", "1C", "2", "2C", "3")
