"""Time, for everything below the edge: the wall clock, and the programme's business dates.

Instants come from the wall clock: keys, leases, codes, links. Business dates, and the ends of holds, may run ahead of it by
whole days (`programme_clock`), so that a sandbox programme can see tomorrow; they never go back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points.commands import Moment

_MOVE = text(
    "INSERT INTO programme_clock (one, ahead_days, moved_on) VALUES (1, :days, :on)"
    " ON CONFLICT (one) DO UPDATE SET ahead_days = programme_clock.ahead_days + excluded.ahead_days,"
    " moved_on = excluded.moved_on RETURNING ahead_days"
)
_AHEAD = text("SELECT ahead_days FROM programme_clock WHERE one = 1")


class Clock:
    """The wall clock and the programme's zone. Tests hand in their own `wall`."""

    def __init__(self, zone: dt.tzinfo, wall: Callable[[], dt.datetime] | None = None) -> None:
        self.zone = zone
        self._wall = wall or (lambda: dt.datetime.now(dt.UTC))

    def now(self) -> dt.datetime:
        """This instant, UTC."""
        return self._wall()

    def today(self, ahead_days: int | None = 0, now: dt.datetime | None = None) -> dt.date:
        """The programme's business date, `ahead_days` ahead of the wall's."""
        return (now or self.now()).astimezone(self.zone).date() + dt.timedelta(days=ahead_days or 0)

    async def moment(self, tx: AsyncConnection) -> Moment:
        """This instant and the business date that goes with it."""
        now, ahead = self.now(), await self.ahead(tx)
        return Moment(now, self.today(ahead, now), ahead)

    async def ahead(self, tx: AsyncConnection) -> int:
        """By how many days business dates run ahead now."""
        return await tx.scalar(_AHEAD) or 0

    async def move(self, tx: AsyncConnection, days: int) -> int:
        """Move business dates `days` forward and return how far ahead they are.

        Raises:
            ValueError: backwards.
        """
        if days < 0:
            raise ValueError("the programme's clock only moves forward")
        ahead = await tx.scalar(_MOVE, {"days": days, "on": self.today()})
        return int(ahead)
