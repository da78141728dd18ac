"""Drafts that came over HTTP and that nobody sent within a week are forgotten, with their documents: every hour, some at a time."""

from __future__ import annotations

import datetime as dt

from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.merchants import applicants

PER_CHUNK = 50


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Forget one portion; what is gone is not found again."""
    gone = await applicants.forget_old(chunk.tx, now=chunk.at.now, limit=PER_CHUNK)
    return {} if gone == PER_CHUNK else None


duty = Duty("applicants", run, every=dt.timedelta(hours=1))
