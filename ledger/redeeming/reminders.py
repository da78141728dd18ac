"""Reminders of what is booked: the evening before, and some hours before; each said once for each time that is chosen.

A booking keeps the beginning that it was last reminded of, so that one which is moved is reminded anew. Whoever chose only just now
needs no reminder, and nobody gets one at night.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points.commands import Moment
from ledger.redeeming.vouchers import COLUMNS, TABLES, Redemption, of_row

EVENING = dt.time(18), dt.time(21)
AWAKE = dt.time(8), dt.time(21)
SOON = dt.timedelta(hours=3)
LATEST = dt.timedelta(minutes=15)
"""Before the beginning: then it helps nobody any more."""
JUST_CHOSEN = dt.timedelta(hours=3)

_DUE = """
    UPDATE booking SET {told} = starts_at
    WHERE id IN (SELECT id FROM booking WHERE state = 'booked' AND starts_at > :since AND starts_at <= :until
                 AND {told} IS DISTINCT FROM starts_at AND chosen_at <= :chosen
                 ORDER BY starts_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING redemption_id
"""
_EVENING = text(_DUE.format(told="evening_for"))
_SOON = text(_DUE.format(told="soon_for"))
_THESE = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id = ANY(CAST(:ids AS bigint[])) ORDER BY b.starts_at, r.id")


async def evening(tx: AsyncConnection, *, at: Moment, zone: dt.tzinfo, limit: int = 200) -> list[Redemption]:
    """At most `limit` vouchers booked for tomorrow whose members are to be told now; none outside of the evening."""
    local = at.programme_now.astimezone(zone)
    if not EVENING[0] <= local.time() < EVENING[1]:
        return []
    midnight = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(), zone)
    following = dt.datetime.combine(local.date() + dt.timedelta(days=2), dt.time(), zone)
    just_before = dt.timedelta(microseconds=1)
    return await _due(tx, _EVENING, midnight - just_before, following - just_before, at, limit)


async def soon(tx: AsyncConnection, *, at: Moment, zone: dt.tzinfo, limit: int = 200) -> list[Redemption]:
    """At most `limit` vouchers that begin within `SOON` whose members are to be told now; none at night."""
    now = at.programme_now
    if not AWAKE[0] <= now.astimezone(zone).time() < AWAKE[1]:
        return []
    return await _due(tx, _SOON, now + LATEST, now + SOON, at, limit)


async def _due(
    tx: AsyncConnection, due: TextClause, since: dt.datetime, until: dt.datetime, at: Moment, limit: int
) -> list[Redemption]:
    values = {"since": since, "until": until, "chosen": at.programme_now - JUST_CHOSEN, "limit": limit}
    ids = list(await tx.scalars(due, values))
    return [of_row(row) for row in await tx.execute(_THESE, {"ids": ids})] if ids else []
