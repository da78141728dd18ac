"""The diaries of offers that are booked: what is closed and what is taken, read for any number of them at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault
from ledger.points.reading import fetch
from ledger.redeeming.booking import Diary, Place, Slot
from ledger.redeeming.may_redeem import Listed

_ZONE = "coalesce((SELECT document ->> 'zone' FROM programme WHERE one = 1), 'Asia/Shanghai') AS zone"
_CLOSED = f"""
    SELECT {_ZONE},
           ARRAY(SELECT merchant_id FROM booking_closure WHERE merchant_id = ANY($1::bigint[]) AND day >= $2::date
                 ORDER BY merchant_id, day) AS merchants,
           ARRAY(SELECT day FROM booking_closure WHERE merchant_id = ANY($1::bigint[]) AND day >= $2::date
                 ORDER BY merchant_id, day) AS days
"""
# Whoever looks does not stand in their own way; a hold that is over stands in nobody's.
_TAKEN = """
    SELECT offer_id, array_agg(starts_at ORDER BY starts_at, ends_at, place) FILTER (WHERE NOT mine),
           array_agg(ends_at ORDER BY starts_at, ends_at, place) FILTER (WHERE NOT mine),
           array_agg(place ORDER BY starts_at, ends_at, place) FILTER (WHERE NOT mine),
           min(starts_at) FILTER (WHERE mine), min(ends_at) FILTER (WHERE mine), min(day) FILTER (WHERE mine)
    FROM (SELECT offer_id, starts_at, ends_at, place, day, state = 'held' AND member_id = $3 AS mine FROM booking
          WHERE offer_id = ANY($1::bigint[]) AND ends_at > $2 AND state <> 'freed' AND redemption_id IS DISTINCT FROM $4
            AND NOT (state = 'held' AND held_until <= $2)) b
    GROUP BY offer_id
"""
_COUNTS = """
    SELECT offer_id, count(*) AS taken, max(ends_at - starts_at) AS longest FROM booking
    WHERE offer_id = ANY($1::bigint[]) AND ends_at > $2 AND state <> 'freed' GROUP BY offer_id
"""


async def zone(tx: AsyncConnection) -> ZoneInfo:
    """The programme's, in which hours are said."""
    [row] = await fetch(tx, f"SELECT {_ZONE}")
    return ZoneInfo(row["zone"])


async def read(
    tx: AsyncConnection,
    offers: Iterable[Listed],
    *,
    now: dt.datetime | None,
    member_id: int = 0,
    besides: int = 0,
) -> dict[int, Diary]:
    """The diaries of those of `offers` that are booked, by offer id, as of `now` on the programme's clock, for this member.

    `besides`: a redemption whose own place counts as free, because it is about to move.
    """
    booked = [each for each in offers if each.offer.booking is not None]
    if not booked:
        return {}
    now = _told(booked, now)
    empty = await _empty(tx, booked, now)
    found = dict(empty)
    for offer_id, starts, ends, numbers, mine, mine_ends, day in await fetch(
        tx, _TAKEN, list(empty), now, member_id, besides
    ):
        taken = tuple(map(Place, starts, ends, numbers)) if starts else ()
        held = None if mine is None else Slot(mine, mine_ends, day)
        found[offer_id] = replace(empty[offer_id], taken=taken, held=held)
    return found


async def scarce(
    tx: AsyncConnection, offers: Iterable[Listed], *, now: dt.datetime | None, tier: str | None
) -> list[Listed]:
    """Those of `offers` that are booked and of which perhaps nothing is free, by the number of places that are taken. Of all the
    others something is, so that their diaries need not be read."""
    booked = [each for each in offers if each.offer.booking is not None]
    if not booked:
        return []
    now = _told(booked, now)
    empty = await _empty(tx, booked, now)
    counts = {row[0]: (row[1], row[2]) for row in await fetch(tx, _COUNTS, list(empty), now)}
    none = (0, dt.timedelta())
    return [each for each in booked if not empty[each.id].surely_free(*counts.get(each.id, none), now, tier)]


def _told(booked: list[Listed], now: dt.datetime | None) -> dt.datetime:
    if now is None:
        raise Fault(f"offer {booked[0].id} is booked for a time, and was judged without one")
    return now


async def _empty(tx: AsyncConnection, booked: list[Listed], now: dt.datetime) -> dict[int, Diary]:
    """Their diaries with closed days, and nothing taken."""
    shops = sorted({each.merchant_id for each in booked})
    [closed] = await fetch(tx, _CLOSED, shops, now.date() - dt.timedelta(days=1))
    by_shop: dict[int, set[dt.date]] = {}
    for shop, day in zip(closed["merchants"], closed["days"], strict=True):
        by_shop.setdefault(shop, set()).add(day)
    never, here = frozenset[dt.date](), ZoneInfo(closed["zone"])
    days = {shop: frozenset(found) for shop, found in by_shop.items()}
    return {
        each.id: Diary(each.offer.booking, here, days.get(each.merchant_id, never), each.offer.blackout)
        for each in booked
        if each.offer.booking is not None
    }
