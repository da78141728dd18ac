"""Keys of the merchant API: who a request comes from, and what it may do.

A key is «jf_<prefix>_<secret>», a test key, which reaches the merchant's sandbox and nothing else, «jt_<prefix>_<secret>». The
prefix is shown in lists; of the whole only the SHA-256 is kept, which is enough because the secret is random and long. A key is the
merchant's or one till's. Rotating makes a second key and lets the first live on for a while, so that a till can be given the new
one without a pause; revoking ends a key at once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal

Scope = Literal["award", "refund", "vouchers", "catalog", "rules", "statements", "imports", "history"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""award: purchases, quotes, members by card · refund · vouchers: check and use · catalog (with privileges), rules: its own ·
statements: purchases and statements, read · imports: files of purchases, members, balances, codes · history: may book what happened
long ago (bringing a till's past over)."""

ROTATION_HOURS = 24
LABEL_LONGEST = 24
KEYS_MOST = 50
PER_MINUTE, TEST_PER_MINUTE = 6_000, 600
PREFIX_LENGTH = 8
SECRET_SHORTEST = 32
LIVE_MARK, TEST_MARK = "jf", "jt"


@dataclass(eq=False)
class NoSuchApiKey(Refusal):
    """The merchant has no such key."""

    key_id: int


@dataclass(eq=False)
class ApiKeyEnded(Refusal):
    """The key was revoked, or replaced by another, at `at`; it can be neither rotated nor revoked."""

    at: dt.datetime


@dataclass(eq=False)
class TooManyApiKeys(Refusal):
    """A merchant has at most `most` keys that work, and as many test keys."""

    most: int


@dataclass(eq=False)
class ScopesNeeded(Refusal):
    """A key is for something: at least one scope, and only known ones."""


@dataclass(eq=False)
class ApiKeyLabelTooLong(Refusal):
    """A key's label is 1 to `longest` characters on one line."""

    longest: int


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. `ends_at`: when it stops by itself, because another has replaced it; `test`: it is the sandbox's."""

    id: int
    merchant_id: int
    till: str | None
    label: str
    prefix: str
    digest: bytes
    scopes: frozenset[str]
    per_minute: int
    made_at: dt.datetime
    ends_at: dt.datetime | None
    revoked_at: dt.datetime | None
    replaces: int | None
    test: bool = False

    @property
    def shown(self) -> str:
        """What lists show of it."""
        return f"{TEST_MARK if self.test else LIVE_MARK}_{self.prefix}_…"

    @property
    def actor(self) -> str:
        """How entries record who did it."""
        return f"api_key:{self.id}"

    def works(self, now: dt.datetime) -> bool:
        """Whether requests with it are served."""
        return self.revoked_at is None and (self.ends_at is None or now < self.ends_at)

    def fits(self, said: str) -> bool:
        """Whether `said` is this key, compared in constant time."""
        return hmac.compare_digest(self.digest, digest(said))


_COLUMNS = """
    id, merchant_id, till, label, prefix, digest, scopes, per_minute, made_at, ends_at, revoked_at, replaces, test
"""
_WORKS = "revoked_at IS NULL AND (ends_at IS NULL OR ends_at > :now)"
_BY_PREFIX = text(f"SELECT {_COLUMNS} FROM api_key WHERE prefix = :prefix")
_ONE = text(f"SELECT {_COLUMNS} FROM api_key WHERE id = :id AND merchant_id = :merchant_id FOR UPDATE")
_OF = text(
    f"SELECT {_COLUMNS} FROM api_key WHERE merchant_id = :merchant_id ORDER BY ({_WORKS}) DESC, id DESC LIMIT :most"
)
_COUNT = text(f"SELECT count(*) FROM api_key WHERE merchant_id = :merchant_id AND test = :test AND {_WORKS}")
_ADD = text(
    f"""
    INSERT INTO api_key (merchant_id, till, label, prefix, digest, scopes, per_minute, made_by, made_at, replaces,
        test)
    VALUES (:merchant_id, :till, :label, :prefix, :digest, :scopes, :per_minute, :by, :now, :replaces, :test)
    RETURNING {_COLUMNS}
    """
)
_END = text("UPDATE api_key SET ends_at = :ends_at WHERE id = :id")
_REVOKE = text(f"UPDATE api_key SET revoked_at = :now, revoked_by = :by WHERE id = :id RETURNING {_COLUMNS}")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('api-keys:' || :merchant_id, 0))")


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def whole(secret: str, *, test: bool = False) -> str:
    """The key that a random secret makes: its first characters are what lists show.

    Args:
        secret: url-safe characters from the edge, at least 40 of them: 8 to be shown and 192 bits to be kept.
    """
    shown, kept = secret[:PREFIX_LENGTH], secret[PREFIX_LENGTH:]
    if len(kept) < SECRET_SHORTEST:
        raise ValueError("the secret is too short to be one")
    return f"{TEST_MARK if test else LIVE_MARK}_{shown.replace('_', '-')}_{kept}"


def prefix_of(key: str) -> str | None:
    """The part by which a key is found; None for what can't be one."""
    mark, _, rest = key.partition("_")
    shown, _, kept = rest.partition("_")
    known = mark in (LIVE_MARK, TEST_MARK)
    return shown if known and len(shown) == PREFIX_LENGTH and len(kept) >= SECRET_SHORTEST else None


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(**{**row._mapping, "scopes": frozenset(row.scopes)})


async def find(tx: AsyncConnection, said: str) -> ApiKey | None:
    """The key that a request carries, whether it works or not; None where nobody was given it."""
    prefix = prefix_of(said)
    row = None if prefix is None else (await tx.execute(_BY_PREFIX, {"prefix": prefix})).first()
    if row is None:
        return None
    found = _key(row)
    return found if found.fits(said) else None


async def of_merchant(tx: AsyncConnection, merchant_id: int, *, now: dt.datetime, most: int = 100) -> list[ApiKey]:
    """A merchant's keys: those that work first, newest first."""
    return [_key(row) for row in await tx.execute(_OF, {"merchant_id": merchant_id, "now": now, "most": most})]


async def one(tx: AsyncConnection, merchant_id: int, key_id: int) -> ApiKey:
    """One key of a merchant, locked. `NoSuchApiKey`."""
    row = (await tx.execute(_ONE, {"id": key_id, "merchant_id": merchant_id})).first()
    if row is None:
        raise NoSuchApiKey(key_id)
    return _key(row)


async def create(
    tx: AsyncConnection,
    *,
    merchant_id: int,
    label: str,
    scopes: Collection[str],
    secret: str,
    by: str,
    now: dt.datetime,
    till: str | None = None,
    per_minute: int | None = None,
    replaces: int | None = None,
    test: bool = False,
) -> tuple[ApiKey, str]:
    """A new key, and the whole of it, which nobody can be shown again.

    Who may make keys is for the caller to check: the owner in chat, whoever has the machine on the command line.

    Raises:
        ApiKeyLabelTooLong → ScopesNeeded → TooManyApiKeys.
    """
    label = " ".join(label.split())
    if not 1 <= len(label) <= LABEL_LONGEST:
        raise ApiKeyLabelTooLong(LABEL_LONGEST)
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ScopesNeeded
    await tx.execute(_LOCK, {"merchant_id": str(merchant_id)})
    if (await tx.scalar(_COUNT, {"merchant_id": merchant_id, "test": test, "now": now}) or 0) >= KEYS_MOST:
        raise TooManyApiKeys(KEYS_MOST)
    key = whole(secret, test=test)
    per_minute = per_minute or (TEST_PER_MINUTE if test else PER_MINUTE)
    facts = {"merchant_id": merchant_id, "till": till, "label": label, "prefix": prefix_of(key), "digest": digest(key)}
    more = {"scopes": [s for s in SCOPES if s in scopes], "per_minute": per_minute, "by": by, "now": now}
    row = (await tx.execute(_ADD, {**facts, **more, "replaces": replaces, "test": test})).one()
    return _key(row), key


async def rotate(
    tx: AsyncConnection, *, merchant_id: int, key_id: int, secret: str, by: str, now: dt.datetime
) -> tuple[ApiKey, str]:
    """A key in another's place: both work for `ROTATION_HOURS`, then the old one ends.

    Raises:
        NoSuchApiKey → ApiKeyEnded (a key that is being replaced already counts), then those of `create`.
    """
    old = await one(tx, merchant_id, key_id)
    ended = old.revoked_at or old.ends_at
    if ended is not None:
        raise ApiKeyEnded(ended)
    made = await create(
        tx,
        merchant_id=merchant_id,
        label=old.label,
        scopes=old.scopes,
        secret=secret,
        by=by,
        now=now,
        till=old.till,
        per_minute=old.per_minute,
        replaces=old.id,
        test=old.test,
    )
    await tx.execute(_END, {"id": old.id, "ends_at": now + dt.timedelta(hours=ROTATION_HOURS)})
    return made


async def revoke(tx: AsyncConnection, *, merchant_id: int, key_id: int, by: str, now: dt.datetime) -> ApiKey:
    """End a key at once. `NoSuchApiKey` → `ApiKeyEnded` where it had ended."""
    old = await one(tx, merchant_id, key_id)
    if not old.works(now):
        raise ApiKeyEnded(old.revoked_at or old.ends_at or now)
    return _key((await tx.execute(_REVOKE, {"id": key_id, "by": by, "now": now})).one())
