"""A deadline that an operator extended: every minute the next page comes back, and each member hears of theirs.

Each expiry is restored under a key of its own, so a repeated slot or a chunk tried again gives nothing twice.
"""

from __future__ import annotations

import datetime as dt

from chat import extensions as words
from chat import known
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.merchants import extensions
from ledger.merchants.extensions import Restored

EXPIRIES_PER_CHUNK = 500


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Restore one page and tell the members among its owners."""
    given = await extensions.carry_on(chunk.tx, at=chunk.at, limit=EXPIRIES_PER_CHUNK)
    if given is None:
        return None
    by_member: dict[int, list[Restored]] = {}
    for each in given:
        if each.receipt.owner.kind == "member":
            by_member.setdefault(each.receipt.owner.id, []).append(each)
    if by_member:
        names = await known.read(chunk.tx)
        for member_id, parts in by_member.items():
            chunk.tell(member_id, words.notice(parts, names), key=f"receipt:{parts[0].receipt.entry_id}:{member_id}")
    return {"restored": int(chunk.progress.get("restored", 0)) + len(given)}


duty = Duty("extend", run, every=dt.timedelta(minutes=1))
