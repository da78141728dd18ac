"""Offers that are handed over in the chat, written in the chat: a partner's codes from a pool, and donations."""

from __future__ import annotations

from ledger.merchants import merchant as merchants
from ledger.redeeming import code_pools
from ledger.redeeming.code_pools import PartnerCode
from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import gives
from tests.handlers.test_own_shelf import documents, publishes
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
            "券码池 · 影音月卡\n还没有券码池。先在商户页「导入」里把券码传上来。\n[看草稿]  [先放着]"
        )
        refused = await says(world, boss, "film")
        assert refused.startswith("没有这个券码池。先在商户页「导入」里把券码传上来。\n")
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
