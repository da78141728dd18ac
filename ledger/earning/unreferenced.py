"""A refund where the customer has no receipt: what they bought here lately, and which of it fits what they bring back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import returns
from ledger.earning.purchases import COLUMNS, Purchase, from_row
from ledger.earning.refund_plans import earlier_of

LOOKED_AT = 50
"""So many of the newest purchases of a member at a merchant are searched."""


class Lately(NamedTuple):
    """A purchase that has something left to refund, and how many pieces of each of its lines came back."""

    purchase: Purchase
    returned: dict[int, int]


class Fit(NamedTuple):
    """A purchase that fits, and the place of its line where it was an item that was asked for."""

    purchase: Purchase
    place: int | None = None


_LATELY = text(
    f"SELECT {COLUMNS} FROM purchase WHERE merchant_id = :merchant AND member_id IN ("
    "SELECT CAST(:member AS bigint) UNION ALL SELECT member_id FROM succession WHERE holder_id = :member)"
    " AND taken_back_at IS NULL AND refunded_minor < amount_minor ORDER BY occurred_at DESC, id DESC LIMIT :limit"
)


async def lately(tx: AsyncConnection, merchant_id: int, member_id: int) -> list[Lately]:
    """A member's purchases here that can be refunded, newest first; those of accounts that they have since are theirs."""
    rows = await tx.execute(_LATELY, {"merchant": merchant_id, "member": member_id, "limit": LOOKED_AT})
    found = [from_row(row) for row in rows]
    earlier = await earlier_of(tx, [purchase.id for purchase in found])
    return [
        Lately(purchase, dict(returns.total(line for was in earlier[purchase.id] for line in was.lines)))
        for purchase in found
    ]


def fitting(found: Sequence[Lately], *, amount_minor: int | None = None, item: str | None = None) -> list[Fit]:
    """Which of them fit, in their order: all, where nothing is asked; of an amount those of exactly so much, as a whole or as a
    line, else those that have as much left; of an item the lines that are called so, or so in part."""
    if item is not None:
        wanted = item.casefold()
        return [
            Fit(each.purchase, place)
            for each in found
            for place, part in enumerate(each.purchase.bill.parts)
            if part.item is not None and wanted in part.item.casefold() and part.pieces > each.returned.get(place, 0)
        ]
    if amount_minor is None:
        return [Fit(each.purchase) for each in found]
    exact = [each.purchase for each in found if amount_minor in _amounts(each.purchase)]
    return [Fit(one) for one in exact or [e.purchase for e in found if e.purchase.left_minor >= amount_minor]]


def _amounts(purchase: Purchase) -> set[int]:
    """Its own amounts, as long as so much is left."""
    whole = {purchase.amount_minor, purchase.left_minor, *(part.amount_minor for part in purchase.bill.parts)}
    return {amount for amount in whole if 0 < amount <= purchase.left_minor}
