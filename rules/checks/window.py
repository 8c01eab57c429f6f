"""Window Center and Window Width (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.frames import frame_values
from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

_GROUP = "FrameVOILUTSequence"


@rule(
    "window-width",
    section="C.11.2.1.2",
    severity=Severity.ERROR,
    good=[
        {"WindowCenter": "40", "WindowWidth": "1"},
        {"WindowCenter": "0.5", "WindowWidth": "0.5", "VOILUTFunction": "SIGMOID"},
        {"SharedFunctionalGroupsSequence": [{_GROUP: [{"WindowCenter": "40", "WindowWidth": "400"}]}]},
    ],
    bad=[
        {"WindowCenter": "40", "WindowWidth": "0"},
        {"WindowCenter": ["40", "50"], "WindowWidth": ["400", "0.5"]},
        {"WindowCenter": "0", "WindowWidth": "0", "VOILUTFunction": "LINEAR_EXACT"},
        {"PerFrameFunctionalGroupsSequence": [{_GROUP: [{"WindowCenter": "40", "WindowWidth": "-1"}]}]},
    ],
)
def window_width(header: Header) -> Iterator[Problem]:
    """A Window Width is too small for its VOI LUT Function.

    LINEAR, and no function at all, want at least 1; the others a width above 0. Viewers divide by it, or show an
    image in one gray.
    """
    if header.has("WindowWidth"):
        message = _too_small(header, header.numbers("WindowWidth"))
        if message is not None:
            yield Problem("WindowWidth", message)
    for seen in frame_values(header, _GROUP, "WindowWidth"):
        if any(width < 1 for width in seen.numbers):
            message = _too_small(seen.group, seen.numbers)
            if message is not None:
                yield seen.problem(message)


def _too_small(place: Header, widths: tuple[float, ...]) -> str | None:
    function = place.text("VOILUTFunction") or "LINEAR"
    for width in widths:
        if function == "LINEAR" and width < 1:
            return f"is {width:g}, wanted at least 1"
        if function != "LINEAR" and width <= 0:
            return f"is {width:g}, wanted more than 0"
    return None
