"""Keys already used, and what they were answered: `turn_key`, in the transaction of what the request did.

A transaction takes an advisory lock on each of its keys: of two processes that are given one key, the second hears at once that it
is in flight. Whoever got the lock may still have looked a moment too early; then its own row collides with the first one's and
everything is done anew (`failures.meaning`: again).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.merchant_api import problems
from bot.merchant_api.problems import Answer, Problem
from ledger.merchants.api_keys import ApiKey
from ledger.points.reading import array, run
from ledger.values import value


@value(frozen=True, slots=True)
class Asked:
    """A write: whose key, which Idempotency-Key, and what was asked (method, path and body, hashed)."""

    key: ApiKey
    name: str
    request: bytes


@value(frozen=True, slots=True)
class Claimed:
    """What a transaction may go on with. `before`: for each of `asked`, in order, its earlier answer, why it is not done, or None:
    it is to be done now. `ahead_days`: how far the programme's clock runs ahead."""

    before: list[Answer | Problem | None]
    ahead_days: int


# LIMIT keeps the planner from turning the joins round: a plan made while a table was empty would read all of it.
# The lock's statement reads nothing that it protects but the row that a later insert checks again.
_CLAIM = """
    SELECT coalesce((SELECT ahead_days FROM programme_clock WHERE one = 1), 0) AS ahead_days,
           pg_try_advisory_xact_lock(hashtextextended(a.name, 0)) AS free,
           k.revoked_at IS NULL AND (k.ends_at IS NULL OR k.ends_at > $3::timestamptz) AS works,
           t.key IS NOT NULL AS used, t.request, t.status, t.answer
    FROM unnest($1::text[], $2::text::bigint[]) WITH ORDINALITY AS a(name, key_id, place)
    CROSS JOIN LATERAL (SELECT revoked_at, ends_at FROM api_key WHERE id = a.key_id LIMIT 1) k
    LEFT JOIN LATERAL (SELECT key, request, status, answer FROM turn_key WHERE key = a.name LIMIT 1) t ON true
    ORDER BY a.place
"""
_KEEP = """
    INSERT INTO turn_key (at, key, request, status, answer, member_id)
    SELECT $1::timestamptz, * FROM unnest($2::text[], $3::bytea[], $4::text::smallint[], $5::text[], $6::text::bigint[])
"""


def name_of(merchant_id: int, said: str) -> str:
    """The turn's key. `Problem` 400 for what can be none."""
    return f"api:{merchant_id}:{sound(said)}"


def sound(said: str) -> str:
    """An Idempotency-Key as it was sent. `Problem` 400 for what can be none."""
    if not 1 <= len(said) <= 255 or not said.isascii() or not said.isprintable() or " " in said:
        raise problems.idempotency_key_needed()
    return said


def print_of(method: str, path: str, body: bytes) -> bytes:
    """By which a request is known again."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).digest()


async def claim(tx: AsyncConnection, asked: Sequence[Asked], *, now: dt.datetime) -> Claimed:
    """Lock these keys and see what they were answered. One round trip."""
    rows = await run(tx, _CLAIM, [each.name for each in asked], array(each.key.id for each in asked), now)
    before: list[Answer | Problem | None] = []
    for each, (_, free, works, used, request, status, answer) in zip(asked, rows, strict=True):
        if not works:
            before.append(problems.unauthorized())
        elif used:
            same = request is not None and bytes(request) == each.request
            before.append(Answer(status, answer, True) if same else problems.idempotency_key_reused())
        else:
            before.append(None if free else problems.in_flight())
    return Claimed(before, rows[0][0])


async def keep(tx: AsyncConnection, rows: Sequence[tuple[Asked, Answer, int | None]], *, now: dt.datetime) -> None:
    """Keep answers with their keys; the number is that of a member whom an answer names."""
    if not rows:
        return
    columns = (
        [asked.name for asked, _, _ in rows],
        [asked.request for asked, _, _ in rows],
        array(answer.status for _, answer, _ in rows),
        [answer.body for _, answer, _ in rows],
        array(member for _, _, member in rows),
    )
    await run(tx, _KEEP, now, *columns)
