"""Proof that what was closed is still what the ledger says: for `jifen audit`, beside that of the points."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.clearing import close
from ledger.points.audit import Violation

_WEEKS = text("SELECT week FROM clearing_close ORDER BY week")


async def prove(tx: AsyncConnection) -> list[Violation]:
    """What is wrong with the closed weeks: one missing between two, one whose lines are not those that the ledger gives. Nothing
    where all is well; that a line sums to zero follows from its making, the operator having what remains."""
    found: list[Violation] = []
    before: dt.date | None = None
    for week in await tx.scalars(_WEEKS):
        if before is not None and week != before + dt.timedelta(days=7):
            found.append(Violation("weeks are closed without a gap", {"after": before, "next": week}))
        before = week
        if not await close.agrees(tx, week):
            found.append(Violation("a closed week can be derived again", {"week": week}))
    return found
