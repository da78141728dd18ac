"""The diaries of offers that are booked: what is closed and what is taken, read for any number of them at once.

What was taken is kept in the process and goes by a hash of it, which the schema keeps with every change of the bookings, whoever
made it: so a transaction sees what it changed itself, and a change that is rolled back leaves nothing behind. What passes with time
alone — a hold that is over, a place in the past — is reckoned when it is looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cachetools import LRUCache
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault
from ledger.points.reading import fetch
from ledger.redeeming.booking import Diary, Place, Slot
from ledger.redeeming.may_redeem import Listed

_ZONE = "coalesce((SELECT document ->> 'zone' FROM programme WHERE one = 1), 'Asia/Shanghai') AS zone"
_STANDS = f"""
    SELECT {_ZONE},
           ARRAY(SELECT merchant_id FROM booking_closure WHERE merchant_id = ANY($2::bigint[]) AND day >= $3::date
                 ORDER BY merchant_id, day) AS merchants,
           ARRAY(SELECT day FROM booking_closure WHERE merchant_id = ANY($2::bigint[]) AND day >= $3::date
                 ORDER BY merchant_id, day) AS days,
           ARRAY(SELECT offer_id FROM diary WHERE offer_id = ANY($1::bigint[]) ORDER BY offer_id) AS offers,
           ARRAY(SELECT stamp FROM diary WHERE offer_id = ANY($1::bigint[]) ORDER BY offer_id) AS stamps
"""
_TAKEN = """
    SELECT offer_id, starts_at, ends_at, place, day, redemption_id, CASE WHEN state = 'held' THEN member_id END, held_until
    FROM booking WHERE offer_id = ANY($1::bigint[]) AND ends_at > $2 AND state <> 'freed'
    ORDER BY offer_id, starts_at, ends_at, place
"""
_COUNTS = """
    SELECT offer_id, count(*), max(ends_at - starts_at) FROM booking
    WHERE offer_id = ANY($1::bigint[]) AND ends_at > $2 AND state <> 'freed' GROUP BY offer_id
"""


Stamp = tuple[int, int]
"""An offer, and a hash of what is taken of it."""


class _Hold(NamedTuple):
    """A place that waits while a member chooses."""

    place: Place
    day: dt.date
    member_id: int
    until: dt.datetime


@dataclass(slots=True)
class _Taken:
    """The places of an offer that are taken, in order, but for those that were over at `since`."""

    since: dt.datetime
    firm: tuple[Place, ...] = ()
    vouchers: tuple[int, ...] = ()
    holds: tuple[_Hold, ...] = ()
    last: Diary | None = field(default=None, compare=False)
    """The diary that was made of it last, with what was found out about it."""

    def diary(self, empty: Diary, now: dt.datetime, member_id: int, besides: int) -> Diary:
        """As this member finds it. Whoever looks does not stand in their own way; a hold that is over stands in nobody's."""
        holds = [each for each in self.holds if each.until > now and each.place.ends_at > now]
        if not holds and not (besides and besides in self.vouchers):
            if self.last is None or not self.last.like(empty):
                self.last = empty.with_taken(self.firm)
            return self.last
        mine = next((each for each in holds if each.member_id == member_id), None)
        others = [each.place for each in holds if each.member_id != member_id]
        firm = [each for each, voucher in zip(self.firm, self.vouchers, strict=True) if voucher != besides]
        held = None if mine is None else Slot(mine.place.starts_at, mine.place.ends_at, mine.day)
        return empty.with_taken(tuple(sorted([*firm, *others])), held)


class _Count(NamedTuple):
    """How many places of an offer were taken, for how long at most, but for those that were over at `since`."""

    since: dt.datetime
    taken: int
    longest: dt.timedelta


_NONE = _Count(dt.datetime.min.replace(tzinfo=dt.UTC), 0, dt.timedelta())
_counts: LRUCache[Stamp, _Count] = LRUCache(20_000)
"""By stamp."""
_PLACES = 100_000
_kept: LRUCache[Stamp, _Taken] = LRUCache(_PLACES, lambda each: min(_PLACES, 1 + len(each.firm)))
"""By stamp: the diaries used last, of so many places together."""


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
    empty, stamps = await _stand(tx, booked, now)
    taken = await _taken(tx, stamps, now)
    return {
        id_: taken[id_].diary(diary, now, member_id, besides) if id_ in taken else diary for id_, diary in empty.items()
    }


async def scarce(
    tx: AsyncConnection, offers: Iterable[Listed], *, now: dt.datetime | None, tier: str | None
) -> list[Listed]:
    """Those of `offers` that are booked and of which perhaps nothing is free, by the number of places that are taken. Of all the
    others something is, so that their diaries need not be read."""
    booked = [each for each in offers if each.offer.booking is not None]
    if not booked:
        return []
    now = _told(booked, now)
    empty, stamps = await _stand(tx, booked, now)
    counts = await _counted(tx, stamps, now)
    none = _NONE
    return [each for each in booked if not empty[each.id].surely_free(*counts.get(each.id, none)[1:], now, tier)]


def _told(booked: list[Listed], now: dt.datetime | None) -> dt.datetime:
    if now is None:
        raise Fault(f"offer {booked[0].id} is booked for a time, and was judged without one")
    return now


async def _stand(
    tx: AsyncConnection, booked: list[Listed], now: dt.datetime
) -> tuple[dict[int, Diary], dict[int, Stamp]]:
    """Their diaries with closed days, and nothing taken; and their stamps, none where nothing ever was."""
    shops = sorted({each.merchant_id for each in booked})
    [row] = await fetch(tx, _STANDS, [each.id for each in booked], shops, now.date() - dt.timedelta(days=1))
    by_shop: dict[int, set[dt.date]] = {}
    for shop, day in zip(row["merchants"], row["days"], strict=True):
        by_shop.setdefault(shop, set()).add(day)
    never, here = frozenset[dt.date](), ZoneInfo(row["zone"])
    days = {shop: frozenset(found) for shop, found in by_shop.items()}
    empty = {
        each.id: Diary(each.offer.booking, here, days.get(each.merchant_id, never), each.offer.blackout)
        for each in booked
        if each.offer.booking is not None
    }
    return empty, {stamp[0]: stamp for stamp in zip(row["offers"], row["stamps"], strict=True)}


async def _taken(tx: AsyncConnection, stamps: dict[int, Stamp], now: dt.datetime) -> dict[int, _Taken]:
    """What is taken of these offers, by offer id; read where it is not known."""
    found = {id_: known for id_, stamp in stamps.items() if (known := _kept.get(stamp)) and known.since <= now}
    missing = [id_ for id_ in stamps if id_ not in found]
    if missing:
        rows: dict[int, list[tuple[int, Place]]] = {id_: [] for id_ in missing}
        holds: dict[int, list[_Hold]] = {}
        for id_, starts, ends, number, day, voucher, member, until in await fetch(tx, _TAKEN, missing, now):
            if member is None:
                rows[id_].append((voucher, Place(starts, ends, number)))
            else:
                holds.setdefault(id_, []).append(_Hold(Place(starts, ends, number), day, member, until))
        for id_, taken in rows.items():
            firm, vouchers = tuple(place for _, place in taken), tuple(voucher for voucher, _ in taken)
            found[id_] = _kept[stamps[id_]] = _Taken(now, firm, vouchers, tuple(holds.get(id_, ())))
    return found


async def _counted(tx: AsyncConnection, stamps: dict[int, Stamp], now: dt.datetime) -> dict[int, _Count]:
    """How many places of these offers are taken at most, by offer id; counted where it is not known."""
    found = {id_: known for id_, stamp in stamps.items() if (known := _counts.get(stamp)) and known.since <= now}
    missing = [id_ for id_ in stamps if id_ not in found]
    if missing:
        counted = {id_: _Count(now, taken, longest) for id_, taken, longest in await fetch(tx, _COUNTS, missing, now)}
        for id_ in missing:
            found[id_] = _counts[stamps[id_]] = counted.get(id_, _NONE._replace(since=now))
    return found
