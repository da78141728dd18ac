"""Shifts at a till (C8): somebody opens one, works, and closes it with totals that equal the day's list of what they did in it.

Nobody works two shifts at a time, and no till has two. A shift that was left open ends with the next one at that till, or of that
person, else with the day on which it was opened. Totals come from above: this room knows neither purchases nor vouchers.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log, outlets
from ledger.merchants.staff import Staff

ClosedBy = Literal["cashier", "next", "day"]


@dataclass(eq=False)
class NoShiftOpen(Refusal):
    """They work no shift at this merchant now."""

    merchant_id: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What was done in a shift. Awards, money and points as the day's list counts them, without those taken back; refunds are
    those made in the shift, whenever the purchase was; tiers are all those sold in it, and taken back in it whenever they were
    sold. Cash parts are money taken for redemptions, and given back; privileges, what was used and taken off by it. Money in minor
    units of the merchant's currency. What older shifts did not count is 0."""

    awards: int
    amount_minor: int
    points: int
    taken_back: int
    vouchers: int
    refunds: int
    refunded_minor: int
    tiers: int = 0
    tiers_minor: int = 0
    tiers_back: int = 0
    tiers_back_minor: int = 0
    cash_parts: int = 0
    cash_parts_minor: int = 0
    cash_back: int = 0
    cash_back_minor: int = 0
    privileges: int = 0
    privileges_off_minor: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift. `region` is the outlet's; None: the merchant's own. `totals` are there once it is closed."""

    id: int
    merchant_id: int
    staff_id: int
    till_id: int
    till: str
    outlet_id: int
    outlet: str
    region: str | None
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    closed_by: str | None
    totals: Totals | None


_SHIFTS = """
    SELECT s.id, s.merchant_id, s.staff_id, s.till_id, t.label AS till, o.id AS outlet_id, o.name AS outlet, o.region,
           s.opened_at, s.closed_at, s.closed_by, s.totals
    FROM shift s JOIN till t ON t.id = s.till_id JOIN outlet o ON o.id = t.outlet_id
"""
_OF_STAFF = text(f"{_SHIFTS} WHERE s.staff_id = :staff AND s.closed_at IS NULL")
_OF_MEMBER = text(
    f"{_SHIFTS} JOIN staff w ON w.id = s.staff_id AND w.removed_at IS NULL"
    " WHERE w.member_id = :member AND s.closed_at IS NULL AND s.opened_at >= :since ORDER BY s.opened_at DESC LIMIT 1"
)
_IN_THE_WAY = text(f"{_SHIFTS} WHERE (s.staff_id = :staff OR s.till_id = :till) AND s.closed_at IS NULL ORDER BY s.id")
_OPEN = text(f"{_SHIFTS} WHERE s.merchant_id = :merchant AND s.closed_at IS NULL ORDER BY s.id")
_ONE = text(f"{_SHIFTS} WHERE s.id = :id")
_LEFT = text(
    f"{_SHIFTS} WHERE s.closed_at IS NULL AND s.opened_at < :midnight AND s.id > :after ORDER BY s.id LIMIT :limit"
)
_RECENT = text(f"{_SHIFTS} WHERE s.merchant_id = :merchant ORDER BY s.id DESC OFFSET :offset LIMIT :limit")
_BEGIN = text(
    "INSERT INTO shift (merchant_id, till_id, staff_id, opened_at) VALUES (:merchant, :till, :staff, :at) RETURNING id"
)
_CLOSE = text(
    "UPDATE shift SET closed_at = :at, closed_by = :by, totals = CAST(:totals AS jsonb)"
    " WHERE id = :id AND closed_at IS NULL"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('shift:' || CAST(:merchant AS bigint), 0))")


def _shift(row: Row[Any]) -> Shift:
    fields = dict(row._mapping)
    if row.totals is not None:
        fields["totals"] = Totals(**row.totals)
    return Shift(**fields)


async def current(tx: AsyncConnection, staff_id: int, *, since: dt.datetime) -> Shift | None:
    """The shift that somebody works now; one opened before `since` (the day's begin) is over, if not yet closed."""
    row = (await tx.execute(_OF_STAFF, {"staff": staff_id})).first()
    return _shift(row) if row is not None and row.opened_at >= since else None


async def current_of_member(tx: AsyncConnection, member_id: int, *, since: dt.datetime) -> Shift | None:
    """The same for a person, wherever they work: the shift opened last."""
    row = (await tx.execute(_OF_MEMBER, {"member": member_id, "since": since})).first()
    return None if row is None else _shift(row)


async def by_id(tx: AsyncConnection, shift_id: int) -> Shift | None:
    """One shift, open or closed."""
    row = (await tx.execute(_ONE, {"id": shift_id})).first()
    return None if row is None else _shift(row)


async def open_at(tx: AsyncConnection, merchant_id: int) -> list[Shift]:
    """A merchant's shifts that are not closed."""
    return [_shift(row) for row in await tx.execute(_OPEN, {"merchant": merchant_id})]


async def recent(tx: AsyncConnection, merchant_id: int, *, offset: int = 0, limit: int = 10) -> list[Shift]:
    """A merchant's shifts, newest first."""
    rows = await tx.execute(_RECENT, {"merchant": merchant_id, "offset": offset, "limit": limit})
    return [_shift(row) for row in rows]


async def in_the_way(tx: AsyncConnection, *, staff: Staff, till_id: int) -> list[Shift]:
    """What is to be closed before `staff` can open a shift at the till: theirs elsewhere, another one's there.

    Locks the merchant's shifts until the turn ends, so that two who open at the same moment come one after the other.
    """
    await tx.execute(_LOCK, {"merchant": staff.merchant_id})
    return [_shift(row) for row in await tx.execute(_IN_THE_WAY, {"staff": staff.id, "till": till_id})]


async def left_open(tx: AsyncConnection, *, midnight: dt.datetime, after: int, limit: int) -> list[Shift]:
    """A page of shifts opened before `midnight` and still open, by id."""
    values = {"midnight": midnight, "after": after, "limit": limit}
    return [_shift(row) for row in await tx.execute(_LEFT, values)]


async def begin(tx: AsyncConnection, *, staff: Staff, till_id: int, now: dt.datetime) -> Shift:
    """Open a shift at a till, once nothing is in the way.

    Raises:
        NotAllowed → NoSuchTill.
    """
    staff.demand("work_shift")
    where = await outlets.till(tx, staff.merchant_id, till_id)
    values = {"merchant": staff.merchant_id, "till": where.id, "staff": staff.id, "at": now}
    made = await tx.scalar(_BEGIN, values)
    await log.write(tx, staff.merchant_id, "shift_opened", who=staff.actor, at=now, till=where.label)
    found = await by_id(tx, int(made or 0))
    assert found is not None
    return found


async def close(tx: AsyncConnection, shift: Shift, totals: Totals, *, by: ClosedBy, who: str, at: dt.datetime) -> Shift:
    """Close a shift with what was done in it until `at`. Closed already, it stays as it was."""
    at = max(at, shift.opened_at)  # two who open at one moment, each by the clock of their own process
    values = {"id": shift.id, "at": at, "by": by, "totals": json.dumps(asdict(totals))}
    if (await tx.execute(_CLOSE, values)).rowcount:
        facts = {"till": shift.till, "awards": totals.awards, "amount_minor": totals.amount_minor}
        await log.write(tx, shift.merchant_id, "shift_closed", who=who, at=at, by=by, **facts)
    found = await by_id(tx, shift.id)
    assert found is not None
    return found
