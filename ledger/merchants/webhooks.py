"""What a merchant's own systems are told: events written by the turn in which they happened, sent after its commit.

One address per merchant. The secret with which events are signed follows from the programme's key, the merchant and a generation:
nothing of it is stored, and a new generation is a new secret. `bot/merchant_api/hooks.py` sends.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.vault import Vault

Kind = Literal[
    "redemption.used", "return.claimed", "return.settled", "refund.applied", "cover.alert", "statement.ready",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)

ADDRESS_LONGEST = 500


@dataclass(eq=False)
class AddressNotUsable(Refusal):
    """Events go to an https:// address without user name or fragment."""


@dataclass(eq=False)
class NoWebhook(Refusal):
    """The merchant has not said where events go."""


@dataclass(eq=False)
class NoSuchEvent(Refusal):
    """The merchant has no such event."""

    event_id: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a merchant's events go, and which secret signs them. `test`: it is a sandbox's, and its events say so."""

    merchant_id: int
    url: str
    generation: int
    test: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `body` is what is sent, letter by letter; `answer` what came of the last try."""

    id: int
    merchant_id: int
    kind: str
    body: str
    state: Literal["waiting", "sent", "dead"]
    tries: int
    answer: str | None
    created_at: dt.datetime
    sent_at: dt.datetime | None


_HOOK = "merchant_id, url, generation, test"
_COLUMNS = "id, merchant_id, kind, body, state, tries, answer, created_at, sent_at"
_WEBHOOK = text(f"SELECT {_HOOK} FROM webhook WHERE merchant_id = :merchant_id")
_SET = text(
    "INSERT INTO webhook (merchant_id, url, generation, made_by, made_at, test)"
    " VALUES (:merchant_id, :url, 1, :by, :now, :test)"
    " ON CONFLICT (merchant_id) DO UPDATE SET url = excluded.url, made_by = excluded.made_by, made_at = excluded.made_at"
    f" RETURNING {_HOOK}"
)
_RENEW = text(f"UPDATE webhook SET generation = generation + 1 WHERE merchant_id = :merchant_id RETURNING {_HOOK}")
_DROP = text("DELETE FROM webhook WHERE merchant_id = :merchant_id")
# Whoever has no address has no events: nothing would ever send them.
_EMIT = text(
    "INSERT INTO webhook_event (merchant_id, kind, key, body, due_at, created_at)"
    " SELECT merchant_id, :kind, :key, CASE WHEN test THEN :test_body ELSE :body END,"
    " CAST(:now AS timestamptz), CAST(:now AS timestamptz)"
    " FROM webhook WHERE merchant_id = :merchant_id ON CONFLICT (merchant_id, key) DO NOTHING RETURNING id"
)
_PAGE = text(
    f"SELECT {_COLUMNS} FROM webhook_event WHERE merchant_id = :merchant_id AND id < :before"
    " AND (CAST(:state AS text) IS NULL OR state = :state) ORDER BY id DESC LIMIT :most"
)
_ONE = text(f"SELECT {_COLUMNS} FROM webhook_event WHERE id = :id AND merchant_id = :merchant_id")
_COUNT = text("SELECT count(*) FROM webhook_event WHERE merchant_id = :merchant_id AND state = 'dead'")
_AGAIN = text(
    "UPDATE webhook_event SET state = 'waiting', tries = 0, due_at = :now, lease_until = NULL"
    f" WHERE id = :id AND merchant_id = :merchant_id RETURNING {_COLUMNS}"
)


def secret(vault: Vault, hook: Webhook) -> str:
    """What the merchant verifies signatures with."""
    return "whs_" + vault.blind("webhook", f"{hook.merchant_id}:{hook.generation}").hex()


def signature(secret: str, sent_at: int, body: bytes) -> str:
    """HMAC-SHA256 over «<unix seconds>.<body>», in hex."""
    return hmac.new(secret.encode(), f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)


async def of_merchant(tx: AsyncConnection, merchant_id: int) -> Webhook | None:
    """Where a merchant's events go, if it has said so."""
    row = (await tx.execute(_WEBHOOK, {"merchant_id": merchant_id})).first()
    return None if row is None else Webhook(**row._mapping)


async def direct(
    tx: AsyncConnection, *, merchant_id: int, url: str, by: str, now: dt.datetime, test: bool = False
) -> Webhook:
    """Say where events go from now on, as a `test` in a sandbox.

    `AddressNotUsable`; what the address leads to is checked when something is sent.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port or 443) > 0
    except ValueError:
        raise AddressNotUsable from None
    if not usable or parts.username or parts.fragment or len(url) > ADDRESS_LONGEST or not url.isprintable():
        raise AddressNotUsable
    row = (await tx.execute(_SET, {"merchant_id": merchant_id, "url": url, "by": by, "now": now, "test": test})).one()
    return Webhook(**row._mapping)


async def renew_secret(tx: AsyncConnection, merchant_id: int) -> Webhook:
    """Another secret from now on. `NoWebhook`."""
    row = (await tx.execute(_RENEW, {"merchant_id": merchant_id})).first()
    if row is None:
        raise NoWebhook
    return Webhook(**row._mapping)


async def drop(tx: AsyncConnection, merchant_id: int) -> None:
    """Events go nowhere any more; what waits is not sent."""
    await tx.execute(_DROP, {"merchant_id": merchant_id})


async def emit(
    tx: AsyncConnection, merchant_id: int, kind: Kind, *, key: str, facts: Mapping[str, Any], now: dt.datetime
) -> None:
    """Write an event to be sent after the commit, where the merchant listens. `key` names what happened to
    this merchant: it is told once.

    `facts` is JSON of what the merchant knows anyway: its own documents and vouchers, never a member's name. A sandbox's
    events carry «"test": true».
    """
    said = {"event": kind, "key": key, "at": now.isoformat(), "data": facts}
    body, test_body = (json.dumps(each, ensure_ascii=False, default=str) for each in (said, {"test": True, **said}))
    facts_of = {"merchant_id": merchant_id, "kind": kind, "key": key, "now": now}
    await tx.execute(_EMIT, {**facts_of, "body": body, "test_body": test_body})


async def events(
    tx: AsyncConnection, merchant_id: int, *, state: str | None = None, before: int | None = None, most: int = 20
) -> list[Event]:
    """A merchant's events, newest first; of one state where asked, and older than the event `before`."""
    asked = {"merchant_id": merchant_id, "state": state, "before": before or 2**62, "most": most}
    return [_event(row) for row in await tx.execute(_PAGE, asked)]


async def one(tx: AsyncConnection, merchant_id: int, event_id: int) -> Event:
    """One event of a merchant. `NoSuchEvent`."""
    row = (await tx.execute(_ONE, {"id": event_id, "merchant_id": merchant_id})).first()
    if row is None:
        raise NoSuchEvent(event_id)
    return _event(row)


async def dead_count(tx: AsyncConnection, merchant_id: int) -> int:
    """How many events could not be delivered."""
    return await tx.scalar(_COUNT, {"merchant_id": merchant_id}) or 0


async def again(tx: AsyncConnection, merchant_id: int, event_id: int, *, now: dt.datetime) -> Event:
    """Send an event once more, delivered or not. `NoWebhook` → `NoSuchEvent`."""
    if await of_merchant(tx, merchant_id) is None:
        raise NoWebhook
    row = (await tx.execute(_AGAIN, {"id": event_id, "merchant_id": merchant_id, "now": now})).first()
    if row is None:
        raise NoSuchEvent(event_id)
    return _event(row)
