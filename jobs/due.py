"""Owners with something due, a page at a time: what release and expiry have in common."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.duty import Progress
from ledger.points.commands import Owner

OWNERS_PER_CHUNK = 500

_PAGE = text(
    "SELECT p.due_on, p.account_id, a.owner_kind, a.owner_id, a.currency_id, a.purpose"
    " FROM position p JOIN account a ON a.id = p.account_id"
    " WHERE p.due_on <= :today AND (p.due_on, p.account_id) > (:after_day, :after_account)"
    " ORDER BY p.due_on, p.account_id LIMIT :limit"
)


class Due(NamedTuple):
    """An owner who has something due in a currency."""

    owner: Owner
    currency: int


async def page(
    tx: AsyncConnection, purpose: str, today: dt.date, progress: Progress
) -> tuple[list[Due], Progress | None]:
    """The next owners with points of `purpose` due by `today`, and where the page after begins (None: this is the last).

    An owner may come again on a later page with another lot; by then it is done.
    """
    after_day, after_account = progress.get("after", ("0001-01-01", 0))
    rows: list[Any] = list(
        (
            await tx.execute(
                _PAGE,
                {
                    "today": today,
                    "after_day": dt.date.fromisoformat(after_day),
                    "after_account": after_account,
                    "limit": OWNERS_PER_CHUNK,
                },
            )
        ).all()
    )
    found = {Due(Owner(row.owner_kind, row.owner_id), row.currency_id): None for row in rows if row.purpose == purpose}
    if len(rows) < OWNERS_PER_CHUNK:
        return list(found), None
    last = rows[-1]
    return list(found), {"after": (last.due_on.isoformat(), last.account_id)}
