"""Where functional groups stand (PS3.3 C.7.6.16): shared or per frame, in every frame, as often as there are frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rules.header import Header
from rules.iods import PARAMETRIC_MAP_STORAGE
from rules.model import Problem, Severity
from rules.registry import table_rule

if TYPE_CHECKING:
    from rules.plan import Group

_MEASURES: Mapping[str, object] = {"PixelMeasuresSequence": [{"PixelSpacing": ["1", "1"], "SliceThickness": "1"}]}
_CONTENT: Mapping[str, object] = {"FrameContentSequence": [{"DimensionIndexValues": [1]}]}


def _map(shared: Mapping[str, object], *frames: Mapping[str, object], number: int | None = None) -> dict[str, object]:
    """A Parametric Map with these functional groups; the other Attributes are left out."""
    return {
        "SOPClassUID": PARAMETRIC_MAP_STORAGE,
        "NumberOfFrames": str(len(frames) if number is None else number),
        "SharedFunctionalGroupsSequence": [shared],
        "PerFrameFunctionalGroupsSequence": list(frames),
    }


_TILED: Mapping[str, object] = {
    "SOPClassUID": PARAMETRIC_MAP_STORAGE,
    "DimensionOrganizationType": "TILED_FULL",
    "SharedFunctionalGroupsSequence": [_MEASURES],
}


def _missing(place: Header, group: Group, in_some: bool) -> Iterator[Problem]:
    """A functional group that the IOD requires is neither shared nor in every frame.

    Mandatory groups stand in the Shared Functional Groups or in the Item of every frame; a reader that looks up the
    frame finds nothing.
    """
    inside = place.parent is not None
    path = place.path_of(group.row.tag)
    path = path if inside else f"SharedFunctionalGroupsSequence[1].{path}"
    where = "neither shared nor here" if in_some else "neither shared nor in any frame"
    where = "here" if group.usage.place == "per-frame" else where
    reason = f", required since {group.asked.reason}" if group.asked is not None else ""
    yield Problem(
        path, f"is absent, {where}{reason}" if "neither" in where else f"is absent{reason}", section=_of(group)
    )


MISSING = table_rule(
    "functional-group-missing",
    section="C.7.6.16",
    severity=Severity.ERROR,
    good=[],
    bad=[_map({}, _CONTENT), _map({}, {**_CONTENT, **_MEASURES}, _CONTENT), _map(_MEASURES, _CONTENT, {})],
)(_missing)


def _twice(place: Header, group: Group) -> Iterator[Problem]:
    """A functional group is both shared and in a frame.

    A functional group is either shared or per frame; a reader cannot know which of the two counts.
    """
    yield Problem(place.path_of(group.row.tag), "is here and in SharedFunctionalGroupsSequence", section="C.7.6.16.1.1")


TWICE = table_rule(
    "functional-group-twice",
    section="C.7.6.16.1.1",
    severity=Severity.ERROR,
    good=[_map(_MEASURES, _CONTENT)],
    bad=[_map(_MEASURES, {**_CONTENT, **_MEASURES})],
)(_twice)


def _misplaced(place: Header, group: Group) -> Iterator[Problem]:
    """A functional group stands in the Sequence that it is not for.

    Some describe one frame by nature, as Frame Content does, and others all of them; a reader looks for them in that
    place alone.
    """
    wanted = "PerFrame" if group.usage.place == "per-frame" else "Shared"
    told = f"is only for {wanted}FunctionalGroupsSequence"
    yield Problem(place.path_of(group.row.tag), told, section=_of(group))


MISPLACED = table_rule(
    "functional-group-misplaced",
    section="C.7.6.16",
    severity=Severity.ERROR,
    good=[_map(_MEASURES, _CONTENT)],
    bad=[_map(_CONTENT, {})],
)(_misplaced)


def _frame_count(header: Header, frames: int, said: int) -> Iterator[Problem]:
    """The Per-Frame Functional Groups Sequence has not one Item for each frame.

    Items and frames are matched by their order: with unequal numbers frames get the wrong description, or none.
    """
    yield Problem(
        "PerFrameFunctionalGroupsSequence",
        f"has {frames} Item{'s' * (frames != 1)}, wanted {said} as NumberOfFrames says",
        section="C.7.6.16.1.2",
    )


FRAME_COUNT = table_rule(
    "functional-group-frame-count",
    section="C.7.6.16.1.2",
    severity=Severity.ERROR,
    good=[_map(_MEASURES, _CONTENT, _CONTENT)],
    bad=[_map(_MEASURES, _CONTENT, _CONTENT, number=3)],
)(_frame_count)


def _per_frame(header: Header) -> Iterator[Problem]:
    """The Per-Frame Functional Groups Sequence is absent, though the IOD has functional groups that stand only there.

    Only where Dimension Organization Type is TILED_FULL does the order of the frames describe them; and even there a
    Dimension Index Sequence calls for Dimension Index Values of each frame.
    """
    yield Problem(
        "PerFrameFunctionalGroupsSequence", "is absent, Type 1C, required since frames are described one by one"
    )


PER_FRAME = table_rule(
    "functional-group-frames-missing",
    section="C.7.6.16",
    severity=Severity.ERROR,
    good=[_map(_MEASURES, _CONTENT), _TILED],
    bad=[
        {"SOPClassUID": PARAMETRIC_MAP_STORAGE, "SharedFunctionalGroupsSequence": [_MEASURES]},
        {**_TILED, "DimensionIndexSequence": [{"DimensionIndexPointer": 0x0048021E}]},
    ],
)(_per_frame)


def _unlisted(place: Header, tag: int) -> Iterator[Problem]:
    """A functional group of the Standard is there that the IOD does not have, or an Attribute outside all groups.

    An instance may have more than its IOD asks for, but few readers look for it there. An Attribute that stands beside
    the groups, and not in one, is hardly ever found.
    """
    group = place.is_sequence(tag)
    told = "is no functional group of this IOD" if group else "is in no functional group"
    yield Problem(place.path_of(tag), told)


UNLISTED = table_rule(
    "functional-group-unlisted",
    section="C.7.6.16.1.1",
    severity=Severity.NOTE,
    good=[_map(_MEASURES, _CONTENT)],
    bad=[
        _map({**_MEASURES, "MRImageFrameTypeSequence": [{}]}, _CONTENT),
        _map(_MEASURES, {**_CONTENT, "ImagePositionPatient": ["0", "0", "0"]}),
    ],
)(_unlisted)


def _of(group: Group) -> str:
    return group.usage.section
