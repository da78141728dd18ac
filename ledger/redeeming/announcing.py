"""What a merchant's own systems are told of its vouchers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants import webhooks
from ledger.redeeming.vouchers import Redemption


async def used(tx: AsyncConnection, voucher: Redemption, *, now: dt.datetime, till: str | None) -> None:
    """A voucher was used, once; `till` None: it was handed over in the chat, at no counter."""
    facts = {"redemption": voucher.id, "offer": voucher.offer.code, "units": voucher.units}
    facts |= {"value_minor": voucher.value_minor, "money": voucher.money, "used_at": now.isoformat(), "till": till}
    key = f"redemption.used:{voucher.id}"
    await webhooks.emit(tx, voucher.merchant_id, "redemption.used", key=key, facts=facts, now=now)
