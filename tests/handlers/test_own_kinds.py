"""Offers that are handed over in the chat, written in the chat: a partner's codes from a pool, and donations."""

from __future__ import annotations

import pytest

from ledger.merchants import merchant as merchants
from ledger.redeeming import code_pools
from ledger.redeeming.code_pools import PartnerCode
from tests.bot.importing import file_of
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import gives, moment
from tests.handlers.test_imports import work
from tests.handlers.test_own_shelf import documents, publishes
from tests.handlers.test_privileges import giving
from tests.handlers.till_scene import open_shop, printed


async def test_codes_of_a_pool_are_offered_once_they_were_brought(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await gives(world, member, 500)
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "合作方券码")
        await says(world, boss, "影音月卡 / Streaming, a month")
        assert await taps(world, boss, "其他") == (
            "券码池 · 影音月卡\n还没有券码池。先导入券码,草稿替您留着。\n[导入券码]\n[看草稿]  [先放着]"
        )
        refused = await says(world, boss, "film")
        assert refused.startswith("还没有券码池。先导入券码,草稿替您留着。\n")
        assert "还要写:价格、券码池" in await taps(world, boss, "看草稿")
        async with world.database.engine.begin() as tx:
            market = await merchants.by_code(tx, "market")
            codes = [PartnerCode(pool, f"{pool}-{n}", None) for pool in ("book", "film") for n in range(3)]
            await code_pools.add(tx, world.vault, market.id, codes)
        assert (await taps(world, boss, "券码池")).endswith("[book · 余 3]\n[film · 余 3]\n[看草稿]  [先放着]")
        assert "一份要多少分?" in await taps(world, boss, "film · 余 3")
        await says(world, boss, "200")
        assert "每人最多几份?" in await taps(world, boss, "不写"), "its pieces are the codes of its pool"
        await taps(world, boss, "不限", "30 天", "不放照片")
        assert "券码池:film" in printed(boss) and "总份数" not in printed(boss)
        assert (await publishes(world, boss)).startswith("上架了\n影音月卡\n200 分")
        await says(world, member, "影音")
        await taps(world, member, "影音月卡", "兑换", "确认兑换")
        assert "film-" in await taps(world, member, "查看码")
        [(_, document)] = await documents(world)
        assert document["pool"] == "film" and "does" not in document


IMPORTS = {
    "zh-hans": {
        "kind": "合作方券码", "category": "其他", "import": "导入券码", "none": "还没有券码池", "file": "导入券码 · 云山超市",
        "on": "接着写草稿", "yes": "确认导入 2 行", "film": "film · 余 2", "price": "一份要多少分?", "new": "新建",
    },
    "en": {
        "kind": "Partner code", "category": "Other", "import": "Import codes", "none": "No codes yet",
        "file": "Import: Partner codes · Yunshan Market", "on": "Go on with the draft", "yes": "Import 2 rows",
        "film": "film · 2 left", "price": "How many points", "new": "New",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_from_the_question_for_a_pool_to_the_import_and_back_to_the_draft(
    database: Database, language: str
) -> None:
    say = IMPORTS[language]
    async with bot_running(database) as world:
        shop = await open_shop(world, language=language)
        boss = shop.manager
        await says(world, boss, "/shelf")
        await taps(world, boss, say["new"], say["kind"])
        await says(world, boss, "影音月卡 / Streaming, a month")
        assert say["none"] in await taps(world, boss, say["category"])
        asked = boss.last
        for _ in range(2):
            boss.presses(asked, next(b for row in asked.buttons for b in row if b.text == say["import"]))
        await world.settled()
        file = printed(boss)
        assert say["file"] in file and f"[{say['on']}]" in file
        assert say["none"] in await taps(world, boss, say["on"]), "the draft is as it was"
        await taps(world, boss, say["import"])
        await world.restart()
        await boss.sends_document(file_of("codes", ["film", "F-1", ""], ["film", "F-2", ""]), "codes.csv")
        await work(world)
        assert f"[{say['on']}]" in printed(boss)
        await taps(world, boss, say["yes"])
        await work(world)
        shown = await taps(world, boss, say["on"])
        assert f"[{say['film']}]" in shown and say["import"] not in shown, "there are codes now"
        assert say["price"] in await taps(world, boss, say["film"])


async def test_a_pool_whose_codes_are_gone_leads_to_the_import_too(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        async with world.database.engine.begin() as tx:
            market = await merchants.by_code(tx, "market")
            over = moment(world).today.replace(year=2020)
            await code_pools.add(tx, world.vault, market.id, [PartnerCode("book", "B-1", over)])
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "合作方券码")
        await says(world, boss, "图书券 / Book voucher")
        assert (await taps(world, boss, "图书")).endswith("[book · 余 0]\n[导入券码]\n[看草稿]  [先放着]")
        await taps(world, boss, "导入券码")
        await taps(world, boss, "返回")
        assert "接着写草稿" not in printed(boss)


async def test_an_import_of_codes_says_nothing_of_a_draft_where_there_is_none(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await says(world, boss, "/merchant")
        assert "接着写草稿" not in await taps(world, boss, "导入", "券码")
        await boss.sends_document(file_of("codes", ["film", "F-1", ""]), "codes.csv")
        await work(world)
        assert "接着写草稿" not in printed(boss)


@pytest.mark.parametrize("merchant", ["market", "rail"])
async def test_only_the_merchant_that_sells_tiers_is_offered_to(database: Database, merchant: str) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        boss = shop.manager
        if merchant == "rail":
            await sells_elsewhere(world, "rail")
        await says(world, boss, "/shelf")
        shown = await taps(world, boss, "新建")
        assert ("[会员等级]" in shown) == (merchant == "market")
        if merchant == "rail":  # a button of an older message
            nonce = next(b.data for row in boss.last.buttons for b in row if b.text == "商品")
            assert nonce is not None
            await opens(boss, nonce.replace(":goods", ":membership"))
            await world.settled()
            assert printed(boss).startswith("等级只由计划指定的商户来卖。请点别的一种。\n种类\n")


async def sells_elsewhere(world: World, code: str) -> None:
    """From now on the programme names another seller of tiers."""
    await world.sql(
        "UPDATE programme SET version = version + 1,"
        " document = jsonb_set(document, '{tier_seller}', to_jsonb(CAST(:code AS text)))",
        code=code,
    )


async def test_a_tier_for_points_goes_up_and_is_had_the_next_minute(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await gives(world, member, 1_500)
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "会员等级")
        await says(world, boss, "金卡体验 / Gold for a while")
        assert await taps(world, boss, "其他") == (
            "哪个等级 · 金卡体验\n换到哪个等级?\n[银卡]  [金卡]\n[看草稿]  [先放着]"
        )
        assert (await says(world, boss, "普卡")).startswith("没有这个等级。请点一个。\n哪个等级 · ")
        asked = boss.last
        for _ in range(2):
            boss.presses(asked, next(b for row in asked.buttons for b in row if b.text == "金卡"))
        await world.settled()
        assert printed(boss).startswith("等级几天 · 金卡体验\n换到以后有效几天?已有的接在后面。\n[7 天]  [30 天]")
        assert (await says(world, boss, "4000")).startswith("请发 1 到 3,660 之间的整数。")
        assert await taps(world, boss, "30 天") == (
            "价格 · 金卡体验\n一份要多少分?发数字给我,比如 500。\n积分通常每元 50 分。\n计划自己卖 1,000 分。\n"
            "[1,000 分]\n[看草稿]  [先放着]"
        )
        await world.restart()
        await says(world, boss, "900")
        await taps(world, boss, "不写", "10 份", "不限")
        shown = await taps(world, boss, "不放照片")
        assert "哪个等级:金卡\n等级几天:30 天\n价格:900 分" in shown
        assert "有效期" not in shown and "退换" not in shown and "一次最多" not in await taps(world, boss, "更多…")
        preview = await taps(world, boss, "预览")
        assert "金卡,30 天" in preview
        assert (await publishes(world, boss)).startswith("上架了\n金卡体验\n900 分")
        await says(world, member, "金卡")
        assert (await taps(world, member, "金卡体验")).startswith(preview.split("\n[")[0].partition("\n您可用")[0])
        assert "马上生效" in await taps(world, member, "兑换")
        await taps(world, member, "确认兑换")
        assert "金卡" in await says(world, member, "/tier")
        [(_, document)] = await documents(world)
        assert document["membership"] == {"tier": "gold", "days": 30}


async def test_a_tier_changed_later_is_a_new_version_in_english(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world, language="en")
        boss = shop.owner
        await says(world, boss, "/shelf")
        await taps(world, boss, "New", "Tier")
        await says(world, boss, "银卡 / Silver")
        assert "Which tier does it give?" in await taps(world, boss, "Other")
        assert "For how many days?" in await says(world, boss, "silver")
        assert "The programme itself" not in await says(world, boss, "45")
        await says(world, boss, "300 10")
        await taps(world, boss, "No limit", "No limit", "No photo")
        assert "Tier: Silver\nTier holds: 45 days\nPrice: 300 pts" in printed(boss)
        await taps(world, boss, "Publish", "See it", "Change")
        assert "Tier holds: 45 days → 90 days" in await taps(world, boss, "Tier holds", "90 days")
        await taps(world, boss, "Publish")
        assert [document["membership"]["days"] for _, document in await documents(world)] == [45, 90]


async def test_a_seller_who_is_none_any_more_is_told_so_when_publishing(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "会员等级")
        await says(world, boss, "银卡 / Silver")
        await taps(world, boss, "其他", "银卡", "30 天")
        await says(world, boss, "300")
        await taps(world, boss, "不写", "不限", "不限", "不放照片")
        await sells_elsewhere(world, "rail")
        refused = await publishes(world, boss)
        assert refused.startswith("等级现在由别的商户来卖,发布不了。\n") and "[丢掉]" in refused
        assert await documents(world) == []
        await says(world, boss, "/shelf")
        assert "还没有可换的东西" in printed(boss) and "[接着写草稿]" in printed(boss)


async def test_a_donation_says_what_one_of_it_does_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        boss, member = shop.manager, shop.customer
        await gives(world, member, 500)
        await says(world, boss, "/shelf")
        await taps(world, boss, "New", "Donation")
        await says(world, boss, "植树 / Trees")
        assert await taps(world, boss, "Green causes") == (
            "What it gives · Trees\nWhat does one do? Chinese / English,\nSuch as … / Plants 1 tree\n"
            "[See the draft]  [Later]"
        )
        assert (await says(world, boss, "a tree")).startswith("Both languages, please")
        assert "How many points" in await says(world, boss, "种 1 棵树 / Plants 1 tree")
        await says(world, boss, "100")
        await taps(world, boss, "Leave out", "No limit", "No limit", "No photo")
        assert "What it gives: 种 1 棵树 / Plants 1 tree" in printed(boss) and "Validity" not in printed(boss)
        await taps(world, boss, "Publish")
        await says(world, member, "trees")
        assert "Plants 1 tree" in await taps(world, member, "Trees")


async def test_another_kind_ends_what_only_the_one_before_has(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "捐赠")
        await says(world, boss, "植树 / Trees")
        await taps(world, boss, "绿色公益")
        await says(world, boss, "种 1 棵树 / Plants 1 tree", "100")
        assert "捐什么:" in await taps(world, boss, "看草稿")
        await taps(world, boss, "更多…")
        goods = await taps(world, boss, "种类", "商品", "看草稿")
        assert "种类:商品" in goods and "捐什么" not in goods and "还要写:价格" in goods
