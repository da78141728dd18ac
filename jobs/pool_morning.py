"""What people said goes into their family's pool by itself, each morning. A morning that was looked at gives nothing again."""

from __future__ import annotations

import datetime as dt

from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.members import pools

PLACES_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Put in for one page of places. Nobody is told: the pool's history says it."""
    currency, after = chunk.programme.common_currency, int(chunk.progress.get("after", 0))
    page = await pools.morning(chunk.tx, currency, after=after, limit=PLACES_PER_CHUNK, at=chunk.at)
    return None if page.last else {"after": page.after}


duty = Duty("pool_morning", run, at=dt.time(0, 20))
