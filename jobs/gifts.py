"""Gifts that nobody accepted in time return to whoever offered them, every ten minutes. One that has returned is found no more."""

from __future__ import annotations

import datetime as dt

from chat.gifts import returned
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.members import gifts

GIFTS_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Return one page of them, and tell who offered them."""
    currency, grace = chunk.programme.common_currency, chunk.programme.grace_days
    back = await gifts.lapse(chunk.tx, currency=currency, grace_days=grace, at=chunk.at, limit=GIFTS_PER_CHUNK)
    for each in back:
        chunk.tell(each.giver_id, returned(each), key=f"gift:{each.id}:returned")
    done = int(chunk.progress.get("done", 0)) + len(back)
    return {"done": done} if len(back) == GIFTS_PER_CHUNK else None


duty = Duty("gifts", run, every=dt.timedelta(minutes=10))
