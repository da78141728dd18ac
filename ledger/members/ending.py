"""Tiers that were bought or given and are about to end: who would go lower, on which day, and where to.

Each end is told so many days before it as `NOTICES` say; of nights that were missed, the one that is due by then. A tier that
something longer carries on, an earned one or another grant, does not end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import standings, tiers
from ledger.members.standings import Held
from ledger.programme import Programme

NOTICES = (7, 1)
"""So many days before the last good day, each once."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A member whose tier ends after `until`; `notice` is the one of `NOTICES` that is due."""

    member_id: int
    tier: str
    until: dt.date
    notice: int
    lands_on: str


_SOON = text(
    "SELECT DISTINCT member_id FROM tier_grant WHERE member_id = ANY(CAST(:ids AS bigint[])) AND taken_back_at IS NULL"
    " AND until BETWEEN :today AND :last AND until - granted_on > :shortest"
)


async def ending(
    tx: AsyncConnection, programme: Programme, member_ids: Collection[int], *, today: dt.date
) -> list[Ending]:
    """Whose tier is about to end, by member. One that was given for fewer days than the first notice is not spoken of."""
    last = today + dt.timedelta(days=max(NOTICES))
    asked = {"ids": list(member_ids), "today": today, "last": last, "shortest": max(NOTICES)}
    soon = list(await tx.scalars(_SOON, asked))
    if not soon:
        return []
    held = await standings.load_many(tx, soon, today=today)
    found = (_ending(programme, each, today) for each in held.values())
    return [each for each in found if each is not None]


def _ending(programme: Programme, held: Held, today: dt.date) -> Ending | None:
    ladder = programme.tiers
    earned = held.standing.tier if held.standing else None
    now = tiers.highest(ladder, [earned, *(each.tier for each in held.grants)])
    if now == tiers.highest(ladder, [earned]):
        return None
    until = max(each.until for each in held.grants if each.tier == now.code)
    left = (until - today).days
    if left > max(NOTICES):
        return None
    longer = [each.tier for each in held.grants if each.until > until]
    lands_on = tiers.highest(ladder, [earned, *longer])
    return Ending(held.member_id, now.code, until, min(n for n in NOTICES if left <= n), lands_on.code)
