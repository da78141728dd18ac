"""Points set aside return when their time is over and nobody came: every minute, by the programme's clock.

A hold that was burned, given or voided meanwhile refuses, and is left as it is.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text

from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.points.commands import Owner, Void
from ledger.points.engine import apply

HOLDS_PER_CHUNK = 500

_PAGE = text(
    "SELECT owner_kind, owner_id, id, currency_id, ends_at FROM hold"
    " WHERE state = 'open' AND ends_at <= :now AND (ends_at, id) > (:after, :after_id) ORDER BY ends_at, id LIMIT :limit"
)


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Void one page of holds that have ended."""
    after, after_id = chunk.progress.get("after", ("0001-01-01T00:00:00+00:00", 0))
    values = {
        "now": chunk.at.programme_now,
        "after": dt.datetime.fromisoformat(after),
        "after_id": after_id,
        "limit": HOLDS_PER_CHUNK,
    }
    holds = (await chunk.tx.execute(_PAGE, values)).all()
    await apply(
        chunk.tx,
        [
            Void(
                key=f"lapse:{hold.id}",
                owner=Owner(hold.owner_kind, hold.owner_id),
                currency=hold.currency_id,
                at=chunk.at,
                actor="job:lapse_holds",
                hold_id=hold.id,
                grace_days=chunk.programme.grace_days,
            )
            for hold in holds
        ],
    )
    if len(holds) < HOLDS_PER_CHUNK:
        return None
    return {"after": (holds[-1].ends_at.isoformat(), holds[-1].id)}


duty = Duty("lapse_holds", run, every=dt.timedelta(minutes=1))
