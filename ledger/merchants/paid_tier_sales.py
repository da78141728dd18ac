"""Tiers sold for money at a counter (M10): each by one tap once, a row that names who sold it (`paid_tier_undo` takes it back).

The money is the seller's, and no purchase: it earns nothing and counts towards no tier. The grant has the sale's key.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import standings
from ledger.merchants import log
from ledger.merchants.merchant import Merchant
from ledger.merchants.paid_tiers import NoTierForThem, Offered, offered
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.programme import Programme

PAID = "paid"
"""Why such a tier was granted, as the grant keeps it."""


@dataclass(eq=False)
class TierSaleChanged(Refusal):
    """The price or the end is not what was shown: it is shown anew, nothing was sold."""

    tier: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NoSuchTierSale(Refusal):
    """Nobody sold this, or another merchant did."""

    sale_id: int


@dataclass(frozen=True, slots=True)
class Sale:
    """A tier sold. `until` is its last good day; `extends_from` the end that its days were added to; `take_back_until` the last
    day on which the seller may take it back. Money in minor units of `money`."""

    id: int
    key: str
    merchant_id: int
    staff_id: int
    till: str | None
    member_id: int
    tier: str
    amount_minor: int
    money: str
    days: int
    extends_from: dt.date | None
    until: dt.date
    sold_at: dt.datetime
    take_back_until: dt.date
    taken_back_at: dt.datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken for tiers, and given back, between two instants; money in minor units of the merchant's currency."""

    sold: int
    sold_minor: int
    back: int
    back_minor: int


SALES = """
    SELECT id, key, merchant_id, staff_id, till, member_id, tier, amount_minor, money, days, extends_from, until, sold_at,
           take_back_until, taken_back_at, reason
    FROM paid_tier
"""
_BY_KEY = text(f"{SALES} WHERE key = :key")
_ONE = text(f"{SALES} WHERE id = :id")
_LIST = text(
    f"{SALES} WHERE merchant_id = :merchant AND (CAST(:staff AS bigint) IS NULL OR staff_id = :staff)"
    " ORDER BY sold_at DESC, id DESC OFFSET :offset LIMIT :limit"
)
_EVER = text("SELECT EXISTS (SELECT FROM paid_tier WHERE merchant_id = :merchant)")
_SELL = text(
    "INSERT INTO paid_tier (key, merchant_id, staff_id, till, member_id, tier, amount_minor, money, days, extends_from, until,"
    " sold_at, sold_on, take_back_until) VALUES (:key, :merchant, :staff, :till, :member, :tier, :amount, :money, :days, :from,"
    " :until, :now, :today, :back_until)"
)
_TOTALS = text(
    "SELECT s.n, s.minor, b.n, b.minor FROM"
    " (SELECT count(*) AS n, coalesce(sum(amount_minor), 0)::bigint AS minor FROM paid_tier WHERE merchant_id = :merchant"
    "  AND sold_at >= :since AND sold_at < :until AND (CAST(:staff AS bigint) IS NULL OR staff_id = :staff)) s,"
    " (SELECT count(*) AS n, coalesce(sum(amount_minor), 0)::bigint AS minor FROM paid_tier WHERE merchant_id = :merchant"
    "  AND taken_back_at >= :since AND taken_back_at < :until"
    "  AND (CAST(:staff AS bigint) IS NULL OR taken_back_by = :staff)) b"
)
_WHO = text("SELECT status, kind FROM member WHERE id = :id")


def from_row(row: Row[Any]) -> Sale:
    """A row of `SALES`."""
    return Sale(**row._mapping)


async def quote(
    tx: AsyncConnection, programme: Programme, merchant: Merchant, member_id: int, tier: str, *, today: dt.date
) -> Offered:
    """What a tier would be to a member today; whoever asks has had their standing looked at.

    Raises:
        NoTierForThem, then those of `paid_tiers.offered`.
    """
    await check_customer(tx, member_id)
    held = await standings.load_many(tx, [member_id], today=today)
    return offered(programme, merchant, tier, held[member_id], today=today)


async def check_customer(tx: AsyncConnection, member_id: int) -> None:
    """`NoTierForThem` unless it is an active member's own account."""
    row = (await tx.execute(_WHO, {"id": member_id})).first()
    if row is None:
        raise NoTierForThem("closed")
    if row.kind != "person":
        raise NoTierForThem("company")
    if row.status != "active":
        raise NoTierForThem(row.status)


async def sell(
    tx: AsyncConnection,
    programme: Programme,
    merchant: Merchant,
    staff: Staff,
    member_id: int,
    shown: tuple[str, int, int, dt.date],
    *,
    nonce: str,
    at: Moment,
    till: str | None = None,
) -> tuple[Sale, bool]:
    """Sell a tier whose price has been taken: the grant, the row, a line in the merchant's log. Whether it is new; the same nonce
    again sells nothing.

    Args:
        shown: `Offered.terms` as the confirm screen said them.
    Raises:
        NotAllowed → NoTierForThem → those of `paid_tiers.offered` → TierSaleChanged.
    """
    # Locked before it is asked whether this tap sold already: of two that bring it at once, the second finds the first one's row.
    await standings.load_many(tx, [member_id], today=at.today, lock=True)
    if (before := await find(tx, merchant.id, nonce)) is not None:
        return before, False
    staff.demand("sell_tiers")
    tier = shown[0]
    sold = await quote(tx, programme, merchant, member_id, tier, today=at.today)
    if sold.terms != shown:
        raise TierSaleChanged(tier)
    key = key_of(merchant.id, nonce)
    values = {
        "key": key, "merchant": merchant.id, "staff": staff.id, "till": till, "member": member_id, "tier": tier,
        "amount": sold.fee.amount_minor, "money": programme.money, "days": sold.fee.days, "from": sold.extends_from,
        "until": sold.until, "now": at.now, "today": at.today,
        "back_until": min(at.today + dt.timedelta(days=sold.fee.take_back_days), sold.until),
    }  # fmt: skip
    await tx.execute(_SELL, values)
    change = await standings.grant(tx, programme, member_id, tier, sold.until, PAID, key=key, actor=staff.actor, at=at)
    if change is None:
        await standings.extended(tx, member_id, tier, sold.until, at)
    facts = log_facts(programme, tier, sold.fee.amount_minor, programme.money)
    await log.write(tx, merchant.id, "tier_sold", who=staff.actor, at=at.now, **facts)
    made = await find(tx, merchant.id, nonce)
    assert made is not None
    return made, True


def log_facts(programme: Programme, tier: str, amount_minor: int, money: str) -> dict[str, Any]:
    """What the log keeps of a sale: nobody's name. A tier that the ladder does not have any more goes by its code."""
    step = next((each for each in programme.tiers if each.code == tier), None)
    names = {"name_zh": step.name_zh, "name_en": step.name_en} if step else {"name_zh": tier, "name_en": tier}
    return {"tier": tier, **names, "amount_minor": amount_minor, "money": money}


def key_of(merchant_id: int, nonce: str) -> str:
    """Names a sale by the tap that made it."""
    return f"paid-tier:{merchant_id}:{nonce}"


async def find(tx: AsyncConnection, merchant_id: int, nonce: str) -> Sale | None:
    """The sale of a tap, where there is one already."""
    row = (await tx.execute(_BY_KEY, {"key": key_of(merchant_id, nonce)})).first()
    return None if row is None else from_row(row)


async def by_id(tx: AsyncConnection, sale_id: int) -> Sale:
    """One sale, or `NoSuchTierSale`."""
    row = (await tx.execute(_ONE, {"id": sale_id})).first()
    if row is None:
        raise NoSuchTierSale(sale_id)
    return from_row(row)


async def listed(
    tx: AsyncConnection, merchant_id: int, *, staff_id: int | None = None, offset: int = 0, limit: int = 10
) -> list[Sale]:
    """A merchant's sales, newest first; of one staff member where one is named."""
    values = {"merchant": merchant_id, "staff": staff_id, "offset": offset, "limit": limit}
    return [from_row(row) for row in await tx.execute(_LIST, values)]


async def ever_sold(tx: AsyncConnection, merchant_id: int) -> bool:
    """Whether a merchant has sold any tier yet."""
    return bool(await tx.scalar(_EVER, {"merchant": merchant_id}))


async def taken(
    tx: AsyncConnection, merchant_id: int, *, since: dt.datetime, until: dt.datetime, staff_id: int | None = None
) -> Taken:
    """What was sold and taken back between two instants (the first included); by one staff member where one is named."""
    values = {"merchant": merchant_id, "since": since, "until": until, "staff": staff_id}
    return Taken(*(await tx.execute(_TOTALS, values)).one())
