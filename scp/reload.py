"""What of a new configuration takes effect in a node that runs, and what waits for a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scp.settings import Section, Settings

NEEDS_RESTART: Mapping[str, tuple[str, ...]] = {
    "dimse": ("host", "port", "plain"),
    "tls": ("host", "port", "enabled"),
    "http": ("host", "port"),
    "store": ("path", "durability"),
    "audit": ("url", "patient_identity", "identity_key_file"),
}
"""What is bound, claimed or begun once: by section."""


@dataclass(frozen=True, slots=True)
class Change:
    """The settings that hold from now on, and the keys that differ from those before."""

    settings: Settings
    changed: tuple[str, ...]
    """Those that take effect."""
    ignored: tuple[str, ...]
    """Those that need a restart, and keep the value that runs."""


def change(running: Settings, wanted: Settings) -> Change:
    """What becomes of `wanted` in a node that runs with `running`."""
    ignored = tuple(
        f"{section}.{key}"
        for section, keys in NEEDS_RESTART.items()
        for key in keys
        if getattr(getattr(wanted, section), key) != getattr(getattr(running, section), key)
    )
    # Made anew rather than copied: a copy would bring its digest along.
    effective = Settings.model_validate({name: _kept(name, running, wanted) for name in Settings.model_fields})
    return Change(effective, tuple(_differences(running, effective)), ignored)


def _kept(name: str, running: Settings, wanted: Settings) -> object:
    section = getattr(wanted, name)
    if name not in NEEDS_RESTART:
        return section
    return section.model_copy(update={key: getattr(getattr(running, name), key) for key in NEEDS_RESTART[name]})


def _differences(before: Settings, after: Settings) -> Iterator[str]:
    """Keys as a person writes them; policy lines and devices as a whole."""
    for name in Settings.model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(new, Section):
            yield from (f"{name}.{key}" for key in type(new).model_fields if getattr(old, key) != getattr(new, key))
        elif old != new:
            yield name
