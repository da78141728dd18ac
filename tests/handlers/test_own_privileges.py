"""Privileges made by a merchant's manager in chat and used at its till with a member's card: writing, seeing, publishing, changing,
two people at once, leaving in the middle."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import text

from bot.double.people import Person
from ledger.merchants import merchant as merchants
from ledger.redeeming import privileges
from ledger.redeeming.privilege import PercentOff
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import gives, member_id
from tests.handlers.test_paid_tiers import scan
from tests.handlers.test_privileges import FRESH, giving, gold, put, used
from tests.handlers.till_scene import Shop, open_shop, printed


async def at_privileges(world: World, who: Person) -> str:
    """The list of a merchant's own privileges."""
    await says(world, who, "/merchant")
    return await taps(world, who, "会员权益")


async def writes_fresh(world: World, who: Person, name: str = "轻食 / Light food") -> str:
    """A new privilege up to its draft: ten per cent off for those who hold 5,000."""
    await at_privileges(world, who)
    await taps(world, who, "新建")
    await says(world, who, name)
    return await taps(world, who, "9 折", "5,000 分", "不看等级", "不限")


async def documents(world: World) -> list[dict[str, Any]]:
    """Every version, as it is kept."""
    return [row.document for row in await world.sql("SELECT document FROM privilege_version ORDER BY 1 DESC")]


async def bare(tx: Any) -> None:
    """The coalition with tiers and regions, and no privilege yet."""
    await giving(tx)
    for table in ("privilege_version", "privilege"):
        await tx.execute(text(f"DELETE FROM {table}"))


async def paying(world: World, shop: Shop, seed: str, what: str, amount: str) -> str:
    """The till's screen after an amount was paid less for, with the customer's card."""
    await scan(world, shop, shop.cashier, seed)
    await taps(world, shop.cashier, what)
    return await says(world, shop.cashier, amount)


async def test_a_manager_makes_100_yuan_90_for_whoever_holds_5000_and_the_till_uses_it(database: Database) -> None:
    async with bot_running(database, setup=bare) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        assert await at_privileges(world, boss) == (
            "会员权益 · 云山超市\n还没有。凭持有的积分或等级给优惠、给服务,积分不扣。\n新建一项,几分钟就能用。\n"
            "[新建]\n[返回]  [收银台]"
        )
        assert await taps(world, boss, "新建") == (
            "名称\n在什么上面有优惠?先发中文名,我再问英文。\n也可以一次发:鲜食 / Fresh food\n[丢掉]  [先放着]"
        )
        assert "「鲜食」的英文名叫什么?" in await says(world, boss, "鲜食")
        assert await says(world, boss, "Fresh food") == (
            "优惠 · 鲜食\n给什么优惠?点一个,或发给我:9 折、15%、100 收 90。\n[9.5 折]  [9 折]  [8 折]\n[免费]\n"
            "[看草稿]  [先放着]"
        )
        assert (await says(world, boss, "100 收 90")).startswith(
            "要持有 · 鲜食\n会员手里要有多少分?只看有没有,不扣。\n点一个,或发数字给我。\n"
        )
        assert "[不看等级]" in await says(world, boss, "5000")
        await taps(world, boss, "不看等级")
        assert await taps(world, boss, "不限") == (
            "新的会员权益 · 云山超市\n名称:鲜食 / Fresh food\n优惠:9 折\n要持有:5,000 分\n[预览]  [发布]\n"
            "[名称]  [优惠]  [要持有]\n[等级]  [每月次数]  [每天次数]\n[满多少才有]  [最多减多少]  [哪几天]\n"
            "[地区]  [条件]\n[丢掉]  [先放着]"
        )
        card = "鲜食 9 折 · 云山超市\n· 持有 5,000 分就行,不扣"
        assert (await taps(world, boss, "预览")).startswith(f"{card}\n结账时出示会员码,收银员来点。积分不扣。\n")
        assert (await taps(world, boss, "英文")).startswith(
            "Fresh food, 10% off · Yunshan Market\n· Hold 5,000 pts; none is spent\n"
        )
        assert await documents(world) == []
        assert await taps(world, boss, "发布") == (
            "发布了\n鲜食 9 折\n持有 5,000 分就行,不扣\n收银员扫会员码就看得到它。\n[看它]  [会员权益]\n[再新建一项]  [主菜单]"
        )

        await gives(world, member, 5_000)
        assert card in await says(world, member, "/privileges")  # what was seen beforehand
        assert (await paying(world, shop, "one", "鲜食", "100")).startswith("¥100 → ¥90\n鲜食 9 折 · 会员 小明\n")
        await taps(world, shop.cashier, "确认")
        assert await used(world) == [(10_000, 9_000, False)]


async def test_holding_50000_of_ones_own_points_makes_10000_yuan_9000(database: Database) -> None:
    async with bot_running(database, setup=bare) as world:
        shop = await open_shop(world)
        await world.sql(
            "UPDATE currency SET issuer_id = (SELECT id FROM merchant WHERE code = 'market') WHERE code = 'rail'"
        )
        await at_privileges(world, shop.manager)
        await taps(world, shop.manager, "新建")
        await says(world, shop.manager, "定制 / Custom work", "10000 收 9000", "50000")
        assert printed(shop.manager).startswith("哪种积分 · 定制\n看哪种积分?\n[积分]\n[铁路积分]\n")
        await taps(world, shop.manager, "铁路积分", "不看等级", "不限")
        assert "要持有:50,000 铁路积分\n[预览]" in printed(shop.manager)
        await taps(world, shop.manager, "满多少才有")
        await says(world, shop.manager, "50")
        await taps(world, shop.manager, "条件")
        assert "条件:黄金按当天金价 / Gold at the day's price" in await says(
            world, shop.manager, "黄金按当天金价 / Gold at the day's price"
        )
        assert (await taps(world, shop.manager, "发布")).startswith(
            "发布了\n定制 9 折\n持有 50,000 铁路积分就行,不扣\n"
        )
        await gives(world, shop.customer, 50_000, merchant="rail")
        assert (await paying(world, shop, "one", "定制", "10000")).startswith("¥10,000 → ¥9,000\n")
        await taps(world, shop.cashier, "确认")
        assert await used(world) == [(1_000_000, 900_000, False)]


async def test_free_parking_twice_a_month_for_gold_counts_at_the_till(database: Database) -> None:
    async with bot_running(database, setup=bare) as world:
        shop = await open_shop(world)
        await at_privileges(world, shop.manager)
        await taps(world, shop.manager, "新建")
        await says(world, shop.manager, "停车 2 小时 / 2 h parking")
        await taps(world, shop.manager, "免费", "不要求")
        assert "不看等级" not in printed(shop.manager)  # something has to be asked for
        assert (await says(world, shop.manager, "不限")).startswith("至少要写一样:持有多少分,或哪个等级。\n等级 · ")
        await taps(world, shop.manager, "金卡", "2 次")
        assert "优惠:免费\n等级:金卡\n每月次数:2 次\n" in printed(shop.manager)
        assert "满多少才有" not in printed(shop.manager)
        assert (await taps(world, shop.manager, "发布")).startswith("发布了\n停车 2 小时免费\n金卡专享\n")
        await gold(world, shop.customer)
        for seed in ("one", "two"):
            await scan(world, shop, shop.cashier, seed)
            await taps(world, shop.cashier, "停车", "确认")
        assert await used(world) == [(None, None, False), (None, None, False)]
        await scan(world, shop, shop.cashier, "three")
        assert "停车 2 小时免费:本月 2 次用完了" in await taps(world, shop.cashier, "其他权益")


async def test_what_is_changed_is_listed_before_it_is_published_and_kept_as_a_version(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await at_privileges(world, boss)
        assert await taps(world, boss, "鲜食") == (
            "鲜食 9 折\n本月还没有用过。\n\n持有 5,000 分就行,不扣\n\n第 1 版\n"
            "[会员看到的]  [改]\n[改过几次]  [停用]\n[返回]  [收银台]"
        )
        assert (await taps(world, boss, "会员看到的")).startswith("鲜食 9 折 · 云山超市\n· 持有 5,000 分就行,不扣\n")
        await taps(world, boss, "返回", "改")
        assert "还没有改动。" in printed(boss) and "[发布]" not in printed(boss)
        assert (await taps(world, boss, "优惠")).startswith("优惠 · 鲜食\n现在:9 折\n给什么优惠?")
        await taps(world, boss, "8 折", "每天次数", "2 次", "哪几天", "周六、周日")
        assert "改了:\n· 优惠:9 折 → 8 折\n· 每天次数:没有 → 2 次\n· 哪几天:没有 → 周六、周日\n" in printed(boss)
        assert (await taps(world, boss, "发布")).startswith("改好了 · 第 2 版\n鲜食 8 折\n")
        assert await taps(world, boss, "看它", "改过几次") == printed(boss)
        said = printed(boss)
        assert said.startswith("鲜食 8 折 · 改过几次\n\n第 2 版 · 今天 ") and " · 店长\n· 优惠:9 折 → 8 折\n" in said
        assert said.endswith(" · 运营\n发布\n\n用过的按用的时候那一版。\n[返回]")
        assert [each["gives"]["percent"] for each in await documents(world) if each["code"] == "fresh"] == [20, 10]


async def test_what_is_switched_off_stays_off_when_it_is_changed(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await at_privileges(world, shop.manager)
        await taps(world, shop.manager, "鲜食", "停用", "改", "每天次数", "1 次")
        assert "它还停用着,重新打开后才能用。" in await taps(world, shop.manager, "发布")
        assert "[重新打开]" in await taps(world, shop.manager, "看它")
        assert await world.sql("SELECT active FROM privilege WHERE code = 'fresh'") == [(False,)]


async def test_what_cannot_be_is_said_with_what_would_and_asked_again(database: Database) -> None:
    async with bot_running(database, setup=bare) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await at_privileges(world, boss)
        await taps(world, boss, "新建")
        long = "一" * 25
        assert (await says(world, boss, long)).startswith("「一一一一一一一一一一一…」太长,最多 24 个字。\n名称\n")
        await says(world, boss, "鲜食 / Fresh food")
        for wrong, said in (
            ("便宜点", "没看懂。比如 9 折、15%、100 收 90,或「免费」。"),
            ("90 收 100", "先写原价,再写优惠价,比如 100 收 90。"),
            ("99 收 90", "只能是整的百分之几。比如 100 收 90、100 收 85。"),
            ("0%", "不能小于 1。"),
        ):
            assert (await says(world, boss, wrong)).startswith(f"{said}\n优惠 · 鲜食\n"), wrong
        await says(world, boss, "85 折")
        assert (await says(world, boss, "很多")).startswith("请发 1 到 100,000,000 之间的整数。\n要持有 · 鲜食\n")
        await taps(world, boss, "5,000 分", "不看等级", "不限")
        assert "优惠:8.5 折" in printed(boss)
        await taps(world, boss, "要持有")
        assert "不要求" not in printed(boss)
        assert (await says(world, boss, "不要")).startswith("至少要写一样:持有多少分,或哪个等级。\n")
        await taps(world, boss, "返回", "哪几天")
        assert (await says(world, boss, "2020-1-1 2020-1-5")).startswith("这些日子已经过了。\n哪几天 · 鲜食\n")


async def test_a_draft_waits_through_a_restart_and_two_taps_publish_it_once(database: Database) -> None:
    async with bot_running(database, setup=bare) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await at_privileges(world, boss)
        await taps(world, boss, "新建")
        await says(world, boss, "轻食 / Light food")
        await world.restart()
        assert (await says(world, boss, "9折")).startswith("要持有 · 轻食\n")
        await taps(world, boss, "先放着")
        assert "您有一份没发布的草稿。\n[接着写草稿]" in printed(boss)
        await taps(world, boss, "接着写草稿", "5,000 分", "不看等级", "不限")
        screen = boss.last
        yes = next(b for row in screen.buttons for b in row if b.text == "发布")
        boss.presses(screen, yes)
        boss.presses(screen, yes)
        await world.settled()
        await world.double.redeliver(world.double.updates[-1].id)
        await world.settled()
        assert [each["name"]["zh"] for each in await documents(world)] == ["轻食"]
        assert printed(boss).startswith("发布了\n轻食 9 折\n")


async def test_of_two_who_change_one_at_once_the_second_sees_what_the_first_did(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        for who, label in ((shop.owner, "8 折"), (shop.manager, "9.5 折")):
            await at_privileges(world, who)
            await taps(world, who, "鲜食", "改", "优惠", label)
        await asyncio.gather(shop.owner.taps("发布"), shop.manager.taps("发布"))
        await world.settled()
        screens = {printed(who).split("\n")[0]: who for who in (shop.owner, shop.manager)}
        late = next(who for first, who in screens.items() if first.startswith("它刚被"))
        assert len(screens) == 2 and "改好了 · 第 2 版" in screens
        mine, theirs = ("8 折", "9.5 折") if late is shop.owner else ("9.5 折", "8 折")
        assert (
            f"您从第 1 版改起,现在是第 2 版。\n\n这期间改了:\n· 优惠:9 折 → {theirs}\n您改的:\n· 优惠:9 折 → {mine}\n"
        ) in printed(late)
        assert f"改了:\n· 优惠:{theirs} → {mine}\n" in await taps(world, late, "在新的上面接着改")
        assert (await taps(world, late, "发布")).startswith(f"改好了 · 第 3 版\n鲜食 {mine}\n")


async def test_a_draft_is_in_the_way_of_another_and_dropped_only_after_a_question(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await writes_fresh(world, shop.manager)
        await taps(world, shop.manager, "先放着")
        old = shop.manager.last
        again = next(b for row in old.buttons for b in row if b.text == "接着写草稿")
        await taps(world, shop.manager, "鲜食")
        assert await taps(world, shop.manager, "改") == (
            "您还有一份没发布的草稿\n先发布或丢掉它,再写别的。\n[看草稿]\n[会员权益]\n[主菜单]"
        )
        assert (await taps(world, shop.manager, "看草稿")).startswith(
            "新的会员权益 · 云山超市\n名称:轻食 / Light food\n"
        )
        assert (await taps(world, shop.manager, "丢掉")).startswith("丢掉这份草稿?写好的就没有了。\n[丢掉]  [不丢]")
        assert (await taps(world, shop.manager, "丢掉")).startswith("丢掉了,已发布的没有变。\n")
        assert await world.sql("SELECT * FROM privilege_draft") == []
        shop.manager.presses(old, again)
        await world.settled()
        assert printed(shop.manager).startswith("没有在写的草稿\n可能已经发布、丢掉,或放了太久。\n")


async def test_one_that_holds_in_a_region_says_to_others_what_would_open_it(database: Database) -> None:
    async with bot_running(database, setup=bare) as world:
        shop = await open_shop(world)
        await world.sql(
            "UPDATE programme SET document = jsonb_set(document, '{regions}',"
            ' \'[{"code": "hz", "name_zh": "杭州", "name_en": "Hangzhou"},'
            ' {"code": "sh", "name_zh": "上海", "name_en": "Shanghai"}]\')'
        )
        await writes_fresh(world, shop.manager)
        await taps(world, shop.manager, "地区", "杭州")
        assert "地区:杭州\n" in printed(shop.manager)
        await taps(world, shop.manager, "发布")
        await gives(world, shop.customer, 5_000)
        assert (await says(world, shop.customer, "/privileges")).startswith(
            "现在还没有能用的权益\n\n轻食 9 折 · 云山超市\n· 限杭州的会员\n· 您还没填地区\n"
        )
        await scan(world, shop, shop.cashier, "one")
        assert "[轻食 9 折]" not in printed(shop.cashier)
        assert "轻食 9 折:限杭州的会员" in await taps(world, shop.cashier, "其他权益")
        await taps(world, shop.customer, "填地区", "杭州")
        assert (await says(world, shop.customer, "/privileges")).startswith(
            "1 项权益现在能用\n\n轻食 9 折 · 云山超市\n· 持有 5,000 分就行,不扣\n· 限杭州的会员\n"
        )
        assert (await paying(world, shop, "two", "轻食", "100")).startswith("¥100 → ¥90\n")
        member = await member_id(world, shop.customer)
        await world.sql("UPDATE member SET region = 'sh' WHERE id = :id", id=member)
        assert (await taps(world, shop.cashier, "确认")).startswith("限杭州的会员\n")
        assert await used(world) == []
        await world.sql("UPDATE member SET language = 'en'")
        assert "· For members in Hangzhou\n· You told us another region\n" in await says(
            world, shop.customer, "/privileges"
        )


async def test_outlets_are_added_one_by_one(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        async with world.database.engine.begin() as tx:
            market = (await merchants.by_code(tx, "market")).id
        for name in ("南京路店", "人民广场店"):
            await world.sql(
                "INSERT INTO outlet (merchant_id, name, opened_at) VALUES (:id, CAST(:name AS text), now())",
                id=market,
                name=name,
            )
        await at_privileges(world, shop.manager)
        await taps(world, shop.manager, "鲜食", "改", "门店", "南京路店", "门店", "人民广场店")
        assert "· 门店:没有 → 南京路店、人民广场店\n" in printed(shop.manager)
        await taps(world, shop.manager, "门店")
        assert (await says(world, shop.manager, "北京店")).startswith("没有门店「北京店」。请点一个。\n")
        assert "· 门店:没有 → 南京路店\n" in await says(world, shop.manager, "南京路店")
        await world.sql("UPDATE outlet SET closed_at = now() WHERE name = '南京路店'")
        assert (await taps(world, shop.manager, "发布")).startswith("没有门店「南京路店」\n门店 · 鲜食\n")
        assert "· 门店:没有 → 人民广场店\n" in await taps(world, shop.manager, "人民广场店")
        assert (await taps(world, shop.manager, "发布")).startswith("改好了 · 第 2 版\n")


async def test_a_cashier_cannot_write_privileges(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        async with world.database.engine.begin() as tx:
            market = (await merchants.by_code(tx, "market")).id
        await says(world, shop.cashier, "/merchant")
        assert "会员权益" not in printed(shop.cashier)
        await opens(shop.cashier, f"privilege_draft:new:{market}")
        await world.settled()
        assert "管理会员权益" in printed(shop.cashier)
        assert await world.sql("SELECT * FROM privilege_draft") == []


async def test_what_was_published_over_http_can_be_changed_in_chat_and_is_noticed_meanwhile(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world, language="en")
        await says(world, shop.manager, "/merchant")
        await taps(world, shop.manager, "Privileges", "Fresh food", "Change", "Uses a day", "1 time")
        await put(world, FRESH.model_copy(update={"gives": PercentOff(percent=5)}))
        assert "You began with version 1; it is at version 2 now." in await taps(world, shop.manager, "Publish")
        async with world.database.engine.connect() as tx:
            [one] = [p for p in await privileges.everywhere(tx) if p.privilege.code == "fresh"]
        assert one.version == 2 and one.privilege.per_day is None
