"""Moments as people type them: `2h`, `7d`, `yesterday`, `2026-11-22`, `2026-11-22T09:30Z`; all in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_moment(text: str, now: datetime | None = None) -> datetime:
    """The moment that was meant; a time without a zone is UTC, a day its first moment. ValueError for other text."""
    now = now or datetime.now(UTC)
    text = text.strip()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if text.lower() in named:
        return named[text.lower()]
    ago = re.fullmatch(r"(\d{1,6})\s*(s|m|min|h|d|w)", text.lower())
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no moment: wanted 2h, 7d, yesterday, 2026-11-22 or 2026-11-22T09:30Z") from None
