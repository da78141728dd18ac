"""What one has begun to redeem and nobody joined in time returns, every ten minutes. One that is over is found no more."""

from __future__ import annotations

import datetime as dt

from chat import doors
from chat.screen import screen
from chat.words import t
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import together

PER_CHUNK = 200


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """End one page of them, and tell who began."""
    ended = await together.lapse(chunk.tx, at=chunk.at, limit=PER_CHUNK)
    for each in ended:
        said = t("没等到朋友,这次没换成。您那份已退回。")
        rows = [[doors.offer(t("再看看这项"), each.offer_id), doors.home()]]
        chunk.tell(each.starter_id, screen([said], rows), key=f"together:{each.id}:lapsed")
    done = int(chunk.progress.get("done", 0)) + len(ended)
    return {"done": done} if len(ended) == PER_CHUNK else None


duty = Duty("together", run, every=dt.timedelta(minutes=10))
