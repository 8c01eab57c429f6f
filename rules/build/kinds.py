"""What kinds of instances each SOP Class has, by the Modules and functional groups of its IOD."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rules.tables import file_name

Table = Mapping[str, Any]
Files = Mapping[tuple[str, str], Table]


def kinds(files: Files, iods: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    """The table `kinds`: SOP Class UIDs that are always of a kind, and those where the instance decides.

    `files` are the built tables; `iods` the names of the IODs' files, with their SOP Class UIDs.
    """
    made: dict[str, dict[str, list[str]]] = {name: {"always": [], "either": []} for name in sorted(_KINDS)}
    for name, uids in iods:
        for kind, of in _KINDS.items():
            told = of(files[("iods", name)], files)
            if told is not None:
                made[kind][told] += uids
    return {name: {told: sorted(uids) for told, uids in row.items() if uids} for name, row in made.items()}


def _of_modules(*names: str) -> Callable[[Table, Files], str | None]:
    """Always of the kind where one of the Modules is mandatory, either where one may be there."""

    def told(iod: Table, files: Files) -> str | None:
        usages = {usage for name, usage, *_ in iod["modules"] if name in names}
        return "always" if "M" in usages else "either" if usages else None

    return told


def _oriented(iod: Table, files: Files) -> str | None:
    """Image Orientation (Patient) is required by a Module or functional group, or one for slides takes its place."""
    rows = [*iod["modules"], *iod.get("functional groups", ())]
    usages = {usage for name, usage, *_ in rows if name in ("Image Plane", "Plane Orientation (Patient)")}
    if "M" in usages:
        return "always"
    modules = (files[("modules", file_name(name))] for name, *_ in iod["modules"])
    slide = any(row[0] == "ImageOrientationSlide" for module in modules for row in module["rows"])
    return "either" if "C" in usages or slide else None


def _tiled(iod: Table, files: Files) -> str | None:
    """A Module gives the size of the whole pixel matrix."""
    found: str | None = None
    for name, usage, *_ in iod["modules"]:
        for keyword, kind, _ in files[("modules", file_name(name))]["rows"]:
            if keyword == "TotalPixelMatrixColumns":
                found = "always" if usage == "M" and kind == "1" else found or "either"
    return found


_KINDS: dict[str, Callable[[Table, Files], str | None]] = {
    "multi-frame": _of_modules("Multi-frame", "Multi-frame Functional Groups", "Sparse Multi-frame Functional Groups"),
    "oriented": _oriented,
    "study": _of_modules("General Study"),
    "tiled": _tiled,
    "waveform": _of_modules("Waveform"),
}
