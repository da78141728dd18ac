"""Breakage: what members let run out, by month and issuer, less what came back of it.

Read from the ledger's own legs in the programme's `expired` accounts; nothing is kept beside them, so it can't disagree with them.
A point counts in the month in which its entry was booked: what ended in November and was restored in December is a December figure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class Broken(NamedTuple):
    """One issuer's points of one currency in one month (its first day). `expired`: ran out, late returns that ran out at once
    included; `restored`: given back to members; `clawed_back`: taken back with their purchase after they had run out."""

    month: dt.date
    issuer_id: int
    currency_id: int
    expired: int
    restored: int
    clawed_back: int

    @property
    def points(self) -> int:
        """The breakage realised: the sum of the legs."""
        return self.expired - self.restored - self.clawed_back


class Record(NamedTuple):
    """A line of the export. `breakage` is expired − restored − clawed_back; `minor` its worth at the currency's value now."""

    month: dt.date
    merchant: str
    currency: str
    expired: int
    restored: int
    clawed_back: int
    breakage: int
    minor: int
    money: str


KINDS = ("expire", "void", "reinstate", "reverse", "restore", "claw_back")
"""The entries that may have a leg in an `expired` account."""

# Inwards from the month's entries by the legs' index, whatever the planner thinks of joining the tables whole.
_SUMS = f"""
    WITH ended AS MATERIALIZED (
        SELECT e.id, e.kind, date_trunc('month', e.posted_on)::date AS month FROM entry e
         WHERE e.kind IN {KINDS} AND e.posted_on >= :since AND e.posted_on < :until
    ), legs AS MATERIALIZED (
        SELECT e.month, p.account_id, p.issuer_id,
               coalesce(sum(p.points) FILTER (WHERE p.points > 0), 0)::bigint AS expired,
               coalesce(-sum(p.points) FILTER (WHERE p.points < 0 AND e.kind <> 'claw_back'), 0)::bigint AS restored,
               coalesce(-sum(p.points) FILTER (WHERE p.points < 0 AND e.kind = 'claw_back'), 0)::bigint AS clawed_back
          FROM ended e CROSS JOIN LATERAL (
                SELECT p.account_id, p.issuer_id, p.points FROM posting p
                 WHERE p.entry_id = e.id AND p.account_id = ANY (ARRAY(
                       SELECT a.id FROM account a WHERE a.owner_id = 0 AND a.owner_kind = 'programme' AND a.purpose = 'expired'))
                OFFSET 0) p
         GROUP BY 1, 2, 3
    )
"""
_BY_MONTH = text(
    f"{_SUMS} SELECT l.month, l.issuer_id, a.currency_id, l.expired, l.restored, l.clawed_back"
    " FROM legs l JOIN account a ON a.id = l.account_id ORDER BY l.month, l.issuer_id, a.currency_id"
)
_EVERYTHING = text(
    f"""{_SUMS}
    SELECT l.month, m.code, c.code, l.expired, l.restored, l.clawed_back, l.expired - l.restored - l.clawed_back,
           div((l.expired - l.restored - l.clawed_back)::numeric * c.value_minor, c.value_points)::bigint, c.money
      FROM legs l JOIN account a ON a.id = l.account_id JOIN currency c ON c.id = a.currency_id
      JOIN merchant m ON m.id = l.issuer_id
     WHERE CAST(:code AS text) IS NULL OR m.code = :code
     ORDER BY l.month, m.code, c.id"""
)


async def by_month(tx: AsyncConnection, since: dt.date, until: dt.date) -> list[Broken]:
    """What ran out from `since` on and before `until`, by month, issuer and currency."""
    return [Broken(*row) for row in await tx.execute(_BY_MONTH, {"since": since, "until": until})]


async def everything(tx: AsyncConnection, code: str | None = None) -> AsyncIterator[Record]:
    """Every month there is, for the export; of one issuer where its code is given."""
    asked = {"since": dt.date.min, "until": dt.date.max, "code": code}
    async with tx.stream(_EVERYTHING, asked) as rows:
        async for row in rows:
            yield Record(*row)
