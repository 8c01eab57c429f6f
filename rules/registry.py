"""Where rules are written down: the decorators that register them, and the list they fill."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from rules.dictionary import format_tag, tag_of
from rules.iods import iods
from rules.model import Example, Finding, Problem, Rule, Severity

LONGEST_ID = 39
"""Characters of a rule's id: with a tag and a ticket it still fits the 64 of an Error Comment."""

BROKEN = "rule-broke"
"""The id of the finding that stands for a rule that raised."""

_registered: dict[str, Rule] = {}


def rule(
    id: str,
    *,
    section: str,
    severity: Severity,
    good: Iterable[Example],
    bad: Iterable[Example],
    iods: Iterable[str] | Callable[[str], bool] | None = None,
    only_with: Iterable[str] | None = None,
) -> Callable[[Callable[..., Iterator[Problem]]], Rule]:
    """Register a rule that is asked of the whole header; its docstring and examples are its page.

    What it finds may depend on the header alone: it is not asked again where the values are the same that it read.
    `iods` names IODs, or tells of one whether it is meant: to ask all of them would mean to read all their tables.
    `only_with` names Attributes: a Data Set that holds none of them is passed without asking. Most instances hold
    little of what there are rules on, so this is most of what makes many rules cheap.
    """

    def register(check: Callable[..., Iterator[Problem]]) -> Rule:
        of = iods if iods is None or callable(iods) else frozenset(iods).__contains__
        tags = None if only_with is None else frozenset(map(tag_of, only_with))
        return _register(id, section, severity, good, bad, of, False, check, tags)

    return register


def table_rule(
    id: str, *, section: str, severity: Severity, good: Iterable[Example], bad: Iterable[Example]
) -> Callable[[Callable[..., Iterator[Problem]]], Rule]:
    """Register a rule that the engine asks of one place with the row of a fact table."""

    def register(check: Callable[..., Iterator[Problem]]) -> Rule:
        return _register(id, section, severity, good, bad, None, True, check)

    return register


def iods_of(rule: Rule) -> list[str]:
    """The IODs that a rule is asked of, in alphabetical order; none where it is asked of whatever it can apply to."""
    return [name for name in sorted(iods()) if rule.of(name)] if rule.of is not None else []


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule by id, in alphabetical order, after each topic under `rules.checks` has been imported."""
    checks = import_module("rules.checks")
    for topic in pkgutil.iter_modules(checks.__path__):
        import_module(f"rules.checks.{topic.name}")
    return MappingProxyType(dict(sorted(_registered.items())))


def run(rule: Rule, *subject: object) -> Iterator[Finding]:
    """What a rule finds in its subject; a rule that raises is itself a finding, never a pass."""
    try:
        for problem in rule.check(*subject):
            yield _finding(rule, problem)
    except Exception as broke:  # whatever a rule does, the instance must still be judged and kept
        yield broken(rule.id, broke)


def broken(what: str, broke: Exception) -> Finding:
    """The finding that stands for a rule, or a part of the engine, that raised."""
    return Finding(
        rule=BROKEN,
        severity=Severity.ERROR,
        path="",
        tag="",
        section="dicomgate",
        message=f"{what} raised {type(broke).__name__}",
    )


def _finding(rule: Rule, problem: Problem) -> Finding:
    section = problem.section or rule.section
    return Finding(
        rule=rule.id,
        severity=problem.severity or rule.severity,
        path=problem.path,
        tag=tag_at(problem.path),
        section=section if section.startswith(("PS3.", "dicomgate")) else f"PS3.3 {section}",
        message=problem.message,
        value_number=problem.value_number,
        count=problem.count,
        first=problem.first,
        last=problem.last,
        items=problem.items,
    )


def tag_at(path: str) -> str:
    """The tag of a path's last Attribute, as "(gggg,eeee)"; empty for an empty path."""
    last = path.rpartition(".")[2].partition("[")[0]
    if not last or last.startswith("("):
        return last
    return format_tag(tag_of(last))


def _register(
    id: str,
    section: str,
    severity: Severity,
    good: Iterable[Example],
    bad: Iterable[Example],
    of: Callable[[str], bool] | None,
    from_tables: bool,
    check: Callable[..., Iterator[Problem]],
    only_with: frozenset[int] | None = None,
) -> Rule:
    if id in _registered:
        raise ValueError(f"two rules are called {id}")
    if len(id) > LONGEST_ID:
        raise ValueError(f"{id} has {len(id)} characters, {LONGEST_ID} fit an Error Comment")
    summary, _, reason = inspect.cleandoc(check.__doc__ or "").partition("\n\n")
    made = Rule(
        id,
        section,
        severity,
        summary,
        " ".join(reason.split()),
        tuple(good),
        tuple(bad),
        of,
        from_tables,
        check,
        only_with,
    )
    _registered[id] = made
    return made
