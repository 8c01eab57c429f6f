"""Bearer tokens of the HTTP door (RFC 6750): made, listed and revoked here, hashed at rest, scoped, expiring.

A token reads `dg_ID_SECRET`. The id finds its row, and only SHA-256 of the secret stands there: of 32 bytes of chance
nothing slower is needed. Once a token was ever made, whoever has none is turned away, also when all have expired.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa

from scp import tables
from scp.database import DatabaseProblem, reading, writing

_FORM = re.compile(r"dg_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"

LOOK_AGAIN = 3.0
"""Seconds after which the database is asked again: so long may a revoked token still be good."""


class Scope(StrEnum):
    """What a token is for; `admin` is for all of it."""

    STORE = "store"
    READ = "read"
    REVIEW = "review"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; of its secret, the hash."""

    id: str
    name: str
    hash: str
    scopes: frozenset[Scope]
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def allows(self, scope: Scope) -> bool:
        """Whether it is for this."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def standing(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class TokenProblem(Exception):
    """A token cannot be made or revoked; the message says why, in one line."""


def add_token(engine: sa.Engine, name: str, scopes: frozenset[Scope], expires_at: datetime | None) -> str:
    """Make a token; its text, which is not to be had again. Raises TokenProblem, DatabaseProblem."""
    if not _NAME.fullmatch(name):
        raise TokenProblem(f"{name!r} is no name: 1 to 64 letters, digits, dots, hyphens, underscores or @")
    if not scopes:
        raise TokenProblem("a token has to be for something: store, read, review or admin")
    id = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    secret = secrets.token_urlsafe(32)
    row = {
        "id": id,
        "name": name,
        "hash": _hash(secret),
        "scopes": " ".join(sorted(scopes)),
        "made_at": datetime.now(UTC),
        "expires_at": expires_at,
    }
    with writing(engine) as connection:
        if connection.execute(sa.select(tables.token.c.id).where(tables.token.c.name == name)).first():
            raise TokenProblem(f"there is a token {name} already; names are not used twice, so that the audit is clear")
        connection.execute(tables.token.insert().values(**row))
    return f"dg_{id}_{secret}"


def revoke_token(engine: sa.Engine, name: str) -> None:
    """Let a token be good for nothing from now on. Raises TokenProblem, DatabaseProblem."""
    token = tables.token
    with writing(engine) as connection:
        changed = connection.execute(
            token.update()
            .where(token.c.name == name, token.c.revoked_at.is_(None))
            .values(revoked_at=datetime.now(UTC))
        )
        if changed.rowcount != 1:
            raise TokenProblem(f"there is no token {name} that could be revoked")


def list_tokens(engine: sa.Engine) -> list[Token]:
    """All there ever were, in the order they were made. Raises DatabaseProblem."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(tables.token).order_by(tables.token.c.made_at, tables.token.c.id))
        return [
            Token(
                row.id,
                row.name,
                row.hash,
                frozenset(map(Scope, row.scopes.split())),
                row.made_at,
                row.expires_at,
                row.revoked_at,
            )
            for row in rows
        ]


class Tokens:
    """What the HTTP door asks: the tokens as the database had them a few seconds ago, also while it is away.

    A thread of its own reads them, so that no request waits for the database; `close` ends it.
    """

    def __init__(self, engine: sa.Engine) -> None:
        """Raises DatabaseProblem where they cannot be read even once."""
        self._engine = engine
        self._known = {each.id: each for each in list_tokens(engine)}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_reading, name="tokens", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        self._thread.join(1.0)

    @property
    def required(self) -> bool:
        """Whether a token has to be shown: there is, or ever was, one."""
        return bool(self._known)

    def found(self, text: str) -> Token | None:
        """The token of this text, whatever its standing; None for a text that is none."""
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        token = self._known.get(form[1])
        # The same work is done for an id that is not known.
        same = hmac.compare_digest(_hash(form[2]), token.hash if token is not None else _hash(""))
        return token if same else None

    def _keep_reading(self) -> None:
        while not self._closing.wait(LOOK_AGAIN):
            # What was known holds while the database is away; no receipt can be written then either.
            with suppress(DatabaseProblem):
                self._known = {each.id: each for each in list_tokens(self._engine)}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
