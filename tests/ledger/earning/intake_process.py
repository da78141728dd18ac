"""A process that books purchases until it is killed: `python -m tests.ledger.earning.intake_process URL RUN`."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ledger.earning.intake import Intake
from ledger.merchants import merchant as merchants
from ledger.points.commands import Moment
from tests.ledger.earning.purchasing import bought
from tests.ledger.earning.shop import ZONE, moment

CALLERS = 16


async def noon(_: AsyncConnection) -> Moment:
    return moment()


async def main(url: str, run: str) -> None:
    engine = create_async_engine(url, pool_size=2)
    async with engine.connect() as tx:
        shop = await merchants.by_code(tx, "yunshan")
        members = list(await tx.scalars(text("SELECT id FROM member ORDER BY id")))
    async with Intake(engine, noon, zone=ZONE) as desk:

        async def caller(number: int) -> None:
            for n in range(10**6):
                who = members[(number + n) % len(members)]
                await desk.submit(bought(shop, f"{run}-{number}-{n}", member_id=who))

        await asyncio.gather(*(caller(number) for number in range(CALLERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
