"""What somebody did at a counter between two instants: awards as the day's list counts them, and refunds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import awards
from ledger.earning.awards import DayTotals


@dataclass(frozen=True, slots=True)
class Refunds:
    """Refunds made at the counter, awards that were taken back left out; money in minor units of the merchant's currency."""

    refunds: int
    amount_minor: int


_REFUNDS = text(
    "SELECT count(DISTINCT r.document), coalesce(sum(r.amount_minor), 0)::bigint FROM refund r"
    " JOIN purchase p ON p.id = r.purchase_id WHERE r.merchant_id = :merchant_id AND p.taken_back_at IS NULL"
    " AND r.occurred_at >= :since AND r.occurred_at < :until"
    " AND (CAST(:staff_id AS bigint) IS NULL OR r.staff_id = :staff_id)"
)


async def totals(
    tx: AsyncConnection, merchant_id: int, *, since: dt.datetime, until: dt.datetime, staff_id: int | None = None
) -> tuple[DayTotals, Refunds]:
    """Awards and refunds between two instants (the first included); of one staff member where one is named."""
    given = await awards.totals(tx, merchant_id, since=since, until=until, staff_id=staff_id)
    values = {"merchant_id": merchant_id, "since": since, "until": until, "staff_id": staff_id}
    return given, Refunds(*(await tx.execute(_REFUNDS, values)).one())
