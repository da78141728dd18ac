"""Expiry by the page: what the verb `expire` does for one owner, in one round trip for thousands of them.

`points_expire` (sql/expire.sql) finds whose points are due, locks, reads and writes as the verb would: an entry for each owner and
currency under the key that the verb would have, a leg on both sides for each lot, positions gone, balances moved. What it leaves
alone — something is due for release first, or the key is used — goes to the verb itself. A test holds the two to one outcome.
"""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points.commands import Expire, Moment, Owner, Receipt
from ledger.points.engine import apply
from ledger.points.reading import run

EXPIRE_FUNCTION = (files("ledger.points") / "sql" / "expire.sql").read_text("utf-8")
"""The SQL that creates `points_expire`."""

LOTS_PER_PAGE = 20_000
"""How many lots one page ends, about. Their owners' accounts are locked until its transaction is over: well below a second."""

_PAGE = "SELECT * FROM points_expire($1, $2, $3, $4, $5, $6, $7)"


class Place(NamedTuple):
    """Where a page ended: the day on which the last lot was due, and the account that it was in."""

    due_on: dt.date
    account_id: int


START = Place(dt.date.min, 0)


class Ended(NamedTuple):
    """What one owner lost of a currency, in one entry."""

    entry_id: int
    owner: Owner
    currency: int
    points: int


async def page(
    tx: AsyncConnection, *, key: str, actor: str, at: Moment, after: Place = START, lots: int = LOTS_PER_PAGE
) -> tuple[list[Ended], Place | None]:
    """Expire the next lots that are due on `at.today`, and whatever else is due of the same owners and currencies.

    `key` begins the entries' keys: `<key>:<owner kind>:<owner id>:<currency>`. Returns what ended for whom, without what a
    repeated key had ended before, and where the next page begins (None: this was the last).
    """
    (row,) = await run(tx, _PAGE, at.today, at.now, key, actor, after.due_on, after.account_id, lots)
    day, account, entries, kinds, ids, currencies, totals, *others = row
    ended = [
        Ended(entry, Owner(kind, id_), currency, points)
        for entry, kind, id_, currency, points in zip(
            entries or (), kinds or (), ids or (), currencies or (), totals or (), strict=True
        )
    ]
    left = [
        Expire(key=f"{key}:{kind}:{id_}:{currency}", owner=Owner(kind, id_), currency=currency, at=at, actor=actor)
        for kind, id_, currency in zip(*(each or () for each in others), strict=True)
    ]
    for outcome in await apply(tx, left):
        if isinstance(outcome, Receipt) and not outcome.repeated:
            ended.append(Ended(outcome.entry_id, outcome.owner, outcome.currency, outcome.points))
    return ended, None if day is None else Place(day, account)
