"""Pending points become available on their day: every night, for everybody who has some due.

A repeated slot finds nothing due; a verb that came first has released them already, and its refusal here says so.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.points.commands import Owner, Release
from ledger.points.engine import apply

LOTS_PER_CHUNK = 500

_PAGE = text(
    "SELECT p.due_on, p.account_id, a.owner_kind, a.owner_id, a.currency_id, a.purpose"
    " FROM position p JOIN account a ON a.id = p.account_id"
    " WHERE p.due_on <= :today AND (p.due_on, p.account_id) > (:after_day, :after_account)"
    " ORDER BY p.due_on, p.account_id LIMIT :limit"
)


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Release one page of owners."""
    owners, then = await _page(chunk.tx, chunk.at.today, chunk.progress)
    await apply(
        chunk.tx,
        [
            Release(
                key=f"{slot.key}:{owner.kind}:{owner.id}:{currency}",
                owner=owner,
                currency=currency,
                at=chunk.at,
                actor="job:release",
            )
            for owner, currency in owners
        ],
    )
    return then


async def _page(
    tx: AsyncConnection, today: dt.date, progress: Progress
) -> tuple[list[tuple[Owner, int]], Progress | None]:
    """The next owners and currencies with pending points due, and where the page after begins (None: this is the last).

    An owner may come again on a later page with another lot; by then it is done.
    """
    after_day, after_account = progress.get("after", ("0001-01-01", 0))
    asked = {
        "today": today,
        "after_day": dt.date.fromisoformat(after_day),
        "after_account": after_account,
        "limit": LOTS_PER_CHUNK,
    }
    rows: list[Any] = list((await tx.execute(_PAGE, asked)).all())
    found = {(Owner(row.owner_kind, row.owner_id), row.currency_id): None for row in rows if row.purpose == "pending"}
    if len(rows) < LOTS_PER_CHUNK:
        return list(found), None
    last = rows[-1]
    return list(found), {"after": (last.due_on.isoformat(), last.account_id)}


duty = Duty("release", run, at=dt.time(0, 2))
