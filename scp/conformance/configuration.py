"""Section 6 of the template: addresses, known senders, and the keys that change what this statement says."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ByteSize

from scp.conformance.document import Row, Section, Table, code, codes
from scp.conformance.security import transport
from scp.conformance.words import size
from scp.policy import Device, compile_policy
from scp.settings import Device as Entry
from scp.settings import Settings

ELSEWHERE = frozenset({"line"})
"""Keys of tables, which have a section of their own."""

SPOKEN_OF = ("dimse", "tls", "http", "store", "audit", "rules", "policy")
"""Sections of the configuration that a peer may notice."""

WITHHELD = frozenset(
    {"path", "url", "identity_key_file", "certificate", "key", "key_password", "key_password_file", "client_ca"}
)
"""Secrets, and where files and databases are, which is nobody's business but the site's."""


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
    yield (
        "Only Remote Application Entities that are configured as `[[device]]` may send."
        if settings.dimse.unknown_senders == "reject"
        else "Remote Application Entities need not be configured to send. Those that are known stand in `[[device]]`."
    )
    devices = compile_policy(settings).devices
    if devices:
        rows: list[Row] = [
            (code(each.name), _known_by(each, entry), _may_send(entry), each.mode, each.cap.value)
            for each, entry in zip(devices, settings.device, strict=True)
        ]
        yield Table.of(
            "Known devices; a sender is the first that it matches in all that is named. `mode` caps the action",
            ("Device", "Known by", "May send", "Mode", "Strongest action"),
            rows,
        )


def _known_by(device: Device, entry: Entry) -> str:
    words = [each.words for each in device.matchers]
    if entry.certificate:
        words.append(f"certificate {' or '.join(entry.certificate)}")
    return "; ".join(map(code, words))


def _may_send(entry: Entry) -> str:
    return codes(entry.sop_classes) or "whatever is taken"


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
