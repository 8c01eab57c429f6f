"""Certificates as people and rules speak of them: whose, which, and until when (RFC 5280)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from scp.devices import Certificate

if TYPE_CHECKING:
    from scp.settings import Settings

SOON = timedelta(days=30)
"""Before a certificate ends it is spoken of."""


class CertificateProblem(Exception):
    """A file that TLS needs cannot be used; the message says which and why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a certificate that the node uses is good; for metrics, events and `config check`."""

    key: str
    """The setting that names its file: `tls.certificate` or `tls.client_ca`."""
    file: str
    subject: str
    not_before: datetime
    not_after: datetime

    def trouble(self, now: datetime) -> str | None:
        """What there is to say of it now; None while all is well."""
        if now < self.not_before:
            return f"{self.file}: the certificate of {self.subject} is good only from {self.not_before:%Y-%m-%d}"
        if now >= self.not_after:
            return f"{self.file}: the certificate of {self.subject} expired on {self.not_after:%Y-%m-%d}"
        if now >= self.not_after - SOON:
            return f"{self.file}: the certificate of {self.subject} expires on {self.not_after:%Y-%m-%d}"
        return None


def validities(settings: Settings) -> list[Validity]:
    """Every certificate that the node's TLS uses, as the files are now; none without TLS. Raises CertificateProblem."""
    tls = settings.tls
    if not tls.enabled:
        return []
    named = [("tls.certificate", tls.certificate)]
    if tls.client_certificates != "none":
        named.append(("tls.client_ca", tls.client_ca))
    return [
        Validity(key, file, subject_of(each) or "no subject", each.not_valid_before_utc, each.not_valid_after_utc)
        for key, file in named
        for each in read_certificates(key, file)
    ]


def read_certificates(key: str, file: str) -> list[x509.Certificate]:
    """The certificates of a PEM file, one at least. Raises CertificateProblem."""
    try:
        return x509.load_pem_x509_certificates(read_file(key, file))
    except ValueError:
        raise CertificateProblem(f"{key}: {file} holds no certificate as PEM") from None


def read_file(key: str, file: str) -> bytes:
    """What a file holds. Raises CertificateProblem."""
    try:
        return Path(file).expanduser().read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is no path"
        raise CertificateProblem(f"{key}: {file} cannot be read: {why}") from None


def certificate_of(der: bytes) -> Certificate:
    """A peer's certificate, as devices are held against it. Raises ValueError."""
    found = x509.load_der_x509_certificate(der)
    parts = tuple(each.rfc4514_string() for each in found.subject.rdns)
    return Certificate(subject_of(found), parts, found.fingerprint(SHA256()).hex())


def subject_of(certificate: x509.Certificate) -> str:
    """The subject as RFC 4514 writes it: `CN=ct2,O=Clinic`, the narrowest part first."""
    return certificate.subject.rfc4514_string()


def now() -> datetime:
    """The moment that certificates are judged at."""
    return datetime.now(UTC)
