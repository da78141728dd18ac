"""Pending points become available on their day: every night, for everybody who has some due.

A repeated slot finds nothing due; a verb that came first has released them already, and its refusal here says so.
"""

from __future__ import annotations

import datetime as dt

from jobs import due
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.points.commands import Release
from ledger.points.engine import apply


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Release one page of owners."""
    owners, then = await due.page(chunk.tx, "pending", chunk.at.today, chunk.progress)
    await apply(
        chunk.tx,
        [
            Release(
                key=f"{slot.key}:{each.owner.kind}:{each.owner.id}:{each.currency}",
                owner=each.owner,
                currency=each.currency,
                at=chunk.at,
                actor="job:release",
            )
            for each in owners
        ],
    )
    return then


duty = Duty("release", run, at=dt.time(0, 2))
