"""Redemptions that wait for their cash part end when nobody paid in time: every minute, by the programme's clock, each member told
once. A repeated slot finds none that is held still; one in somebody's hands this moment is left for the next chunk or minute.
"""

from __future__ import annotations

import datetime as dt

from chat.cash import lapsed_notice
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming.cash import lapse_unpaid

HELD_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """End one page of holds and tell their members."""
    ended = await lapse_unpaid(chunk.tx, at=chunk.at, grace_days=chunk.programme.grace_days, limit=HELD_PER_CHUNK)
    for each in ended:
        chunk.tell(each.member_id, lapsed_notice(each), key=f"hold-over:{each.id}")
    done = int(chunk.progress.get("done", 0)) + len(ended)
    return {"done": done} if len(ended) == HELD_PER_CHUNK else None


duty = Duty("lapse_unpaid", run, every=dt.timedelta(minutes=1))
