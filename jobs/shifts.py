"""Shifts that nobody closed end with their day: every night, as of midnight, with the totals of that day; their people are told.

A repeated slot finds none that is still open.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from chat import desk_doors, doors, known
from chat import shifts as words
from chat.screen import Line, screen
from chat.words import t
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.merchants import merchant as merchants
from ledger.merchants import shifts, staff

SHIFTS_PER_CHUNK = 100
ACTOR = "job:shifts"


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Close one page of shifts opened before today, by the clock on the till's wall."""
    zone = ZoneInfo(chunk.programme.zone)
    today = chunk.at.now.astimezone(zone).date()
    midnight = dt.datetime.combine(today, dt.time(), zone)
    after = int(chunk.progress.get("after", 0))
    found = await shifts.left_open(chunk.tx, midnight=midnight, after=after, limit=SHIFTS_PER_CHUNK)
    shops = await merchants.by_ids(chunk.tx, [each.merchant_id for each in found])
    names = await known.read(chunk.tx) if found else None
    for each in found:
        closed = await words.close(chunk.tx, each, by="day", who=ACTOR, now=chunk.at.now, zone=zone)
        who = await staff.by_id(chunk.tx, closed.staff_id)
        if who is None or names is None or closed.totals is None:
            continue
        lines: list[Line] = [
            t("{where}的班没有交,已替您交到 {when}", where=words.where(closed), when=closed.closed_at),
            *words.figures(closed.totals, shops[closed.merchant_id], names),
        ]
        chunk.tell(
            who.member_id, screen(lines, [[desk_doors.counter(), doors.home()]]), key=f"shift-closed:{closed.id}"
        )
    return {"after": found[-1].id} if len(found) == SHIFTS_PER_CHUNK else None


duty = Duty("shifts", run, at=dt.time(0, 3))
