"""Requests to the head of a family whose time is over, every ten minutes. One that has lapsed is found no more."""

from __future__ import annotations

import datetime as dt

from chat import doors
from chat.screen import screen
from chat.words import t
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import pool_spending

REQUESTS_PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """End one page of requests, and tell those who asked."""
    ended = await pool_spending.lapse(chunk.tx, at=chunk.at, limit=REQUESTS_PER_CHUNK)
    for each in ended:
        said = t("没等到家长回复,这次作废了。") if each.answered_at is None else t("家长同意过的那次过时了,没有用掉。")
        rows = [[doors.from_pool(t("再看看这项"), each.offer_id, each.amount), doors.pool()]]
        chunk.tell(each.member_id, screen([said], rows), key=f"pool-request:{each.id}:lapsed")
    done = int(chunk.progress.get("done", 0)) + len(ended)
    return {"done": done} if len(ended) == REQUESTS_PER_CHUNK else None


duty = Duty("pool_requests", run, every=dt.timedelta(minutes=10))
