"""Cash of redemptions in a counter's drawer: what its staff took for cash parts, and what they gave back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants.staff import Staff


@dataclass(frozen=True, slots=True)
class Drawer:
    """Cash of redemptions that went into a counter's drawer, and out of it again: how often, how much."""

    taken: int
    taken_minor: int
    back: int
    back_minor: int


_TAKEN = text(
    """
    SELECT count(p.id) AS taken, coalesce(sum(p.minor), 0)::bigint AS taken_minor FROM cash_payment p
    WHERE p.merchant_id = :merchant AND p.way = 'counter' AND p.at >= :since
      AND (CAST(:until AS timestamptz) IS NULL OR p.at < :until)
      AND (CAST(:staff AS bigint) IS NULL OR p.staff_id = :staff)
    """
)
_BACK = text(
    """
    SELECT count(c.id) AS back, coalesce(sum(c.minor), 0)::bigint AS back_minor FROM cash_refund c
    WHERE c.merchant_id = :merchant AND c.way = 'counter' AND c.done_at >= :since
      AND (CAST(:until AS timestamptz) IS NULL OR c.done_at < :until)
      AND (CAST(:actor AS text) IS NULL OR c.done_by = :actor)
    """
)


async def counted(
    tx: AsyncConnection,
    merchant_id: int,
    *,
    since: dt.datetime,
    until: dt.datetime | None = None,
    staff: Staff | None = None,
) -> Drawer:
    """What a merchant's counter took and gave back since an instant, before another; of one staff member where asked."""
    when = {"merchant": merchant_id, "since": since, "until": until}
    came = {**when, "staff": None if staff is None else staff.id}
    went = {**when, "actor": None if staff is None else staff.actor}
    taken, back = (await tx.execute(_TAKEN, came)).one(), (await tx.execute(_BACK, went)).one()
    return Drawer(taken.taken, taken.taken_minor, back.back, back.back_minor)
