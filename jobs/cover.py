"""Cover is counted every few minutes: what burned, expired or was never issued becomes headroom again, and whoever nears the end of
their cover hears of it once, with the operator.

Counting twice changes nothing; a level is told once, until there was room again.
"""

from __future__ import annotations

import datetime as dt

from chat import covers, known, settlement
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.members import operators
from ledger.merchants import guarantee, webhooks


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Count every cover and tell of those that crossed a level."""
    await guarantee.count(chunk.tx, at=chunk.at)
    crossed = await guarantee.crossings(chunk.tx, chunk.programme.cover_alert_percent)
    if not crossed:
        return None
    names = await known.read(chunk.tx)
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
