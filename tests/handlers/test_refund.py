"""A refund at the till: which purchase, how much of it, why — told to the member, once however often it is tapped."""

from __future__ import annotations

import asyncio

from ledger.earning import intake
from ledger.earning.intake import Intended
from ledger.earning.rules.bill import Bill, Part
from ledger.members import person
from ledger.merchants import merchant as merchants
from ledger.points.audit import audit
from ledger.points.commands import Burn, member
from ledger.points.engine import post
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import moment
from tests.handlers.till_scene import Shop, open_shop, printed


async def left(world: World) -> int:
    """Points that are out: earned and not clawed back."""
    rows = await world.sql("SELECT coalesce(sum(CASE kind WHEN 'accrue' THEN points ELSE -points END), 0) FROM entry")
    return int(rows[0][0])


async def refunds(world: World) -> list[tuple[int, int, str]]:
    """(amount, points, reason) of what was refunded."""
    return [tuple(row) for row in await world.sql("SELECT amount_minor, points, reason FROM refund ORDER BY document")]


async def reported(shop: Shop, document: str, *parts: Part) -> None:
    """A purchase that the shop's till system reported, line by line."""
    at = moment(shop.world)
    async with shop.world.database.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        who = await person.find(tx, shop.world.vault, shop.customer.id)
        assert who is not None
        one = Intended(
            merchant=market, document=document, member_id=who, bill=Bill(parts, "CNY"), bought_on=at.today,
            occurred_at=at.now, actor="api", channel="api",
        )  # fmt: skip
        await intake.book(tx, one, at=at, zone=ZONE)


async def spends(world: World, shop: Shop, points: int) -> None:
    """The customer spends points at the counter of the shop that gave them."""
    at = moment(world)
    async with world.database.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        who = await person.find(tx, world.vault, shop.customer.id)
        assert who is not None
        facts = {"currency": 1, "at": at, "actor": "test", "merchant_id": market.id}
        await post(tx, Burn(key="spent", owner=member(who), points=points, **facts))


async def limit(world: World, minor: int) -> None:
    """How much a cashier may refund."""
    await world.sql(f"UPDATE merchant SET terms = terms || '{{\"cashier_refund_minor\": {minor}}}'")


async def test_todays_purchase_is_refunded_whole_in_three_taps(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, rate="2")
        await shop.book("3号台", 300, 50)
        await shop.manager.says("/counter")
        await shop.manager.sees("收银台")
        await shop.manager.taps("退款")
        await shop.manager.sees("退哪一笔?")
        await shop.manager.taps("¥300")
        shown = (await shop.manager.sees("退多少?")).shown
        assert "收 ¥300 → 会员 小明 得 600 分" in shown
        await shop.manager.taps("全退 ¥300")
        await shop.manager.sees("退 ¥300 → 会员 小明 收回 600 分")
        assert await left(world) == 700
        await shop.manager.taps("商品退回")
        await shop.manager.sees("已退 ¥300,收回 600 分\n会员已收到通知")
        shown = (await shop.customer.sees("-600 分 · 退货 · 云山超市")).shown
        assert "原因:商品退回" in shown
        assert await refunds(world) == [(30000, 600, "returned")]
        await shop.manager.taps("退另一笔")
        await shop.manager.sees("退哪一笔?")
        assert "¥300" not in printed(shop.manager) and "¥50" in printed(shop.manager)
        async with world.database.engine.connect() as tx:
            assert (await audit(tx)).violations == ()


async def test_the_same_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        await shop.book("3号台", 300)
        await shop.manager.says("/today")
        await shop.manager.taps("¥300")
        await shop.manager.taps("Refund")
        await shop.manager.sees("How much? All of it, or send me an amount.")
        await shop.manager.says("100.5")
        shown = (await shop.manager.sees("Refund ¥100.50 → 101 pts back from 小明")).shown
        assert "¥199.50 of the purchase is left afterwards" in shown
        await shop.manager.taps("Something wrong with the goods")
        shown = (await shop.manager.sees("¥100.50 refunded, 101 pts taken back")).shown
        assert "¥100.50 refunded, ¥199.50 left" in shown
        assert "Something wrong with the goods" in (await shop.customer.sees("-101 pts")).shown


async def test_a_receipt_number_finds_any_purchase_and_its_lines_come_back_one_by_one(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await reported(shop, "20261111-0093", Part(3000, item="LED 灯", pieces=3), Part(10000, item="牛奶"))
        manager = shop.manager
        await manager.says("/counter")
        await manager.taps("退款")
        await manager.sees("退哪一笔?")
        await manager.says("没有的号")
        await manager.sees("没有这张小票")
        await manager.says(" 20261111-0093 ")
        await manager.sees("小票 20261111-0093", fresh=True)
        await manager.taps("按商品退")
        await manager.sees("退哪一样?")
        assert "LED 灯 ×3 · ¥30" in printed(manager)
        await manager.taps("退 2 件")
        await manager.sees("退 ¥20 → 会员 小明 收回 20 分")
        await world.restart()
        await manager.says("灯不亮")
        await manager.sees("已退 ¥20,收回 20 分")
        await shop.customer.sees("原因:灯不亮")
        await manager.taps("这笔再退一些")
        await manager.taps("按商品退")
        await manager.sees("退哪一样?")
        assert "LED 灯 ×1 · ¥10" in printed(manager) or "LED 灯 · ¥10" in printed(manager)
        await manager.taps("牛奶")
        await manager.sees("收回 100 分")
        await manager.taps("商品有问题")
        await manager.sees("已退 ¥100,收回 100 分")
        assert await left(world) == 10


async def test_the_number_that_the_till_showed_finds_a_purchase_without_a_receipt(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 300, 40)
        ((entry,),) = await world.sql("SELECT entry_id FROM purchase WHERE amount_minor = 4000")
        await world.sql("UPDATE purchase SET occurred_at = occurred_at - interval '3 days'")
        manager = shop.manager
        await manager.says("/counter")
        await manager.taps("退款")
        await manager.sees("今天没有可退的")
        await manager.says(str(entry + 1_000_000))
        await manager.sees("没有这张小票", fresh=True)
        await manager.says(f" {entry} ")
        await manager.sees("退多少", fresh=True)
        assert "全退 ¥40" in printed(manager)


async def test_a_cashier_refunds_up_to_the_limit_and_a_manager_above_it(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 300)
        cashier = shop.cashier
        await cashier.says("/counter")
        await cashier.sees("收银台", fresh=True)
        assert "退款" not in printed(cashier)
        await opens(cashier, "refund:start:1")
        await cashier.sees("您不能办退款", fresh=True)
        assert "请店里的店长来办" in cashier.last.shown
        await limit(world, 5000)
        await cashier.says("/counter")
        await cashier.sees("收银台", fresh=True)
        await cashier.taps("退款")
        await cashier.sees("退哪一笔?")
        await cashier.taps("¥300")
        await cashier.taps("全退")
        shown = (await cashier.sees("这笔要店长来退")).shown
        assert "最多退 ¥50,连这次一共 ¥300" in shown
        await cashier.says("30")
        await cashier.sees("收回 30 分", fresh=True)
        await cashier.taps("多收了钱")
        await cashier.sees("已退 ¥30")
        await cashier.taps("这笔再退一些")
        await cashier.says("20.01")
        await cashier.sees("连这次一共 ¥50.01", fresh=True)
        assert await refunds(world) == [(3000, 30, "overcharged")]


async def test_five_taps_on_a_reason_are_one_refund(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 300)
        await shop.manager.says("/today")
        await shop.manager.taps("¥300")
        await shop.manager.taps("退款")
        await shop.manager.says("100")
        await shop.manager.sees("收回 100 分", fresh=True)
        message = shop.manager.last
        taps = [await shop.manager.taps("商品退回", message=message) for _ in range(5)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert "已退 ¥100,收回 100 分" in shop.manager.last.shown
        assert await left(world) == 200
        assert sum("-100" in m.shown for m in shop.customer.messages) == 1


async def test_another_amount_typed_leaves_the_old_screen_without_effect(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 300)
        manager = shop.manager
        await manager.says("/today")
        await manager.taps("¥300")
        await manager.taps("退款")
        await manager.says("100")
        await manager.sees("收回 100 分", fresh=True)
        old = manager.last
        await manager.says("50")
        await manager.sees("收回 50 分", fresh=True)
        manager.presses(old, old.buttons[0][0])
        await manager.sees("这次退款已经不在了", fresh=True)
        assert await refunds(world) == []
        await manager.taps("再看这笔")
        await manager.says("三百")
        await manager.sees("没看懂", fresh=True)
        await manager.taps("返回")
        await manager.says("300.01")
        await manager.sees("退款超过了那笔消费", fresh=True)
        assert await refunds(world) == []


async def test_anothers_shop_cannot_be_reached(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 300)
        await world.sql("UPDATE purchase SET merchant_id = (SELECT id FROM merchant WHERE code = 'rail')")
        [[purchase]] = await world.sql("SELECT id FROM purchase")
        await shop.manager.says("/counter")
        await shop.manager.sees("收银台")
        forged = shop.manager.last.buttons[0][0]
        object.__setattr__(forged, "data", f"refund:open:{purchase}")
        shop.manager.presses(shop.manager.last, forged)
        await shop.manager.sees("没有这笔消费", fresh=True)


async def test_a_refund_that_takes_no_points_is_told_too_and_once(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 30)
        await world.sql("UPDATE member SET language = 'en' WHERE id = (SELECT member_id FROM purchase)")
        await shop.manager.says("/today")
        await shop.manager.taps("¥30")
        await shop.manager.taps("退款")
        for again in (False, True):  # of 30.00 a fen costs a point, of 29.99 none
            await shop.manager.says("0.01")
            await shop.manager.sees("为什么退", fresh=True)
            message = shop.manager.last
            for tap in [await shop.manager.taps("多收了钱", message=message) for _ in range(3)]:
                await tap.answer()
            await shop.manager.sees("已退 ¥0.01", fresh=True)
            if not again:
                await shop.manager.taps("这笔再退一些")
                await shop.manager.sees("退多少", fresh=True)
        await world.settled()
        assert "积分没有变\n会员已收到通知" in shop.manager.last.shown
        assert [m.shown.splitlines() for m in shop.customer.messages if "refunded" in m.shown] == [
            ["¥0.01 refunded · Yunshan Market", "Reason: Charged too much", "Your points stay as they were."]
        ]


async def test_an_award_of_nothing_that_is_taken_back_is_told(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, rate="0.01")
        await shop.book("3号台", 30)
        await shop.manager.says("/today")
        await shop.manager.taps("¥30")
        await shop.manager.taps("撤回")
        await shop.manager.taps("重复记了")
        await shop.manager.sees("撤回好了\n会员已收到通知")
        shown = (await shop.customer.sees("退款 ¥30 · 云山超市")).shown
        assert "您的积分没有变。" in shown


async def test_what_the_member_has_spent_meanwhile_is_owed_said_and_filled_by_the_next_purchase(
    database: Database,
) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql("UPDATE merchant SET terms = terms || '{\"return_days\": 0}'")
        await shop.give(shop.cashier, "300")
        await shop.customer.sees("+300 分 · 云山超市")
        await spends(world, shop, 250)
        await shop.manager.says("/counter")
        await shop.manager.taps("退款")
        await shop.manager.taps("¥300")
        await shop.manager.taps("全退 ¥300")
        await shop.manager.taps("商品退回")
        told = (await shop.customer.sees("退货 · 云山超市")).shown
        assert "不够收回的 250 分记为欠分,下次在那里得的分先补上" in told
        await shop.customer.says("/balance")
        await shop.customer.sees("在云山超市欠 250 分", fresh=True)
        await shop.give(shop.cashier, "260")
        told = (await shop.customer.sees("+260 分 · 云山超市")).shown
        assert "其中 250 分补上了之前退货欠的" in told and "可用 10 分" in told
        async with world.database.engine.connect() as tx:
            assert (await audit(tx)).violations == ()
