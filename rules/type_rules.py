"""One Image Type or Frame Type as an instance has it, and how rules on it are written.

A rule on their values is registered twice, as `image-type-...` and `frame-type-...`, since PS3.3 gives both the same
values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rules.conditions import Answer, Condition
from rules.header import Header
from rules.image_types import TypeFacts, ValueFacts, image_type
from rules.iods import iods
from rules.model import Example, Finding, Problem, Rule, Severity
from rules.registry import run, table_rule

CT, MR, NM, DX = "CT Image", "MR Image", "Nuclear Medicine Image", "Digital X-Ray Image"
US, VL = "Ultrasound Image", "VL Photographic Image"
EMR, PM = "Enhanced MR Image", "Parametric Map"


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of one Image Type or Frame Type, without the spaces that PS3.5 6.2 calls insignificant.

    `raw` are their bytes. `place` is where conditions are asked. A Frame Type that repeats over frames is seen once,
    with `count`, and the paths of the `first` and `last`.
    """

    place: Header
    facts: TypeFacts
    path: str
    values: tuple[str, ...]
    raw: bytes
    count: int = 1
    first: str | None = None
    last: str | None = None

    def problem(
        self,
        message: str,
        value: ValueFacts | None = None,
        severity: Severity | None = None,
        section: str | None = None,
    ) -> Problem:
        """A Problem here, of one value or of all."""
        return Problem(
            self.path,
            message,
            value_number=value.number if value else None,
            severity=severity,
            section=section or (value.section if value else self.facts.section),
            count=self.count,
            first=self.first,
            last=self.last,
        )

    def met(self, condition: Condition | None) -> bool:
        """Whether a condition answers YES."""
        return condition is not None and condition.ask(self.place) is Answer.YES


def code_strings(raw: bytes) -> tuple[str, ...]:
    """The values of an Image Type or Frame Type in these bytes, whatever VR they claim to have."""
    return tuple(each.strip(" \0") for each in raw.decode("ascii", "replace").split("\\"))


def judge(seen: Seen) -> Iterator[Finding]:
    """Everything that is wrong with one Image Type or Frame Type."""
    for ask in _RULES[seen.facts.keyword]:
        yield from run(ask, seen)


def example(iod: str, *values: str) -> Example:
    """An instance of this IOD with this Image Type."""
    return {"SOPClassUID": iods()[iod].sop_class_uids[0], "ImageType": list(values)}


def frame_example(iod: str, *values: str) -> Example:
    """An instance of this IOD with this Frame Type shared by its frames. ValueError where the IOD has none."""
    facts = image_type(iod)
    if facts is None or facts.frames is None:
        raise ValueError(f"{iod} has no Frame Type")
    group = {facts.frames.sequence: [{"FrameType": list(values)}]}
    return {"SOPClassUID": iods()[iod].sop_class_uids[0], "SharedFunctionalGroupsSequence": [group]}


_RULES: dict[str, list[Rule]] = {"ImageType": [], "FrameType": []}

Values = tuple[str, ...]
"""An example in short: an IOD's name, then the values."""


def type_rule(
    id: str,
    *,
    section: str,
    severity: Severity,
    good: Sequence[Values],
    bad: Sequence[Values],
    good_frames: Sequence[Values] = (),
    bad_frames: Sequence[Values] = (),
    also_good: Sequence[Example] = (),
    also_bad: Sequence[Example] = (),
) -> Callable[[Callable[[Seen], Iterator[Problem]]], Callable[[Seen], Iterator[Problem]]]:
    """Register a rule on Image Type, and on Frame Type where it has bad examples for that, with examples in short."""

    def register(check: Callable[[Seen], Iterator[Problem]]) -> Callable[[Seen], Iterator[Problem]]:
        _RULES["ImageType"].append(
            table_rule(
                f"image-type-{id}",
                section=section,
                severity=severity,
                good=[*(example(*each) for each in good), *also_good],
                bad=[*(example(*each) for each in bad), *also_bad],
            )(check)
        )
        if bad_frames:
            _RULES["FrameType"].append(
                table_rule(
                    f"frame-type-{id}",
                    section=section,
                    severity=severity,
                    good=[frame_example(*each) for each in good_frames],
                    bad=[frame_example(*each) for each in bad_frames],
                )(check)
            )
        return check

    return register
