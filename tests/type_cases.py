"""Makes the cases of Image Type and Frame Type: for an IOD one legal header, and one illegal header a rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rules.encode import header_of
from rules.engine import RuleSet, check
from rules.image_types import TypeFacts, ValueFacts, image_type
from rules.iods import iods
from rules.model import Finding, Severity

Header = dict[str, object]
SHARED = "SharedFunctionalGroupsSequence"
PER_FRAME = "PerFrameFunctionalGroupsSequence"


def cases(iod: str, rules: RuleSet) -> dict[str, Header]:
    """Headers by case: "legal", then by the id of the rule that each breaks, with as little else wrong as can be."""
    facts = image_type(iod)
    assert facts is not None
    broken: dict[str, tuple[int, Header]] = {}
    for header in _variants(facts):
        found = on_types(check(header_of(header), rules).findings)
        for finding in found:
            fewest, _ = broken.get(finding.rule, (len(found) + 1, header))
            if len(found) < fewest:
                broken[finding.rule] = len(found), header
    return {"legal": legal(facts), **{rule: header for rule, (_, header) in sorted(broken.items())}}


def on_types(findings: Iterable[Finding]) -> list[Finding]:
    """Those of the findings that are about Image Type and Frame Type, without the notes."""
    types = (each for each in findings if each.rule.startswith(("image-type-", "frame-type-")))
    return [each for each in types if each.severity is not Severity.NOTE]


def legal(facts: TypeFacts) -> Header:
    """A header with which no Image Type or Frame Type rule of the IOD finds fault."""
    values = _legal_values(facts)
    return _header(facts, values, _legal_values(facts.frames.types) if facts.frames else None)


def _legal_values(facts: TypeFacts) -> list[str]:
    wanted = [each.number for each in facts.values if each.required or each.expected]
    return [_legal(facts.value(number)) for number in range(1, max(facts.fewest, *wanted, 0) + 1)]


def _legal(value: ValueFacts | None) -> str:
    if value is None or value.empty == "always" or value.filled_only_if:
        return ""
    first = value.enumerated or value.defined or ("ANYTHING",)
    return "NONE" if "NONE" in first else first[0]


def _header(facts: TypeFacts, values: list[str] | None, frame: list[str] | None, **more: object) -> Header:
    header: Header = {"SOPClassUID": iods()[facts.iod].sop_class_uids[0], **more}
    if values is not None:
        header["ImageType"] = values
    if facts.frames and frame is not None:
        header[SHARED] = [{facts.frames.sequence: [{"FrameType": frame}]}]
    return header


def _variants(facts: TypeFacts) -> Iterator[Header]:
    """Headers with one thing changed, the likeliest faults first."""
    legal_values = _legal_values(facts)
    legal_frame = _legal_values(facts.frames.types) if facts.frames else None
    yield from _around(facts, legal_values, legal_frame)
    if facts.common:
        yield from _around(facts, ["DERIVED", *legal_values[1:]], ["DERIVED", *(legal_frame or ())[1:]])


def _around(facts: TypeFacts, values: list[str], frame: list[str] | None) -> Iterator[Header]:
    yield _header(facts, None, frame)
    yield _header(facts, [], frame)
    yield _header(facts, values[:1], frame)
    yield _header(facts, values[:2], frame)
    yield _header(facts, [*values, *["EXTRA"] * 4], frame)
    for changed in _changed(values):
        yield _header(facts, changed, frame)
    yield _header(facts, [*values[:1], *values[1:3]], frame, MultienergyCTAcquisition="YES")
    yield _header(facts, values, frame, VolumeBasedCalculationTechnique="MAX_IP")
    if facts.frames and frame is not None:
        yield from _frame_variants(facts, values, frame)


def _changed(values: list[str]) -> Iterator[list[str]]:
    for number in range(4):
        for other in ("FROBNICATE", "", "MIXED", "POST-CONTRAST", "SECONDARY", "MEAN", "QUANTITY", "ADC", "LOCALIZER"):
            changed = [*values, *[""] * (4 - len(values))][: max(len(values), number + 1)]
            changed[number] = other
            yield changed
    yield [*values[:2], "STEREO L"]
    yield [*values[:2], "MONTAGE"]


def _frame_variants(facts: TypeFacts, values: list[str], frame: list[str]) -> Iterator[Header]:
    assert facts.frames is not None
    sequence = facts.frames.sequence

    def group(*types: list[str] | None) -> Header:
        return {sequence: [{} if each is None else {"FrameType": each} for each in types]}

    plain = _header(facts, values, None)
    yield {**plain, SHARED: [{}], PER_FRAME: [{}, {}]}
    yield {**plain, SHARED: [group(frame)], PER_FRAME: [group(frame)]}
    yield {**plain, SHARED: [group(frame, frame)]}
    yield {**plain, SHARED: [group(None)]}
    yield {**plain, SHARED: [group([])]}
    yield {**plain, SHARED: [group(frame[:1])]}
    for changed in _changed(frame):
        yield {**plain, PER_FRAME: [group(frame), group(changed)]}
