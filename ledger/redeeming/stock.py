"""Pieces: how many are left in all and today, taken atomically and never oversold.

A row exists only where the offer's document limits pieces; `WHOLE` is the day of the row that counts all of them. The constraint
`never_oversold` of `offer_stock` holds what the condition in `take` holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.redeeming.offers import Limits

WHOLE = dt.date(1, 1, 1)
"""The day of the row that counts all pieces."""

_LIMIT = text(
    """
    INSERT INTO offer_stock (offer_id, day, taken, limit_to)
    SELECT :id, :day, n.taken, greatest(n.taken, :limit_to)
    FROM (SELECT coalesce(sum(units), 0) AS taken FROM redemption
          WHERE offer_id = :id AND state IN ('issued', 'used') AND (:whole OR issued_on = :day)) n
    ON CONFLICT (offer_id, day) DO UPDATE SET limit_to = greatest(offer_stock.taken, :limit_to)
    """
)
_UNLIMIT = text(
    "DELETE FROM offer_stock WHERE offer_id = :id AND CASE WHEN :whole THEN day = :day ELSE day >= :day END"
)
# Both rows in one statement, the whole stock first: the order in which they are locked is the order of the values.
_TAKE = text(
    """
    INSERT INTO offer_stock (offer_id, day, taken, limit_to)
    SELECT :id, w.day, :units, w.limit_to
    FROM unnest(CAST(:days AS date[]), CAST(:limits AS int[])) WITH ORDINALITY AS w(day, limit_to, n)
    WHERE :units <= w.limit_to ORDER BY w.n
    ON CONFLICT (offer_id, day) DO UPDATE SET taken = offer_stock.taken + excluded.taken, limit_to = excluded.limit_to
    WHERE offer_stock.taken + excluded.taken <= excluded.limit_to
    RETURNING day
    """
)
_GIVE_BACK = text(
    """
    WITH back AS (
        SELECT b.offer_id, b.day, sum(b.units) AS units
        FROM unnest(CAST(:ids AS bigint[]), CAST(:days AS date[]), CAST(:units AS int[])) AS b(offer_id, day, units)
        GROUP BY 1, 2
    ), locked AS (
        SELECT s.offer_id, s.day, b.units FROM offer_stock s JOIN back b USING (offer_id, day)
        ORDER BY s.offer_id, s.day FOR UPDATE OF s
    )
    UPDATE offer_stock s SET taken = greatest(0, s.taken - l.units)
    FROM locked l WHERE s.offer_id = l.offer_id AND s.day = l.day
    """
)


async def limit(tx: AsyncConnection, offer_id: int, limits: Limits, *, today: dt.date) -> None:
    """Write what a newly published version allows, counting what is out already. Never below that: then nothing is left."""
    for day, pieces in ((WHOLE, limits.stock), (today, limits.day)):
        row = {"id": offer_id, "day": day, "whole": day == WHOLE}
        if pieces is None:
            await tx.execute(_UNLIMIT, row)
        else:
            await tx.execute(_LIMIT, {**row, "limit_to": pieces})


async def take(tx: AsyncConnection, offer_id: int, limits: Limits, units: int, *, today: dt.date) -> dt.date | None:
    """Take so many pieces; gives the day of the row that has too few (`WHOLE`, or today), or None when they are taken.

    Where one is missing, the caller's refusal rolls the other back.
    """
    wanted = {day: pieces for day, pieces in ((WHOLE, limits.stock), (today, limits.day)) if pieces is not None}
    if not wanted:
        return None
    values = {"id": offer_id, "units": units, "days": list(wanted), "limits": list(wanted.values())}
    taken = set(await tx.scalars(_TAKE, values))
    return next((day for day in wanted if day not in taken), None)


async def give_back(tx: AsyncConnection, pieces: Iterable[tuple[int, dt.date, int]]) -> None:
    """Return pieces: (offer id, day of the row, units) each; rows that are no longer limited are passed over."""
    back = list(pieces)
    if back:
        ids, days, units = zip(*back, strict=True)
        await tx.execute(_GIVE_BACK, {"ids": list(ids), "days": list(days), "units": list(units)})
