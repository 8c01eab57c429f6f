"""Sound instances with one thing broken: what is to be found of it, and that its rule alone finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

from multi_frame import base, header_of
from pydicom import Dataset

from rules import attributes as reader
from rules import topics
from rules.engine import check, load_rules
from rules.known import Memory
from rules.model import Finding, Problem, Severity
from rules.registry import all_rules

Change = Callable[[Dataset], None]


@dataclass(frozen=True)
class Fault:
    """One thing broken: in which instance, and what is to be found. `frames` are the count, the first and the last."""

    base: str
    change: Change
    rule: str
    severity: Severity
    frames: tuple[int, int, int] | None


@dataclass
class Faults:
    """Changes that break one rule, and changes that look odd and break none; filled by its decorators."""

    broken: list[Fault] = field(default_factory=list)
    odd: list[tuple[str, Change]] = field(default_factory=list)

    def fault(
        self, base: str, rule: str, severity: Severity = Severity.ERROR, frames: tuple[int, int, int] | None = None
    ) -> Callable[[Change], Change]:
        """This change is found by this rule, and by no other."""

        def register(change: Change) -> Change:
            self.broken.append(Fault(base, change, rule, severity, frames))
            return change

        return register

    def legal(self, base: str) -> Callable[[Change], Change]:
        """This change looks odd, and nothing is to be found beyond notes."""

        def register(change: Change) -> Change:
            self.odd.append((base, change))
            return change

        return register


def findings(dataset: Dataset) -> list[Finding]:
    return list(check(header_of(dataset), load_rules()).findings)


def loud(found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.severity is not Severity.NOTE]


def changed(name: str, change: Change) -> list[Finding]:
    """What is found in a sound instance after a change."""
    dataset = deepcopy(base(name))
    change(dataset)
    return findings(dataset)


def is_found(each: Fault) -> None:
    """Assert that the fault is found by its rule, at its severity, in its frames, and that nothing else is."""
    (found,) = _new(each)
    assert (found.rule, found.severity) == (each.rule, each.severity)
    if each.frames is not None:
        count, first, last = each.frames
        assert found.count == count
        assert f"[{first}]." in (found.first or found.path)
        assert f"[{last}]." in (found.last or found.path)


def is_missed_without_its_rule(each: Fault) -> None:
    """Assert that nothing is found where the rule is switched off: it is the one rule that knows of this fault."""
    with switched_off(each.rule):
        assert _new(each) == []


def _new(each: Fault) -> list[Finding]:
    known = {(found.rule, found.path) for found in findings(base(each.base))}
    new = [found for found in changed(each.base, each.change) if (found.rule, found.path) not in known]
    return new if each.severity is Severity.NOTE else loud(new)


@contextmanager
def switched_off(name: str) -> Iterator[None]:
    """The rule finds nothing for a while; what was found out with it is not remembered meanwhile, nor afterwards."""
    rule = all_rules()[name]
    check, memory = rule.check, reader.MEMORY
    object.__setattr__(rule, "check", _nothing)
    reader.MEMORY = Memory()
    topics._structure.cache_clear()
    try:
        yield
    finally:
        object.__setattr__(rule, "check", check)
        reader.MEMORY = memory
        topics._structure.cache_clear()


def _nothing(*subject: object) -> Iterator[Problem]:
    return iter(())
