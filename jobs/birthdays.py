"""Birthdays: members, and those who told of a child, are greeted in the morning with what the programme gives. A pack that was
given is given no second time that year, nor told.
"""

from __future__ import annotations

import datetime as dt

from chat.birthdays import greeting
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning import birthday_packs

PEOPLE_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Greet one page: members first, then those with children."""
    children = bool(chunk.progress.get("children"))
    after = int(chunk.progress.get("after", 0))
    page = await birthday_packs.page(
        chunk.tx, chunk.programme, children=children, after=after, limit=PEOPLE_PER_CHUNK, at=chunk.at
    )
    for each in page.kept:
        whose = f"child:{each.child_id}" if each.child_id is not None else str(each.member_id)
        chunk.tell(each.member_id, greeting(each), key=f"birthday:{whose}:{chunk.at.today.year}")
    if not page.last:
        return {"children": children, "after": page.after}
    return None if children else {"children": True, "after": 0}


duty = Duty("birthdays", run, at=dt.time(9, 0))
