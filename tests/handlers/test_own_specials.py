"""Special prices written in the chat: the redemption day, a credit standing, a region, a lower step of what members choose."""

from __future__ import annotations

import datetime as dt

from ledger.redeeming.offers import PerMoney
from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import gives, offer, shelve
from tests.handlers.test_own_shelf import boxes, documents, opened
from tests.handlers.test_privileges import giving
from tests.handlers.till_scene import open_shop
from tests.turns import ZONE


async def test_the_redemption_day_comes_every_month(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await gives(world, member, 500)
        await boxes(world, "box")
        await opened(world, boss)
        await taps(world, boss, "改", "更多…", "特价", "加一个")
        await says(world, boss, "兑换日价 / Redemption day")
        assert "或「每月28」" in await taps(world, boss, "人人")
        assert (await says(world, boss, "每月32")).startswith("每月几号写 1 到 31。\n哪几天?")
        today = world.now().astimezone(ZONE).day
        assert "那时一份多少分?平时 500。" in await says(world, boss, f"每月{today}号")
        assert f"1. 「兑换日价」500 → 400 分,每月 {today} 日" in await says(world, boss, "400")
        await taps(world, boss, "返回", "发布")
        await says(world, member, "水果礼盒")
        assert "400 分\n兑换日价,今天最后一天(平时 500 分)" in await taps(world, member, "当季水果礼盒")


async def test_a_credit_standing_and_a_region_are_asked_of_members_in_english(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world, language="en")
        boss = shop.manager
        await boxes(world, "box")
        await opened(world, boss, "Seasonal fruit box")
        await taps(world, boss, "Change", "More…", "Special price", "Add")
        asked = await says(world, boss, "信用价 / Credit price")
        assert asked.startswith("For whom? Tap one; for a credit standing send the least, say 650.\n[Everybody]\n")
        assert (await says(world, boss, "1001")).startswith("Send a whole number from 1 to 1,000.\nFor whom?")
        assert "Which days? Send from and to, like 10-1 10-7, or “every 28th”" in await says(world, boss, "650")
        await taps(world, boss, "Every day")
        assert "“Credit price” 500 → 400 pts, standing 650 or more" in await says(world, boss, "400")
        await taps(world, boss, "Add")
        await says(world, boss, "杭州价 / Hangzhou price")
        await taps(world, boss, "Hangzhou")
        await says(world, boss, "every 28th")
        assert "2. “Hangzhou price” 500 → 450 pts, Hangzhou, day 28 of each month" in await says(world, boss, "450")
        await taps(world, boss, "Back", "Publish")
        [*_, (_, made)] = await documents(world)
        assert [each["who"] for each in made["specials"]] == [
            {"tiers": [], "standing": 650, "regions": []},
            {"tiers": [], "standing": None, "regions": ["hz"]},
        ]


async def test_a_lower_step_is_opened_for_some_days_and_is_no_discount(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await gives(world, member, 900)
        price = PerMoney(points=10, least_minor=100_000, step_minor=20_000, most_minor=200_000)
        await shelve(world, offer("ring", "珠宝代金券", "Jewellery voucher", "market", price))
        await opened(world, boss, "珠宝代金券")
        await taps(world, boss, "改", "更多…", "特价", "加一个")
        await says(world, boss, "年末 / Year end")
        await taps(world, boss, "人人")
        today = world.now().astimezone(ZONE).date()
        asked = await says(world, boss, f"{today:%Y-%m-%d} {today + dt.timedelta(5):%Y-%m-%d}")
        assert "也可以开放更低的一档:发「10 800」,从 ¥800 起。" in asked
        assert "「年末」每 ¥1 要 10 分,¥800–¥2,000,每档 ¥200" in await says(world, boss, "10 800")
        await taps(world, boss, "返回", "发布")
        await says(world, member, "珠宝")
        card = await taps(world, member, "珠宝代金券")
        assert "年末:现在 8,000 分起" in card and "平时" not in card
