"""Section 8 of the template: who is let in, over what, and what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from scp.conformance.document import Block, Section, Table, code
from scp.settings import Settings
from scp.tokens import Scope


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to reach the Application Entity: where it listens, in which words, and the keys that say so."""

    host: str
    port: int
    words: str
    keys: str


def transport(settings: Settings) -> tuple[Transport, ...]:
    """How the Application Entity can be reached."""
    dimse = settings.dimse
    return (Transport(dimse.host, dimse.port, "TCP", "dimse.host, dimse.port"),)


def security(settings: Settings) -> Section:
    """Access, transport, audit."""
    return Section(
        "Security",
        (),
        (
            Section("Secure transport", _transport()),
            Section("Association level", _association(settings)),
            Section("HTTP access", _http(settings)),
            Section("Audit trail", _audit(settings)),
        ),
    )


def _transport() -> tuple[Block, ...]:
    return (
        "No Secure Transport Connection Profile of PS3.15 is supported: both doors speak plain TCP. Outside of a "
        "trusted network, put something that ends TLS in front of them.",
    )


def _association(settings: Settings) -> tuple[Block, ...]:
    dimse = settings.dimse
    who = "The Called AE Title is checked" if dimse.require_called_ae else "AE Titles are not checked"
    return (f"{who}; no User Identity is asked for. Limits hold for each address and each Calling AE Title.",)


def _http(settings: Settings) -> tuple[Block, ...]:
    others = (
        "As long as no token was ever made, whoever reaches the port may store (`http.open_to_all` is true)."
        if settings.http.open_to_all
        else "As long as no token was ever made, only the machine itself is served (`http.open_to_all` is false)."
    )
    return (
        "Bearer tokens (RFC 6750), each with scopes, an expiry and a name that the audit records. The Store "
        f"transaction needs the scope {code(Scope.STORE)} or {code(Scope.ADMIN)}. {others}",
    )


def _audit(settings: Settings) -> tuple[Block, ...]:
    identity = (
        "as they came" if settings.audit.patient_identity == "plain" else "as keyed hashes, which nobody can read back"
    )
    return (
        "Every instance that arrives is recorded in a database before its sender is answered; Associations and events "
        "are soon after they happen. The Audit Trail profiles of PS3.15 are not supported: no audit message is sent "
        "to a repository.",
        Table.of(
            "What the audit holds",
            ("What", "Content"),
            [
                ("Receipt", "time, AE Titles, address, UIDs, sizes, SHA-256 of the Data Set, verdict, status, ticket"),
                ("Finding", "rule, severity, section of the Standard, Attribute, message; no patient data"),
                ("Association", "who, from where, contexts accepted and refused, how it ended"),
                (
                    "Event",
                    "starts, stops, changes of the configuration, refusals; each carries the hash of the one before",
                ),
                ("Patient ID and Patient's Name", f"{identity} ({code('audit.patient_identity')})"),
            ],
        ),
    )
