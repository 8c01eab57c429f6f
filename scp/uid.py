"""What a UID is (PS3.5 section 9.1)."""

from __future__ import annotations

import re

_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")


def valid_uid(uid: str) -> bool:
    """Digits and dots, no leading zeros, 1 to 64 characters."""
    return 0 < len(uid) <= 64 and _UID.fullmatch(uid) is not None
