"""Timezone Offset From UTC (0008,0201), which says what all dates and times of an instance mean (PS3.3 C.12.1.1.8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

KEYWORD = "TimezoneOffsetFromUTC"
_OFFSET = re.compile(rb"(?P<sign>[+-])(?P<hours>[0-9]{2})(?P<minutes>[0-9]{2}) *")


@rule(
    "timezone-offset",
    section="C.12.1.1.8",
    severity=Severity.ERROR,
    only_with=[KEYWORD],
    good=[{KEYWORD: "+0000"}, {KEYWORD: "-1200"}, {KEYWORD: "+0545"}, {KEYWORD: "+1400"}, {"StudyDate": "20200131"}],
    bad=[{KEYWORD: "-0000"}, {KEYWORD: "+1500"}, {KEYWORD: "+0160"}, {KEYWORD: "0100"}, {KEYWORD: " +0100"}],
)
def timezone_offset(header: Header) -> Iterator[Problem]:
    """The offset of the timezone is none.

    It is a sign, two digits of hours and two of minutes, from -1200 to +1400; UTC is +0000. A receiver that cannot
    read it takes the times of the instance for its own.
    """
    raw = header.raw(KEYWORD)
    if not raw or not raw.strip(b" \0"):
        return
    found = _OFFSET.fullmatch(raw.rstrip(b"\0"))
    if found is None:
        yield Problem(KEYWORD, "is no offset of the form &ZZXX")
        return
    minutes = int(found["hours"]) * 60 + int(found["minutes"])
    if found["sign"] == b"-" and not minutes:
        yield Problem(KEYWORD, "is -0000, wanted +0000 for UTC")
    elif int(found["minutes"]) > 59 or minutes > (14 if found["sign"] == b"+" else 12) * 60:
        yield Problem(KEYWORD, "is outside -1200 to +1400", section="PS3.5 6.2")
