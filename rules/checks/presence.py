"""Whether an Attribute is there, and has a value, as its Type asks (PS3.5 7.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rules.asking import Question
from rules.header import Header
from rules.model import Problem, Severity
from rules.modules import Row
from rules.registry import table_rule

if TYPE_CHECKING:
    from rules.plan import Option

_CODE: dict[str, object] = {"CodeValue": "113076", "CodingSchemeDesignator": "DCM", "CodeMeaning": "Segmentation"}


def _with(code: dict[str, object]) -> dict[str, object]:
    """A CT Image of a procedure with this code; the other Attributes are left out."""
    return {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "ProcedureCodeSequence": [code]}


def _without(keyword: str) -> dict[str, object]:
    return _with({name: value for name, value in _CODE.items() if name != keyword})


def _missing(place: Header, row: Row, asked: Question | None = None) -> Iterator[Problem]:
    """An Attribute that its Module requires is absent.

    Type 1 and 2 are always required, Type 1C and 2C where their condition is met. Receivers that rely on the
    Attribute fail or guess; put it in, empty where it is Type 2 and not known.
    """
    reason = f", required since {asked.reason}" if asked is not None else ""
    yield Problem(place.path_of(row.tag), f"is absent, Type {row.type}{reason}", section=row.section)


MISSING = table_rule(
    "attribute-missing",
    section="PS3.5 7.4",
    severity=Severity.ERROR,
    good=[],
    bad=[_without("CodeMeaning"), _without("CodingSchemeDesignator")],
)(_missing)


def _empty(place: Header, row: Row) -> Iterator[Problem]:
    """An Attribute of Type 1 or 1C has no value.

    Type 1 demands a value; only Type 2 may be empty.
    """
    yield Problem(place.path_of(row.tag), f"has no value, Type {row.type}", section=row.section)


EMPTY = table_rule(
    "attribute-empty",
    section="PS3.5 7.4",
    severity=Severity.ERROR,
    good=[_with(_CODE)],
    bad=[_with({**_CODE, "CodeMeaning": None}), _with({**_CODE, "CodeMeaning": "  "})],
)(_empty)


def _not_allowed(place: Header, row: Row, asked: Question) -> Iterator[Problem]:
    """An Attribute of Type 1C or 2C is present although its condition is not met.

    Unless the Standard says that it may be present otherwise, such an Attribute is forbidden (PS3.5 7.4.2); it
    contradicts what the rest of the instance says.
    """
    when = "not allowed" if asked.expression is row.never_if else "only allowed"
    yield Problem(place.path_of(row.tag), f"is present, {when} where {asked.words}", section=row.section)


NOT_ALLOWED = table_rule(
    "attribute-not-allowed",
    section="PS3.5 7.4.2",
    severity=Severity.ERROR,
    good=[_with(_CODE)],
    bad=[_with({**_CODE, "LongCodeValue": "113076"})],
)(_not_allowed)


def _energies(acquisition: str) -> dict[str, object]:
    """A CT Image with the Multi-energy CT Image Module; the other Attributes are left out."""
    image: dict[str, object] = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "MultienergyCTAcquisition": acquisition}
    return {**image, "MultienergyCTAcquisitionSequence": [{}]}


def _module_not_allowed(header: Header, module: str, section: str, words: str, tag: int) -> Iterator[Problem]:
    """Attributes of a Module are present although the condition of its Usage C is not met.

    Where the condition is not met nothing of the Module may be sent, unless the IOD says that it may be present
    otherwise (PS3.3 A.1.3.2).
    """
    yield Problem(header.path_of(tag), f"is of the {module} Module, only allowed where {words}", section=section)


MODULE_NOT_ALLOWED = table_rule(
    "module-not-allowed",
    section="A.1.3.2",
    # The Modules that it is told of are most often references and overlays that do no harm.
    severity=Severity.WARNING,
    good=[_energies("YES")],
    bad=[_energies("NO")],
)(_module_not_allowed)


def _module_forbidden(header: Header, module: str, section: str, tag: int) -> Iterator[Problem]:
    """Attributes of a Module are present that the Content Constraints of the IOD forbid.

    The IOD says the same elsewhere, in functional groups or in Attributes of its own; a reader finds two accounts.
    """
    yield Problem(header.path_of(tag), f"is of the {module} Module, which the IOD does not allow", section=section)


MODULE_FORBIDDEN = table_rule(
    "module-forbidden",
    section="A.1.3",
    severity=Severity.ERROR,
    good=[{"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "WindowCenter": "1"}],
    bad=[{"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1.1", "WindowCenter": "1"}],
)(_module_forbidden)


def _module_missing(header: Header, option: Option) -> Iterator[Problem]:
    """A Module is required, and none of its Attributes is present.

    Each of them is required under a condition of its own, but without any of them the Module is not there.
    """
    reason = option.asked.reason if option.asked is not None else ""
    told = f"is absent, as is all of the {option.usage.name} Module, required since {reason}"
    yield Problem(header.path_of(min(option.own or option.loose)), told, section=option.usage.section)


MODULE_MISSING = table_rule(
    "module-missing",
    section="A.1.3.2",
    severity=Severity.ERROR,
    good=[],
    bad=[
        {
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.30",
            "SharedFunctionalGroupsSequence": [{"ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2.3"}]}],
        }
    ],
)(_module_missing)
