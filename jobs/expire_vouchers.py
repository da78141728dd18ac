"""Vouchers that nobody used end after their last day: every night, points back by the offer's terms, each member told once.

A repeated slot finds none that is still open; a voucher in somebody's hands this moment is left for the next chunk or night.
"""

from __future__ import annotations

import datetime as dt

from chat.vouchers import lapsed_for_friend, lapsed_notice
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import together
from ledger.redeeming.lapses import Lapsed, lapse

VOUCHERS_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """End one page of vouchers and tell their members."""
    ended = await lapse(chunk.tx, at=chunk.at, grace_days=chunk.programme.grace_days, limit=VOUCHERS_PER_CHUNK)
    by_member: dict[int, list[Lapsed]] = {}
    for each in ended:
        by_member.setdefault(each.voucher.member_id, []).append(each)
    for member_id, lapsed in by_member.items():
        chunk.tell(member_id, lapsed_notice(lapsed), key=f"voucher-ended:{lapsed[0].voucher.id}")
    pools = [(each.voucher.pool_id or 0, each) for each in ended if each.receipt is not None]
    shared = {-pool_id: each for pool_id, each in pools if pool_id < 0}
    for id_, (friend_id, points) in (await together.friends(chunk.tx, shared)).items():
        chunk.tell(friend_id, lapsed_for_friend(shared[id_].voucher, points), key=f"together:{id_}:ended")
    done = int(chunk.progress.get("done", 0)) + len(ended)
    return {"done": done} if len(ended) == VOUCHERS_PER_CHUNK else None


duty = Duty("expire_vouchers", run, at=dt.time(0, 10))
