"""Pieces: how many are left in all and today, taken atomically and never oversold.

A row exists only where the offer's document limits pieces; `WHOLE` is the day of the row that counts all of them. The constraint
`never_oversold` of `offer_stock` holds what the condition in `take` holds.

`taken` falls when a piece comes back; `handed` counts every piece ever handed out and never falls. The number of a piece is
`handed`, told by the statement that locks the row and takes: in a rush for a hundred, 1 to 100 in the order of the lock. A piece
that came back goes out again under a new number — of a hundred the 101st is one that somebody had before —, so no two redemptions
have one place, live or ended (`uq_redemption_piece` holds it), and whoever asks who was first finds it in the numbers. What is
rolled back leaves no gap: the row goes back with it.

A piece that was handed over and came back is on the shelf again or written off; a written-off one stays taken. A piece that goes
out in exchange is one of the whole stock, and none of any day's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.redeeming.offers import Limits

WHOLE = dt.date(1, 1, 1)
"""The day of the row that counts all pieces."""


class Taken(NamedTuple):
    """What `take` did. `short`: the day of the row that has too few, None when the pieces are taken.

    `piece`: the number of the last of them, None where the whole stock has no limit.
    """

    short: dt.date | None
    piece: int | None


_LIMIT = text(
    """
    INSERT INTO offer_stock (offer_id, day, taken, limit_to, handed)
    SELECT :id, :day, n.taken, greatest(n.taken, :limit_to), n.handed
    FROM (SELECT coalesce(sum(units) FILTER (WHERE state IN ('held', 'issued', 'used') OR (state = 'exchanged' AND NOT :whole)
                     OR EXISTS (SELECT FROM return_claim c WHERE c.redemption_id = r.id AND c.goods = 'written_off')), 0) AS taken,
                 coalesce(sum(units), 0) AS handed
          FROM redemption r WHERE offer_id = :id AND (:whole OR (issued_on = :day AND origin_id IS NULL))) n
    ON CONFLICT (offer_id, day) DO UPDATE SET limit_to = greatest(offer_stock.taken, :limit_to)
    """
)
_UNLIMIT = text(
    "DELETE FROM offer_stock WHERE offer_id = :id AND CASE WHEN :whole THEN day = :day ELSE day >= :day END"
)
# Both rows in one statement, the whole stock first: the order in which they are locked is the order of the values.
_TAKE = text(
    """
    INSERT INTO offer_stock (offer_id, day, taken, limit_to, handed)
    SELECT :id, w.day, CAST(:units AS int), w.limit_to, CAST(:units AS int)
    FROM unnest(CAST(:days AS date[]), CAST(:limits AS int[])) WITH ORDINALITY AS w(day, limit_to, n)
    WHERE CAST(:units AS int) <= w.limit_to ORDER BY w.n
    ON CONFLICT (offer_id, day) DO UPDATE SET taken = offer_stock.taken + excluded.taken, limit_to = excluded.limit_to,
        handed = offer_stock.handed + excluded.handed
    WHERE offer_stock.taken + excluded.taken <= excluded.limit_to
    RETURNING day, handed
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


async def take(tx: AsyncConnection, offer_id: int, limits: Limits, units: int, *, today: dt.date) -> Taken:
    """Take so many pieces of the whole stock and of today's, as far as they are limited.

    Where one is missing, the caller's refusal rolls the other back.
    """
    wanted = {day: pieces for day, pieces in ((WHOLE, limits.stock), (today, limits.day)) if pieces is not None}
    if not wanted:
        return Taken(None, None)
    values = {"id": offer_id, "units": units, "days": list(wanted), "limits": list(wanted.values())}
    handed = {row.day: int(row.handed) for row in await tx.execute(_TAKE, values)}
    return Taken(next((day for day in wanted if day not in handed), None), handed.get(WHOLE))


async def give_back(tx: AsyncConnection, pieces: Iterable[tuple[int, dt.date, int]]) -> None:
    """Return pieces: (offer id, day of the row, units) each; rows that are no longer limited are passed over."""
    back = list(pieces)
    if back:
        ids, days, units = zip(*back, strict=True)
        await tx.execute(_GIVE_BACK, {"ids": list(ids), "days": list(days), "units": list(units)})
