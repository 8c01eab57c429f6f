"""Section 8 of the template: who is let in, over what, and what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scp.conformance.document import Block, Section, Table, code, codes
from scp.settings import Settings
from scp.tls import bare_context
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
    dimse, tls = settings.dimse, settings.tls
    return (
        *((Transport(dimse.host, dimse.port, "TCP", "dimse.host, dimse.port"),) if dimse.plain else ()),
        *((Transport(tls.host, tls.port, "TLS", "tls.host, tls.port"),) if tls.enabled else ()),
    )


def security(settings: Settings) -> Section:
    """Access, transport, audit."""
    return Section(
        "Security",
        (),
        (
            Section("Secure transport", tuple(_transport(settings))),
            Section("Association level", _association(settings)),
            Section("HTTP access", _http(settings)),
            Section("Audit trail", _audit(settings)),
        ),
    )


def _transport(settings: Settings) -> Iterator[Block]:
    if not settings.tls.enabled:
        yield (
            "No Secure Transport Connection Profile of PS3.15 is in use: the Application Entity speaks plain TCP. "
            "`tls.enabled` changes that."
        )
    else:
        yield Table.of(
            "Secure transport of the Application Entity",
            ("What", "Value", "Configured by"),
            [
                ("Secure Transport Connection Profile", "BCP 195 RFC 8996, 9325 TLS (PS3.15 B.12)", "fixed"),
                ("Versions", "TLS 1.2 and TLS 1.3", "fixed"),
                ("Cipher suites of TLS 1.3", codes(cipher_suites("TLSv1.3")), "fixed"),
                ("Cipher suites of TLS 1.2", codes(cipher_suites("TLSv1.2")), "fixed"),
                ("Renegotiation, compression, resumption", "none", "fixed"),
                (
                    "Certificates of senders",
                    _CLIENT_CERTIFICATES[settings.tls.client_certificates],
                    "`tls.client_certificates`, `tls.client_ca`",
                ),
                (
                    "Until the handshake must be done",
                    f"{settings.dimse.association_timeout:g} s",
                    "`dimse.association_timeout`",
                ),
                ("Port without TLS", "open as well" if settings.dimse.plain else "closed", "`dimse.plain`"),
            ],
        )
    yield "HTTP is not encrypted here; put something that ends TLS in front of it where it leaves the machine."


_CLIENT_CERTIFICATES = {
    "none": "not asked for",
    "optional": "asked for; one that is shown must be trusted",
    "required": "required, and must be trusted",
}


def cipher_suites(version: str) -> tuple[str, ...]:
    """The cipher suites that are offered in a version of TLS, as OpenSSL calls them, in the order of preference."""
    return tuple(each["name"] for each in bare_context().get_ciphers() if each["protocol"] == version)


def _association(settings: Settings) -> tuple[Block, ...]:
    who = (
        "Only known devices may send (`dimse.unknown_senders`)."
        if settings.dimse.unknown_senders == "reject"
        else "Senders that are no known device may send (`dimse.unknown_senders`)."
    )
    return (
        f"{who} A device binds what it names together: who calls itself by its AE Title has to come from its address, "
        "call what it may call, show its certificate and send what it may send, or is refused. Devices stand in "
        "section 6.2, what the refused are told in section 7.2.3. No User Identity is asked for.",
    )


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
