"""No laundering of expiry (T6): whatever gifts, pools, redemptions and returns do to points, in whatever order, none live longer
than their last day, but for one late return of what was set aside or spent before it.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from dataclasses import dataclass, field

import pytest

from ledger.errors import Refusal
from ledger.points.commands import Command, Give, Hold, Moment, Owner, Receipt, Transfer, member
from ledger.points.engine import apply
from tests.conftest import Database
from tests.ledger.points import builders
from tests.ledger.points.builders import DAY, common

PEOPLE = [member(1), member(2), member(3)]
POOL = Owner("pool", 1)
LAST, BACK_BY, GRACE = 10, 20, 5
"""Points are good up to day 10; what was set aside or spent by then is back by day 20, and grace is of five days."""
WALKS = 300 if os.environ.get("JIFEN_DEEP") else 12


@dataclass
class Walk:
    """One run: what may still be taken back, and on which day it is."""

    database: Database
    chance: random.Random
    day: int = 0
    holds: list[Receipt] = field(default_factory=list)
    burns: list[Receipt] = field(default_factory=list)

    @property
    def at(self) -> Moment:
        return builders.moment(DAY + dt.timedelta(days=self.day))

    async def do(self, *commands: Command) -> list[Receipt]:
        """What of these is not refused; most orders ask for something that is not there."""
        async with self.database.engine.begin() as tx:
            found = [each for each in await apply(tx, commands) if not isinstance(each, Refusal)]
        self.holds += [each for each in found if each.kind == "hold"]
        self.burns += [each for each in found if each.kind == "burn"]
        return found

    async def step(self) -> None:
        """Something that people may do."""
        who, other = self.chance.sample(PEOPLE, 2)
        points = self.chance.choice((1, 7, 20, 60))
        figures = common(owner=who, at=self.at, key=builders.fresh_key("walk"))
        pooled = common(owner=POOL, at=self.at, key=builders.fresh_key("walk"))
        match self.chance.randrange(8):
            case 0:
                await self.do(Hold(points=points, movable=True, **figures))
            case 1 if self.holds:
                held = self.chance.choice(self.holds)
                to = other if held.owner == who else who
                await self.do(Give(hold_id=held.entry_id, to=to, **{**figures, "owner": held.owner}))
            case 2:
                await self.do(Transfer(to=POOL, points=points, **figures))
            case 3:
                await self.do(Transfer(to=who, points=None, **pooled))
            case 4:
                await self.do(builders.burn(points, **{**figures, "owner": self.chance.choice((who, POOL))}))
            case 5:
                await self.do(builders.hold(points, **{**figures, "owner": self.chance.choice((who, POOL))}))
            case 6 if self.burns:
                await self.give_back(self.chance.choice(self.burns))
            case _ if self.holds:
                await self.give_back(self.chance.choice(self.holds))

    async def give_back(self, past: Receipt) -> None:
        """Return a burn, or what is held, to where it was."""
        figures = {"owner": past.owner, "at": self.at, "grace_days": GRACE}
        if past.kind == "burn":
            await self.do(builders.reinstate(past.entry_id, **figures))
        else:
            await self.do(builders.void(past.entry_id, **figures))

    async def everything_back(self) -> None:
        for past in [*self.holds, *self.burns]:
            await self.give_back(past)

    async def alive(self) -> int:
        """What anybody has once all that is due has expired."""
        total = 0
        for owner in (*PEOPLE, POOL):
            await self.do(builders.expire(owner=owner, at=self.at))
            async with self.database.engine.connect() as tx:
                held = await builders.balances(tx, owner)
            total += sum(held.get(purpose, 0) for purpose in ("available", "pending", "held"))
        return total


@pytest.mark.parametrize("seed", range(WALKS))
async def test_no_order_of_doing_and_undoing_lengthens_a_life(database: Database, seed: int) -> None:
    await builders.make_currencies(database.engine)
    walk = Walk(database, random.Random(seed))
    ends = DAY + dt.timedelta(days=LAST)
    for who in PEOPLE:
        await walk.do(builders.accrue(100, owner=who, at=walk.at, expires_on=ends))
    for walk.day in range(LAST + 1):
        for _ in range(3):
            await walk.step()
    walk.day = BACK_BY
    await walk.everything_back()
    for walk.day in range(BACK_BY, BACK_BY + GRACE + 1):
        for _ in range(3):
            await walk.step()
    walk.day = BACK_BY + GRACE + 1
    await walk.everything_back()
    assert await walk.alive() == 0
    await builders.audited(database.engine)
