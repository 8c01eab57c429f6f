"""The header of an ICC Profile (0028,2000), as far as PS3.3 C.11.15.1.1 restricts it."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule
from rules.wording import shown

HEADER_BYTES = 128
_SIZE = slice(0, 4)


def _profile(
    device: bytes = b"scnr", colors: bytes = b"RGB ", connection: bytes = b"XYZ ", more: bytes = b""
) -> dict[str, object]:
    header = bytearray(HEADER_BYTES)
    header[_SIZE] = HEADER_BYTES.to_bytes(4, "big")
    header[12:16], header[16:20], header[20:24], header[36:40] = device, colors, connection, b"acsp"
    return {"ICCProfile": bytes(header) + more}


@rule(
    "icc-profile",
    section="C.11.15.1.1",
    severity=Severity.ERROR,
    only_with=["ICCProfile", "OpticalPathSequence"],
    good=[_profile(), _profile(connection=b"Lab ")],
    bad=[
        {"ICCProfile": b"no profile"},
        _profile(device=b"prtr"),
        _profile(device=b"spac"),
        _profile(colors=b"CMYK"),
        _profile(connection=b"Luv "),
        _profile(more=bytes(8)),
        {"OpticalPathSequence": [_profile(device=b"mntr")]},
    ],
)
def icc_profile(header: Header) -> Iterator[Problem]:
    """ICC Profile is none, or not an input profile from RGB.

    A viewer that cannot use the profile shows the colors of the image wrongly, or not at all. The colour space
    conversion class is in use and only draws a warning, as a profile of another size than it says does.
    """
    for place in (header, *header.items("OpticalPathSequence")):
        profile = place.raw("ICCProfile")
        if not profile:
            continue
        path = place.path_of("ICCProfile")
        if len(profile) < HEADER_BYTES or profile[36:40] != b"acsp":
            yield Problem(path, "is no ICC profile: the profile file signature is missing")
            continue
        device, colors, connection = profile[12:16], profile[16:20], profile[20:24]
        if device != b"scnr":
            severity = Severity.WARNING if device == b"spac" else None
            yield Problem(path, f"has the device class {_seen(device)}, wanted scnr (input)", severity=severity)
        if colors != b"RGB ":
            yield Problem(path, f"has the colour space {_seen(colors)}, wanted RGB")
        if connection not in (b"XYZ ", b"Lab "):
            yield Problem(path, f"has the profile connection space {_seen(connection)}, wanted XYZ or Lab")
        size = int.from_bytes(profile[_SIZE], "big")
        if len(profile) not in (size, size + size % 2):
            told = f"has {len(profile)} bytes, and says that it has {size}"
            yield Problem(path, told, severity=Severity.WARNING)


def _seen(signature: bytes) -> str:
    return shown(signature.decode("latin-1").strip())
