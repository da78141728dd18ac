"""The day's list, each award opened, and taking one back: whose, until when, why; told to the member."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from ledger.points.audit import audit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.till_scene import Shop, open_shop, printed
from tests.turns import NOW


async def left(world: World) -> int:
    """Points of the market that are out: earned and not clawed back."""
    rows = await world.sql("SELECT coalesce(sum(CASE kind WHEN 'accrue' THEN points ELSE -points END), 0) FROM entry")
    return int(rows[0][0])


async def test_an_empty_day_says_so(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.cashier.says("/today")
        await shop.cashier.sees("今天还没有记过积分")
        await shop.cashier.says("/counter")
        await shop.cashier.sees("积分还没有记过")
        await shop.customer.says("/today")
        await shop.customer.sees("这是商户员工用的")


async def test_a_cashier_sees_their_own_and_a_manager_the_whole_shop_page_by_page(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", *range(1, 10))
        await shop.book("4号台", 500)
        await shop.cashier.says("/today")
        shown = (await shop.cashier.sees("9 笔,收 ¥45,得 45 分")).shown
        assert "我记的" in shown
        assert sum("¥" in label for label in shop.cashier.last.labels) == 8
        assert "上一页" not in printed(shop.cashier)
        await shop.cashier.taps("下一页")
        await world.settled()
        assert sum("¥" in label for label in shop.cashier.last.labels) == 1
        assert "下一页" not in printed(shop.cashier)
        await shop.cashier.taps("上一页")
        await world.settled()
        assert sum("¥" in label for label in shop.cashier.last.labels) == 8
        await shop.manager.says("/today")
        assert "全店" in (await shop.manager.sees("10 笔,收 ¥545,得 545 分")).shown
        await shop.manager.says("/counter")
        await shop.manager.sees("积分 10 笔,共 545 分")


async def test_taking_back_ones_own_award_asks_why_and_tells_the_member(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.give(shop.cashier, "300")
        await shop.cashier.taps("撤回这笔")
        shown = (await shop.cashier.sees("为什么撤回")).shown
        assert "收 ¥300 → 会员 小明 得 300 分" in shown
        await shop.cashier.taps("金额输错了")
        await shop.cashier.sees("撤回好了")
        shown = (await shop.customer.sees("-300 分 · 店员收回 · 云山超市")).shown
        assert "原因:金额输错了" in shown
        assert await left(world) == 0
        await shop.cashier.says("/today")
        await shop.cashier.sees("已撤回 1 笔")
        async with world.database.engine.connect() as tx:
            assert (await audit(tx)).violations == ()


async def test_a_member_reads_the_usual_reason_in_their_own_language(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        ann = await world.member("Ann", "en")
        await world.sql("UPDATE member SET language = 'en' WHERE id = (SELECT max(id) FROM member)")
        await shop.give(shop.cashier, "300", await shop.card(who=ann))
        await shop.cashier.taps("撤回这笔")
        await shop.cashier.taps("扫错了会员")
        await shop.cashier.sees("撤回好了")
        shown = (await ann.sees("-300 pts")).shown
        assert "Wrong member" in shown


async def test_a_reason_may_be_typed_and_a_restart_does_not_lose_the_question(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.give(shop.cashier, "300")
        await shop.cashier.taps("撤回这笔")
        await shop.cashier.sees("为什么撤回")
        await world.restart()
        await shop.cashier.says("长" * 101)
        await shop.cashier.sees("请写明原因")
        await shop.cashier.says("顾客 <b>换</b> 了付款方式")
        await shop.cashier.sees("撤回好了")
        await shop.customer.sees("原因:顾客 <b>换</b> 了付款方式")
        assert await left(world) == 0


async def test_five_taps_take_it_back_once(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.give(shop.cashier, "300")
        await shop.cashier.taps("撤回这笔")
        await shop.cashier.sees("为什么撤回")
        message = shop.cashier.last
        taps = [await shop.cashier.taps("重复记了", message=message) for _ in range(5)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert "撤回好了" in shop.cashier.last.shown
        assert await left(world) == 0
        assert sum("-300" in m.shown for m in shop.customer.messages) == 1


async def test_a_cashier_and_a_manager_at_once_take_it_back_once(database: Database) -> None:
    async with bot_running(database, webhook=True, workers=2) as world:
        shop = await open_shop(world)
        await shop.give(shop.cashier, "300")
        await shop.cashier.taps("撤回这笔")
        await shop.cashier.sees("为什么撤回")
        await shop.manager.says("/today")
        await shop.manager.taps("¥300")
        await shop.manager.sees("编号")
        await shop.manager.taps("撤回这笔")
        await shop.manager.sees("为什么撤回")
        await asyncio.gather(shop.cashier.taps("重复记了"), shop.manager.taps("顾客没有买"))
        await world.settled()
        assert await left(world) == 0
        assert all("撤回好了" in who.last.shown for who in (shop.cashier, shop.manager))


@pytest.mark.parametrize(("minutes", "may"), [(9, True), (11, False)])
async def test_a_cashiers_time_runs_out_and_a_managers_with_the_day(
    database: Database, minutes: int, may: bool
) -> None:
    async with bot_running(database) as world:
        world.wall_offset = NOW - dt.datetime.now(dt.UTC)  # half past ten in the morning
        shop = await open_shop(world)
        await shop.give(shop.cashier, "300")
        result = shop.cashier.last
        world.wall_offset += dt.timedelta(minutes=minutes)
        await shop.cashier.taps("撤回这笔", message=result)
        await shop.cashier.sees("为什么撤回" if may else "过了撤回的时间", fresh=True)
        await shop.cashier.says("/today")
        await shop.cashier.taps("¥300")
        await shop.cashier.sees("3号台", fresh=True)
        await world.settled()
        assert ("撤回这笔" in printed(shop.cashier)) == may
        await shop.manager.says("/today")
        await shop.manager.taps("¥300")
        await shop.manager.sees("3号台", fresh=True)
        await world.settled()
        assert "撤回这笔" in printed(shop.manager)


async def test_a_cashier_cannot_open_a_colleagues_award_nor_anothers_shop(database: Database) -> None:
    async with bot_running(database) as world:
        shop: Shop = await open_shop(world)
        await shop.give(shop.cashier, "300")
        result = shop.cashier.last
        data = next(b.data for row in result.buttons for b in row if "撤回" in b.text)
        assert data is not None
        await shop.colleague.says("/counter")
        await shop.colleague.sees("收银台")
        forged = shop.colleague.last.buttons[0][0]
        object.__setattr__(forged, "data", data)
        shop.colleague.presses(shop.colleague.last, forged)
        await shop.colleague.sees("您不能看全店的记录", fresh=True)
        assert await left(world) == 300
