"""The counter's use of purchases: awarding at the till, the day's list, and taking an award back (C4).

A till without receipt numbers of its own books under the number of the confirm button, so that two taps are one award.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import intake, purchases, refunds
from ledger.earning.intake import Intended
from ledger.earning.purchases import Booked, Purchase
from ledger.earning.refunds import Refunded
from ledger.earning.returns import Back
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.decision import Decision
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants.authority import demand, may
from ledger.merchants.cover import CoverExhausted
from ledger.merchants.merchant import Merchant
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment

REASON_LONGEST = 100


@dataclass(eq=False)
class AlreadyTakenBack(Refusal):
    """The award was taken back before, at `at`."""

    at: dt.datetime


@dataclass(eq=False)
class TooLateToTakeBack(Refusal):
    """A cashier takes back an award of their own within `minutes`; a manager any of the same day."""

    minutes: int
    awarded_at: dt.datetime


@dataclass(eq=False)
class ReasonNeeded(Refusal):
    """Taking back says why, in at most `longest` characters."""

    longest: int


@dataclass(frozen=True, slots=True)
class DayTotals:
    """A day's awards as they were made, those taken back left out; what was refunded of them is counted apart.

    Money in minor units of the merchant's currency.
    """

    awards: int
    amount_minor: int
    points: int
    taken_back: int


def bill_of(merchant: Merchant, amount_minor: int) -> Bill:
    """The bill of an amount typed at the till."""
    return Bill((Part(amount_minor),), merchant.money)


def document_of(nonce: str) -> str:
    """The receipt number of an award without one of its own."""
    return f"till-{nonce}"


def intended(
    merchant: Merchant,
    staff: Staff,
    *,
    member_id: int,
    amount_minor: int,
    nonce: str,
    at: Moment,
    outlet_id: int | None = None,
    till: str | None = None,
) -> Intended:
    """The purchase that an amount typed at the till is."""
    return Intended(
        merchant=merchant,
        document=document_of(nonce),
        member_id=member_id,
        bill=bill_of(merchant, amount_minor),
        bought_on=at.today,
        occurred_at=at.now,
        actor=staff.actor,
        staff_id=staff.id,
        outlet_id=outlet_id,
        till=till,
    )


async def quote(
    tx: AsyncConnection, staff: Staff, one: Intended, *, today: dt.date, zone: dt.tzinfo, vault: Vault
) -> Decision:
    """What it would earn, with its arithmetic. Refusals: `NotAllowed`, then those of `intake.quote`."""
    staff.demand("award")
    return await intake.quote(tx, one, today=today, zone=zone, vault=vault)


async def award(
    tx: AsyncConnection, staff: Staff, one: Intended, *, at: Moment, zone: dt.tzinfo, vault: Vault
) -> Booked | CoverExhausted:
    """Award a purchase at the till. Refusals: `NotAllowed`, then those of `intake.book_many`.

    That cover does not reach for it is returned: the record of it is in this transaction, which a raised refusal rolls back.
    """
    staff.demand("award")
    (outcome,) = await intake.book_many(tx, [one], at=at, zone=zone, vault=vault)
    if isinstance(outcome, Refusal) and not isinstance(outcome, CoverExhausted):
        raise outcome
    return outcome


def may_take_back(purchase: Purchase, staff: Staff, *, minutes: int, at: Moment) -> bool:
    """Whether `take_back` would be allowed now."""
    try:
        check_take_back(purchase, staff, minutes=minutes, at=at)
    except Refusal:
        return False
    return True


def check_take_back(purchase: Purchase, staff: Staff, *, minutes: int, at: Moment) -> None:
    """`NotAllowed` → `AlreadyTakenBack` → `TooLateToTakeBack`."""
    own = purchase.staff_id == staff.id
    demand(staff.role, "take_back_own" if own else "take_back_any")
    if purchase.taken_back_at is not None:
        raise AlreadyTakenBack(purchase.taken_back_at)
    in_time = own and at.now <= purchase.occurred_at + dt.timedelta(minutes=minutes)
    same_day = may(staff.role, "take_back_any") and purchase.bought_on == at.today
    if not (in_time or same_day):
        raise TooLateToTakeBack(minutes, purchase.occurred_at)


async def take_back(
    tx: AsyncConnection,
    *,
    merchant: Merchant,
    staff: Staff,
    purchase_id: int,
    reason: str,
    minutes: int,
    at: Moment,
) -> Refunded:
    """Take back an award whole, with a reason that the member is told. What was spent meanwhile becomes a deficit.

    Raises:
        NoSuchPurchase → NotAllowed → AlreadyTakenBack → TooLateToTakeBack → ReasonNeeded, then those of `refunds.refund`.
    """
    purchase = await purchases.by_id(tx, purchase_id)
    if purchase.merchant_id != staff.merchant_id:
        raise purchases.NoSuchPurchase(str(purchase_id))
    check_take_back(purchase, staff, minutes=minutes, at=at)
    return await refunds.refund(
        tx,
        merchant,
        purchase_id=purchase_id,
        document=f"back-{purchase.document}",
        occurred_at=at.now,
        at=at,
        actor=staff.actor,
        staff_id=staff.id,
        reason=tidy_reason(reason),
        take_back=True,
    )


def refund_limit(merchant: Merchant, staff: Staff) -> int | None:
    """How much of a purchase this person may refund, in minor units; None: all of it. `NotAllowed` where that is nothing."""
    if may(staff.role, "refund"):
        return None
    if not merchant.terms.cashier_refund_minor:
        demand(staff.role, "refund")
    return merchant.terms.cashier_refund_minor


def may_refund(merchant: Merchant, staff: Staff) -> bool:
    """Whether this person may refund anything at all at this merchant."""
    return may(staff.role, "refund") or bool(merchant.terms.cashier_refund_minor)


async def refund(
    tx: AsyncConnection,
    *,
    merchant: Merchant,
    staff: Staff,
    purchase_id: int,
    nonce: str,
    reason: str,
    at: Moment,
    amount_minor: int | None = None,
    lines: Sequence[Back] = (),
) -> Refunded:
    """Refund at the till: lines, an amount, or (neither) all that is left; once per confirm button.

    Raises:
        NotAllowed → ReasonNeeded, then those of `refunds.refund`; `RefundAboveLimit` to a cashier whose limit it is above.
    """
    return await refunds.refund(
        tx,
        merchant,
        purchase_id=purchase_id,
        document=document_of(nonce),
        amount_minor=amount_minor,
        lines=lines,
        occurred_at=at.now,
        at=at,
        actor=staff.actor,
        staff_id=staff.id,
        limit_minor=refund_limit(merchant, staff),
        reason=tidy_reason(reason),
    )


def tidy_reason(reason: str) -> str:
    """A reason on one line. `ReasonNeeded` where that leaves none or too much."""
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= REASON_LONGEST:
        raise ReasonNeeded(REASON_LONGEST)
    return reason


_LIST = text(
    f"SELECT {purchases.COLUMNS} FROM purchase WHERE merchant_id = :merchant_id AND occurred_at >= :since"
    " AND occurred_at < :until AND (CAST(:staff_id AS bigint) IS NULL OR staff_id = :staff_id)"
    " ORDER BY occurred_at DESC, id DESC OFFSET :offset LIMIT :limit"
)
_TOTALS = text(
    "SELECT count(*) FILTER (WHERE taken_back_at IS NULL),"
    " coalesce(sum(amount_minor) FILTER (WHERE taken_back_at IS NULL), 0)::bigint,"
    " coalesce(sum(points) FILTER (WHERE taken_back_at IS NULL), 0)::bigint,"
    " count(*) FILTER (WHERE taken_back_at IS NOT NULL)"
    " FROM purchase WHERE merchant_id = :merchant_id AND occurred_at >= :since"
    " AND occurred_at < :until AND (CAST(:staff_id AS bigint) IS NULL OR staff_id = :staff_id)"
)


async def day(
    tx: AsyncConnection,
    merchant_id: int,
    *,
    since: dt.datetime,
    until: dt.datetime,
    staff_id: int | None = None,
    offset: int = 0,
    limit: int = 100,
) -> list[Purchase]:
    """Purchases between two instants (the first included), newest first; of one staff member where one is named."""
    facts: dict[str, Any] = {"merchant_id": merchant_id, "since": since, "until": until, "staff_id": staff_id}
    facts |= {"offset": offset, "limit": limit}
    return [purchases.from_row(row) for row in await tx.execute(_LIST, facts)]


async def totals(
    tx: AsyncConnection, merchant_id: int, *, since: dt.datetime, until: dt.datetime, staff_id: int | None = None
) -> DayTotals:
    """What those awards come to."""
    facts = {"merchant_id": merchant_id, "since": since, "until": until, "staff_id": staff_id}
    return DayTotals(*(await tx.execute(_TOTALS, facts)).one())
