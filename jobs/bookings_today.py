"""In the morning everybody at a counter hears how much is booked there today, and when the first comes; merchants without bookings
hear nothing. The outbox's key keeps a repeated slot from saying it again.
"""

from __future__ import annotations

import datetime as dt

from chat.booking import morning
from chat.till import name_of
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.redeeming import closures

MERCHANTS_PER_CHUNK = 50


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Tell the people of one page of merchants."""
    after, day = int(chunk.progress.get("after", 0)), chunk.at.today
    found = await closures.today(chunk.tx, day, after=after, limit=MERCHANTS_PER_CHUNK)
    shops = await merchants.by_ids(chunk.tx, [merchant_id for merchant_id, _, _ in found])
    at = await closures.today_at(chunk.tx, day, shops)
    for merchant_id, booked, first in found:
        notice = morning(name_of(shops[merchant_id]), merchant_id, booked, first, at.get(merchant_id, ()))
        for who in await staff.team(chunk.tx, merchant_id):
            chunk.tell(who.member_id, notice, key=f"bookings-today:{merchant_id}:{day}:{who.member_id}")
    return {"after": found[-1][0]} if len(found) == MERCHANTS_PER_CHUNK else None


duty = Duty("bookings_today", run, at=dt.time(8, 0))
