"""The instances that frames refer to, and the Common Instance Reference Module that lists them (PS3.3 C.12.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rules.editions import NEWEST
from rules.frames import PER_FRAME, SHARED
from rules.header import Header
from rules.iods import PARAMETRIC_MAP_STORAGE, functional_groups_of, iod_of, iods, modules_of
from rules.model import Example, Finding, Problem, Severity
from rules.referred import OTHER_STUDIES, SERIES, Listed, Naming, listed, namings, uids_of
from rules.registry import run, table_rule

_CT, _MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"


@dataclass(frozen=True, slots=True)
class References:
    """An instance, all that it refers to, and what it lists of that."""

    header: Header
    named: Sequence[Naming]
    listed: Listed

    @property
    def this(self) -> bytes:
        """The SOP Instance UID of the instance itself."""
        return (self.header.raw("SOPInstanceUID") or b"").rstrip(b" \0")


def instance_references(header: Header, edition: str = NEWEST) -> Iterator[Finding]:
    """Judge what an instance with frames refers to, against what it lists."""
    usage = _usage(iod_of(header.text("SOPClassUID") or "", edition), edition)
    if not usage:
        return
    found = References(header, namings(header), listed(header))
    yield from run(CLASS_DIFFERS, found)
    yield from run(SOURCE_IS_THIS, found)
    yield from run(WRONG_STUDY, found)
    yield from run(FRAME_NUMBER, found)
    if header.has(SERIES) or header.has(OTHER_STUDIES):
        yield from run(UNLISTED, found)
    elif usage == "M":
        yield from run(MISSING, found)


@cache
def _usage(iod: str, edition: str) -> str:
    """How the IOD uses the Common Instance Reference Module; "" where it has none, or no functional groups."""
    if not iod or not functional_groups_of(iod, edition):
        return ""
    return next((each.usage for each in modules_of(iod, edition) if each.name == "Common Instance Reference"), "")


def _source(uid: str, sop_class: str = _CT) -> dict[str, object]:
    item = {"ReferencedSOPClassUID": sop_class, "ReferencedSOPInstanceUID": uid}
    return {"DerivationImageSequence": [{"SourceImageSequence": [item]}]}


def _list(*uids: str, sop_class: str = _CT) -> list[dict[str, object]]:
    items = [{"ReferencedSOPClassUID": sop_class, "ReferencedSOPInstanceUID": uid} for uid in uids]
    return [{"SeriesInstanceUID": "1.2.9", "ReferencedInstanceSequence": items}]


def _map(frames: Sequence[Mapping[str, object]], **more: object) -> Example:
    """A Parametric Map with these frames; the other Attributes are left out."""
    return {
        "SOPClassUID": PARAMETRIC_MAP_STORAGE,
        "SOPInstanceUID": "1.2.1",
        "StudyInstanceUID": "1.2.5",
        PER_FRAME: list(frames),
        **more,
    }


def _slide(**more: object) -> Example:
    uid = iods()["VL Whole Slide Microscopy Image"].sop_class_uids[0]
    return {**_map([]), "SOPClassUID": uid, SHARED: [_source("1.2.3")], **more}


def _missing(found: References) -> Iterator[Problem]:
    """An instance refers to others, and its Common Instance Reference Module, which the IOD requires, is absent.

    The Module says which Series and Study those instances are in; without it they cannot be retrieved.
    """
    for naming in found.named:
        for uid, numbers in naming.uids.items():
            if uid != found.this:
                told = f"is absent, as is {OTHER_STUDIES}, though {naming.path(numbers[0])} names an instance"
                yield Problem(SERIES, told)
                return


MISSING = table_rule(
    "instance-reference-missing",
    section="C.12.2",
    severity=Severity.ERROR,
    good=[_slide(ReferencedSeriesSequence=_list("1.2.3"))],
    bad=[_slide()],
)(_missing)


def _unlisted(found: References) -> Iterator[Problem]:
    """An instance that frames refer to is not in the Common Instance Reference Module.

    The Module lists Series and Study of what is referred to; what is not listed cannot be retrieved.
    """
    known = uids_of(found.listed.here) | uids_of(found.listed.elsewhere) | {found.this}
    lacking = [
        (uid, naming.path(numbers[0]))
        for naming in found.named
        for uid, numbers in naming.uids.items()
        if uid not in known
    ]
    if lacking:
        wanted = len({uid for uid, _ in lacking})
        total = len(uids_of(found.named) - {found.this})
        told = f"names an instance that is in neither {SERIES} nor {OTHER_STUDIES}, {wanted} of {total} are in none"
        yield _problem(told, [path for _, path in lacking])


UNLISTED = table_rule(
    "instance-reference-unlisted",
    section="C.12.2",
    # The Module's own sentences make the lists conditional on there being references, not complete.
    severity=Severity.WARNING,
    good=[_map([_source("1.2.3"), _source("1.2.4")], ReferencedSeriesSequence=_list("1.2.3", "1.2.4"))],
    bad=[_map([_source("1.2.3"), _source("1.2.4")], ReferencedSeriesSequence=_list("1.2.3"))],
)(_unlisted)


def _wrong_study(found: References) -> Iterator[Problem]:
    """Instances are listed as those of another Study, and it is this Study.

    The Sequence is for other Studies alone; those of this one are in Referenced Series Sequence.
    """
    this = found.header.text("StudyInstanceUID")
    for study in found.header.items(OTHER_STUDIES):
        if this is not None and study.text("StudyInstanceUID") == this:
            yield Problem(study.path_of("StudyInstanceUID"), "is that of this instance, wanted another")
    both = uids_of(found.listed.here) & uids_of(found.listed.elsewhere)
    if both:
        yield Problem(OTHER_STUDIES, f"lists {len(both)} of the instances that {SERIES} has in this Study")


_OTHER: Mapping[str, object] = {"ReferencedSeriesSequence": _list("1.2.3")}

WRONG_STUDY = table_rule(
    "instance-reference-wrong-study",
    section="C.12.2",
    severity=Severity.ERROR,
    good=[
        _map(
            [_source("1.2.3")],
            StudiesContainingOtherReferencedInstancesSequence=[{"StudyInstanceUID": "1.2.6", **_OTHER}],
        )
    ],
    bad=[
        _map(
            [_source("1.2.3")],
            StudiesContainingOtherReferencedInstancesSequence=[{"StudyInstanceUID": "1.2.5", **_OTHER}],
        ),
        _map(
            [_source("1.2.3")],
            StudiesContainingOtherReferencedInstancesSequence=[{"StudyInstanceUID": "1.2.6", **_OTHER}],
            **_OTHER,
        ),
    ],
)(_wrong_study)


def _class_differs(found: References) -> Iterator[Problem]:
    """One instance is referred to with different SOP Classes.

    An instance has one SOP Class, so at least one reference is wrong.
    """
    everywhere = (*found.named, *found.listed.here, *found.listed.elsewhere)
    if len({each for naming in everywhere for each in naming.classes}) < 2:
        return
    first: dict[bytes, bytes] = {}
    wrong: list[str] = []
    for naming in everywhere:
        class_of = naming.class_of()
        for uid, numbers in naming.uids.items():
            for number in numbers:
                said = class_of.get(number)
                if said is not None and first.setdefault(uid, said) != said:
                    wrong.append(naming.path(number))
    if wrong:
        yield _problem("names an instance that is elsewhere said to be of another SOP Class", wrong)


CLASS_DIFFERS = table_rule(
    "instance-reference-class-differs",
    section="10.8",
    severity=Severity.ERROR,
    good=[_map([_source("1.2.3"), _source("1.2.3")], ReferencedSeriesSequence=_list("1.2.3"))],
    bad=[
        _map([_source("1.2.3"), _source("1.2.3", _MR)], ReferencedSeriesSequence=_list("1.2.3")),
        _map([_source("1.2.3")], ReferencedSeriesSequence=_list("1.2.3", sop_class=_MR)),
    ],
)(_class_differs)


def _source_is_this(found: References) -> Iterator[Problem]:
    """An instance is said to be derived from itself.

    Frames may refer to one another, but what is in an instance cannot be where it came from.
    """
    for naming in found.named:
        numbers = naming.uids.get(found.this) if naming.source else None
        if numbers:
            yield _problem("is the SOP Instance UID of this instance", [naming.path(number) for number in numbers])


SOURCE_IS_THIS = table_rule(
    "source-is-this-instance",
    section="C.7.6.16.2.6",
    severity=Severity.WARNING,
    good=[_map([{"ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2.1"}]}])],
    bad=[_map([_source("1.2.1")])],
)(_source_is_this)


def _frame_number(found: References) -> Iterator[Problem]:
    """A reference names a frame that cannot be: before the first, or behind the last of this instance.

    The first frame is 1. Whoever follows the reference finds nothing, or the wrong frame.
    """
    frames = found.header.integer("NumberOfFrames")
    for naming in found.named:
        this = frozenset(naming.uids.get(found.this, ()))
        for raw, items in naming.fields("ReferencedFrameNumber").items():
            numbers = naming.place.decode("ReferencedFrameNumber", raw)
            wrong = next((each for each in numbers if isinstance(each, int) and each < 1), None)
            if wrong is not None:
                paths = [naming.path(number, "ReferencedFrameNumber") for number in items]
                yield _problem(f"is {wrong}, wanted 1 or more", paths)
                continue
            behind = [number for number in items if number in this]
            most = max((each for each in numbers if isinstance(each, int)), default=0)
            if frames is not None and behind and most > frames:
                paths = [naming.path(number, "ReferencedFrameNumber") for number in behind]
                yield _problem(f"is {most}, and this instance has {frames} frames", paths)


def _to_frame(uid: str, number: str) -> Example:
    item = {"ReferencedSOPInstanceUID": uid, "ReferencedFrameNumber": number}
    return _map([{"ReferencedImageSequence": [item]}], NumberOfFrames="2")


FRAME_NUMBER = table_rule(
    "referenced-frame-number",
    section="10.3",
    severity=Severity.ERROR,
    good=[_to_frame("1.2.3", "9"), _to_frame("1.2.1", "2")],
    bad=[_to_frame("1.2.3", "0"), _to_frame("1.2.1", "3")],
)(_frame_number)


def _problem(message: str, paths: Sequence[str]) -> Problem:
    """One Problem in several places."""
    if len(paths) == 1:
        return Problem(paths[0], message)
    return Problem(paths[0], message, count=len(paths), first=paths[0], last=paths[-1])
