"""The values that rules deal in: Severity, Problem, Finding, Undecided, Rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

Example = Mapping[str, object]
"""A Data Set by keyword, as `rules.encode` writes it."""


class Severity(StrEnum):
    """The Standard's view of a finding; what is done about it is the site's policy."""

    ERROR = "error"
    """Breaks a "shall" of the Standard."""
    WARNING = "warning"
    """Permitted, but unusual, discouraged or outside the Defined Terms."""
    NOTE = "note"
    """Informs."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What one rule saw in one place.

    `path` is a keyword path as `Header.path_of` gives it. `severity` and `section` are the rule's own
    unless set here. A fault that repeats over frames or Items is one Problem with `count`, `first` and `last`;
    `items` are their numbers, ascending, as many as are named and one more.
    """

    path: str
    message: str
    value_number: int | None = None
    severity: Severity | None = None
    section: str | None = None
    count: int = 1
    first: str | None = None
    last: str | None = None
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A Problem with the rule that saw it: what is journalled, printed and answered.

    `tag` is that of the last Attribute of `path`, as "(gggg,eeee)"; `section` names the document first
    ("PS3.3 C.8.32.2"). The message holds no patient data. `items` are as a Problem has them, until the message names
    them.
    """

    rule: str
    severity: Severity
    path: str
    tag: str
    section: str
    message: str
    value_number: int | None = None
    count: int = 1
    first: str | None = None
    last: str | None = None
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """A requirement that this instance leaves open: what could not be told, and where."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong with an instance, with its words and examples.

    `check` takes the header, or for a rule `from_tables` the place and the row of the fact tables that
    the engine hands it. `of` tells whether it is asked of an IOD; None means wherever it can apply. `only_with` are
    tags of which the Data Set has to hold one for the rule to find anything; None where that cannot be said.
    """

    id: str
    section: str
    severity: Severity
    summary: str
    reason: str
    good: tuple[Example, ...]
    bad: tuple[Example, ...]
    of: Callable[[str], bool] | None
    from_tables: bool
    check: Callable[..., Iterator[Problem]]
    only_with: frozenset[int] | None = None
