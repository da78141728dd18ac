"""The catalog as people walk it: from the main screen to a code in four taps, by shelf, by merchant, by typing anything."""

from __future__ import annotations

import pytest

from bot.double.double import Person
from ledger.redeeming.offers import Limits, Names, PerUnit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import BOX, coming, day, gives, offer, shelve, shop


async def at_the_catalog(world: World, points: int = 0, *, language: str = "zh-hans") -> Person:
    """A member with points, on the catalog's first screen."""
    person = await world.member(language=language)
    if points:
        await gives(world, person, points)
    await person.says("/redeem")
    await world.settled()
    return person


async def test_from_start_to_a_code_in_four_taps(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 1180)
        await ming.says("/start")
        await ming.sees("1,180")
        for label in ("兑换", "进口水果礼盒", "兑换", "确认兑换"):
            await world.settled()
            await ming.taps(label, message=ming.last)
        await ming.sees("换好了")
        await ming.sees("还剩 680 分")


@pytest.mark.parametrize(
    ("language", "seen"),
    [
        ("zh-hans", ["兑换", "可用 1,180 分", "现在能换 2 样", "超市代金券 · 1,000 分起", "进口水果礼盒 · 500 分"]),
        ("en", ["Redeem", "1,180 pts available", "2 things within reach now", "Supermarket voucher · from 1,000 pts",
                "Imported fruit box · 500 pts"]),
    ],
)  # fmt: skip
async def test_the_first_screen_leads_with_what_is_within_reach(
    database: Database, language: str, seen: list[str]
) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_the_catalog(world, 1180, language=language)
        everything = ming.last.shown + "\n" + "\n".join(ming.last.labels)
        assert [words for words in seen if words not in everything] == []


@pytest.mark.parametrize(
    ("language", "said", "button"),
    [("zh-hans", "还没有够换的,最近的是这些", "进口水果礼盒 · 还差 490 分"),
     ("en", "Nothing within reach yet; these are nearest", "Imported fruit box · 490 pts short")],
)  # fmt: skip
async def test_with_too_few_points_the_nearest_are_shown(
    database: Database, language: str, said: str, button: str
) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_the_catalog(world, 10, language=language)
        assert said in ming.last.shown and button in ming.last.labels


async def test_an_offer_says_what_it_costs_this_member_and_its_rules(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(
            world,
            BOX.model_copy(
                update={
                    "limits": Limits(member_day=2, day=50, stock=80),
                    "conditions": (Names(zh="当天食用", en="Eat today"),),
                }
            ),
        )
        ming = await at_the_catalog(world, 1180)
        await ming.taps("进口水果礼盒")
        shown = (await ming.sees("当天切好装盒。")).shown
        assert "500 分,值 ¥25" in shown and "您可用 1,180 分,换后剩 680 分" in shown
        assert "规则:每人每天 2 份;每天 50 份,今天还有 50;还剩 80 份;凭码 30 天内有效" in shown and "当天食用" in shown
        await world.settled()
        assert ming.last.photo is not None


async def test_what_is_out_of_reach_says_how_far_and_when_more_comes(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 380)
        await coming(world, ming, 100, days=7)
        await ming.says("/redeem 水果")
        await ming.taps("进口水果礼盒 · 还差 120 分")
        shown = (await ming.sees("这要 500 分")).shown
        assert f"这要 500 分,您可用 380 分;{day(world, 7)}再生效 100,那时还差 20。" in shown
        assert "380 分能换什么" in ming.last.labels and "兑换" not in ming.last.labels
        await ming.taps("380 分能换什么")
        await ming.sees("现在还没有够换的")


@pytest.mark.parametrize("asked", ["水果", "shuiguo", "jksglh", "fruit box", "睡果", "鲜果時光"])
async def test_anything_typed_on_the_catalog_is_a_search(database: Database, asked: str) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_the_catalog(world, 500)
        await ming.says(asked)
        await ming.sees(f"「{asked}」")
        assert ming.last.labels[0] == "进口水果礼盒 · 500 分"


async def test_nothing_found_says_what_else_to_try(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_the_catalog(world, language="en")
        await ming.says("<b>quantum & co</b>")
        assert "Nothing found for “<b>quantum & co</b>”" in (await ming.sees("Try other words")).shown
        assert ming.last.labels == ["Categories", "Everything", "Catalog", "Main menu"]
        await ming.taps("Everything")
        await ming.sees("Imported fruit box")


async def test_a_number_typed_under_a_voucher_of_any_value_says_of_how_much_it_shall_be(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_the_catalog(world, 1500)
        await ming.taps("超市代金券")
        await ming.sees("最多换 ¥28", fresh=True)
        await ming.says("23")
        told = await ming.sees("没有这个面额", fresh=True)
        assert "从 ¥20 到 ¥200,每档 ¥4。" in told.shown and "最多换 ¥28" in told.shown
        await ming.says("¥24")
        told = await ming.sees("将用掉", fresh=True)
        assert "超市代金券 ¥24" in told.shown and told.labels[0] == "确认兑换"
        await ming.says("/redeem 超市代金券")
        await ming.taps("超市代金券")
        await ming.says("60")
        await ming.sees("还差 1,500 分", fresh=True)
        await ming.says("/redeem 水果礼盒")
        await ming.taps("进口水果礼盒")
        await ming.sees("换后剩 1,000 分", fresh=True)
        await ming.says("24")
        await ming.sees("没有找到「24」", fresh=True)


async def test_a_long_shelf_is_paged_and_a_search_survives_a_restart(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(
            world,
            *(offer(f"gift-{n}", f"小礼物 {n:02}", f"Gift {n}", "market", PerUnit(points=n)) for n in range(1, 15)),
        )
        ming = await at_the_catalog(world, 500)
        await ming.taps("全部 15 样")
        await ming.sees("第 1–6 样,共 15 样")
        await ming.taps("下一页")
        await ming.taps("下一页", message=(await ming.sees("第 7–12 样")))
        await ming.sees("第 13–15 样")
        await ming.says("礼物")
        await ming.sees("「礼物」 · 第 1–6 样,共 14 样")
        await world.restart()
        await ming.taps("下一页", message=ming.last)
        await ming.sees("「礼物」 · 第 7–12 样,共 14 样")
        await ming.taps("小礼物 10", message=ming.last)
        await ming.taps("返回", message=(await ming.sees("您可用 500 分,换后剩 490 分")))
        await ming.sees("「礼物」 · 第 7–12 样")


async def test_shelves_and_merchants_lead_to_offers_and_back(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_the_catalog(world, 1180)
        await ming.taps("分类")
        await ming.taps("水果生鲜 1")
        await ming.taps("进口水果礼盒", message=(await ming.sees("500 分,值 ¥25")))
        await ming.taps("这家的其他", message=(await ming.sees("换后剩 680")))
        await world.settled()
        assert ming.last.shown.startswith("鲜果時光")
        await ming.taps("返回", message=ming.last)
        await ming.taps("江南铁路 1", message=(await ming.sees("商户")))
        assert "1,000 铁路积分,值 ¥10 · 还差 1,000 铁路积分" in (await ming.sees("短途车票")).shown


async def test_an_empty_shelf_and_a_gone_offer_answer_kindly(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_the_catalog(world, 500)
        offer_screen = await ming.taps("进口水果礼盒")
        await offer_screen.answer()
        await world.sql("UPDATE merchant SET status = 'closed'")
        await ming.taps("兑换", message=ming.last)
        await ming.sees("鲜果時光 现在不接待兑换")
        await ming.says("/redeem")
        await ming.sees("货架上还没有东西")
        await ming.taps("分类")
        await ming.sees("货架上还没有东西")


async def test_a_merchants_words_are_shown_as_they_are(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, offer("odd", "<b>5 & 6</b>_*", "<i>5 & 6</i>", "market", PerUnit(points=5)))
        ming = await at_the_catalog(world, 5)
        await ming.taps("<b>5 & 6</b>_*")
        assert "<b>5 & 6</b>_* · 云山超市" in (await ming.sees("换后剩 0 分")).shown
