"""Media types as HTTP writes them: `multipart/related; type="application/dicom"; boundary=x` (RFC 9110 8.3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type, in lower case, with its parameters by lower-case name."""

    name: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def quality(self) -> float:
        """The weight of an Accept header's member; 1 without one, 0 where it is no number."""
        try:
            return float(self.parameters.get("q", "1"))
        except ValueError:
            return 0.0


def media_type(text: str) -> MediaType | None:
    """The media type of a Content-Type header; None where it is none.

    A parameter may be quoted or not: `type=application/dicom` is no token, and yet is what many clients send.
    """
    name, _, rest = text.partition(";")
    if not _NAME.fullmatch(name.strip()):
        return None
    parameters: dict[str, str] = {}
    for found in _PARAMETER.finditer(";" + rest):
        quoted, bare = found[2], found[3]
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare.strip()
        parameters.setdefault(found[1].lower(), value)
    return MediaType(name.strip().lower(), parameters)


def accepted(text: str) -> Iterator[MediaType]:
    """The members of an Accept header that are wanted at all, the most wanted first, equals as they stand."""
    members = [found for each in _MEMBER.findall(text) if (found := media_type(each)) is not None]
    yield from sorted((each for each in members if each.quality > 0), key=lambda each: -each.quality)


_NAME = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9!#$&^_.+*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))')
_MEMBER = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
