"""intake.book, intake.hot: purchases booked a second — rules, caps, cover, lot, trace, purchase row —, 32 tills at once.

`intake.book` is one `Intake`, which combines whoever waits, beside a transaction for each purchase on 32 connections.
`intake.hot` is 32 tills of one merchant beside 32 merchants with a till each: nothing of a merchant may be a row for which its
tills queue. It is taken with a transaction for each purchase, where they would, and combined (`.combined`). Every merchant has
cover and a capped rule.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import itertools
import time
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bench.figures import Figure, beside
from bench.stage import Stage, fill
from ledger.earning import intake, rulebook
from ledger.earning.intake import Intake, Intended
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import RULE
from ledger.merchants import merchant as merchants
from ledger.merchants.cover import Slices
from ledger.merchants.merchant import Merchant, Terms
from ledger.points.commands import Moment
from ledger.points.engine import PINNED_PLANS

TILLS = 32
MEMBERS = 24_000
ROUNDS = 5
COMBINED, SINGLE = 4_000, 1_200
ZONE = ZoneInfo("Asia/Shanghai")
NOW = Moment(dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC), dt.date(2026, 11, 22))

_numbers = itertools.count(1)


class Tills:
    """32 tills on a database of their own: of one merchant, or each of another."""

    def __init__(self, engine: AsyncEngine, shops: list[Merchant]) -> None:
        self._engine, self._shops = engine, shops
        self._slices = Slices(engine, "bench")

    @classmethod
    async def open(cls, stage: Stage, shops: int) -> Tills:
        name = await stage.database()
        connection = await asyncpg.connect(stage.server.dsn_of(name))
        await connection.execute(
            f"INSERT INTO member (status, joined_on) SELECT 'active', '2026-01-01' FROM generate_series(1, {MEMBERS})"
        )
        await fill(connection, members=MEMBERS, lots=1, points=100, expires=None)
        await connection.close()
        url = stage.server.url_of(name)
        engine = create_async_engine(url, pool_size=TILLS + 2, connect_args={"server_settings": PINNED_PLANS})
        async with engine.begin() as tx:
            return cls(engine, [await _shop(tx, f"shop-{number}") for number in range(shops)])

    async def combined(self) -> float:
        """Purchases a second of one writer."""
        async with Intake(self._engine, _now, zone=ZONE, slices=self._slices) as desk:
            return await self._spread(COMBINED, desk.submit)

    async def single(self) -> float:
        """Purchases a second with a transaction for each."""

        async def book(one: Intended) -> None:
            async with self._engine.begin() as tx:
                await intake.book(tx, one, at=NOW, zone=ZONE, slices=self._slices)

        return await self._spread(SINGLE, book)

    async def _spread(self, count: int, book: Callable[[Intended], Awaitable[object]]) -> float:
        left = iter(range(count))

        async def till(number: int) -> None:
            for _ in left:
                await book(self._bought(number))

        began = time.perf_counter()
        await asyncio.gather(*(till(number) for number in range(TILLS)))
        return count / (time.perf_counter() - began)

    def _bought(self, till: int) -> Intended:
        number = next(_numbers)
        return Intended(
            merchant=self._shops[till % len(self._shops)],
            document=str(number),
            member_id=number * 7919 % MEMBERS + 1,
            bill=Bill((Part(12_345, "food", item="a"), Part(4_000, "drinks", item="b")), "CNY"),
            bought_on=NOW.today,
            occurred_at=NOW.now,
            actor="api:1",
            channel="api",
            till=str(till),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()


async def _shop(tx: AsyncConnection, code: str) -> Merchant:
    shop = await merchants.create(tx, code=code, name_zh=code, name_en=code, category="grocery", terms=Terms())
    rules = [
        {"kind": "base", "rate": "1", "category_rates": {"food": "1.5"}},
        {"kind": "multiplier", "factor": "2", "when": {"weekdays": [7]}, "caps": [{"points": 100_000, "per": "month"}]},
    ]
    for number, rule in enumerate(rules):
        await rulebook.publish(
            tx,
            code=f"{code}-{number}",
            merchant_id=shop.id,
            rule=RULE.validate_python({"name_zh": code, "name_en": code, **rule}),
            valid_from=dt.date(2026, 1, 1),
            made_by="bench",
            at=NOW.now,
        )
    await tx.exec_driver_sql(
        "INSERT INTO cover (merchant_id, money, float_minor, reserved_minor, outstanding_minor, counted_at)"
        " VALUES ($1, 'CNY', 1000000000000, 0, 0, now())",
        (shop.id,),
    )
    return shop


async def _now(_: AsyncConnection) -> Moment:
    return NOW


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """The figures that are asked for."""
    gc.collect()
    gc.freeze()  # as `bot.main` has it
    gc.set_threshold(50_000, 20, 20)
    one, many = await Tills.open(stage, 1), await Tills.open(stage, TILLS)
    figures = []
    cases = [
        ("intake.book", one.combined, "a transaction each", one.single, "≥ 2"),
        ("intake.hot", one.single, "32 merchants", many.single, "≥ 0.8"),
        ("intake.hot.combined", one.combined, "32 merchants", many.combined, "≥ 0.8"),
    ]
    for name, ours, rival, theirs, target in cases:
        if wanted(name):
            rounds = [(await ours(), await theirs()) for _ in range(ROUNDS + 1)][1:]  # the first warms caches and plans
            mine, other = zip(*rounds, strict=True)
            figures.append(beside(name, "per s", mine, rival, other, wanted=target))
    await one.close()
    await many.close()
    return figures
