"""Tills of a covered market: purchases, payments, the count, on a clock that only tests move."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.merchants import cover, guarantee
from ledger.merchants.cover import CoverExhausted, Slices
from ledger.merchants.guarantee import Cover
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Accrue, Moment, member
from ledger.points.engine import post
from tests import turns
from tests.conftest import Database

numbers = itertools.count(1)


@dataclass
class Till:
    """A coalition with a covered market; common points cost 2 fen each."""

    engine: AsyncEngine
    market: Merchant
    rail: Merchant
    now: dt.datetime = turns.NOW

    @property
    def at(self) -> Moment:
        return Moment(self.now, turns.TODAY)

    async def accrue(self, tx: AsyncConnection, points: int, who: int = 1) -> None:
        """Points of the market for a member, once they are covered."""
        key = f"t:{next(numbers)}"
        await post(
            tx,
            Accrue(
                key=key, owner=member(who), currency=1, at=self.at, actor="test", issuer_id=self.market.id,
                points=points, available_on=turns.TODAY, expires_on=None,
            ),
        )  # fmt: skip

    async def sells(self, points: int, slices: Slices | None = None, who: int = 1) -> bool:
        """One purchase in a transaction of its own; whether it was covered."""
        async with self.engine.begin() as tx:
            try:
                await cover.demand(tx, self.market, points, slices, self.at)
            except CoverExhausted:
                return False
            await self.accrue(tx, points, who)
            return True

    async def outstanding(self) -> int:
        """What the market's points cost now, straight from what is held."""
        async with self.engine.connect() as tx:
            held = await tx.scalar(
                text(
                    "SELECT coalesce(sum(p.points), 0) FROM position p JOIN lot l ON l.id = p.lot_id WHERE l.issuer_id = :id"
                ),
                {"id": self.market.id},
            )
        return int(held or 0) * 2

    async def counted(self) -> Cover:
        async with self.engine.begin() as tx:
            (found,) = await guarantee.count(tx, at=self.at, merchant_id=self.market.id)
        return found

    async def pays(self, minor: int, reference: str = "") -> Cover:
        async with self.engine.begin() as tx:
            reference = reference or f"ref-{next(numbers)}"
            return await guarantee.pay(tx, self.market.id, minor, reference, actor="operator:1", at=self.at)

    async def limits(self, minor: int) -> Cover:
        async with self.engine.begin() as tx:
            return await guarantee.set_limit(tx, self.market.id, minor, actor="operator:1", at=self.at)

    async def cover(self) -> Cover:
        async with self.engine.connect() as tx:
            found = await guarantee.find(tx, self.market.id)
        assert found is not None
        return found

    def passes(self, seconds: int) -> None:
        self.now += dt.timedelta(seconds=seconds)


async def open_market(database: Database) -> Till:
    """The coalition and its programme; nobody has a cover yet."""
    async with database.engine.begin() as tx:
        market, rail = await turns.coalition(tx)
        await tx.execute(
            text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))"),
            {"document": turns.PROGRAMME.model_dump_json()},
        )
    return Till(database.engine, market, rail)
