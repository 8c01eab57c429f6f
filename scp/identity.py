"""Patient identity in the audit: keyed hashes, so that rows of one patient can be matched but not read.

The key file holds a line a key, `k1 <64 hexadecimal digits>`; the last line's key is used, and its id stands
before each hash ("k1:..."), so that a key can be replaced while older hashes keep their meaning.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from scp.database import reading, shown, writing
from scp.tables import identity_key

_LINE = re.compile(r"(k[1-9][0-9]{0,3}) ([0-9a-f]{64})")


class IdentityProblem(Exception):
    """What is wrong with the identity key, in one line for a person."""


@dataclass(frozen=True, slots=True)
class Identity:
    """How Patient ID and Patient's Name are written: hashed with a key, or plain where there is none."""

    key_id: str = ""
    key: bytes = field(default=b"", repr=False)

    def patient_id(self, value: str) -> str:
        """Patient ID (0010,0020) as the audit holds it; empty stays empty."""
        return self._kept("patient-id", settled_id(value))

    def patient_name(self, value: str) -> str:
        """Patient's Name (0010,0010) as the audit holds it; empty stays empty."""
        return self._kept("patient-name", settled_name(value))

    def _kept(self, what: str, value: str) -> str:
        if not value or not self.key:
            return value
        # What it is goes into the hash, so that a name does not show to equal somebody's Patient ID.
        message = f"{what}\0{value}".encode("utf-8", "surrogateescape")
        return f"{self.key_id}:{hmac.new(self.key, message, hashlib.sha256).hexdigest()}"


PLAIN = Identity()
"""Keeps clear text: `[audit] patient_identity = "plain"`."""


def settled_id(value: str) -> str:
    """A Patient ID without padding: spaces at either end do not count in an LO (PS3.5 6.2)."""
    return unicodedata.normalize("NFC", value).strip(" \0")


def settled_name(value: str) -> str:
    """A Patient's Name without padding and empty ends: `DOE^JANE ^^` is `DOE^JANE` (PS3.5 6.2.1)."""
    groups = unicodedata.normalize("NFC", value).strip(" \0").split("=")
    return "=".join("^".join(part.strip(" ") for part in each.split("^")).rstrip("^") for each in groups).rstrip("=")


def open_identity(engine: sa.Engine, key_file: Path, mode: str = "hashed") -> Identity:
    """The node's Identity: `mode` is "hashed" or "plain". Makes the key file, 0600, at the first start.

    The database remembers each key's fingerprint, so that nodes which share it must share the key. Raises
    IdentityProblem where the file is missing although the database knows a key, is damaged, readable by
    others, or holds another key than the database knows; DatabaseGone where the database is away.
    """
    if mode == "plain":
        return PLAIN
    if not key_file.exists():
        _refuse_if_used(engine, key_file)
        _make(key_file)
    keys = _read(key_file)
    _agree(engine, key_file, keys)
    last = list(keys)[-1]
    return Identity(last, keys[last])


def fingerprint(key: bytes) -> str:
    """Tells keys apart without telling the key."""
    return hashlib.sha256(b"dicomgate identity key\0" + key).hexdigest()[:32]


def _refuse_if_used(engine: sa.Engine, key_file: Path) -> None:
    with reading(engine) as connection:
        used = _registered(connection)
    if used:
        raise IdentityProblem(
            f"{key_file}: the identity key is missing, and {shown(engine.url)} was begun with it: "
            "put the file back, or copy it from another node of this database"
        )


def _make(key_file: Path) -> None:
    """Write a new key; where another process was faster, its key stands."""
    part = key_file.with_name(f".{key_file.name}.{secrets.token_hex(4)}.part")
    try:
        key_file.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, f"k1 {secrets.token_hex(32)}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)
        try:
            os.link(part, key_file)
        except FileExistsError:
            pass
        finally:
            part.unlink()
        _sync(key_file.parent)
    except OSError as error:
        raise IdentityProblem(f"{key_file}: the identity key cannot be made: {error.strerror}") from None


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _read(key_file: Path) -> dict[str, bytes]:
    try:
        if key_file.stat().st_mode & 0o077:
            raise IdentityProblem(f"{key_file}: the identity key is open to other users: chmod 600")
        lines = key_file.read_text("ascii").split("\n")
    except OSError as error:
        raise IdentityProblem(f"{key_file}: the identity key cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        lines = ["?"]
    keys: dict[str, bytes] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.strip())
        if match and match[1] not in keys:
            keys[match[1]] = bytes.fromhex(match[2])
        elif line.strip():
            raise IdentityProblem(f"{key_file}:{number}: wanted a new key id and 64 hexadecimal digits")
    if not keys:
        raise IdentityProblem(f"{key_file}: holds no identity key")
    return keys


def _agree(engine: sa.Engine, key_file: Path, keys: dict[str, bytes]) -> None:
    """Hold the file's keys against the fingerprints in the database, and leave those of new keys there."""
    prints = {each: fingerprint(key) for each, key in keys.items()}
    with reading(engine) as connection:
        if _registered(connection) == prints:
            return
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("lock table identity_key in share row exclusive mode"))
        registered = _registered(connection)
        for each, known in registered.items():
            if prints.get(each) != known:
                raise IdentityProblem(
                    f"{key_file}: not the identity key ({each}) that {shown(engine.url)} was begun with: "
                    "nodes that share a database share the key file"
                )
        made_at = datetime.now(UTC)
        for each in prints.keys() - registered.keys():
            connection.execute(identity_key.insert().values(id=each, fingerprint=prints[each], made_at=made_at))


def _registered(connection: sa.Connection) -> dict[str, str]:
    return {row.id: row.fingerprint for row in connection.execute(sa.select(identity_key))}
