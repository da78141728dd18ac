"""Unused vouchers whose last day has passed, or the time they were booked for: their points return to their own lots, unless the
offer's terms say otherwise.

What was paid for one besides goes where its points go: both come back, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points.commands import Moment, Receipt
from ledger.redeeming import bookings, cash_refunds, code_pools, paying, stock
from ledger.redeeming.redemptions import returning
from ledger.redeeming.vouchers import COLUMNS, TABLES, Redemption, of_row

_LAPSE = text(
    """
    UPDATE redemption SET state = 'expired', ended_at = :now
    WHERE id IN (SELECT id FROM redemption WHERE state = 'issued' AND valid_until < :today
                 ORDER BY valid_until, id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)
_MISSED = text(
    """
    UPDATE redemption SET state = 'expired', ended_at = :now
    WHERE id IN (SELECT r.id FROM booking b JOIN redemption r ON r.id = b.redemption_id
                 WHERE b.state = 'booked' AND b.kept_until <= :programme_now AND r.state = 'issued'
                 ORDER BY b.kept_until, r.id LIMIT :limit FOR UPDATE OF r SKIP LOCKED)
    RETURNING id
    """
)
_SETTLE = text("UPDATE redemption SET settles_on = :today WHERE id = ANY(:ids)")
_THESE = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id = ANY(:ids) ORDER BY r.id")


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A voucher that ended unused; `receipt` of the points' return, None where the offer keeps them."""

    voucher: Redemption
    receipt: Receipt | None


async def lapse(tx: AsyncConnection, *, at: Moment, grace_days: int, limit: int = 500) -> list[Lapsed]:
    """End at most `limit` vouchers whose last day is before today; fewer than `limit` means that none is left.

    Pieces return to the whole stock. Vouchers in somebody's hands this moment are left for the next call.
    """
    ended = list(await tx.scalars(_LAPSE, {"now": at.now, "today": at.today, "limit": limit}))
    return await _end(tx, ended, at=at, grace_days=grace_days, actor="job:expire_vouchers")


async def missed(tx: AsyncConnection, *, at: Moment, grace_days: int, limit: int = 200) -> list[Lapsed]:
    """End at most `limit` vouchers whose booked time is over and nobody came; as `lapse` otherwise."""
    values = {"now": at.now, "programme_now": at.programme_now, "limit": limit}
    ended = list(await tx.scalars(_MISSED, values))
    return await _end(tx, ended, at=at, grace_days=grace_days, actor="job:bookings")


async def _end(tx: AsyncConnection, ended: list[int], *, at: Moment, grace_days: int, actor: str) -> list[Lapsed]:
    if not ended:
        return []
    await bookings.end(tx, ended, "missed")
    vouchers = [of_row(row) for row in await tx.execute(_THESE, {"ids": ended})]
    await stock.give_back(tx, [(v.offer_id, stock.WHOLE, v.units) for v in vouchers])
    back = [v for v in vouchers if v.offer.unused == "return"]
    if kept := [v.id for v in vouchers if v.offer.unused != "return"]:
        # The points stay spent, so whose they were pays the merchant that kept the goods ready.
        await tx.execute(_SETTLE, {"ids": kept, "today": at.today})
    commands = [returning(v, f"redemption:{v.id}:lapse", grace_days=grace_days, at=at, actor=actor) for v in back]
    given = await paying.give_back(tx, back, commands)
    receipts = {voucher.id: receipt for voucher, receipt in zip(back, given, strict=True)}
    await code_pools.let_go(tx, [v.id for v in vouchers if v.offer.pool is not None])
    await cash_refunds.owe(tx, [v.paid_as for v in back if v.cash_minor], "unused", now=at.now)
    return [Lapsed(v, receipts.get(v.id)) for v in vouchers]
