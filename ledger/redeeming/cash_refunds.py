"""Cash that has to go back to a member: a task each, open until somebody says that it is done.

Telegram refunds nothing but its Stars. What a counter took, that merchant's counter gives back; what came by invoice, the operator
through the provider. A payment goes back at most once (`cash_refund.payment_id` is unique).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants.staff import Staff
from ledger.redeeming.offers import Names

Why = Literal["taken_back", "unused", "let_go", "lapsed", "paid_already", "other_amount", "returned"]
"""The member took the voucher back; nobody used it; it was let go, or had lapsed, before the payment came; it had been paid
already; another amount came than was asked; the goods came back."""

Way = Literal["counter", "invoice"]


@dataclass(frozen=True, slots=True)
class CashRefund:
    """So much goes back to a member, who `way` says from where. `done_by` is who said that it is done; `provider_charge` is the
    payment's number at the provider."""

    id: int
    redemption_id: int
    member_id: int
    merchant_id: int
    merchant: Names
    offer: Names
    way: Way
    minor: int
    money: str
    why: Why
    opened_at: dt.datetime
    done_at: dt.datetime | None
    done_by: str | None
    provider_charge: str | None


class Owed(NamedTuple):
    """What a provider has yet to send back of one currency: how often, how much in minor units, since when."""

    money: str
    refunds: int
    minor: int
    since: dt.datetime


@dataclass(eq=False)
class NoSuchCashRefund(Refusal):
    """There is none by this number here."""

    refund_id: int


_OWE = text(
    """
    INSERT INTO cash_refund (payment_id, redemption_id, member_id, merchant_id, way, minor, money, why, opened_at)
    SELECT p.id, r.id, r.member_id, r.merchant_id, p.way, p.minor, p.money, :why, :now
    FROM cash_payment p JOIN redemption r ON r.id = p.redemption_id
    WHERE CASE WHEN CAST(:payment AS bigint) IS NULL THEN p.captured AND r.id = ANY(:ids) ELSE p.id = :payment END
    """
)
_FIELDS = """
    SELECT c.id, c.redemption_id, c.member_id, c.merchant_id, m.name_zh, m.name_en, v.document->'name'->>'zh' AS offer_zh,
           v.document->'name'->>'en' AS offer_en, c.way, c.minor, c.money, c.why, c.opened_at, c.done_at, c.done_by,
           p.provider_charge
    FROM cash_refund c JOIN cash_payment p ON p.id = c.payment_id JOIN merchant m ON m.id = c.merchant_id
    JOIN redemption r ON r.id = c.redemption_id
    JOIN offer_version v ON v.offer_id = r.offer_id AND v.version = r.offer_version
"""
# What a counter owes is its merchant's to see; what a provider owes, the operator's.
_MINE = "c.way = CASE WHEN CAST(:merchant AS bigint) IS NULL THEN 'invoice' ELSE 'counter' END"
_HERE = f"{_MINE} AND (CAST(:merchant AS bigint) IS NULL OR c.merchant_id = :merchant)"
_PAGE = text(
    f"{_FIELDS} WHERE {_HERE} AND (c.done_at IS NULL) = CAST(:open AS boolean)"
    " ORDER BY CASE WHEN :open THEN c.id ELSE -c.id END LIMIT :limit OFFSET :offset"
)
_COUNT = text(f"SELECT count(*) FROM cash_refund c WHERE {_HERE} AND c.done_at IS NULL")
_OWED = text(
    "SELECT c.money, count(*), sum(c.minor)::bigint, min(c.opened_at) FROM cash_refund c"
    " WHERE c.way = 'invoice' AND c.done_at IS NULL GROUP BY 1 ORDER BY 1"
)
_ONE = text(f"{_FIELDS} WHERE {_HERE} AND c.id = :id")
_OF = text(f"{_FIELDS} WHERE c.redemption_id = :id ORDER BY c.id")
_DONE = text("UPDATE cash_refund SET done_at = :now, done_by = :by WHERE id = :id AND done_at IS NULL")


async def owe(
    tx: AsyncConnection, redemption_ids: Sequence[int], why: Why, *, now: dt.datetime, payment_id: int | None = None
) -> None:
    """From now on what was paid for these goes back; `payment_id`: this payment, which paid for nothing."""
    if redemption_ids:
        values = {"ids": list(redemption_ids), "why": why, "now": now, "payment": payment_id}
        await tx.execute(_OWE, values)


async def page(
    tx: AsyncConnection, merchant_id: int | None, *, open_: bool = True, offset: int = 0, limit: int = 8
) -> list[CashRefund]:
    """What this merchant's counter gives back, or (None) the operator through the provider: the open ones, oldest first, or those
    that are done, newest first."""
    values = {"merchant": merchant_id, "open": open_, "offset": offset, "limit": limit}
    return [_of_row(row) for row in await tx.execute(_PAGE, values)]


async def waiting(tx: AsyncConnection, merchant_id: int | None) -> int:
    """How many are open there."""
    return int(await tx.scalar(_COUNT, {"merchant": merchant_id}) or 0)


async def owed_by_provider(tx: AsyncConnection) -> list[Owed]:
    """What the operator has yet to send back through the provider, a row a currency."""
    return [Owed(*row) for row in await tx.execute(_OWED)]


async def one(tx: AsyncConnection, merchant_id: int | None, refund_id: int) -> CashRefund:
    """One of them. `NoSuchCashRefund` for another's."""
    row = (await tx.execute(_ONE, {"merchant": merchant_id, "id": refund_id})).first()
    if row is None:
        raise NoSuchCashRefund(refund_id)
    return _of_row(row)


async def of(tx: AsyncConnection, redemption_id: int) -> list[CashRefund]:
    """What goes back, or went, of what was paid for a redemption."""
    return [_of_row(row) for row in await tx.execute(_OF, {"id": redemption_id})]


async def paid_back(tx: AsyncConnection, staff: Staff, refund_id: int, *, now: dt.datetime) -> tuple[CashRefund, bool]:
    """The counter gave the cash back. The task, and whether it was this call that ended it."""
    staff.demand("verify")
    return await _done(tx, staff.merchant_id, refund_id, by=staff.actor, now=now)


async def sent_back(tx: AsyncConnection, refund_id: int, *, by: str, now: dt.datetime) -> tuple[CashRefund, bool]:
    """The operator has the provider send it back. The task, and whether it was this call that ended it."""
    return await _done(tx, None, refund_id, by=by, now=now)


async def _done(
    tx: AsyncConnection, merchant_id: int | None, refund_id: int, *, by: str, now: dt.datetime
) -> tuple[CashRefund, bool]:
    await one(tx, merchant_id, refund_id)
    done = await tx.execute(_DONE, {"id": refund_id, "by": by, "now": now})
    return await one(tx, merchant_id, refund_id), done.rowcount == 1


def _of_row(row: Row[Any]) -> CashRefund:
    return CashRefund(
        row.id,
        row.redemption_id,
        row.member_id,
        row.merchant_id,
        Names(zh=row.name_zh, en=row.name_en),
        Names(zh=row.offer_zh, en=row.offer_en),
        row.way,
        row.minor,
        row.money,
        row.why,
        row.opened_at,
        row.done_at,
        row.done_by,
        row.provider_charge,
    )
