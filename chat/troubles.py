"""What went wrong, by the short code that a person was told to quote."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST = 3
"""Codes are short, so that people can say them: now and then one names several troubles."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A turn that failed: its key, how often it was tried, the error as it was logged, and whether it was set aside."""

    key: str
    at: dt.datetime
    tries: int
    error: str
    set_aside: bool
    resolved_at: dt.datetime | None


_BY_CODE = text(
    """
    SELECT coalesce(d.key, f.key), greatest(d.at, f.at), greatest(d.tries, f.tries), coalesce(f.error, d.error),
           d.key IS NOT NULL, d.resolved_at
    FROM (SELECT * FROM failure WHERE code = :code) f
    FULL JOIN (SELECT * FROM dead_letter WHERE code = :code) d ON d.key = f.key
    ORDER BY 2 DESC LIMIT :most
    """
)


async def find(tx: AsyncConnection, code: str) -> list[Trouble]:
    """The newest troubles of this code, as people type it: in any case, with spaces around."""
    rows = await tx.execute(_BY_CODE, {"code": code.strip().upper(), "most": MOST})
    return [Trouble(*row) for row in rows]
