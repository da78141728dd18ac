"""Dividends are given out: every minute, the next shares of whatever pool is underway, each member told of theirs.

Each share has a key of its own, so a repeated slot or a chunk tried again gives nothing twice.
"""

from __future__ import annotations

import datetime as dt

from chat import dividends as words
from chat import known
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning import dividends

SHARES_PER_CHUNK = 500


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Give one page of shares and tell their members."""
    given = await dividends.pay(chunk.tx, at=chunk.at, limit=SHARES_PER_CHUNK)
    if not given:
        return None
    names = await known.read(chunk.tx)
    for each in given:
        chunk.tell(each.member_id, words.notice(each, names), key=f"receipt:{each.receipt.entry_id}:{each.member_id}")
    return {"given": int(chunk.progress.get("given", 0)) + len(given)}


duty = Duty("dividends", run, every=dt.timedelta(minutes=1))
