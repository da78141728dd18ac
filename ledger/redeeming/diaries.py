"""The diaries of offers that are booked: what is closed and what is taken, read for any number of them at once. An offer has one,
or one for each outlet at which it is booked.

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
from ledger.redeeming.booking import Booking, Diary, Outlet, Place, Slot, surely_free
from ledger.redeeming.may_redeem import Listed

_ZONE = "coalesce((SELECT document ->> 'zone' FROM programme WHERE one = 1), 'Asia/Shanghai') AS zone"
_STANDS = f"""
    SELECT {_ZONE},
           ARRAY(SELECT merchant_id FROM booking_closure WHERE merchant_id = ANY($2::bigint[]) AND day >= $3::date
                 ORDER BY merchant_id, day, outlet_id) AS merchants,
           ARRAY(SELECT day FROM booking_closure WHERE merchant_id = ANY($2::bigint[]) AND day >= $3::date
                 ORDER BY merchant_id, day, outlet_id) AS days,
           ARRAY(SELECT outlet_id FROM booking_closure WHERE merchant_id = ANY($2::bigint[]) AND day >= $3::date
                 ORDER BY merchant_id, day, outlet_id) AS closed_at,
           ARRAY(SELECT offer_id FROM diary WHERE offer_id = ANY($1::bigint[]) ORDER BY offer_id) AS offers,
           ARRAY(SELECT stamp FROM diary WHERE offer_id = ANY($1::bigint[]) ORDER BY offer_id) AS stamps
"""
_TAKEN = """
    SELECT offer_id, starts_at, ends_at, place, coalesce(outlet_id, 0), day, redemption_id,
           CASE WHEN state = 'held' THEN member_id END, held_until
    FROM booking WHERE offer_id = ANY($1::bigint[]) AND ends_at > $2 AND state <> 'freed'
    ORDER BY offer_id, starts_at, ends_at, place, outlet_id
"""
_COUNTS = """
    SELECT offer_id, count(*), count(*) FILTER (WHERE outlet_id IS NULL), max(ends_at - starts_at) FROM booking
    WHERE offer_id = ANY($1::bigint[]) AND ends_at > $2 AND state <> 'freed' GROUP BY offer_id
"""


_PLACES_OF = """
    SELECT b.offer_id, b.name, o.id, o.name FROM booking_outlet b JOIN outlet o ON o.id = b.outlet_id AND o.closed_at IS NULL
    WHERE b.offer_id = ANY($1::bigint[])
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
    last: dict[int, Diary] = field(default_factory=dict, compare=False)
    """The diaries that were made of it last, by outlet, with what was found out about them."""

    def diary(self, empty: Diary, now: dt.datetime, member_id: int, besides: int) -> Diary:
        """As this member finds it. Whoever looks does not stand in their own way; a hold that is over stands in nobody's."""
        here = empty.outlet.id if empty.outlet is not None else 0
        holds = [each for each in self.holds if each.until > now and each.place.ends_at > now]
        if not holds and not (besides and besides in self.vouchers):
            last = self.last.get(here)
            if last is None or not last.like(empty):
                last = self.last[here] = empty.with_taken(tuple(_at(here, self.firm)))
            return last
        mine = next((each for each in holds if each.member_id == member_id and each.place.outlet == here), None)
        others = [each.place for each in holds if each.member_id != member_id]
        firm = [each for each, voucher in zip(self.firm, self.vouchers, strict=True) if voucher != besides]
        held = None if mine is None else Slot(mine.place.starts_at, mine.place.ends_at, mine.day)
        return empty.with_taken(tuple(_at(here, sorted([*firm, *others]))), held)


def _at(outlet: int, places: Iterable[Place]) -> Iterable[Place]:
    """The places that are taken at an outlet: its own, and those of members who may come anywhere. 0: all of them."""
    return places if not outlet else (each for each in places if each.outlet in (outlet, 0))


class _Count(NamedTuple):
    """How many places of an offer were taken, of them `anywhere`, for how long at most, but for those that were over at `since`."""

    since: dt.datetime
    taken: int
    anywhere: int
    longest: dt.timedelta


_NONE = _Count(dt.datetime.min.replace(tzinfo=dt.UTC), 0, 0, dt.timedelta())
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
    at: dict[int, list[tuple[str, Outlet]]] | None = None,
) -> dict[int, tuple[Diary, ...]]:
    """The diaries of those of `offers` that are booked, by offer id, as of `now` on the programme's clock, for this member: one, or
    one for each of its outlets that is open, in the order of the document.

    `besides`: a redemption whose own place counts as free, because it is about to move. `at`: what their outlets are, where that is
    not what was published.
    """
    booked = [each for each in offers if each.offer.booking is not None]
    if not booked:
        return {}
    now = _told(booked, now)
    empty, stamps = await _stand(tx, booked, now, at)
    taken = await _taken(tx, stamps, now)
    return {
        id_: tuple(taken[id_].diary(each, now, member_id, besides) for each in those) if id_ in taken else those
        for id_, those in empty.items()
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
    return [each for each in booked if not _surely_free(empty[each.id], counts.get(each.id, _NONE), now, tier)]


def _surely_free(diaries: tuple[Diary, ...], count: _Count, now: dt.datetime, tier: str | None) -> bool:
    """Whether something is free at one of the outlets at least: they are not full together, whatever is taken where."""
    if not count.anywhere and len(diaries) > 1:
        return surely_free(diaries, count.taken, count.longest, now, tier)
    return any(each.surely_free(count.taken, count.longest, now, tier) for each in diaries)


def _told(booked: list[Listed], now: dt.datetime | None) -> dt.datetime:
    if now is None:
        raise Fault(f"offer {booked[0].id} is booked for a time, and was judged without one")
    return now


async def _stand(
    tx: AsyncConnection,
    booked: list[Listed],
    now: dt.datetime,
    at: dict[int, list[tuple[str, Outlet]]] | None = None,
) -> tuple[dict[int, tuple[Diary, ...]], dict[int, Stamp]]:
    """Their diaries with closed days, and nothing taken; and their stamps, none where nothing ever was."""
    shops = sorted({each.merchant_id for each in booked})
    [row] = await fetch(tx, _STANDS, [each.id for each in booked], shops, now.date() - dt.timedelta(days=1))
    closed: dict[tuple[int, int], set[dt.date]] = {}
    for shop, day, outlet in zip(row["merchants"], row["days"], row["closed_at"], strict=True):
        closed.setdefault((shop, outlet), set()).add(day)
    places = await _outlets(tx, booked) if at is None else at
    never, zone_ = set[dt.date](), ZoneInfo(row["zone"])

    def diary(of: Listed, rule: Booking, at: Outlet | None) -> Diary:
        days = closed.get((of.merchant_id, 0), never) | (closed.get((of.merchant_id, at.id), never) if at else never)
        return Diary(rule, zone_, frozenset(days), of.offer.blackout, outlet=at)

    empty: dict[int, tuple[Diary, ...]] = {}
    for each in booked:
        rule = each.offer.booking
        assert rule is not None
        empty[each.id] = (
            tuple(diary(each, rule.at(said), at) for said, at in places.get(each.id, ()))
            if rule.outlets
            else (diary(each, rule, None),)
        )
    return empty, {stamp[0]: stamp for stamp in zip(row["offers"], row["stamps"], strict=True)}


async def _outlets(tx: AsyncConnection, booked: list[Listed]) -> dict[int, list[tuple[str, Outlet]]]:
    """The outlets at which these offers are booked, as far as they are open, by offer id: what the document calls each, and what it
    is; in the order of the document."""
    at = {each.id: each.offer.booking.outlets for each in booked if each.offer.booking and each.offer.booking.outlets}
    if not at:
        return {}
    found = {(row[0], row[1]): Outlet(row[2], row[3]) for row in await fetch(tx, _PLACES_OF, list(at))}
    return {
        id_: [(each.outlet, found[id_, each.outlet]) for each in said if (id_, each.outlet) in found]
        for id_, said in at.items()
    }


async def _taken(tx: AsyncConnection, stamps: dict[int, Stamp], now: dt.datetime) -> dict[int, _Taken]:
    """What is taken of these offers, by offer id; read where it is not known."""
    found = {id_: known for id_, stamp in stamps.items() if (known := _kept.get(stamp)) and known.since <= now}
    missing = [id_ for id_ in stamps if id_ not in found]
    if missing:
        rows: dict[int, list[tuple[int, Place]]] = {id_: [] for id_ in missing}
        holds: dict[int, list[_Hold]] = {}
        for id_, starts, ends, number, outlet, day, voucher, member, until in await fetch(tx, _TAKEN, missing, now):
            place = Place(starts, ends, number, outlet)
            if member is None:
                rows[id_].append((voucher, place))
            else:
                holds.setdefault(id_, []).append(_Hold(place, day, member, until))
        for id_, taken in rows.items():
            firm, vouchers = tuple(place for _, place in taken), tuple(voucher for voucher, _ in taken)
            found[id_] = _kept[stamps[id_]] = _Taken(now, firm, vouchers, tuple(holds.get(id_, ())))
    return found


async def _counted(tx: AsyncConnection, stamps: dict[int, Stamp], now: dt.datetime) -> dict[int, _Count]:
    """How many places of these offers are taken at most, by offer id; counted where it is not known."""
    found = {id_: known for id_, stamp in stamps.items() if (known := _counts.get(stamp)) and known.since <= now}
    missing = [id_ for id_ in stamps if id_ not in found]
    if missing:
        counted = {id_: _Count(now, *row) for id_, *row in await fetch(tx, _COUNTS, missing, now)}
        for id_ in missing:
            found[id_] = _counts[stamps[id_]] = counted.get(id_, _NONE._replace(since=now))
    return found
