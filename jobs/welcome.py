"""Welcome points that could not be issued when somebody joined come as soon as their issuer's cover reaches. Every few minutes.

What is paid is no longer owed, in one transaction; a repeated slot finds nothing.
"""

from __future__ import annotations

import datetime as dt

from chat import known, receipts
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning import welcome

MEMBERS_PER_CHUNK = 100


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Pay one page of what is owed, and tell who got it."""
    paid = await welcome.pay(chunk.tx, chunk.programme, chunk.at, limit=MEMBERS_PER_CHUNK)
    names = await known.read(chunk.tx) if paid else None
    for receipt in paid:
        shown = await receipts.notice(chunk.tx, receipt.owner, receipt.entry_id, today=chunk.at.today, names=names)
        chunk.tell(receipt.owner.id, shown, key=f"receipt:{receipt.entry_id}:{receipt.owner.id}")
    return {"paid": chunk.progress.get("paid", 0) + len(paid)} if len(paid) == MEMBERS_PER_CHUNK else None


duty = Duty("welcome", run, every=dt.timedelta(minutes=5))
