"""Members are reminded of what they have booked: the evening before, and some hours before; once each, and anew where it was moved.

What was said is kept with the booking, so a repeated slot says nothing again.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from chat.booking import reminder
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import reminders

PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Remind one page of members."""
    zone, at = ZoneInfo(chunk.programme.zone), chunk.at
    evening = await reminders.evening(chunk.tx, at=at, zone=zone, limit=PER_CHUNK)
    soon = await reminders.soon(chunk.tx, at=at, zone=zone, limit=PER_CHUNK)
    for when, found in (("evening", evening), ("soon", soon)):
        for each in found:
            assert each.booked is not None
            starts = each.booked.starts_at
            chunk.tell(
                each.member_id,
                reminder(each, changeable=each.changeable(at.programme_now)),
                key=f"booking-{when}:{each.id}:{starts:%Y%m%d%H%M}",
                not_after=starts - dt.timedelta(days=at.ahead_days),
            )
    done = int(chunk.progress.get("done", 0)) + 1
    return {"done": done} if PER_CHUNK in (len(evening), len(soon)) else None


duty = Duty("booking_reminders", run, every=dt.timedelta(minutes=5))
