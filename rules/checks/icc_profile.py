"""The header of an ICC Profile (0028,2000), as far as PS3.3 C.11.15.1.1 restricts it."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule

HEADER_BYTES = 128


def _profile(device: bytes = b"scnr", colors: bytes = b"RGB ", connection: bytes = b"XYZ ") -> dict[str, object]:
    header = bytearray(HEADER_BYTES)
    header[12:16], header[16:20], header[20:24], header[36:40] = device, colors, connection, b"acsp"
    return {"ICCProfile": bytes(header)}


@rule(
    "icc-profile",
    section="C.11.15.1.1",
    severity=Severity.ERROR,
    iods=["Parametric Map"],
    good=[_profile(), _profile(connection=b"Lab ")],
    bad=[
        {"ICCProfile": b"no profile"},
        _profile(device=b"prtr"),
        _profile(device=b"spac"),
        _profile(colors=b"CMYK"),
        _profile(connection=b"Luv "),
    ],
)
def icc_profile(header: Header) -> Iterator[Problem]:
    """ICC Profile is none, or not an input profile from RGB.

    A viewer that cannot use the profile shows the colors of the map wrongly, or not at all. The colour space
    conversion class is in use and only draws a warning.
    """
    profile = header.raw("ICCProfile")
    if not profile:
        return
    if len(profile) < HEADER_BYTES or profile[36:40] != b"acsp":
        yield Problem("ICCProfile", "is no ICC profile: the profile file signature is missing")
        return
    device, colors, connection = profile[12:16], profile[16:20], profile[20:24]
    if device != b"scnr":
        severity = Severity.WARNING if device == b"spac" else None
        yield Problem("ICCProfile", "has another device class than scnr (input)", severity=severity)
    if colors != b"RGB ":
        yield Problem("ICCProfile", "has another colour space than RGB")
    if connection not in (b"XYZ ", b"Lab "):
        yield Problem("ICCProfile", "has another profile connection space than XYZ or Lab")
