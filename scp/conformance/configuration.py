"""Section 6 of the template: addresses, known senders, and the keys that change what this statement says."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ByteSize

from scp.conformance.document import Row, Section, Table, code
from scp.conformance.security import transport
from scp.conformance.words import size
from scp.policy import compile_policy
from scp.settings import Settings

ELSEWHERE = frozenset({"line"})
"""Keys of tables, which have a section of their own."""

SPOKEN_OF = ("dimse", "tls", "http", "store", "audit", "rules", "policy")
"""Sections of the configuration that a peer may notice."""

WITHHELD = frozenset({"path", "url", "identity_key_file", "certificate", "key", "key_password_file", "client_ca"})
"""Keys of files and databases, whose places are nobody's business but the site's."""


def configuration(settings: Settings) -> Section:
    """What is configured, and by which keys."""
    return Section(
        "Configuration",
        (
            "One TOML file, overridden by environment variables: `dimse.port` by `DICOMGATE_DIMSE__PORT`. "
            "`dicomgate config show` prints every key with its value, and where that came from.",
        ),
        (
            Section("AE Title and presentation address", (_local(settings),)),
            Section("Remote Application Entities", tuple(_remote(settings))),
            Section("Parameters", (_parameters(settings),)),
        ),
    )


def _local(settings: Settings) -> Table:
    return Table.of(
        "Local Application Entity",
        ("Application Entity", "AE Title", "Host", "Port", "Transport", "Configured by"),
        [
            ("dicomgate", code(settings.dimse.ae_title), code(each.host), str(each.port), each.words, code(each.keys))
            for each in transport(settings)
        ],
    )


def _remote(settings: Settings) -> Iterator[str | Table]:
    yield "Remote Application Entities need not be configured to send. Those that are known stand in `[[device]]`."
    devices = compile_policy(settings).devices
    if devices:
        rows: list[Row] = [
            (code(each.name), "; ".join(code(matcher.words) for matcher in each.matchers), each.mode, each.cap.value)
            for each in devices
        ]
        yield Table.of(
            "Known devices; a sender is the first that it matches in all that is named",
            ("Device", "Known by", "Mode", "Strongest action"),
            rows,
        )


def _parameters(settings: Settings) -> Table:
    """Every key of the sections that a peer may notice."""
    rows: list[Row] = []
    for name, section in settings:
        if name in SPOKEN_OF and isinstance(section, BaseModel):
            for key, value in section:
                default = type(section).model_fields[key].default
                if key not in WITHHELD | ELSEWHERE:
                    rows.append((code(f"{name}.{key}"), code(_shown(value)), code(_shown(default))))
    return Table.of("Configurable parameters", ("Key", "Value", "Default"), rows)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, ByteSize):
        return size(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
