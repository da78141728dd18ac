"""Taking back a tier that was sold at a counter: the grant ends at once, the whole price goes back, the member is told why.

A cashier may within the minutes of any take-back, a manager until the day that the terms said at the sale. Of sales that follow
each other, the last one goes first, so that what is left ends where its own sale said.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import standings
from ledger.members.standings import Change
from ledger.merchants import log
from ledger.merchants.authority import demand, may
from ledger.merchants.paid_tier_sales import SALES, NoSuchTierSale, Sale, by_id, from_row, log_facts
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.programme import Programme

REASON_LONGEST = 100


@dataclass(eq=False)
class TierTakenBack(Refusal):
    """The sale was taken back before, at `at`."""

    at: dt.datetime


@dataclass(eq=False)
class TooLateToTakeTierBack(Refusal):
    """A cashier takes back a sale of their own within `minutes`, a manager any until a day."""

    minutes: int
    until: dt.date


@dataclass(eq=False)
class TakeBackReasonNeeded(Refusal):
    """Taking a sale back says why, in at most `longest` characters."""

    longest: int


@dataclass(eq=False)
class TierSoldAgainSince(Refusal):
    """Its end is where a later sale begins: that one is taken back first. `sale_id` is None where another merchant made it."""

    sold_at: dt.datetime
    sale_id: int | None


_LOCK = text(f"{SALES} WHERE id = :id FOR UPDATE")
_LATER = text(
    f"{SALES} WHERE member_id = :member AND tier = :tier AND id > :id AND taken_back_at IS NULL ORDER BY id DESC LIMIT 1"
)
_TAKE_BACK = text("UPDATE paid_tier SET taken_back_at = :now, taken_back_by = :by, reason = :reason WHERE id = :id")


def check_take_back(sale: Sale, staff: Staff, *, minutes: int, at: Moment) -> None:
    """`NotAllowed` → `TierTakenBack` → `TooLateToTakeTierBack`."""
    own = sale.staff_id == staff.id
    demand(staff.role, "take_back_own" if own else "take_back_any")
    if sale.taken_back_at is not None:
        raise TierTakenBack(sale.taken_back_at)
    in_time = own and at.now <= sale.sold_at + dt.timedelta(minutes=minutes)
    if not in_time and not (may(staff.role, "take_back_any") and at.today <= sale.take_back_until):
        raise TooLateToTakeTierBack(minutes, sale.take_back_until)


def may_take_back(sale: Sale, staff: Staff, *, minutes: int, at: Moment) -> bool:
    """Whether `take_back` would be allowed now, later sales aside."""
    try:
        check_take_back(sale, staff, minutes=minutes, at=at)
    except Refusal:
        return False
    return True


async def take_back(
    tx: AsyncConnection, programme: Programme, staff: Staff, sale_id: int, reason: str, *, minutes: int, at: Moment
) -> tuple[Sale, Change]:
    """Undo a sale, however much of it was used: the grant ends now, the whole price goes back over the counter.

    Raises:
        NoSuchTierSale → NotAllowed → TierTakenBack → TooLateToTakeTierBack → TakeBackReasonNeeded → TierSoldAgainSince.
    """
    row = (await tx.execute(_LOCK, {"id": sale_id})).first()
    if row is None or row.merchant_id != staff.merchant_id:
        raise NoSuchTierSale(sale_id)
    sale = from_row(row)
    check_take_back(sale, staff, minutes=minutes, at=at)
    reason = tidy_reason(reason)
    # Under the member's lock, which every sale to them takes: nothing is added to this sale's end from here on.
    await standings.load_many(tx, [sale.member_id], today=at.today, lock=True)
    later = (await tx.execute(_LATER, {"member": sale.member_id, "tier": sale.tier, "id": sale.id})).first()
    if later is not None:
        raise TierSoldAgainSince(later.sold_at, later.id if later.merchant_id == sale.merchant_id else None)
    await tx.execute(_TAKE_BACK, {"now": at.now, "by": staff.id, "reason": reason, "id": sale.id})
    change = await standings.take_back(tx, programme, sale.member_id, sale.key, at)
    facts = log_facts(programme, sale.tier, sale.amount_minor, sale.money)
    await log.write(tx, sale.merchant_id, "tier_taken_back", who=staff.actor, at=at.now, reason=reason, **facts)
    return await by_id(tx, sale.id), change


def tidy_reason(reason: str) -> str:
    """A reason on one line. `TakeBackReasonNeeded` where that leaves none or too much."""
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= REASON_LONGEST:
        raise TakeBackReasonNeeded(REASON_LONGEST)
    return reason
