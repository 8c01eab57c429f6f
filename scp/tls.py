"""TLS of the DIMSE door: what is negotiated, with which files, and how a handshake ends (PS3.15 B.12, RFC 9325).

TLS 1.2 and 1.3 alone, forward secrecy and authenticated encryption alone, no renegotiation, no compression, no
resumption: an Association lasts, and who may open one is asked anew each time. The files are looked at every few
seconds and read again when they have changed; connections that are open keep what they began with.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from scp.certificates import CertificateProblem, certificate_of, read_certificates, read_file, validities
from scp.devices import Certificate
from scp.records import Event
from scp.settings import Settings, Tls

log = logging.getLogger("dicomgate.tls")

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: what RFC 9325 section 4.2 recommends, and ChaCha20. Those of TLS 1.3 are all of this kind."""

HANDSHAKE = 0x16
"""The first byte of whatever begins a TLS connection: a handshake record (RFC 8446 section 5.1)."""

A_ASSOCIATE_RQ = 0x01

PARTING = 1.0
"""Seconds that a peer has to read why it is let go."""

LOOK_AGAIN = 3.0
"""Seconds between looks at the files."""

SAY_AGAIN = 86400.0
"""Seconds between two records that a certificate is about to end."""


class NoHandshake(Exception):
    """A TLS connection did not come about; the message says why, for the audit and the log."""


def context_of(tls: Tls) -> ssl.SSLContext:
    """What the node presents and asks for. Raises CertificateProblem."""
    context = bare_context()
    read_certificates("tls.certificate", tls.certificate)
    read_file("tls.key", tls.key)
    password = _password(tls)

    def asked() -> bytes:
        if password is None:
            raise CertificateProblem(f"tls.key: {tls.key} has a password: set tls.key_password_file")
        return password

    try:
        context.load_cert_chain(Path(tls.certificate).expanduser(), Path(tls.key).expanduser(), asked)
    except ssl.SSLError as error:
        raise CertificateProblem(_why_not_loaded(tls, error, password is not None)) from None
    if tls.client_certificates != "none":
        read_certificates("tls.client_ca", tls.client_ca)
        context.load_verify_locations(Path(tls.client_ca).expanduser())
        context.verify_mode = ssl.CERT_REQUIRED if tls.client_certificates == "required" else ssl.CERT_OPTIONAL
    return context


def bare_context() -> ssl.SSLContext:
    """What is negotiated, without what the node presents."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= (
        ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    context.num_tickets = 0
    return context


def _password(tls: Tls) -> bytes | None:
    if tls.key_password_file:
        return read_file("tls.key_password_file", tls.key_password_file).rstrip(b"\r\n")
    return tls.key_password.get_secret_value().encode() or None


def _why_not_loaded(tls: Tls, error: ssl.SSLError, has_password: bool) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"tls.key: {tls.key} is not the key of the certificate in {tls.certificate}"
    if has_password and "ENCRYPTED" in read_file("tls.key", tls.key).decode("ascii", "replace"):
        return f"tls.key: {tls.key} cannot be read with the password that is set"
    return f"tls.key: {tls.key} with {tls.certificate} cannot be used: {_plainly(error)}"


def shake_hands(client: socket.socket, context: ssl.SSLContext | None, seconds: float) -> ssl.SSLSocket:
    """TLS on an accepted connection, within so many seconds; blocks its own thread alone. Raises NoHandshake.

    The connection is the returned socket's; where this raises, it is closed or the caller's to close.
    """
    if context is None:
        raise NoHandshake("the node's own TLS files cannot be used")
    deadline = time.monotonic() + seconds
    late = f"no TLS handshake within {seconds:g} seconds"
    poll = select.poll()
    poll.register(client, select.POLLIN)
    try:
        if not poll.poll(seconds * 1000):
            raise NoHandshake(late)
        client.setblocking(False)
        first = client.recv(1, socket.MSG_PEEK)
    except OSError as error:
        raise NoHandshake(f"the connection broke before the TLS handshake: {error.strerror or error}") from None
    if not first:
        raise NoHandshake("no TLS handshake came")
    if first[0] != HANDSHAKE:
        what = "an A-ASSOCIATE-RQ" if first[0] == A_ASSOCIATE_RQ else f"it begins with {first[0]:#04x}"
        raise NoHandshake(f"plain text on the TLS port: {what}")
    client.settimeout(max(deadline - time.monotonic(), 0.001))
    secured = None
    try:
        secured = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        secured.do_handshake()
        return secured
    except (OSError, ValueError) as error:
        if secured is not None:
            _part(socket.socket(fileno=secured.detach()), deadline)
        raise NoHandshake(late if isinstance(error, TimeoutError) else _plainly(error)) from None


def _part(client: socket.socket, deadline: float) -> None:
    """Close, once the peer has read our alert: closing over what it has sent would reset the connection before."""
    with client:
        try:
            client.shutdown(socket.SHUT_WR)
            deadline = min(deadline, time.monotonic() + PARTING)
            while (left := deadline - time.monotonic()) > 0:
                client.settimeout(left)
                if not client.recv(1 << 16):
                    return
        except OSError:
            return


def peer_certificate(secured: ssl.SSLSocket) -> Certificate | None:
    """The certificate that the peer has shown, which the handshake has verified; None where it has shown none."""
    der = secured.getpeercert(binary_form=True)
    return None if not der else certificate_of(der)


_MEANING = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no certificate was shown, and tls.client_certificates wants one",
    "NO_SHARED_CIPHER": "no cipher suite is known to both sides",
    "UNSUPPORTED_PROTOCOL": "the peer knows neither TLS 1.2 nor TLS 1.3",
    "TLSV1_ALERT_UNKNOWN_CA": "the peer does not trust who issued this node's certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the peer does not trust this node's certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the peer does not trust this node's certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the peer says that this node's certificate has expired",
}


def _plainly(error: Exception) -> str:
    """What OpenSSL found, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the peer's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError):
        return "the peer ended the connection inside the TLS handshake"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or "unknown"
        return f"the TLS handshake failed: {_MEANING.get(reason, reason.lower().replace('_', ' '))}"
    return f"the TLS handshake failed: {getattr(error, 'strerror', None) or error}"


class Contexts:
    """The context of the moment: read anew, by a thread of its own, once the files have changed; `close` ends that.

    `note` takes events. With `records`, also those that tell of a certificate's end: one process of a node does.
    Raises CertificateProblem where the files cannot be used to begin with, unless this process stands in for one that
    has died: then the port without TLS is served all the same, and this one as soon as the files are right.
    """

    def __init__(
        self, settings: Settings, note: Callable[[Event], None], *, records: bool, stands_in: bool = False
    ) -> None:
        self._settings = settings
        self._note = note
        self._records = records
        self._seen = self._look()
        self.current: ssl.SSLContext | None = None
        """None while there is none that can be used."""
        try:
            self.current = context_of(settings.tls)
        except CertificateProblem as problem:
            if not stands_in:
                raise
            self._refuse(problem)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="certificates", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()

    def _watch(self) -> None:
        said = 0.0
        while True:
            try:
                if self._have_changed() or not said or time.monotonic() - said > SAY_AGAIN:
                    said = time.monotonic()
                    self._say_what_ends()
            except Exception:
                log.exception("the certificates cannot be looked at")
            if self._closing.wait(LOOK_AGAIN):
                return

    def _have_changed(self) -> bool:
        """Whether other files were read just now."""
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self.current = context_of(self._settings.tls)
        except CertificateProblem as problem:
            self._refuse(problem)
            return False
        log.info("the TLS files have changed and were read again")
        self._event("certificate-reloaded", "the TLS files have changed and were read again")
        return True

    def _refuse(self, problem: CertificateProblem) -> None:
        kept = "nobody is served by TLS" if self.current is None else "those before stay in use"
        log.error("the TLS files cannot be used, %s: %s", kept, problem)
        self._event("certificate-refused", f"the TLS files cannot be used, {kept}: {problem}")

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What tells each file from another one of its name."""
        tls = self._settings.tls
        return tuple(map(_stamp, (tls.certificate, tls.key, tls.key_password_file, tls.client_ca)))

    def _say_what_ends(self) -> None:
        at = datetime.now(UTC)
        for each in validities(self._settings) if self._records else ():
            words = each.trouble(at)
            if words is not None:
                log.warning("%s", words)
                kind = "certificate-expires" if at < each.not_after else "certificate-expired"
                detail = {"key": each.key, "subject": each.subject, "not_after": each.not_after.isoformat()}
                self._note(Event(at, kind, words, dict(detail)))

    def _event(self, kind: str, words: str) -> None:
        if self._records:
            self._note(Event(datetime.now(UTC), kind, words, {}))


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = Path(file).expanduser().stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
