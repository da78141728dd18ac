"""Refunds without a receipt: who bought is known by their card, and what fits is found by amount or item, newest first."""

from __future__ import annotations

from ledger.earning.rules.bill import Part
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.test_refund import limit, refunds, reported
from tests.handlers.test_walk_ins import PHONE, serves
from tests.handlers.till_scene import Shop, open_shop, printed


async def yesterday(world: World, amount_minor: int, days: int) -> None:
    await world.sql(
        "UPDATE purchase SET occurred_at = occurred_at - make_interval(days => :days) WHERE amount_minor = :minor",
        days=days, minor=amount_minor,
    )  # fmt: skip


async def at_the_list(shop: Shop, said: str = "") -> None:
    """The manager has the customer's card in hand."""
    await shop.manager.says("/counter")
    await shop.manager.taps("退款")
    await shop.manager.taps("没有小票")
    await shop.manager.sees("没有小票的退款", fresh=True)
    await shop.manager.says(said or await shop.card())
    await shop.manager.sees("在这里最近买的", fresh=True)


async def test_what_they_bought_is_listed_newest_first_and_an_amount_finds_it(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 300, 120, 80)
        await yesterday(world, 30000, 9)
        await yesterday(world, 12000, 3)
        await at_the_list(shop)
        labels = [label for label in shop.manager.last.labels if "¥" in label]
        assert [label.rpartition("¥")[2] for label in labels] == ["80", "120", "300"]
        await shop.manager.says("120")
        await shop.manager.sees("在这里最近买的", fresh=True)
        assert [label.rpartition("¥")[2] for label in shop.manager.last.labels if "¥" in label] == ["120"]
        await shop.manager.says("100")  # nothing costs so much: what has it left
        await shop.manager.sees("在这里最近买的", fresh=True)
        assert [label.rpartition("¥")[2] for label in shop.manager.last.labels if "¥" in label] == ["120", "300"]
        await shop.manager.taps("¥120")
        await shop.manager.sees("退 ¥100 → 会员 小明 收回 100 分", fresh=True)
        await shop.manager.taps("商品退回")
        await shop.manager.sees("已退 ¥100", fresh=True)
        await shop.customer.sees("-100 分 · 退货 · 云山超市")
        assert await refunds(world) == [(10000, 100, "returned")]


async def test_an_item_finds_its_latest_line(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        await reported(shop, "A-1", Part(3000, item="LED 灯", pieces=3), Part(500, item="牛奶"))
        await reported(shop, "A-2", Part(4000, item="led 灯带"), Part(700, item="面包"))
        await yesterday(world, 3500, 2)
        manager = shop.manager
        await manager.says("/counter")
        await manager.taps("Refund")
        await manager.taps("No receipt")
        await manager.says(await shop.card())
        await manager.sees("bought here lately", fresh=True)
        await manager.says("LED")
        await manager.sees("bought here lately", fresh=True)
        labels = [label for label in manager.last.labels if "¥" in label]
        assert [label.split(" · ")[1:] for label in labels] == [["led 灯带", "¥40"], ["LED 灯", "¥10"]]
        await manager.says("nothing like it")
        await manager.sees("Nothing fits", fresh=True)
        await manager.taps("All")
        await manager.sees("Tap one", fresh=True)
        await manager.says("led")
        await manager.sees("bought here lately", fresh=True)
        await manager.taps("LED 灯 ")
        await manager.sees("Refund ¥10 → 10 pts back", fresh=True)
        await manager.taps("Something wrong with the goods")
        await manager.sees("¥10 refunded", fresh=True)


async def test_a_phone_customers_purchases_are_found_and_those_of_other_shops_are_not(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await serves(shop.cashier, PHONE, "60", first=True)
        await at_the_list(shop, PHONE)
        assert "会员 手机 138****5678 在这里最近买的" in printed(shop.manager)
        await world.sql("UPDATE purchase SET merchant_id = (SELECT id FROM merchant WHERE code = 'rail')")
        await shop.manager.says("/counter")
        await shop.manager.taps("退款")
        await shop.manager.taps("没有小票")
        await shop.manager.says(PHONE)
        await shop.manager.sees("最近没有在这里买过可退的", fresh=True)
        await shop.manager.says("/counter")
        await shop.manager.taps("退款")
        await shop.manager.taps("没有小票")
        await shop.manager.says("13999999999")
        await shop.manager.sees("没有在这里买过", fresh=True)
        assert "139****9999" in shop.manager.last.shown and await world.sql("SELECT count(*) FROM walk_in") == [(1,)]


async def test_what_was_bought_before_a_claim_is_found_by_the_members_own_card(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await serves(shop.cashier, PHONE, "60", first=True)
        await shop.customer.says("/claim")
        await shop.customer.taps("用手机号认领")
        await shop.customer.shares_contact(f"+86{PHONE}")
        await shop.customer.sees("待生效 60")
        await at_the_list(shop)
        await shop.manager.taps("¥60")
        await shop.manager.taps("全退")
        await shop.manager.taps("商品退回")
        await shop.manager.sees("已退 ¥60,收回 60 分", fresh=True)
        await shop.customer.sees("-60 分 · 退货")


async def test_a_cashier_up_to_their_limit_and_nobody_by_another_shops_number(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 300)
        await shop.cashier.says("/counter")
        await shop.cashier.sees("收银台", fresh=True)
        await opens(shop.cashier, "refund_by_card:start:1")
        await shop.cashier.sees("您不能办退款", fresh=True)
        await limit(world, 5000)
        await shop.cashier.says("/counter")
        await shop.cashier.taps("退款")
        await shop.cashier.taps("没有小票")
        await shop.cashier.says(await shop.card())
        await shop.cashier.sees("在这里最近买的", fresh=True)
        await shop.cashier.says("60")
        await shop.cashier.sees("在这里最近买的", fresh=True)
        await shop.cashier.taps("¥300")
        await shop.cashier.sees("这笔要店长来退", fresh=True)
        await opens(shop.cashier, "refund_by_card:start:2")
        await shop.cashier.sees("您不在这个收银台", fresh=True)
