"""One offer at several merchants: asked for in the shelf, answered by those who run the other, found and used there by a member."""

from __future__ import annotations

import asyncio

from bot.double.people import Person
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.merchants.merchant import Terms
from ledger.redeeming import fulfilments
from ledger.redeeming.offers import PerUnit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import code_on, gives, member_id, offer, shelve
from tests.handlers.test_own_shelf import documents
from tests.handlers.test_rules import forges
from tests.handlers.till_scene import Shop, open_shop, printed


async def second_shop(world: World, language: str = "zh-hans") -> tuple[Person, Person]:
    """A fruit shop with somebody who runs it and a cashier."""
    async with world.database.engine.begin() as tx:
        fruit = await merchants.create(
            tx, code="fruit", name_zh="鲜果時光", name_en="Fresh Fruit Time", category="fruit", terms=Terms()
        )
    people = []
    for name, role in (("果店店主", "owner"), ("果店收银", "cashier")):
        person = await world.member(name, language)
        async with world.database.engine.begin() as tx:
            await staff.add(
                tx,
                merchant_id=fruit.id,
                member_id=await member_id(world, person),
                role=role,  # type: ignore[arg-type]
                label=name,
                by="test",
                now=world.now(),
            )
        people.append(person)
    if language == "en":
        await world.sql("UPDATE member SET language = 'en'")
    return people[0], people[1]


async def tea(world: World, boss: Person) -> None:
    """Tea for 300 points on the supermarket's shelf, written in chat."""
    await says(world, boss, "/shelf")
    await taps(world, boss, "新建", "商品")
    await says(world, boss, "清明绿茶 / Green tea")
    await taps(world, boss, "其他")
    await says(world, boss, "300")
    await taps(world, boss, "不写", "不限", "不限", "30 天", "不放照片")


async def test_another_merchant_is_asked_agrees_and_hands_it_over(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        owner, cashier = await second_shop(world)
        await gives(world, member, 900)
        await tea(world, boss)
        await taps(world, boss, "更多…")
        assert await taps(world, boss, "代兑商户") == (
            "代兑商户 · 清明绿茶\n还有哪些商户也能兑?点一家,或把名字发给我。\n我会去问他们;答应了,会员才能到那里用。\n"
            "[加 江南铁路]  [加 鲜果時光]\n[返回]"
        )
        assert "代兑商户:鲜果時光" in await says(world, boss, "鲜果")
        assert "已去问代兑商户,答应了告诉您。" in await taps(world, boss, "发布")
        assert printed(owner) == (
            "云山超市请您一起兑「清明绿茶」\n会员拿券来,您这里也能给。谁给的,结算给谁。\n[看看再定]  [主菜单]"
        )
        await says(world, member, "/catalog")
        alone = await says(world, member, "绿茶")
        assert "清明绿茶 · 云山超市\n" in alone
        assert await taps(world, owner, "看看再定") == (
            "清明绿茶 · 云山超市\n等答复\n\n300 分\n每兑一份,结给您 ¥6,手续费已扣\n\n谁把东西给了会员,结算就给谁,退货也由谁答复。\n"
            "[一起兑]  [不了]\n[返回]  [主菜单]"
        )
        assert (await taps(world, owner, "一起兑")).startswith(
            "说好了,会员现在就能到您这里用。\n\n清明绿茶 · 云山超市\n已答应\n"
        )
        assert printed(boss).startswith("鲜果時光答应一起兑「清明绿茶」\n会员现在也能到那里用。")
        assert "鲜果時光:已答应" in await taps(world, boss, "看它")

        assert "清明绿茶 · 云山超市等 2 家" in await says(world, member, "绿茶")
        card = await taps(world, member, "清明绿茶")
        assert card.startswith("清明绿茶 · 云山超市\n可到 云山超市、鲜果時光\n300 分\n")
        assert "可到 云山超市、鲜果時光" in await taps(world, member, "兑换")
        assert "可到 云山超市、鲜果時光" in await taps(world, member, "确认兑换")
        code = code_on(member)
        shown = await says(world, cashier, f"/verify {code}")
        assert "云山超市的,您这里一起兑,结算给您" in shown
        assert "验好了" in await taps(world, cashier, "已交付")
        assert printed(member).startswith("券已用:清明绿茶\n鲜果時光 · ")
        again = await says(world, shop.cashier, f"/verify {code}")
        assert "这张券已经用过了" in again and "鲜果時光" in again


async def test_what_changed_is_shown_before_one_agrees_anew_and_stopping_keeps_vouchers_good(
    database: Database,
) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        owner, cashier = await second_shop(world)
        await gives(world, member, 900)
        await tea(world, boss)
        await taps(world, boss, "更多…", "代兑商户", "加 鲜果時光", "发布")
        await taps(world, owner, "看看再定", "一起兑")
        await says(world, member, "绿茶")
        await taps(world, member, "清明绿茶", "兑换", "确认兑换")
        code = code_on(member)

        await taps(world, boss, "看它", "改", "价格")
        await says(world, boss, "400")
        await taps(world, boss, "发布")
        assert printed(owner).startswith("云山超市改了「清明绿茶」,还一起兑吗?\n您答应之前,新换出的券不到您这里用。")
        asked = await taps(world, owner, "看看再定")
        assert "您答应以后改了:\n· 价格:300 分 → 400 分" in asked
        assert "等 2 家" not in await says(world, member, "绿茶")
        assert "已答应\n" in await taps(world, owner, "一起兑")
        assert "新换出的券不到您这里用;已换出的,您这里照样要兑。" in await taps(world, owner, "不再兑")
        assert (await taps(world, owner, "不再兑")).startswith("停了,新换出的券不到您这里用。")
        assert printed(boss).startswith("鲜果時光不再兑「清明绿茶」了\n已换出的券,那里照样能用。")
        assert "验好了" in await taps(world, cashier, *(await _begun(world, cashier, code)))


async def _begun(world: World, cashier: Person, code: str) -> tuple[str, ...]:
    await says(world, cashier, f"/verify {code}")
    return ("已交付",)


async def test_two_who_run_it_answer_at_once_and_the_owner_hears_it_once(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        owner, _ = await second_shop(world)
        await tea(world, shop.manager)
        await taps(world, shop.manager, "更多…", "代兑商户", "加 鲜果時光", "发布")
        await taps(world, owner, "看看再定")
        before = len(shop.manager.messages)
        await asyncio.gather(*(owner.taps("一起兑") for _ in range(3)))
        await world.settled()
        assert "说好了" in printed(owner)
        assert len(shop.manager.messages) == before + 1
        assert [row[0] for row in await world.sql("SELECT what FROM merchant_log WHERE what LIKE 'fulfilment%'")] == [
            "fulfilment_agreed"
        ]


async def test_nobody_asked_leads_somewhere_and_strangers_may_not_answer(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        owner, cashier = await second_shop(world)
        await tea(world, shop.manager)
        await taps(world, shop.manager, "更多…", "代兑商户", "加 鲜果時光", "发布")
        [(offer, _)] = [(row[0], row[1]) for row in await world.sql("SELECT offer_id, merchant_id FROM fulfilment")]
        fruit = (await world.sql("SELECT id FROM merchant WHERE code = 'fruit'"))[0][0]
        market = (await world.sql("SELECT id FROM merchant WHERE code = 'market'"))[0][0]
        await says(world, cashier, "/counter")
        for who, where in ((cashier, fruit), (shop.manager, fruit), (shop.manager, market), (owner, market)):
            forges(who, f"fulfil:answer:{where}:{offer}:1")
            await world.settled()
        assert await world.sql("SELECT state FROM fulfilment") == [("asked",)]
        forges(shop.manager, f"fulfil:list:{market}")
        await world.settled()
        assert printed(shop.manager).startswith("代兑 · 云山超市\n还没有商户请您一起兑。\n您的货也能请别家一起兑:")


async def test_it_reads_well_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop: Shop = await open_shop(world, language="en")
        boss, member = shop.manager, shop.customer
        owner, cashier = await second_shop(world, "en")
        await gives(world, member, 900)
        await says(world, boss, "/shelf")
        await taps(world, boss, "New", "Goods")
        await says(world, boss, "清明绿茶 / Green tea")
        await taps(world, boss, "Other")
        await says(world, boss, "300")
        await taps(
            world, boss, "Leave out", "No limit", "No limit", "30 days", "No photo", "More…", "Also handed over at"
        )
        assert "Also handed over at: Fresh Fruit Time" in await says(world, boss, "fresh fruit")
        await taps(world, boss, "Publish")
        assert printed(owner).startswith("Yunshan Market asks you to hand over “Green tea” too\n")
        assert "For each one you are paid ¥6, the fee taken off" in await taps(world, owner, "See and decide")
        assert (await taps(world, owner, "Hand it over too")).startswith(
            "Agreed. Members can use it at yours from now on."
        )
        assert printed(boss).startswith("Fresh Fruit Time agreed to hand over “Green tea” too")
        await says(world, member, "green tea")
        card = await taps(world, member, "Green tea")
        assert card.startswith("Green tea · Yunshan Market\nAt Yunshan Market, Fresh Fruit Time\n")
        await taps(world, member, "Redeem", "Redeem now")
        shown = await says(world, cashier, f"/verify {code_on(member)}")
        assert "Of Yunshan Market; you hand it over too and are paid" in shown
        assert [document["fulfillers"] for _, document in await documents(world)] == [["fruit"]]


async def test_of_many_merchants_three_are_named_and_a_tap_shows_all(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        member = shop.customer
        codes = [f"shop-{n}" for n in range(1, 5)]
        async with world.database.engine.begin() as tx:
            for n, code in enumerate(codes, 1):
                await merchants.create(
                    tx, code=code, name_zh=f"小店{n}", name_en=f"Shop {n}", category="other", terms=Terms()
                )
        tea_ = offer("tea", "清明绿茶", "Green tea", "market", PerUnit(points=300), fulfillers=tuple(codes))
        [id_] = await shelve(world, tea_)
        async with world.database.engine.begin() as tx:
            for code in codes:
                here = await merchants.by_code(tx, code)
                await fulfilments.answer(tx, here.id, id_, True, by="test", now=world.now())
        await gives(world, member, 300)
        await says(world, member, "绿茶")
        card = await taps(world, member, "清明绿茶")
        assert "可到 云山超市、小店1、小店2等 5 家" in card and "[5 家都能用]" in card
        assert await taps(world, member, "5 家都能用") == (
            "5 家都能用\n\n· 云山超市\n· 小店1\n· 小店2\n· 小店3\n· 小店4\n"
            "[云山超市]  [小店1]\n[小店2]  [小店3]\n[小店4]\n[返回]  [主菜单]"
        )
        assert "清明绿茶 · 300 分" in await taps(world, member, "小店4"), "it stands on that merchant's page too"
        await taps(world, member, "清明绿茶", "兑换", "确认兑换")
        assert "小店4" in await taps(world, member, "5 家都能用")
        assert (await taps(world, member, "返回")).startswith(
            "清明绿茶 · 云山超市\n可到 云山超市、小店1、小店2等 5 家\n"
        )
