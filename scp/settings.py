"""Every setting, its type and its default: the sections of the configuration as frozen values."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from scp.uid import valid_uid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_EDITION = re.compile(r"20[0-9]{2}[a-e]?")
_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|([?&]password=)[^&]*")
_KIB = 1024


def _ae_title(text: str) -> str:
    if not 1 <= len(text.strip(" ")) <= 16 or not text.isascii() or not text.isprintable() or "\\" in text:
        raise ValueError("wanted an AE title: 1 to 16 ASCII characters, no backslash")
    return text.strip(" ")


def _uid(text: str) -> str:
    if not valid_uid(text):
        raise ValueError(f"{text!r} is no UID: digits and dots, at most 64 characters, no leading zeros")
    return text


def _sop_class(text: str) -> str:
    if valid_uid(text):
        return text
    from rules.iods import iods

    known = {name.lower(): name for name in iods()}
    if text.lower() not in known:
        near = get_close_matches(text.lower(), known, n=1)
        hint = f": did you mean {known[near[0]]!r}?" if near else ""
        raise ValueError(f"{text!r} is neither a UID nor the name of an IOD{hint}")
    return known[text.lower()]


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'{text!r} is no network: wanted an address or CIDR such as "192.0.2.0/24"') from None
    return text


def fingerprint(pattern: str) -> str | None:
    """A SHA-256 fingerprint as 64 lower-case digits, however it was written; None for what is none."""
    digits = pattern.lower().removeprefix("sha256:").replace(":", "")
    return digits if re.fullmatch("[0-9a-f]{64}", digits) else None


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


def _one_or_more(value: object) -> object:
    """A single text stands for a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _secret(value: object) -> object:
    return SecretStr(value) if isinstance(value, str) else value


def _path(value: object) -> object:
    if isinstance(value, str):
        if not value.strip() or "\0" in value:
            raise ValueError("wanted the path of a folder")
        return Path(value).expanduser()
    return value


def _edition(text: str) -> str:
    if not _EDITION.fullmatch(text):
        raise ValueError('wanted an edition of the Standard, such as "2025e"')
    return text


def _database_url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ValueError('wanted "sqlite:///FILE" or "postgresql://USER:PASSWORD@HOST/DATABASE"')
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    if scheme not in {"sqlite", "sqlite+pysqlite"}:
        raise ValueError(f"{scheme!r} is no database dicomgate knows: wanted sqlite or postgresql")
    if not rest.startswith("/"):
        raise ValueError(
            'wanted three slashes before a relative file ("sqlite:///var/audit.db"), four before an absolute'
        )
    if rest in {"/", "/:memory:"}:
        raise ValueError("an SQLite database in memory cannot be shared by the node's processes: name a file")
    return f"sqlite://{rest}"


AeTitle = Annotated[str, AfterValidator(_ae_title)]
Uid = Annotated[str, AfterValidator(_uid)]
Filled = Annotated[str, AfterValidator(_filled)]
Patterns = Annotated[tuple[Filled, ...], BeforeValidator(_one_or_more)]
"""Globs, any of which may match; one alone may stand without brackets."""
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_one_or_more)]
SopClasses = Annotated[tuple[Annotated[str, AfterValidator(_sop_class)], ...], BeforeValidator(_one_or_more)]
Uids = Annotated[tuple[Uid, ...], BeforeValidator(_one_or_more)]
Port = Annotated[int, Field(ge=0, le=65535)]
"""0 lets the system choose a free one."""
Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=65535)]
Size = Annotated[ByteSize, Field(ge=0)]
"""Bytes, or text such as "256 MiB"."""


class Section(BaseModel):
    """What every section shares: frozen, strict about types, no unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", validate_default=True, protected_namespaces=())


class Dimse(Section):
    """The DIMSE door (PS3.7, PS3.8)."""

    ae_title: AeTitle = "DICOMGATE"
    plain: bool = True
    """Whether the port without TLS is open."""
    host: Filled = "127.0.0.1"
    port: Port = 11112
    require_called_ae: bool = False
    unknown_senders: Literal["accept", "reject"] = "accept"
    """What becomes of senders that are no device; at the HTTP door too."""
    receive_path: Literal["fast", "stock"] = "fast"
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Receiving processes; 0 is one a core."""
    maximum_pdu: Annotated[int, Field(ge=4096, le=4 * _KIB * _KIB)] = 131072
    """Maximum Length of a P-DATA-TF PDU, announced to the peer (PS3.8 D.1). Bytes."""
    accept_unknown_sop_classes: bool = False
    private_sop_classes: Uids = ()
    association_timeout: Seconds = 30
    """Until an A-ASSOCIATE-RQ is whole. Seconds, as the two below."""
    idle_timeout: Seconds = 60
    pdu_timeout: Seconds = 15
    max_associations: Annotated[int, Field(ge=1, le=65535)] = 64
    max_associations_per_address: Count = 32
    """0 sets no limit of its own, as below."""
    max_associations_per_ae: Count = 32
    max_instance_size: Size = ByteSize(16 * _KIB**3)


class Tls(Section):
    """The DIMSE door by TLS 1.2 and 1.3 (PS3.15 B.12), beside the plain one."""

    enabled: bool = False
    host: Filled = "127.0.0.1"
    port: Port = 2762
    certificate: str = ""
    """PEM file: the node's certificate, then those between it and the root."""
    key: str = ""
    """PEM file of its private key."""
    key_password: Annotated[SecretStr, BeforeValidator(_secret)] = SecretStr("")
    key_password_file: str = ""
    """Holds the key's password; stands for `key_password`."""
    client_certificates: Literal["none", "optional", "required"] = "none"
    client_ca: str = ""
    """PEM file: those who may have issued senders' certificates."""


class Http(Section):
    """The HTTP door: health, status page, DICOMweb (PS3.18)."""

    host: Filled = "127.0.0.1"
    port: Port = 8088
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    max_request_size: Size = ByteSize(64 * _KIB**3)
    max_instances: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """Of one Store request."""
    max_requests_per_client: Count = 32
    """Store requests under way of one token or address; 0 sets no limit, as below."""
    max_requests_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Store requests of one token or address."""
    idle_timeout: Seconds = 60
    """Within which a client has to send 256 KiB, or the rest."""
    trusted_proxies: Networks = ()
    """Whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    open_to_all: bool = False
    """Serve whoever can reach the port though there is no token."""


class Store(Section):
    """Where instances are kept, and how surely."""

    path: Annotated[Path, BeforeValidator(_path)] = Path("var/store")
    durability: Literal["fsync", "syncfs"] = "fsync"
    min_free: Size = ByteSize(256 * _KIB**2)


class Audit(Section):
    """The database of receipts and findings."""

    url: Annotated[str, AfterValidator(_database_url)] = "sqlite:///var/audit.db"
    """As SQLAlchemy takes it: `sqlite:///...`, or `postgresql+psycopg://...` however Postgres was named."""
    patient_identity: Literal["hashed", "plain"] = "hashed"
    identity_key_file: str = ""
    """Empty: beside the store; `Settings.identity_key_path` says where."""
    connect_timeout: Seconds = 5
    start_timeout: Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)] = 300
    """Seconds that a start waits for a server of databases that is not there yet, as after a boot of both."""
    spool: bool = False
    """Keep receipts on the store's volume while the database is away, rather than refuse instances."""

    @property
    def shown_url(self) -> str:
        """`url` without its password, fit to be printed."""
        return _PASSWORD.sub(lambda match: f"{match[1] or match[2]}***", self.url)


class Rules(Section):
    """Which edition of the Standard instances are held against."""

    edition: Annotated[str, AfterValidator(_edition)] = "2025e"


class Log(Section):
    """How much the log says, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"
    """auto: JSON lines where systemd's journal reads them, else text."""


ActionName = Literal["accept", "flag", "quarantine", "reject"]
Mode = Literal["observe", "flag", "quarantine", "reject"]


class PolicyLine(Section):
    """One `[[policy.line]]`: what is done with the findings that every matcher given here matches."""

    then: ActionName
    rule: Patterns = ()
    severity: Annotated[tuple[Literal["error", "warning", "note"], ...], BeforeValidator(_one_or_more)] = ()
    calling_ae: Patterns = ()
    called_ae: Patterns = ()
    address: Networks = ()
    sop_class: SopClasses = ()
    """UIDs, or IOD names as `dicomgate rules coverage` prints them."""
    modality: Patterns = ()
    manufacturer: Patterns = ()
    model: Patterns = ()
    software_version: Patterns = ()
    comment: str = ""


class PolicySection(Section):
    """The site's view of findings; with no line that matches, errors flag and the rest is accepted."""

    study_safe: bool = False
    line: tuple[PolicyLine, ...] = Field(default=(), strict=False)


class Device(Section):
    """One `[[device]]`: a known sender, found by every kind of matcher given, and how far it is held to account."""

    name: Filled
    mode: Mode = "reject"
    ae_titles: Patterns = ()
    called_ae_titles: Patterns = ()
    addresses: Networks = ()
    certificate: Patterns = ()
    """Globs of a certificate's subject, whole or one part of it, or its SHA-256 fingerprint."""
    tokens: Patterns = ()
    """Names of tokens, by which it is known at the HTTP door."""
    manufacturer: Patterns = ()
    model: Patterns = ()
    sop_classes: SopClasses = ()
    """What it may send; empty: whatever the node takes."""
    quiet_hours: Annotated[float, Field(ge=0, le=87600, allow_inf_nan=False)] = 0
    """Without an instance, after which a silence is told; 0 tells of none."""
    contact: str = ""
    comment: str = ""

    @field_validator("certificate")
    @classmethod
    def _certificates(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for each in patterns:
            if fingerprint(each) is None and "=" not in each:
                raise ValueError(f'{each!r} is neither a subject, such as "CN=ct2", nor 64 digits of a fingerprint')
        return patterns

    @model_validator(mode="after")
    def _must_tell_senders_apart(self) -> Device:
        if not (self.ae_titles or self.addresses or self.tokens or self.manufacturer or self.model):
            raise ValueError("would match every sender: give ae_titles, addresses, tokens, manufacturer or model")
        if (self.certificate or self.called_ae_titles) and not self.ae_titles:
            raise ValueError("binds a certificate or Called AE Titles to no Calling AE Title: give ae_titles")
        return self


class Settings(Section):
    """The whole configuration; `Settings()` is what holds without a file."""

    dimse: Dimse = Dimse()
    tls: Tls = Tls()
    http: Http = Http()
    store: Store = Store()
    audit: Audit = Audit()
    rules: Rules = Rules()
    log: Log = Log()
    policy: PolicySection = PolicySection()
    device: tuple[Device, ...] = Field(default=(), strict=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the effective values, hexadecimal: the same wherever and in whatever order they were set."""
        values = self.model_dump(mode="json")
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @property
    def identity_key_path(self) -> Path:
        """The file of the key that patient identity is hashed with."""
        if self.audit.identity_key_file:
            return Path(self.audit.identity_key_file).expanduser()
        return self.store.path.parent / "identity.key"
