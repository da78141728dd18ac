"""A dividend in chat, from the owner's tap to every member's receipt and its «why», in both languages."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools

from bot.clock import Clock
from bot.double.double import Person
from bot.leads import take
from bot.timetable import Timetable
from jobs import dividends
from ledger.points.audit import audit
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.shop import member_id
from tests.handlers.till_scene import Shop, open_shop

_numbers = itertools.count(1)


def month_before_last(world: World) -> dt.date:
    """The first of a month that is out of every return window."""
    first = world.now().astimezone(ZONE).date().replace(day=1)
    last = (first - dt.timedelta(days=1)).replace(day=1)
    return (last - dt.timedelta(days=1)).replace(day=1)


async def earned(world: World, who: Person, points: int) -> None:
    """Points of a purchase in that month."""
    await world.sql(
        "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, bill, occurred_at,"
        " bought_on) VALUES (1, :document, :who, 100, 'CNY', :points, 0, '{}', now(), :day)",
        document=f"v{next(_numbers)}",
        who=await member_id(world, who),
        points=points,
        day=month_before_last(world),
    )


async def a_minute_later(world: World) -> None:
    """The duty has run."""
    timetable = Timetable(world.database.engine, world.vault, Clock(ZONE, world.now), [dividends.duty])
    async with world.database.engine.begin() as tx:
        lease = await take(tx, "jobs", "test")
    assert lease is not None
    await timetable.catch_up(lease)
    await world.settled()


async def asked_for_points(shop: Shop, month: str) -> None:
    """The owner has chosen the month and is asked how many points."""
    await shop.owner.says("/merchant")
    await shop.owner.taps("分红")
    await shop.owner.sees("按各人在您这里得过的分摊给他们", fresh=True)
    await shop.owner.taps("新的分红")
    await shop.owner.taps(month)
    await shop.owner.sees("拿多少分出来", fresh=True)


async def test_a_pool_reaches_everybody_to_the_last_point_with_its_arithmetic(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        hong = await world.member("Hong", "en")
        for who, points in ((shop.customer, 200), (hong, 100)):
            await earned(world, who, points)
        await asked_for_points(shop, f"{month_before_last(world).month}月1日—")
        await shop.owner.says("1,000")
        await shop.owner.sees("分给 2 位会员,他们那时共得 300 分")
        assert "最多的得 667,最少的得 333,合计正好 1,000" in shop.owner.last.shown
        message = shop.owner.last
        taps = [await shop.owner.taps("确认分红", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await shop.owner.sees("几分钟内发给 2 位会员")
        assert await world.sql("SELECT count(*), sum(pool)::int FROM dividend") == [(1, 1000)]
        await a_minute_later(world)
        await shop.customer.sees("+667 分 · 分红 · 云山超市")
        assert "您得过 200 分,2 位会员共 300 分" in shop.customer.last.shown
        assert "可用 667 分" in shop.customer.last.shown
        await hong.sees("+333 pts · Dividend · Yunshan Market")
        await hong.sees("1,000 × 100 ÷ 300; odd points go to the largest remainders")
        await hong.taps("See why")
        await hong.sees("A pool of 1,000 pts")
        await hong.says("/history")
        await hong.sees("Dividend · Yunshan Market")
        async with database.engine.connect() as tx:
            assert (await audit(tx)).holds


async def test_each_refusal_leads_back(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        month = f"{month_before_last(world).month}月1日—"
        await asked_for_points(shop, month)
        await shop.owner.says("很多")
        await shop.owner.sees("一笔分红是 1 到 10,000,000 分")
        await shop.owner.says("500")
        await shop.owner.sees("没有人可分")
        await earned(world, shop.customer, 10)
        await shop.owner.says("500")
        await shop.owner.sees("分给 1 位会员")
        await shop.owner.taps("确认分红")
        await shop.owner.sees("已出资 500 分")
        await asked_for_points(shop, month)
        await shop.owner.says("500")
        await shop.owner.sees("这段时间分过了")


async def test_a_month_that_may_still_be_returned_waits(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql("UPDATE merchant SET terms = jsonb_set(terms, '{return_days}', '60')")
        last = month_before_last(world) + dt.timedelta(days=31)
        await shop.owner.says("/merchant")
        await shop.owner.taps("分红")
        await shop.owner.taps("新的分红")
        await shop.owner.taps(f"{last.month}月1日—")
        await shop.owner.sees("里面的消费还可能退货", fresh=True)


async def test_only_the_owner_gives_out_the_shops_points(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.manager.says("/merchant")
        await shop.manager.sees("云山超市", fresh=True)
        assert "分红" not in shop.manager.last.labels and "活动" in shop.manager.last.labels
