"""The merchant's shelf in chat, through the real bot and its double: writing an offer, seeing it as members do, publishing it,
pausing, two people at once, what redeems best."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import Any

from sqlalchemy import text

from bot.double.people import Person
from ledger.members import person as people
from ledger.redeeming import favourites
from ledger.redeeming.offers import Limits, Names, Offer, PerUnit, Special
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shelf_scene import fetched, jpeg, says, taps
from tests.handlers.shop import code_on, gives, moment, offer, shelve, till, uses
from tests.handlers.test_privileges import giving, gold
from tests.handlers.till_scene import open_shop, printed, second_post

NAME, ENGLISH = "当季水果礼盒", "Seasonal fruit box"


async def writes(world: World, who: Person, *, points: str = "500") -> str:
    """A new offer up to its draft, without a photo."""
    await says(world, who, "/shelf")
    await taps(world, who, "新建", "商品")
    await says(world, who, f"{NAME} / {ENGLISH}")
    await taps(world, who, "水果生鲜")
    await says(world, who, points)
    return await taps(world, who, "¥10", "50 份", "每月 1 份", "30 天", "不放照片")


async def publishes(world: World, who: Person) -> str:
    return await taps(world, who, "发布")


async def opened(world: World, who: Person, name: str = NAME) -> str:
    """One offer's own page."""
    await says(world, who, "/shelf")
    return await taps(world, who, name)


async def documents(world: World) -> list[tuple[int, dict[str, Any]]]:
    """Every version that there is, with its document."""
    rows = await world.sql("SELECT version, document FROM offer_version ORDER BY offer_id, version")
    return [(row.version, row.document) for row in rows]


async def boxes(world: World, *codes: str, **more: Any) -> list[int]:
    """Offers of the supermarket that were published otherwise."""
    return await shelve(world, *(offer(code, NAME, ENGLISH, "market", PerUnit(points=500), **more) for code in codes))


async def test_what_a_manager_writes_a_member_finds_redeems_and_the_shelf_counts(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        assert await says(world, boss, "/shelf") == (
            "货架 · 云山超市\n还没有可换的东西。\n新建一项,几分钟就能上架。\n[新建]\n[商户页]  [主菜单]"
        )
        assert await taps(world, boss, "新建") == (
            "种类\n是哪一种?\n自选面值券由会员选金额,别的按份。\n[商品]  [服务]\n[固定面值券]  [自选面值券]\n"
            "[合作方券码]  [捐赠]\n[丢掉]  [先放着]"
        )
        assert (await taps(world, boss, "商品")).startswith("名称\n叫什么?先发中文名,我再问英文。\n")
        assert "「当季水果礼盒」的英文名叫什么?" in await says(world, boss, NAME)
        assert (await says(world, boss, ENGLISH)).startswith("哪一类 · 当季水果礼盒\n放在哪一类?\n[超市]  [水果生鲜]")
        assert "积分通常每元 50 分。" in await taps(world, boss, "水果生鲜")
        assert "[¥10]\n[不写]" in await says(world, boss, "500")
        assert "[10 份]  [50 份]  [100 份]\n[不限]" in await taps(world, boss, "¥10")
        assert "[一共 1 份]  [每月 1 份]\n[每天 1 份]  [不限]" in await taps(world, boss, "50 份")
        assert "[7 天]  [30 天]  [90 天]  [365 天]" in await taps(world, boss, "每月 1 份")
        assert "位置等信息会去掉" in await taps(world, boss, "30 天")
        await boss.sends_photo(jpeg(1600, 1200, where_taken=True))
        assert "照片正在处理,好了告诉您。" in (await boss.sees("新的兑换", fresh=True)).shown
        await fetched(world)
        assert printed(boss) == "照片放上了\n发布后会员就看得到。\n[接着写草稿]"
        assert await taps(world, boss, "接着写草稿") == (
            "新的兑换 · 云山超市\n种类:商品\n名称:当季水果礼盒 / Seasonal fruit box\n哪一类:水果生鲜\n价格:500 分\n"
            "值多少:¥10(每元 50 分)\n总份数:50 份\n每人限量:每人每月 1 份\n有效期:30 天\n照片:有\n"
            "[预览]  [发布]\n[名称]  [哪一类]  [价格]\n[值多少]  [总份数]  [每人限量]\n[有效期]  [照片]\n[更多…]\n"
            "[丢掉]  [先放着]"
        )
        card = (await taps(world, boss, "预览")).split("\n[")[0]
        assert boss.last.photo
        assert await publishes(world, boss) == (
            "上架了\n当季水果礼盒\n500 分 · 剩 50 · 本月换出 0 份\n会员现在就能找到它、换它。\n[看它]  [货架]\n"
            "[再新建一项]  [主菜单]"
        )

        await gives(world, member, 500)
        await says(world, member, "dangji")
        assert (await taps(world, member, NAME)).startswith(card)  # what was seen beforehand, word for word
        assert member.last.photo == await kept_photo(world)
        await taps(world, member, "兑换")
        assert member.last.photo == await kept_photo(world)
        assert "用掉 500 分,还剩 0 分" in await taps(world, member, "确认兑换")
        await uses(world, await till(world, "market"), code_on(member))

        assert await opened(world, boss) == (
            "当季水果礼盒 · 在架\n500 分\n值 ¥10(每元 50 分)\n\n剩 49 份,换出 1 份\n近 7 天换出 1 份\n"
            "近 30 天换出 1 份,用掉 1\n\n第 1 版\n[会员看到的]  [改]\n[改过几次]  [暂停它]\n[返回]  [主菜单]"
        )
        assert "500 分 · 剩 49 · 本月换出" in await taps(world, boss, "返回")
        assert await taps(world, boss, "换得最多的") == (
            "近 30 天换出 1 份\n再往前 30 天是 0 份\n\n1. 当季水果礼盒\n1 份,占 100%(之前 0)\n用掉 1 份 · 500 分 · ¥10\n"
            "[当季水果礼盒]\n[返回]  [主菜单]"
        )


async def kept_photo(world: World) -> bytes:
    """The one photo that is kept."""
    [[content]] = await world.sql("SELECT content FROM offer_photo")
    return bytes(content)


async def test_the_same_in_english_with_a_voucher_of_any_value(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        boss, member = shop.owner, shop.customer
        await says(world, boss, "/shelf")
        await taps(world, boss, "New", "Variable voucher")
        await says(world, boss, "超市代金券 / Supermarket voucher")
        assert await taps(world, boss, "Supermarket") == (
            "Price · Supermarket voucher\nPoints per ¥1, least, step, most?\n"
            "Send four numbers, such as 50 20 4 200: 50 points per ¥1, from ¥20 to ¥200 in steps of ¥4.\n"
            "Points are usually 50 per ¥1.\n[50 per ¥1, ¥10–¥200]\n[See the draft]  [Later]"
        )
        assert (await says(world, boss, "50 20 7 200")).startswith(
            "The most must be the least and some whole steps, and not below the least.\nPrice · "
        )
        assert (await says(world, boss, "50 20 4 200")).startswith("Stock · Supermarket voucher\n")
        await taps(world, boss, "No limit", "No limit", "90 days", "No photo")
        assert printed(boss).startswith(
            "New offer · Yunshan Market\nKind: Variable voucher\nName: 超市代金券 / Supermarket voucher\nCategory: Supermarket\n"
            "Price: 50 pts per ¥1, ¥20–¥200 in steps of ¥4\nStock: No limit\nPer member: No limit\nGood for: 90 days\n"
            "[Preview]  [Publish]\n"
        )
        card = (await taps(world, boss, "Preview")).split("\n[")[0]
        assert card == (
            "Supermarket voucher · Yunshan Market\n¥20–¥200, 50 pts per ¥1\n\nYou have 10,000 pts: up to ¥200\n\n"
            "Rules: code good for 90 days"
        )
        assert (await taps(world, boss, "中文")).startswith("超市代金券 · 云山超市\n¥20–¥200,每 ¥1 要 50 分\n")
        assert (await taps(world, boss, "Publish")).startswith("On the shelf\nSupermarket voucher\nFrom 1,000 pts")
        await gives(world, member, 10_000)
        await says(world, member, "/redeem voucher")
        assert (await taps(world, member, "Supermarket voucher")).startswith(card)


async def test_a_cashier_is_refused_in_words_and_so_are_the_buttons_of_whoever_was_a_manager(
    database: Database,
) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        assert await says(world, shop.cashier, "/shelf") == "您不能管理货架\n请店里的店长来办。\n[收银台]\n[主菜单]"
        await writes(world, shop.manager)
        await world.sql("UPDATE staff SET role = 'cashier' WHERE label = '店长'")
        assert (await taps(world, shop.manager, "发布")).startswith("您不能管理货架\n")
        assert await documents(world) == []
        assert (await says(world, shop.customer, "/shelf")) == "这是商户员工用的。\n[主菜单]"


async def test_a_second_tap_on_publish_is_answered_and_there_is_one_version(database: Database) -> None:
    async with bot_running(database, by_hand=True) as world:
        shop = await open_shop(world)
        boss, worker = shop.manager, world.worker

        async def by_hand(who: Person, *acts: str) -> None:
            for act in acts:
                update = await who.says(act[1:]) if act.startswith(">") else None
                if update is None:
                    tap = await who.taps(act)
                    update = tap.update_id
                await world.feed(worker, update)
                await world.settled()

        await by_hand(
            boss, ">/shelf", "新建", "商品", f">{NAME} / {ENGLISH}", "水果生鲜", ">500", "¥10", "不限", "不限"
        )
        await by_hand(boss, "30 天", "不放照片")
        draft = boss.last
        one, two = await boss.taps("发布", message=draft), await boss.taps("发布", message=draft)
        await asyncio.gather(world.feed(worker, one.update_id), world.feed(worker, two.update_id))
        await world.settled()
        assert [version for version, _ in await documents(world)] == [1]
        assert "上架了" in printed(boss)
        assert (await two.answer()).get("text") == "这份草稿已经发布,或者丢掉了。"


async def test_a_draft_outlives_the_process_and_goes_on_where_it_was_left(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "服务")
        await says(world, boss, NAME)
        await world.restart()
        assert (await says(world, boss, ENGLISH)).startswith("哪一类 · 当季水果礼盒")
        await says(world, boss, "/shelf")  # somewhere else, and the dialogue is over
        await world.restart()
        assert (await taps(world, boss, "接着写草稿")).startswith("哪一类 · 当季水果礼盒\n放在哪一类?")
        assert await taps(world, boss, "看草稿") == (
            "新的兑换 · 云山超市\n种类:服务\n名称:当季水果礼盒 / Seasonal fruit box\n总份数:不限\n每人限量:不限\n有效期:30 天\n\n"
            "还要写:哪一类、价格\n[名称]  [哪一类]  [价格]\n[总份数]  [每人限量]  [有效期]\n[照片]\n[预约…]  [更多…]\n"
            "[丢掉]  [先放着]"
        )
        assert "丢掉这份草稿?写好的就没有了。" in await taps(world, boss, "丢掉")
        assert (await taps(world, boss, "不丢")).startswith("哪一类 · 当季水果礼盒")
        await taps(world, boss, "看草稿", "丢掉", "丢掉")
        assert printed(boss) == "丢掉了,架上的没有变。\n不丢的草稿留 30 天。\n[写一份新的]  [看货架]"
        assert "接着写草稿" not in await taps(world, boss, "看货架")


async def test_bad_answers_are_told_what_fixes_them_and_the_draft_stays(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        whole = await writes(world, boss)
        refused = [
            ("名称", "长" * 61, "「长长长长长长长长长长长…」太长,最多 60 个字。"),
            ("价格", "很多", "请发 1 到 100,000,000 之间的整数。"),
            ("价格", "0", "请发 1 到 100,000,000 之间的整数。"),
            ("值多少", "十块", "没看懂金额。发数字给我,比如 25 或 25.5。"),
            ("总份数", "-5", "请发 1 到 10,000,000 之间的整数。"),
            ("每人限量", "两份", "没看懂。比如:每天1 每月3 一共5。"),
            ("有效期", "4000", "请发 1 到 3,650 之间的整数。"),
            ("照片", "没拍", "请发一张图片给我。"),
        ]
        rest = [
            ("另付现金", "10", "另付的钱要比它值的少。先改「值多少」,或少收一点。"),
            ("一次最多", "100", "请发 1 到 99 之间的整数。"),
            ("介绍", "只有中文", "两种语言都要:中文 / English,中间用「/」隔开。"),
            ("条件", "\n".join(["要预约 / Book ahead"] * 5), "条件最多四条,删掉几条再发。"),
            ("上架日期", "2-30", "这个日期我没看懂。比如 12-24 1-5。"),
            ("上架日期", "2027-12-02 2027-12-01", "这样一天也没有。改一下日期或星期。"),
            ("不能换的日子", "下周", "这个日期我没看懂。比如 12-24 1-5。"),
        ]
        for part, said, told in refused:
            await taps(world, boss, part)
            screen = await says(world, boss, said)
            assert screen.split("\n")[0] == told, screen
            assert await taps(world, boss, "返回") == whole
        further = await taps(world, boss, "更多…")
        for part, said, told in rest:
            await taps(world, boss, part)
            screen = await says(world, boss, said)
            assert screen.split("\n")[0] == told, screen
            assert await taps(world, boss, "返回") == further, "whence it was asked"
        assert (await says(world, boss, "随便说说")).startswith("要改哪一项?点下面的。\n")


async def test_both_names_sent_where_the_english_one_was_asked_are_both(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await says(world, shop.manager, "/shelf")
        await taps(world, shop.manager, "新建", "商品")
        assert "「咖啡」的英文名叫什么?" in await says(world, shop.manager, "咖啡")
        assert "哪一类 · 手冲咖啡" in await says(world, shop.manager, "手冲咖啡 / Drip coffee")
        assert "名称:手冲咖啡 / Drip coffee\n" in await taps(world, shop.manager, "看草稿")


async def test_the_english_name_may_come_first(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await says(world, shop.manager, "/shelf")
        await taps(world, shop.manager, "新建", "商品")
        assert "「Drip coffee」的英文名叫什么?" in await says(world, shop.manager, "Drip coffee")
        assert "哪一类 · 手冲咖啡" in await says(world, shop.manager, "手冲咖啡")
        assert "名称:手冲咖啡 / Drip coffee\n" in await taps(world, shop.manager, "看草稿")


async def test_everything_else_can_be_said_too_and_members_read_it(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await writes(world, boss)

        async def answers(part: str, *, say: str = "", tap: str = "") -> str:
            await taps(world, boss, part)
            return await (says(world, boss, say) if say else taps(world, boss, tap))

        await answers("价格", say="500 25")
        await taps(world, boss, "更多…")
        await answers("另付现金", say="5")
        await answers("一次最多", tap="2 份")
        await answers("每天份数", tap="10 份")
        await answers("过期未用", tap="积分不退")
        await answers("介绍", say="当天切好装盒。\nCut and packed the same day.")
        await answers("条件", say="请提前一天预约 / Book a day ahead\n只限到店 / In the shop only")
        await answers("上架日期", say="2027-01-10 2027-02-20")
        await answers("不能换的日子", say="2027-02-05 2027-02-08")
        await answers("地区", tap="上海")
        said = await answers("预留多久", tap="24 小时")
        for line in (
            "另付现金:¥5",
            "一次最多:2 份",
            "每天份数:10 份",
            "过期未用:积分不退",
            "条件:请提前一天预约 / Book a day ahead;只限到店 / In the shop only",
            "上架日期:2027年1月10日—2027年2月20日",
            "不能换的日子:2027年2月5日—2027年2月8日",
            "地区:上海",
            "预留多久:24 小时",
        ):
            assert f"\n{line}\n" in said, said
        await taps(world, boss, "预览")
        await publishes(world, boss)
        [(_, made)] = await documents(world)
        assert made["price"]["cash_minor"] == 500 and made["price"]["value_minor"] == 2500 and made["hold_hours"] == 24
        assert made["limits"] == {
            "member_day": None, "member_month": 1, "member_ever": None, "day": 10, "stock": 50,
        }  # fmt: skip
        await gives(world, shop.customer, 500)
        await says(world, shop.customer, "/redeem 水果礼盒")
        card = await taps(world, shop.customer, NAME)
        assert "500 分 + ¥5,值 ¥25" in card and "当天切好装盒。" in card and "请提前一天预约" in card
        assert "2027年1月10日起可以换" in card


async def test_a_special_price_is_added_seen_by_members_and_taken_away(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await boxes(world, "box")
        await opened(world, boss)
        await taps(world, boss, "改", "更多…", "特价", "加一个")
        assert (await says(world, boss, "只有中文")).startswith("两种语言都要")
        assert (await says(world, boss, "冬日价 / Winter price")).startswith(
            "给谁?点一个;按信用评级就发分数,比如 650。\n[人人]\n"
        )
        assert "哪几天?发起止日期" in await taps(world, boss, "人人")
        today = moment(world).today
        assert (await says(world, boss, "2020-01-01")).startswith("这些日子已经过了。")
        assert "那时一份多少分?平时 500。" in await says(
            world, boss, f"{today:%Y-%m-%d} {today + dt.timedelta(5):%Y-%m-%d}"
        )
        assert (await says(world, boss, "600")).startswith("特价不能比平时贵。改低特价,或者先提平时价。\n")
        assert (await says(world, boss, "400")).startswith(
            "加上了,发布后生效。\n特价\n平时:500 分\n1. 「冬日价」500 → 400 分,"
        )
        assert "· 特价「冬日价」500 → 400 分,今天—" in await taps(world, boss, "返回")
        assert (await taps(world, boss, "预览")).startswith("当季水果礼盒 · 云山超市\n400 分\n冬日价,到 ")
        assert "改好了 · 第 2 版" in await publishes(world, boss)
        await gives(world, member, 400)
        await says(world, member, "/redeem 水果礼盒")
        assert "400 分\n冬日价,到 " in await taps(world, member, NAME)
        assert "用掉 400 分,还剩 0 分" in await taps(world, member, "兑换", "确认兑换")

        await opened(world, boss)
        await taps(world, boss, "改", "更多…", "特价", "去掉「冬日价」", "返回")
        assert "· 去掉特价「冬日价」500 → 400 分,今天—" in printed(boss)
        await publishes(world, boss)
        assert "第 3 版 · 今天" in await taps(world, boss, "看它", "改过几次")
        assert "· 店长\n· 去掉特价「冬日价」" in printed(boss) and "第 1 版 · 今天" in printed(boss)
        [(units, version)] = await world.sql("SELECT points, offer_version FROM redemption")
        assert (units, version) == (400, 2)  # it keeps the version it was made under


async def test_of_two_managers_the_later_one_hears_what_changed_and_loses_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        first, second = shop.owner, shop.manager
        await boxes(world, "box")
        for who in (first, second):
            await opened(world, who)
            await taps(world, who, "改")
        await taps(world, first, "价格")
        assert "\n改了:\n· 价格:500 分 → 450 分\n" in await says(world, first, "450")
        await taps(world, second, "有效期", "90 天")
        await publishes(world, first)
        assert await publishes(world, second) == (
            "它刚被店主改过,还没有发布您的\n您从第 1 版改起,现在是第 2 版。\n\n这期间改了:\n· 价格:500 分 → 450 分\n您改的:\n"
            "· 有效期:30 天 → 90 天\n\n两边都改的地方,会用您的。\n[在新的上面接着改]\n[丢掉我的]"
        )
        fresh = await taps(world, second, "在新的上面接着改")
        assert fresh.startswith("接到最新的一版上了。\n\n改「当季水果礼盒」 · 第 2 版\n")
        assert "\n价格:450 分\n" in fresh and "\n改了:\n· 有效期:30 天 → 90 天\n[预览]" in fresh
        await publishes(world, second)
        versions = [(version, doc["price"]["points"], doc["validity_days"]) for version, doc in await documents(world)]
        assert versions == [(1, 500, 30), (2, 450, 30), (3, 450, 90)]


async def test_stock_is_added_or_set_and_never_below_what_is_out(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await boxes(world, "box", limits=Limits(stock=3))
        await gives(world, member, 1_000)
        for _ in range(2):
            await says(world, member, "/redeem 水果礼盒")
            await taps(world, member, NAME, "兑换", "确认兑换")
        await opened(world, boss)
        assert "接着写草稿" not in await taps(world, boss, "改", "先放着")  # there is nothing to lose
        assert "已换出 2 份,不能少于它。「+20」是再加 20。" in await taps(world, boss, NAME, "改", "总份数")
        assert (await says(world, boss, "1")).startswith("已换出 2 份,您写了 1。\n")
        assert "· 总份数:3 份 → 13 份" in await taps(world, boss, "加 10 份")
        await taps(world, boss, "总份数")
        assert "· 总份数:3 份 → 33 份" in await says(world, boss, "+20")
        assert "500 分 · 剩 31 · 本月换出 2 份" in await publishes(world, boss)
        await says(world, member, "/redeem 水果礼盒")
        assert "还剩 31 份" in await taps(world, member, NAME)


async def test_a_household_is_limited_in_the_chat_and_the_card_says_so(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await boxes(world, "box", limits=Limits(member_month=2))
        await gives(world, member, 1_000)
        await opened(world, boss)
        asked = await taps(world, boss, "改", "更多", "每户限量")
        assert "每户最多几份?一家人一起算。" in asked
        assert "没看懂" in await says(world, boss, "看着办")
        assert "· 每户限量:不限 → 每户限 1 份" in await taps(world, boss, "一共 1 份")
        await taps(world, boss, "每户限量")
        shown = await says(world, boss, "每户每月2 一共 5")
        assert "· 每户限量:不限 → 每户每月 2 份、每户限 5 份" in shown
        await publishes(world, boss)
        [_, (_, document)] = await documents(world)
        assert document["limits"] == {
            "member_day": None, "member_month": 2, "member_ever": None, "household_month": 2, "household_ever": 5, "day": None,
            "stock": None,
        }  # fmt: skip
        await says(world, member, "/redeem 水果礼盒")
        assert "每人每月 2 份;每户每月 2 份;每户限 5 份" in await taps(world, member, NAME)
        await opened(world, boss)
        await taps(world, boss, "改", "更多", "每户限量")
        assert "每户限 5 份 → 不限" in await taps(world, boss, "不限")
        await publishes(world, boss)
        assert not any("household" in name for name in (await documents(world))[-1][1]["limits"])


async def test_two_may_have_it_together_as_the_shop_says_in_the_chat(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await boxes(world, "box")
        await gives(world, member, 1_000)
        await opened(world, boss)
        assert "能和朋友一起换吗?" in await taps(world, boss, "改", "更多", "两人一起换")
        assert "三个数" in await says(world, boss, "随便")
        await taps(world, boss, "各一半,一人一个码")
        await taps(world, boss, "两人一起换")
        shown = await says(world, boss, "30 1 12")
        assert "两人一起换:先出的出 30%,一个码,12 小时内" in shown
        await publishes(world, boss)
        [_, (_, document)] = await documents(world)
        assert document["together"] == {"percent": 30, "codes": "one", "hours": 12}
        await says(world, member, "/redeem 水果礼盒")
        await taps(world, member, NAME, "找人一起换")
        assert "您出 150 分,朋友出 350 分" in member.last.shown
        await opened(world, boss)
        await taps(world, boss, "改", "更多", "两人一起换", "不能一起换")
        await publishes(world, boss)
        assert "together" not in (await documents(world))[-1][1]


async def test_pausing_says_what_it_does_and_resuming_brings_it_back(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        [box] = await boxes(world, "box")
        await gives(world, member, 1_000)
        await says(world, member, "/redeem 水果礼盒")
        await taps(world, member, NAME, "兑换", "确认兑换")
        code = code_on(member)
        async with world.database.engine.begin() as tx:
            who = await people.find(tx, world.vault, member.id)
            assert who is not None
            await favourites.keep(tx, who, box, now=world.now())
        await opened(world, boss)
        assert await taps(world, boss, "暂停它") == (
            "暂停「当季水果礼盒」?\n会员暂时找不到它,也换不了。\n已换出没用的 1 张券照样能用。\n"
            "1 位会员收藏了它,恢复后会告诉他们。\n[暂停它]  [返回]"
        )
        assert (await taps(world, boss, "暂停它")).startswith("暂停了。已换出的券照样能用。\n\n当季水果礼盒 · 暂停中\n")
        assert "没有找到" in await says(world, member, "/redeem 水果礼盒")
        assert (await uses(world, await till(world, "market"), code)).units == 1
        assert "在架" not in await taps(world, boss, "返回")
        await taps(world, boss, f"{NAME} · 暂停中")
        assert (await taps(world, boss, "恢复")).startswith("恢复了,会员又能换了。\n\n当季水果礼盒 · 在架\n")
        assert "没有找到" not in await says(world, member, "/redeem 水果礼盒")


async def test_another_draft_is_in_the_way_and_one_tap_leads_to_it(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await boxes(world, "box")
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "商品", "先放着", NAME)
        assert await taps(world, boss, "改") == (
            "您还有一份没发布的草稿\n先发布或丢掉它,再写别的。\n[看草稿]\n[货架]\n[主菜单]"
        )
        assert (await taps(world, boss, "看草稿")).startswith("名称\n叫什么?")


async def test_buttons_that_are_pressed_twice_do_their_thing_once(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager

        async def twice(label: str) -> str:
            page = boss.last
            found = next(b for row in page.buttons for b in row if b.text == label)
            for tap in (boss.presses(page, found), boss.presses(page, found)):
                await tap.answer()
            await world.settled()
            return printed(boss)

        await says(world, boss, "/shelf")
        assert (await twice("新建")).startswith("种类\n")
        assert (await twice("商品")).startswith("名称\n")
        assert await world.sql("SELECT count(*) FROM offer_draft") == [(1,)]
        await taps(world, boss, "丢掉", "丢掉")
        special = {"when": {"from_on": moment(world).today}, "price": PerUnit(points=400)}
        named = [Special(name=Names(zh=zh, en=en), **special) for zh, en in (("甲", "A"), ("乙", "B"), ("丙", "C"))]  # type: ignore[arg-type]
        await boxes(world, "box", limits=Limits(stock=3), specials=tuple(named))
        await opened(world, boss)
        await taps(world, boss, "改", "总份数")
        assert "· 总份数:3 份 → 13 份" in await twice("加 10 份")
        await taps(world, boss, "更多…", "特价")
        assert "去掉「甲」" not in await twice("去掉「甲」")
        assert "[去掉「乙」]\n[去掉「丙」]" in printed(boss)
        assert await world.sql("SELECT key, error FROM failure") == []


async def test_two_hundred_offers_with_the_longest_names_fit_and_page(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        names = {"name": {"zh": "很长的名字" * 12, "en": "A very long name indeed " * 2 + "twelve chars"}}
        long = [
            Offer.model_validate(
                {**offer(f"o{n}", "长", "Long", "market", PerUnit(points=n + 1)).model_dump(), **names}
            )
            for n in range(200)
        ]
        await shelve(world, *long)
        began = time.monotonic()
        first = await says(world, boss, "/shelf")
        assert time.monotonic() - began < 5
        assert first.startswith("货架 · 云山超市\n在架 200\n第 1–6 样,共 200 样\n")
        assert "200 分 · 本月换出 0 份" in first  # the newest first
        assert "第 7–12 样,共 200 样" in await taps(world, boss, "下一页")
        await taps(world, boss, "上一页")
        assert printed(boss) == first
        tap = boss.presses(boss.last, next(b for row in boss.last.buttons for b in row if b.text == "下一页"))
        await tap.answer()
        await world.settled()
        idle = await taps(world, boss, "换得最多的")
        assert "在架却没人换的 200 样:" in idle and len(idle) < 4096
        await taps(world, boss, "很长的名字", "改", "预览")
        assert await world.sql("SELECT key, error FROM failure") == []


async def test_what_redeems_best_is_ranked_beside_the_month_before(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await gives(world, member, 100_000)
        ids = await shelve(
            world,
            offer("tea", "热茶", "Tea", "market", PerUnit(points=100, value_minor=200)),
            offer("cup", "茶杯", "Cup", "market", PerUnit(points=1_000, value_minor=2_000)),
            offer("pot", "茶壶", "Pot", "market", PerUnit(points=3_000)),
        )
        for name, times in (("热茶", 4), ("茶杯", 2)):
            for _ in range(times):
                await says(world, member, f"/redeem {name}")
                await taps(world, member, name, "兑换", "确认兑换")
        await world.sql("UPDATE redemption SET issued_on = issued_on - 40 WHERE id = (SELECT min(id) FROM redemption)")
        await says(world, boss, "/shelf")
        assert (await taps(world, boss, "换得最多的")).startswith(
            "近 30 天换出 5 份\n再往前 30 天是 1 份\n\n1. 热茶\n3 份,占 60%(之前 1)\n用掉 0 份 · 300 分 · ¥6\n\n"
            "2. 茶杯\n2 份,占 40%(之前 0)\n用掉 0 份 · 2,000 分 · ¥40\n\n在架却没人换的 1 样:\n· 茶壶\n"
        )
        assert (await taps(world, boss, "茶壶")).startswith("茶壶 · 在架\n3,000 分\n")
        assert len(ids) == 3


async def test_a_photo_that_cannot_be_shown_is_refused_and_the_one_before_stays(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await boxes(world, "box")
        await opened(world, boss)
        await taps(world, boss, "改", "照片")
        await boss.sends_photo(jpeg())
        await fetched(world)
        [[good]] = await world.sql("SELECT document ->> 'photo' FROM offer_draft")
        refused = [
            (b"not a picture at all", "这不是我能看的图片。请发照片,JPEG 或 PNG 都行。"),
            (jpeg()[:3000], "这不是我能看的图片。请发照片,JPEG 或 PNG 都行。"),
            (jpeg(300, 150), "图片太小:300 × 150,至少要 200 × 200。"),
            (jpeg(2000, 250), "图片太长。裁成接近方形的再发。"),
        ]
        for content, told in refused:
            await taps(world, boss, "接着写草稿")
            await boss.sends_document(content, "box.jpg", mime="image/jpeg")
            await fetched(world)
            assert printed(boss) == f"照片没有放上\n{told}\n[接着写草稿]"
        assert await world.sql("SELECT document ->> 'photo' FROM offer_draft") == [(good,)]
        await taps(world, boss, "接着写草稿")
        await boss.sends_document(bytes(11_000_000), "box.jpg", mime="image/jpeg")
        await world.settled()
        assert printed(boss).startswith("图片太大,最多 10 MB。\n照片")


async def test_publishing_waits_for_a_photo_that_is_still_on_its_way(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await writes(world, boss)
        await boss.sends_photo(jpeg())
        await world.settled()
        assert (await publishes(world, boss)).startswith("照片还在处理,好了再发布。\n")
        await fetched(world)
        await taps(world, boss, "接着写草稿")
        assert "上架了" in await publishes(world, boss)
        [(_, made)] = await documents(world)
        assert made["photo"].startswith("photo-")


async def test_a_photo_outlives_the_bots_token(database: Database) -> None:
    """Telegram's ids of files are good for one bot alone; what members see comes from what is kept here."""
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await writes(world, shop.manager)
        await shop.manager.sends_photo(jpeg(where_taken=True))
        await fetched(world)
        await taps(world, shop.manager, "接着写草稿", "发布")
        [[kept]] = await world.sql("SELECT content FROM offer_photo")

    async def nothing(tx: object) -> None:
        """The database is full already."""

    async with bot_running(database, setup=nothing) as world:  # another double, so none of its files
        await world.sql("DELETE FROM turn_key")  # its updates are numbered anew
        who = world.person("店主阿云")  # the first person of any double, so a member already
        who.chat.started = True
        await says(world, who, "/redeem 水果礼盒")
        await taps(world, who, NAME)
        assert who.last.photo == bytes(kept)
        assert b"Exif" not in bytes(kept) and await count(database, "SELECT count(*) FROM offer_photo") == 1


async def count(database: Database, query: str) -> int:
    async with database.engine.connect() as tx:
        return int(await tx.scalar(text(query)) or 0)


async def test_a_price_for_a_tier_and_an_offer_for_a_tier_reach_those_and_nobody_else(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await boxes(world, "box")
        await gives(world, member, 500)
        await opened(world, boss)
        await taps(world, boss, "改", "更多…", "特价", "加一个")
        assert "[人人]\n[银卡以上]\n[金卡以上]" in await says(world, boss, "金卡价 / Gold price")
        assert (await says(world, boss, "金卡")).startswith(
            "请发 1 到 1,000 之间的整数。\n给谁?"
        )  # where a tap is awaited
        assert "[每天]" in await taps(world, boss, "金卡以上")
        await taps(world, boss, "每天")
        assert "1. 「金卡价」500 → 400 分,金卡" in await says(world, boss, "400")
        await taps(world, boss, "返回", "发布")
        await says(world, member, "/redeem 水果礼盒")
        assert "500 分\n" in await taps(world, member, NAME)
        await gold(world, member)
        await says(world, member, "/redeem 水果礼盒")
        assert "400 分\n金卡价(平时 500 分)" in await taps(world, member, NAME)

        await opened(world, boss)
        await taps(world, boss, "改", "更多…", "上架日期")
        assert (await says(world, boss, "2027-03-01起")).startswith("改「当季水果礼盒」 · 第 2 版\n")
        assert "· 提前兑换:没有 → 金卡 2027年2月26日起" in await taps(world, boss, "提前兑换", "金卡早 3 天")
        assert (await taps(world, boss, "给谁", "银卡")).count("· ") >= 3
        card = await taps(world, boss, "预览")
        assert "银卡" not in card.split("\n")[0] and "2027年3月1日起可以换" in card
        assert "改好了 · 第 3 版" in await publishes(world, boss)
        [*_, (_, made)] = await documents(world)
        assert made["who"]["tiers"] == ["silver", "gold"]
        assert made["early"] == [{"who": {"tiers": ["gold"], "standing": None, "regions": []}, "from_on": "2027-02-26"}]


async def test_a_merchant_with_points_of_its_own_chooses_which_and_whoever_runs_two_chooses_where(
    database: Database,
) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await second_post(world, boss, "rail", "站长")
        await world.sql("UPDATE staff SET role = 'owner' WHERE label = '站长'")
        assert "这次是哪一家" in await says(world, boss, "/shelf")
        await taps(world, boss, "江南铁路", "新建", "服务", "先放着", "新建")
        await says(world, boss, "一等座升级 / First-class upgrade")
        await taps(world, boss, "出行", "看草稿", "更多…", "用什么积分")
        assert printed(boss).startswith("用什么积分 · 一等座升级\n用什么积分换?\n[积分]\n[铁路积分]\n")
        assert "通常每元 100 分" in await taps(world, boss, "铁路积分")
        await says(world, boss, "800")
        assert (await taps(world, boss, "¥8", "不用预约", "不限", "不限", "30 天", "不放照片")).startswith(
            "新的兑换 · 江南铁路\n种类:服务\n名称:一等座升级 / First-class upgrade\n哪一类:出行\n用什么积分:铁路积分\n"
            "价格:800 铁路积分\n值多少:¥8(每元 100 分)\n"
        )
        assert "800 铁路积分 · 本月换出 0 份" in await publishes(world, boss)
        await gives(world, member, 800, merchant="rail")
        await says(world, member, "/redeem 升级")
        assert "用掉 800 铁路积分" in await taps(world, member, "一等座升级", "兑换", "确认兑换")
