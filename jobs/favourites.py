"""What members keep an eye on is looked at every morning: whoever can have something now, or finds it back, hears of it once.

How each favourite stood is kept with it, so a repeated slot finds nothing new.
"""

from __future__ import annotations

import datetime as dt

from chat import favourites as words
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import watching

MEMBERS_PER_CHUNK = 50


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Look at one page of members."""
    after = int(chunk.progress.get("after", 0))
    news, then = await watching.next_page(chunk.tx, after=after, limit=MEMBERS_PER_CHUNK, at=chunk.at)
    for each in news:
        chunk.tell(each.member_id, words.notice(each), key=f"{slot.key}:{each.member_id}")
    return None if then is None else {"after": then}


duty = Duty("favourites", run, at=dt.time(10, 0))
