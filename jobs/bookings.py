"""Booked times that nobody came to end some minutes after them, by the offer's terms, each member told once; holds that are over
are forgotten. A repeated slot finds none; one in somebody's hands this moment is left for the next minute.
"""

from __future__ import annotations

import datetime as dt

from chat.vouchers import lapsed_notice
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import bookings
from ledger.redeeming.lapses import missed

MISSED_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """End one page of what was missed and tell its members."""
    await bookings.prune(chunk.tx, at=chunk.at)
    ended = await missed(chunk.tx, at=chunk.at, grace_days=chunk.programme.grace_days, limit=MISSED_PER_CHUNK)
    for each in ended:
        chunk.tell(each.voucher.member_id, lapsed_notice([each]), key=f"voucher-ended:{each.voucher.id}")
    done = int(chunk.progress.get("done", 0)) + len(ended)
    return {"done": done} if len(ended) == MISSED_PER_CHUNK else None


duty = Duty("bookings", run, every=dt.timedelta(minutes=1))
