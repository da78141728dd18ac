"""A merchant's own days: what is booked on each, closing one and opening it again, everywhere or at one outlet.

Nothing is booked on a closed day. Closing one on which something is booked gives those members everything back whole; whoever
closes it is told before how many they are. A day that is closed at an outlet stays closed there whatever is done everywhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log
from ledger.merchants.outlets import NoSuchOutlet
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.redeeming import bookings, paying, stock
from ledger.redeeming.booking import Outlet
from ledger.redeeming.redemptions import returning
from ledger.redeeming.vouchers import COLUMNS, TABLES, Redemption, of_row

DAYS_MOST = 180
"""So many days from today on can be closed."""


@dataclass(eq=False)
class DayNotOpen(Refusal):
    """It is over, or too far ahead; `last` is the last day that can be closed."""

    day: dt.date
    last: dt.date


@dataclass(eq=False)
class MoreBooked(Refusal):
    """More is booked on the day than the one who closes it was told; nothing was closed."""

    day: dt.date
    seen: int
    booked: int
    may_succeed_later: ClassVar[bool] = True


class DayBooked(NamedTuple):
    """How a day stands, everywhere or at one outlet. `closed`: nothing is booked on it there; `everywhere`: nor anywhere else."""

    day: dt.date
    booked: int
    closed: bool
    everywhere: bool


_DIARIES = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('diary:' || CAST(o.id AS text), 0))"
    " FROM (SELECT id FROM offer WHERE merchant_id = :merchant AND document ? 'booking' ORDER BY id) o"
)
_CLOSE = text(
    "INSERT INTO booking_closure (merchant_id, day, outlet_id, closed_at, closed_by)"
    " VALUES (:merchant, :day, :outlet, :now, :by)"
    " ON CONFLICT DO NOTHING"
)
_OPEN = text(
    "DELETE FROM booking_closure WHERE merchant_id = :merchant AND day = :day AND outlet_id = :outlet RETURNING day"
)
_THERE = "(CAST(:outlet AS bigint) = 0 OR {0}outlet_id = :outlet)"
_HELD = text(
    f"DELETE FROM booking WHERE merchant_id = :merchant AND day = :day AND state = 'held' AND {_THERE.format('')}"
)
_DUE = text(
    "SELECT r.id FROM redemption r JOIN booking b ON b.redemption_id = r.id WHERE b.merchant_id = :merchant"
    f" AND b.day = :day AND b.state = 'booked' AND b.ends_at > :now AND r.state = 'issued' AND {_THERE.format('b.')}"
    " ORDER BY r.id FOR UPDATE OF r"
)
_TAKE_BACK = text("UPDATE redemption SET state = 'taken_back', ended_at = :now WHERE id = ANY(CAST(:ids AS bigint[]))")
_THESE = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id = ANY(CAST(:ids AS bigint[])) ORDER BY r.id")
_ON = text(
    f"SELECT {COLUMNS} FROM {TABLES} WHERE b.merchant_id = :merchant AND b.day = :day AND b.state <> 'freed'"
    f" AND {_THERE.format('b.')}"
    " ORDER BY b.starts_at, r.id OFFSET :offset LIMIT :limit"
)
_DAYS = text(
    f"""
    SELECT CAST(d AS date) AS day, coalesce(b.booked, 0) AS booked, coalesce(c.everywhere OR c.here, false) AS closed,
           coalesce(c.everywhere, false) AS everywhere
    FROM generate_series(CAST(:first AS date), CAST(:first AS date) + CAST(:count AS int) - 1, interval '1 day') d
    LEFT JOIN (SELECT day, count(*) AS booked FROM booking WHERE merchant_id = :merchant AND day >= :first
               AND state IN ('booked', 'attended', 'missed') AND {_THERE.format("")} GROUP BY day) b ON b.day = CAST(d AS date)
    LEFT JOIN (SELECT day, bool_or(outlet_id = 0) AS everywhere, bool_or(outlet_id = :outlet) AS here
               FROM booking_closure WHERE merchant_id = :merchant GROUP BY day) c ON c.day = CAST(d AS date)
    ORDER BY 1
    """
)
_BOOKS = text(
    "SELECT EXISTS (SELECT FROM offer WHERE merchant_id = :merchant AND document ? 'booking')"
    " OR EXISTS (SELECT FROM booking WHERE merchant_id = :merchant AND state = 'booked')"
)
_TODAY = text(
    "SELECT merchant_id, count(*) AS booked, min(starts_at) AS first FROM booking WHERE day = :day AND state = 'booked'"
    " AND merchant_id > :after GROUP BY merchant_id ORDER BY merchant_id LIMIT :limit"
)
_TODAY_AT = text(
    "SELECT b.merchant_id, o.name, count(*) AS booked FROM booking b JOIN outlet o ON o.id = b.outlet_id"
    " WHERE b.day = :day AND b.state = 'booked' AND b.merchant_id = ANY(CAST(:merchants AS bigint[]))"
    " GROUP BY b.merchant_id, o.id, o.name ORDER BY b.merchant_id, count(*) DESC, o.id"
)
_NAME = text("SELECT name FROM outlet WHERE id = :id AND merchant_id = :merchant")
_OUTLETS = text(
    """
    SELECT o.id, o.name FROM outlet o WHERE o.merchant_id = :merchant
        AND (o.closed_at IS NULL AND EXISTS (SELECT FROM booking_outlet x WHERE x.outlet_id = o.id)
             OR EXISTS (SELECT FROM booking b WHERE b.merchant_id = :merchant AND b.outlet_id = o.id AND b.day >= :day
                        AND b.state <> 'freed'))
    ORDER BY o.id
    """
)


async def books(tx: AsyncConnection, merchant_id: int) -> bool:
    """Whether anything of this merchant's is booked for a time."""
    return bool(await tx.scalar(_BOOKS, {"merchant": merchant_id}))


async def outlets(tx: AsyncConnection, merchant_id: int, day: dt.date) -> list[Outlet]:
    """The outlets of a merchant at which something is booked by itself, now or on `day` or later."""
    return [Outlet(*row) for row in await tx.execute(_OUTLETS, {"merchant": merchant_id, "day": day})]


async def days(
    tx: AsyncConnection, merchant_id: int, first: dt.date, count: int, *, outlet_id: int = 0
) -> list[DayBooked]:
    """How so many days from `first` on stand, everywhere (0) or at one outlet: what is booked (used and missed too), and which are
    closed."""
    rows = await tx.execute(_DAYS, {"merchant": merchant_id, "first": first, "count": count, "outlet": outlet_id})
    return [DayBooked(*row) for row in rows]


async def on(
    tx: AsyncConnection, merchant_id: int, day: dt.date, *, outlet_id: int = 0, offset: int = 0, limit: int = 1000
) -> list[Redemption]:
    """What is booked on a day, everywhere (0) or at one outlet, by the hour: what is expected, was used or missed."""
    asked = {"merchant": merchant_id, "day": day, "outlet": outlet_id, "offset": offset, "limit": limit}
    return [of_row(row) for row in await tx.execute(_ON, asked)]


async def to_come(tx: AsyncConnection, merchant_id: int, day: dt.date, *, outlet_id: int = 0, at: Moment) -> int:
    """How many members would have to be told if the day were closed now, everywhere (0) or at one outlet."""
    found = await on(tx, merchant_id, day, outlet_id=outlet_id)
    return sum(
        each.state == "issued" and each.booked is not None and each.booked.ends_at > at.programme_now for each in found
    )


async def today(
    tx: AsyncConnection, day: dt.date, *, after: int = 0, limit: int = 100
) -> list[tuple[int, int, dt.datetime]]:
    """Merchants with something booked on a day, by id: how many, and when the first begins."""
    rows = await tx.execute(_TODAY, {"day": day, "after": after, "limit": limit})
    return [(row.merchant_id, row.booked, row.first) for row in rows]


async def today_at(tx: AsyncConnection, day: dt.date, merchant_ids: Iterable[int]) -> dict[int, list[tuple[str, int]]]:
    """How many are booked on a day at each outlet of these merchants, by merchant, most first; outlets without any are left out."""
    found: dict[int, list[tuple[str, int]]] = {}
    for row in await tx.execute(_TODAY_AT, {"day": day, "merchants": list(merchant_ids)}):
        found.setdefault(row.merchant_id, []).append((row.name, row.booked))
    return found


async def close(
    tx: AsyncConnection, staff: Staff, day: dt.date, *, outlet_id: int = 0, seen: int, grace_days: int, at: Moment
) -> list[Redemption]:
    """Close a day of the merchant that `staff` works for. What was booked on it ends: points to their own lots, pieces to the
    stock; gives those vouchers, whose members have to be told. Again: nothing more happens.

    Args:
        outlet_id: where it is closed; 0: everywhere.
        seen: how many members would be told, as the one who closes it was shown.
    Raises:
        NotAllowed → DayNotOpen → NoSuchOutlet → MoreBooked.
    """
    staff.demand("run_calendar")
    _in_reach(day, at)
    named = await _named(tx, staff, outlet_id)
    await tx.execute(_DIARIES, {"merchant": staff.merchant_id})
    where = {"merchant": staff.merchant_id, "day": day, "outlet": outlet_id}
    ids = list(await tx.scalars(_DUE, {**where, "now": at.programme_now}))
    if len(ids) > seen:
        raise MoreBooked(day, seen, len(ids))
    new = (await tx.execute(_CLOSE, {**where, "now": at.now, "by": staff.actor})).rowcount
    await tx.execute(_HELD, where)
    ended = await _give_back(tx, ids, grace_days=grace_days, at=at, actor=staff.actor)
    if new:
        facts = {"day": day.isoformat(), "bookings": len(ended), **named}
        await log.write(tx, staff.merchant_id, "day_closed", who=staff.actor, at=at.now, **facts)
    return ended


async def reopen(tx: AsyncConnection, staff: Staff, day: dt.date, *, outlet_id: int = 0, at: Moment) -> None:
    """Let a day be booked again that was closed everywhere (0), or at one outlet. Again: nothing more happens. `NotAllowed` →
    `DayNotOpen` → `NoSuchOutlet`."""
    staff.demand("run_calendar")
    _in_reach(day, at)
    named = await _named(tx, staff, outlet_id)
    if await tx.scalar(_OPEN, {"merchant": staff.merchant_id, "day": day, "outlet": outlet_id}):
        facts = {"day": day.isoformat(), **named}
        await log.write(tx, staff.merchant_id, "day_reopened", who=staff.actor, at=at.now, **facts)


async def _named(tx: AsyncConnection, staff: Staff, outlet_id: int) -> dict[str, str]:
    """What the log says of where it is: also at an outlet that was closed, as long as something is booked there."""
    if not outlet_id:
        return {}
    name = await tx.scalar(_NAME, {"id": outlet_id, "merchant": staff.merchant_id})
    if name is None:
        raise NoSuchOutlet(outlet_id)
    return {"outlet": name}


def _in_reach(day: dt.date, at: Moment) -> None:
    last = at.today + dt.timedelta(days=DAYS_MOST)
    if not at.today <= day <= last:
        raise DayNotOpen(day, last)


async def _give_back(
    tx: AsyncConnection, ids: Iterable[int], *, grace_days: int, at: Moment, actor: str
) -> list[Redemption]:
    ended = list(ids)
    if not ended:
        return []
    await tx.execute(_TAKE_BACK, {"ids": ended, "now": at.now})
    await bookings.end(tx, ended, "freed", "merchant")
    found = [of_row(row) for row in await tx.execute(_THESE, {"ids": ended})]
    await stock.give_back(
        tx, [(each.offer_id, day, each.units) for each in found for day in (stock.WHOLE, each.issued_on)]
    )
    back = [
        returning(each, f"redemption:{each.id}:closed", grace_days=grace_days, at=at, actor=actor) for each in found
    ]
    await paying.give_back(tx, found, back)
    return found
