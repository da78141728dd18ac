"""What still came in for accounts that were merged goes on to who has them now, every ten minutes. One that is empty is found no
more."""

from __future__ import annotations

import datetime as dt

from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import merging

ACCOUNTS_PER_CHUNK = 100


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Hand on what one page of them has."""
    after = int(chunk.progress.get("after", 0))
    last = await merging.pass_on(chunk.tx, limit=ACCOUNTS_PER_CHUNK, at=chunk.at, after=after)
    return None if last is None else {"after": last}


duty = Duty("merges", run, every=dt.timedelta(minutes=10))
