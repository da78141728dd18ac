"""What merchants sold is counted every night, for their green ratings. Run twice it counts the same."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text

from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning import green_rating

MERCHANTS_PER_CHUNK = 50

_PAGE = text("SELECT id FROM merchant WHERE status <> 'closed' AND id > :after ORDER BY id LIMIT :limit")


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Count one page of merchants."""
    values = {"after": int(chunk.progress.get("after", 0)), "limit": MERCHANTS_PER_CHUNK}
    ids = list(await chunk.tx.scalars(_PAGE, values))
    if ids:
        await green_rating.count(chunk.tx, ids, days=chunk.programme.green_scale.days, today=chunk.at.today)
    return {"after": ids[-1]} if len(ids) == MERCHANTS_PER_CHUNK else None


duty = Duty("green_ratings", run, at=dt.time(0, 30))
