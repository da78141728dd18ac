"""Cover in chat: what the operator books, what the owner sees, and what the till hears when it is used up."""

from __future__ import annotations

from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers import shop
from tests.handlers.settled import opens, runs_the_programme
from tests.handlers.till_scene import open_shop, printed


async def test_the_operator_books_a_payment_once_and_the_owner_hears_and_sees(database: Database) -> None:
    async with bot_running(database) as world:
        place, operator = await open_shop(world), await world.member("林运营")
        await runs_the_programme(world, operator)
        await shop.gives(world, place.customer, 1000)
        await operator.says("/operator")
        await operator.taps("保证金")
        await operator.sees("没有设的,发分不设限")
        await operator.taps("云山超市 · 不设限")
        await operator.sees("没有设保证金")
        await operator.taps("存入")
        await operator.sees("云山超市存入了多少", fresh=True)
        await operator.says("很多")
        await operator.sees("这个金额不行", fresh=True)
        assert "取消" in operator.last.labels, "the next try is awaited, and there is a way back"
        await operator.says("1,000,000")
        await operator.sees("凭证号是什么", fresh=True)
        await operator.says("回单 88")
        shown = (await operator.sees("云山超市的 ¥1,000,000 已入账", fresh=True)).shown
        assert "已用 0% · 还能发 ¥999,980" in shown and "未用完的分值 ¥20" in shown
        await place.owner.sees("云山超市的 ¥1,000,000 已入账")
        await place.owner.taps("看保证金")
        await place.owner.sees("存入 ¥1,000,000 · 回单 88")
        await operator.taps("返回")
        await operator.taps("存入")
        await operator.says("5")
        await operator.sees("凭证号是什么", fresh=True)
        await operator.says("回单 88")
        await operator.sees("这个凭证号记过了", fresh=True)
        await operator.says("回单 89")
        await operator.sees("云山超市的 ¥5 已入账", fresh=True)
        await operator.taps("返回")
        await operator.taps("退还")
        await operator.says("999,999,999")
        await operator.says("回单 90")
        await operator.sees("最多能退 ¥999,985", fresh=True)


async def test_the_till_is_refused_when_the_cover_is_used_up_and_nothing_is_booked(database: Database) -> None:
    async with bot_running(database) as world:
        place, operator = await open_shop(world), await world.member("林运营")
        await runs_the_programme(world, operator)
        await operator.says("/operator")
        await world.settled()
        await opens(operator, "cover:limit:1")
        await operator.sees("信用额度改为多少", fresh=True)
        await operator.says("5.98")
        await operator.sees("云山超市的信用额度改为 ¥5.98", fresh=True)
        code = await place.card()
        await place.cashier.says(f"/award {code}")
        await place.cashier.sees("收了多少钱", fresh=True)
        await place.cashier.says("300")
        await place.cashier.sees("→", fresh=True)
        await place.cashier.taps("确认")
        shown = (await place.cashier.sees("云山超市暂时不能发积分", fresh=True)).shown
        assert "这笔没有发分,已留底" in shown
        assert await world.sql("SELECT count(*) FROM purchase") == [(0,)]
        await opens(operator, "cover:limit:1")
        await operator.sees("信用额度改为多少", fresh=True)
        await operator.says("6")
        await operator.sees("信用额度改为 ¥6", fresh=True)
        await place.give(place.cashier, "300")
        assert await world.sql("SELECT count(*) FROM purchase") == [(1,)]


async def test_who_only_looks_after_support_may_look_and_not_book(database: Database) -> None:
    async with bot_running(database) as world:
        await open_shop(world)
        operator = await world.member("小助")
        await runs_the_programme(world, operator, "support")
        await operator.says("/operator")
        await operator.taps("保证金")
        await operator.taps("云山超市")
        await operator.sees("没有设保证金")
        assert "存入" not in printed(operator)
        await opens(operator, "cover:pay:1:in")
        await operator.sees("您的角色办不了这件事", fresh=True)


async def test_english_speaks_english(database: Database) -> None:
    async with bot_running(database) as world:
        place, operator = await open_shop(world, language="en"), await world.member("Lin", "en")
        await runs_the_programme(world, operator)
        await operator.says("/operator")
        await operator.taps("Cover")
        await operator.taps("Yunshan Market · no limit")
        await operator.taps("Credit limit")
        await operator.sees("Which credit limit for Yunshan Market?", fresh=True)
        await operator.says("0")
        await operator.sees("Credit limit of Yunshan Market set to ¥0", fresh=True)
        assert "issuing is paused" in operator.last.shown
        await place.cashier.says(f"/award {await place.card()}")
        await place.cashier.says("300")
        await place.cashier.taps("Confirm")
        await place.cashier.sees("Yunshan Market can’t issue points for now", fresh=True)
