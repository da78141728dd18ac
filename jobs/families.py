"""Places in families of accounts that were closed or forgotten: ended within the hour, headship passed on, the others told once.

A repeated slot finds none.
"""

from __future__ import annotations

import datetime as dt

from chat.families import departed_notices
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.members import leaving

PLACES_PER_CHUNK = 100


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """End one page of them."""
    gone = await leaving.departed(chunk.tx, chunk.programme.families, at=chunk.at, limit=PLACES_PER_CHUNK)
    for each in gone:
        for member_id, said in departed_notices(each):
            chunk.tell(member_id, said, key=f"family-gone:{each.place_id}:{member_id}")
    done = int(chunk.progress.get("done", 0)) + len(gone)
    return {"done": done} if len(gone) == PLACES_PER_CHUNK else None


duty = Duty("families", run, every=dt.timedelta(hours=1))
