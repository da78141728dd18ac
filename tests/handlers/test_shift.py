"""Outlets, tills and shifts in chat: set up by the manager, worked by the cashier, closed with totals that equal the day's list."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from ledger.earning import rulebook
from ledger.earning.rules.documents import Multiplier, When
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.till_scene import Shop, open_shop, second_post


async def set_up(world: World, shop: Shop) -> None:
    """An outlet with two tills, by the manager's own hand."""
    await shop.manager.says("/merchant")
    await shop.manager.taps("门店")
    await shop.manager.sees("还没有门店", fresh=True)
    await shop.manager.taps("新开门店")
    await shop.manager.sees("门店叫什么", fresh=True)
    await shop.manager.says("南京路店")
    await shop.manager.sees("还没有收银台", fresh=True)
    for label in ("1号台", "2号台"):
        await shop.manager.taps("加收银台")
        await shop.manager.sees("小票上怎么称呼它", fresh=True)
        await shop.manager.says(label)
        await shop.manager.sees("南京路店 · 云山超市", fresh=True)
    await world.settled()


async def test_an_outlet_is_told_where_it_is_when_it_is_open_and_closed_again(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await set_up(world, shop)
        await shop.manager.taps("改地址")
        await shop.manager.sees("把地址发给我", fresh=True)
        await shop.manager.says("南京东路 100 号")
        await shop.manager.sees("地址:南京东路 100 号", fresh=True)
        await shop.manager.taps("改营业时间")
        await shop.manager.sees("什么时候营业", fresh=True)
        await shop.manager.says("每天 9:00–21:00")
        await shop.manager.sees("营业时间:每天 9:00–21:00", fresh=True)
        await shop.manager.taps("改地区")
        await shop.manager.taps("杭州")
        await shop.manager.sees("地区:杭州", fresh=True)
        await shop.manager.taps("加收银台")
        await shop.manager.sees("小票上怎么称呼它", fresh=True)
        await shop.manager.says("1号台")
        await shop.manager.sees("已经有一个叫「1号台」的收银台", fresh=True)
        await shop.customer.says("/shops")
        await shop.customer.taps("换地区")
        await shop.customer.taps("杭州")
        await shop.customer.taps("云山超市")
        await shop.customer.sees("南京路店 · 南京东路 100 号 · 每天 9:00–21:00", fresh=True)
        await shop.manager.says("/merchant")
        await shop.manager.taps("门店")
        await shop.manager.taps("南京路店")
        await shop.manager.taps("2号台")
        await shop.manager.taps("撤掉")
        await shop.manager.sees("收银台 1 个", fresh=True)
        await shop.manager.taps("关闭门店")
        await shop.manager.taps("确认关闭")
        await shop.manager.sees("还没有门店", fresh=True)
        await shop.cashier.says("/counter")
        await shop.cashier.sees("收银台", fresh=True)
        assert "商户页" not in shop.cashier.last.labels and "开班" not in shop.cashier.last.labels
        await shop.cashier.says("/merchant")
        await shop.cashier.sees("您不能看商户页", fresh=True)


async def test_a_shift_is_closed_with_what_the_days_list_says(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await set_up(world, shop)
        await shop.cashier.says("/counter")
        await shop.cashier.taps("开班")
        await shop.cashier.sees("在哪个收银台", fresh=True)
        await shop.cashier.taps("1号台 · 南京路店")
        await shop.cashier.sees("积分还没有记过", fresh=True)
        await shop.give(shop.cashier, "128.5")
        await shop.give(shop.cashier, "71.5")
        await shop.cashier.says("/today")
        listed = (await shop.cashier.sees("笔,收", fresh=True)).shown
        day = next(line for line in listed.splitlines() if "笔,收" in line)
        assert day == "2 笔,收 ¥200,得 199 分"
        [row] = await world.sql("SELECT DISTINCT till, outlet_id FROM purchase")
        assert row.till == "1号台" and row.outlet_id is not None
        await shop.cashier.taps("+71")
        await shop.cashier.sees("经手:3号台 · 1号台", fresh=True)
        await shop.customer.says("/history")
        await shop.customer.taps("+71")
        await shop.customer.sees("经手 3号台 · 1号台", fresh=True)
        await shop.cashier.says("/counter")
        await shop.cashier.sees("在班:1号台 · 南京路店", fresh=True)
        await shop.cashier.taps("班次")
        await shop.cashier.sees("今天", fresh=True)
        await shop.cashier.taps("交班", message=shop.cashier.last)
        shown = (await shop.cashier.sees("交班:1号台 · 南京路店?", fresh=True)).shown
        assert day in shown
        message = shop.cashier.last
        for _ in range(3):
            await shop.cashier.taps("确认交班", message=message)
        shown = (await shop.cashier.sees("已交班", fresh=True)).shown
        assert day in shown
        await world.settled()
        [stored] = await world.sql("SELECT totals FROM shift")
        assert stored.totals["awards"] == 2 and stored.totals["amount_minor"] == 20_000
        assert stored.totals["points"] == 199
        await shop.manager.says("/merchant")
        await shop.manager.taps("各班记录")
        await shop.manager.taps("1号台 · 3号台")
        assert day in (await shop.manager.sees("已交班", fresh=True)).shown


async def test_the_next_shift_at_a_till_closes_the_one_that_was_left_open(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await set_up(world, shop)
        await shop.cashier.says("/counter")
        await shop.cashier.taps("开班")
        await shop.cashier.taps("1号台 · 南京路店")
        await shop.cashier.sees("积分还没有记过", fresh=True)
        await shop.give(shop.cashier, "88")
        await shop.colleague.says("/counter")
        await shop.colleague.taps("开班")
        await shop.colleague.taps("1号台 · 南京路店 · 3号台 在班")
        await shop.colleague.sees("4号台", fresh=True)
        told = await shop.cashier.sees("1号台 · 南京路店的班已由 4号台 接走")
        assert "1 笔,收 ¥88,得 88 分" in told.shown
        rows = await world.sql("SELECT closed_by FROM shift ORDER BY id")
        assert [row.closed_by for row in rows] == ["next", None]
        await shop.cashier.says("/counter")
        await shop.cashier.sees("收银台", fresh=True)
        assert "在班" not in shop.cashier.last.shown


async def test_two_who_open_the_same_till_at_the_same_moment_work_one_after_the_other(database: Database) -> None:
    async with bot_running(database, webhook=True, workers=2) as world:
        shop = await open_shop(world)
        await set_up(world, shop)
        for who in (shop.cashier, shop.colleague):
            await who.says("/counter")
            await who.taps("开班")
            await who.sees("在哪个收银台", fresh=True)
        for who in (shop.cashier, shop.colleague, shop.cashier, shop.colleague):
            await who.taps("2号台 · 南京路店", message=who.last)
        await world.settled()
        [row] = await world.sql("SELECT count(*) FILTER (WHERE closed_at IS NULL) AS open FROM shift")
        assert row.open == 1
        assert await world.sql("SELECT 1 FROM failure") == []


async def test_who_works_at_two_shops_is_asked_once_and_may_change(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await second_post(world, shop.owner, "rail", "售票窗")
        await shop.owner.says("/counter")
        await shop.owner.sees("这次是哪一家", fresh=True)
        await shop.owner.taps("江南铁路")
        await shop.owner.sees("售票窗 · 收银员", fresh=True)
        for command, then in (
            ("/today", "今天还没有记过积分"),
            ("/award", "记积分 · 江南铁路"),
            ("/verify", "江南铁路"),
        ):
            await shop.owner.says(command)
            await shop.owner.sees(then, fresh=True)
        await shop.owner.says("/merchant")
        await shop.owner.sees("云山超市 · 正常", fresh=True)
        await shop.owner.says("/counter")
        await shop.owner.sees("收银台 · 江南铁路", fresh=True)
        await shop.owner.taps("换一家店")
        await shop.owner.sees("这次是哪一家", fresh=True)
        await shop.owner.taps("云山超市")
        await shop.owner.says("/merchant")
        await shop.owner.sees("云山超市 · 正常", fresh=True)
        await shop.owner.says("/balance")
        await shop.owner.sees("可用", fresh=True)


async def test_the_outlet_of_the_shift_is_where_it_is_bought(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await set_up(world, shop)
        await world.sql("UPDATE outlet SET region = 'hz'")
        double = Multiplier(
            name_zh="杭州双倍", name_en="Hangzhou double", factor=Decimal(2), when=When(regions=frozenset({"hz"}))
        )
        async with world.database.engine.begin() as tx:
            await rulebook.publish(
                tx,
                code="hz",
                merchant_id=1,
                rule=double,
                valid_from=dt.date(2020, 1, 1),
                made_by="test",
                at=world.now(),
            )
        await shop.give(shop.cashier, "10")
        await shop.cashier.says("/counter")
        await shop.cashier.taps("开班")
        await shop.cashier.taps("1号台 · 南京路店")
        await shop.cashier.sees("今天", fresh=True)
        await shop.give(shop.cashier, "10")
        rows = await world.sql("SELECT points, facts->>'region' AS region FROM purchase ORDER BY id")
        assert [(row.points, row.region) for row in rows] == [(10, None), (20, "hz")]


async def test_shifts_speak_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        await shop.manager.says("/merchant")
        await shop.manager.taps("Outlets")
        await shop.manager.sees("No outlets yet", fresh=True)
        await shop.manager.taps("New outlet")
        await shop.manager.sees("What is the outlet called", fresh=True)
        await shop.manager.says("Nanjing Road")
        await shop.manager.taps("Add a till")
        await shop.manager.sees("How shall receipts name it", fresh=True)
        await shop.manager.says("Till 1")
        await shop.manager.sees("1 till", fresh=True)
        await shop.cashier.says("/counter")
        await shop.cashier.taps("Start a shift")
        await shop.cashier.taps("Till 1 · Nanjing Road")
        await shop.cashier.sees("No awards yet", fresh=True)
        await shop.cashier.taps("End the shift")
        await shop.cashier.taps("Confirm")
        await shop.cashier.sees("Shift ended", fresh=True)
