"""Welcome points are issued under their issuer's cover, like any others.

Where it does not reach, or the issuer may not issue at the moment, whoever joins is a member all the same and is owed their
welcome: it comes by itself as soon as it can, and lives from that day on as long as any. A zero-point record in its place would
leave them with less than they were promised, for something that is not theirs to mend.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import joining
from ledger.merchants import cover
from ledger.merchants import merchant as merchants
from ledger.merchants.cover import Asked
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Moment, Receipt
from ledger.points.engine import apply
from ledger.programme import Programme

_OWE = text("INSERT INTO welcome_due (member_id, points, since) VALUES (:member, :points, :now) ON CONFLICT DO NOTHING")
_DUE = text(
    "SELECT d.member_id, d.points FROM welcome_due d JOIN member m ON m.id = d.member_id AND m.status = 'active'"
    " ORDER BY d.since, d.member_id LIMIT :limit FOR UPDATE OF d SKIP LOCKED"
)
_PAID = text("DELETE FROM welcome_due WHERE member_id = ANY(CAST(:members AS bigint[]))")


async def issuer(tx: AsyncConnection, programme: Programme, at: Moment) -> int | None:
    """Who issues a welcome now, its headroom taken; None where it has to be owed, or where there is none to be had."""
    merchant = await _may_issue(tx, programme, at)
    if merchant is None:
        return None
    taken = await cover.admit(tx, [Asked(merchant.id, programme.welcome_points)], None, at)
    return merchant.id if taken.covered[0] else None


async def owe(tx: AsyncConnection, programme: Programme, member_id: int, *, now: dt.datetime) -> None:
    """Remember a welcome that could not be issued."""
    await tx.execute(_OWE, {"member": member_id, "points": programme.welcome_points, "now": now})


async def pay(tx: AsyncConnection, programme: Programme, at: Moment, *, limit: int) -> list[Receipt]:
    """Issue what is owed, the longest waiting first, as far as cover reaches; the receipts."""
    merchant = await _may_issue(tx, programme, at)
    due = list((await tx.execute(_DUE, {"limit": limit})).all()) if merchant is not None else []
    if merchant is None or not due:
        return []
    taken = await cover.admit(tx, [Asked(merchant.id, row.points) for row in due], None, at)
    paid = [row for row, covered in zip(due, taken.covered, strict=True) if covered]
    outcomes = await apply(
        tx, [joining.welcome(programme, row.member_id, merchant.id, at, promised=row.points) for row in paid]
    )
    receipts = []
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            raise outcome
        receipts.append(outcome)
    await tx.execute(_PAID, {"members": [row.member_id for row in paid]})
    return receipts


async def _may_issue(tx: AsyncConnection, programme: Programme, at: Moment) -> Merchant | None:
    if not programme.welcome_points:
        return None
    merchant = await merchants.by_code(tx, programme.welcome_issuer)
    return merchant if merchant.status_on(at.today) == "certified" else None
