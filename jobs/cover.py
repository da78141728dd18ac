"""Cover is counted every few minutes: what burned, expired or was never issued becomes headroom again, and whoever nears the end of
their cover hears of it once, with the operator. Where it was used up and has room again, those who run the merchant can book what
was declined meanwhile, and hear so.

Counting twice changes nothing; a level is told once, until there was room again.
"""

from __future__ import annotations

import datetime as dt

from chat import covers, declines, known, settlement
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning import declined
from ledger.members import operators
from ledger.merchants import guarantee, webhooks


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Count every cover and tell of those that crossed a level."""
    await guarantee.count(chunk.tx, at=chunk.at)
    percent = chunk.programme.cover_alert_percent
    restored = await guarantee.back(chunk.tx, percent)
    crossed = await guarantee.crossings(chunk.tx, percent)
    if not crossed and not restored:
        return None
    names = await known.read(chunk.tx)
    for found in restored:
        waiting = await declined.waiting(chunk.tx, found.merchant_id)
        if waiting.purchases:
            told = declines.can_be_booked(found, waiting, names.merchant(found.merchant_id))
            for member_id in await settlement.run_by(chunk.tx, found.merchant_id):
                chunk.tell(member_id, told, key=f"{slot.key}:{found.merchant_id}:back:{member_id}")
    desk = {*await operators.holders(chunk.tx, "finance"), *await operators.holders(chunk.tx, "admin")}
    for found, level in crossed:
        owners = set(await settlement.run_by(chunk.tx, found.merchant_id, ("owner",)))
        for member_id in sorted(desk | owners):
            told = covers.warning(found, level, names.merchant(found.merchant_id), operator=member_id not in owners)
            chunk.tell(member_id, told, key=f"{slot.key}:{found.merchant_id}:{member_id}")
        await webhooks.emit(
            chunk.tx,
            found.merchant_id,
            "cover.alert",
            key=f"{slot.key}:{level}",
            facts={"used_percent": found.used_percent, "free_minor": found.free_minor, "money": found.money},
            now=chunk.at.now,
        )
    return None


duty = Duty("cover", run, every=dt.timedelta(minutes=5))
