"""What the published tables call IODs, Modules and Macros, brought to one spelling."""

from __future__ import annotations

import re


def iod_name(caption: str) -> str:
    """The IOD that a caption is about: "CT Image IOD Modules" is the CT Image's."""
    return caption.removesuffix(" IOD Modules")


def macro_or_module(caption: str) -> tuple[str, bool]:
    """The name in a table's caption, and whether it is a Macro: "Frame Content Macro Attributes" is one."""
    name = re.sub(r"( Functional Group)? (Macro|Module)( Attributes| Table)?$", "", caption)
    return name, " Macro " in f"{caption} "


def usage_letter(printed: object) -> tuple[str, str]:
    """M, C or U, and the text behind it. "" where cross references stand in place of both."""
    found = re.match(r"([MCU])\b[\s-]*(.*)", printed, re.DOTALL) if isinstance(printed, str) else None
    return (found[1], found[2].strip()) if found else ("", "")
