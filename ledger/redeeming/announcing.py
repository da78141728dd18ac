"""What a merchant's own systems are told of its vouchers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants import webhooks
from ledger.redeeming.vouchers import Redemption

_OWNER = text(
    "SELECT o.merchant_id, m.code FROM redemption r JOIN offer o ON o.id = r.offer_id JOIN merchant m ON m.id = r.merchant_id"
    " WHERE r.id = :id AND r.merchant_id <> o.merchant_id"
)


async def used(tx: AsyncConnection, voucher: Redemption, *, now: dt.datetime, till: str | None) -> None:
    """A voucher was used, once; `till` None: it was handed over in the chat, at no counter. Where another merchant handed it over,
    the one whose offer it is hears of it too, with that one's code."""
    facts = {"redemption": voucher.id, "offer": voucher.offer.code, "units": voucher.units}
    facts |= {"value_minor": voucher.value_minor, "money": voucher.money, "used_at": now.isoformat(), "till": till}
    key = f"redemption.used:{voucher.id}"
    await webhooks.emit(tx, voucher.merchant_id, "redemption.used", key=key, facts=facts, now=now)
    for owner, by in await tx.execute(_OWNER, {"id": voucher.id}):
        by_another = {**facts, "handed_over_by": by}
        await webhooks.emit(tx, owner, "redemption.used", key=key, facts=by_another, now=now)
