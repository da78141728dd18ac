"""ledger.read.balance and ledger.read.history: the same read with ten thousand and with ten million postings in the table.

The value is milliseconds a read beside ten million; the rival is the same read beside ten thousand; the ratio of the two costs is
what grows with the table. Members are picked at random, so a page comes from a different place each time.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Awaitable, Callable

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.figures import Figure, beside
from bench.stage import Stage, fill
from ledger.points.commands import member
from ledger.points.engine import PINNED_PLANS
from ledger.points.statements import history, wallet

TODAY = dt.date(2026, 11, 22)
LOTS = 20
SMALL, LARGE = 250, 250_000
"""Members; each has 20 lots, 20 entries and 40 postings."""

READS = 1500
ROUNDS = 5


async def _milliseconds(
    tx: AsyncConnection, members: int, read: Callable[[AsyncConnection, int], Awaitable[int]]
) -> float:
    rng = random.Random(members)
    began = time.perf_counter()
    for _ in range(READS):
        if not await read(tx, rng.randint(1, members)):
            raise RuntimeError("nothing was read")
    return (time.perf_counter() - began) / READS * 1000


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """Both reads at both sizes, in turn."""
    names = [n for n in ("ledger.read.balance", "ledger.read.history") if wanted(n)]
    if not names:
        return []
    sizes: dict[int, str] = {}
    for members in (SMALL, LARGE):
        sizes[members] = await stage.database()
        connection = await asyncpg.connect(stage.server.dsn_of(sizes[members]))
        await fill(connection, members=members, lots=LOTS, points=100, expires=None)
        await connection.close()
    engines = {
        m: create_async_engine(stage.server.url_of(n), connect_args={"server_settings": PINNED_PLANS})
        for m, n in sizes.items()
    }

    async def balance(tx: AsyncConnection, who: int) -> int:
        return len(await wallet(tx, member(who), today=TODAY))

    async def page(tx: AsyncConnection, who: int) -> int:
        return len(await history(tx, member(who), limit=9))

    figures = []
    async with engines[SMALL].connect() as small, engines[LARGE].connect() as large:
        for name in names:
            read = balance if name.endswith("balance") else page
            many, few = [], []
            for number in range(ROUNDS + 1):
                a, b = await _milliseconds(large, LARGE, read), await _milliseconds(small, SMALL, read)
                if number:
                    many.append(a)
                    few.append(b)
            figures.append(
                beside(name, "ms", many, "the same beside 10 thousand", few, wanted="≤ 1.3", note="10 million postings")
            )
    for engine in engines.values():
        await engine.dispose()
    for name in sizes.values():
        await stage.drop(name)
    return figures
