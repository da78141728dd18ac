"""Invited friends: what they bought is found, both are rewarded once it stands past its return window, and what was refunded after
all is taken back from both. Every few minutes.

A referral that was moved on is found no more; a repeated slot does nothing.
"""

from __future__ import annotations

import datetime as dt

from chat import referrals as words_of
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning import referrals

FRIENDS_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Go through one page of friends; after the last, take back."""
    if chunk.programme.referrals is None:
        return None
    if not chunk.progress.get("undoing"):
        after = int(chunk.progress.get("after", 0))
        page = await referrals.look(chunk.tx, chunk.programme, after=after, limit=FRIENDS_PER_CHUNK, at=chunk.at)
        _tell(chunk, page.moved)
        return {"undoing": True} if page.last else {"after": page.after}
    undone = await referrals.undo(chunk.tx, chunk.programme, limit=FRIENDS_PER_CHUNK, at=chunk.at)
    _tell(chunk, undone)
    return {"undoing": True} if len(undone) == FRIENDS_PER_CHUNK else None


def _tell(chunk: Chunk, moved: list[referrals.Moved]) -> None:
    for each in moved:
        for member_id, said, key in words_of.notices(each):
            chunk.tell(member_id, said, key=key)


duty = Duty("referrals", run, every=dt.timedelta(minutes=10))
