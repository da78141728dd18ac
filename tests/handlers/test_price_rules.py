"""Prices of seasons, festivals, tiers and days, as members meet them in the chat: what is shown is what is paid, and nothing is
struck out that was never the price."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from ledger.members import credit_standing
from ledger.redeeming.offers import Offer, PerMoney, PerUnit
from tests.conftest import Database
from tests.driver import ZONE, World
from tests.handlers.at import bot_then
from tests.handlers.shop import gives, member_id, offer, shelve, shop, spent
from tests.ledger.redeeming.test_price_rules import special

TIERS = [
    {"code": "plain", "name_zh": "普卡", "name_en": "Plain"},
    {"code": "gold", "name_zh": "金卡", "name_en": "Gold", "spend_minor": 800000, "visits": 30},
]


async def with_tiers(tx: AsyncConnection) -> None:
    await shop(tx)
    tiers = {"tiers": json.dumps({"tiers": TIERS})}
    await tx.execute(text("UPDATE programme SET document = document || CAST(:tiers AS jsonb)"), tiers)


def noon(said: str, time: str = "12:00") -> dt.datetime:
    """That day and time in Shanghai."""
    return dt.datetime.fromisoformat(f"{said}T{time}").replace(tzinfo=ZONE)


def per_unit(points: int, value: int = 0, most: int = 1) -> PerUnit:
    return PerUnit(points=points, value_minor=value, most_units=most)


def per_yuan(points: int, least: int, step: int, most: int) -> PerMoney:
    return PerMoney(points=points, least_minor=least * 100, step_minor=step * 100, most_minor=most * 100)


def priced(zh: str, en: str, price: Any, **more: Any) -> Any:
    """A special price: «旺季价» in both languages."""
    return special(zh, price, **more).model_copy(
        update={"name": special(zh, price, **more).name.model_copy(update={"en": en})}
    )


def of(name: str, price: Any, *specials: Any, merchant: str = "market", **more: Any) -> Offer:
    more.setdefault("kind", "voucher" if isinstance(price, PerUnit) else "variable_voucher")
    return offer("special", name, "The thing", merchant, price, specials=specials, **more)


FESTIVAL = priced("中秋价", "Mid-Autumn", per_unit(1000, 3000), from_on="2026-09-21", until="2026-09-27")
SEASON = {"from_on": "2026-07-01", "until": "2026-08-31"}
MONEY = of("抵用券", per_unit(1000, 2000), FESTIVAL)
JEWEL = of(
    "珠宝券", per_yuan(10, 1000, 200, 5000),
    priced("答谢", "Thanks", per_yuan(10, 800, 200, 5000), from_on="2026-11-01", until="2026-12-31"),
)  # fmt: skip


async def looks(world: World, offers: Offer, *, points: int = 0, language: str = "zh-hans") -> tuple[Person, str]:
    """A member with points opens the page of an offer: the page."""
    await shelve(world, offers)
    ming = await world.member(language=language)
    if points:
        await gives(world, ming, points)
    return ming, await opened(world, ming, offers)


async def opened(world: World, ming: Person, offers: Offer) -> str:
    name = offers.name.en if ming.language_code == "en" else offers.name.zh
    await ming.says(f"/redeem {name}")
    await world.settled()
    await ming.taps(name, message=ming.last)
    await world.settled()
    return str(ming.last.shown)


async def has(world: World, ming: Person, label: str = "兑换") -> str:
    """Opens the confirm screen, redeems: what the confirm screen said."""
    await ming.taps(label, message=ming.last)
    await world.settled()
    shown = str(ming.last.shown)
    await ming.taps("确认兑换", message=ming.last)
    await ming.sees("换好了")
    await world.settled()
    return shown


FIGURES = [
    ("2026-09-20", MONEY, "兑换", (1000, 2000), "1,000 分,值 ¥20", None),
    ("2026-09-27", MONEY, "兑换", (1000, 3000), "1,000 分,值 ¥30", "中秋价,今天最后一天(平时值 ¥20)"),
    ("2026-11-22", of("超市券", per_yuan(50, 20, 2, 200)), "¥24", (1200, 2400), "1,200 分", None),
    ("2026-08-01", of("水果盒", per_unit(500, 2500), priced("旺季价", "Season", per_unit(400, 2500), **SEASON), kind="goods"),
     "兑换", (400, 2500), "400 分,值 ¥25", "旺季价,到 8月31日(平时 500 分)"),
    ("2026-11-22", JEWEL, "¥800", (8000, 80000), "8,000 分", "答谢:现在 8,000 分起,到 12月31日"),
    ("2027-01-01", JEWEL, "¥1,000", (10000, 100000), "10,000 分", None),
    ("2026-11-22", of("洗衣一次", per_unit(300, 1500), kind="service"), "兑换", (300, 1500), "300 分,值 ¥15", None),
    ("2026-11-22", of("珠宝清洗", per_unit(20000, 50000), kind="service"), "兑换", (20000, 50000), "20,000 分,值 ¥500", None),
    ("2026-07-01", of("母婴券", per_unit(1000, 2000), priced("多两成", "20% more", per_unit(1000, 2400), **SEASON)),
     "兑换", (1000, 2400), "1,000 分,值 ¥24", "多两成,到 8月31日(平时值 ¥20)"),
    ("2026-11-28", of("爆米花", per_unit(900, 1800), priced("兑换日价", "Redemption day", per_unit(700, 1800), days_of_month=[28]),
        kind="goods"),
     "兑换", (700, 1800), "700 分,值 ¥18", "兑换日价,今天最后一天(平时 900 分)"),
    ("2028-02-29", of("爆米花", per_unit(900, 1800), priced("月末价", "Month's end", per_unit(700, 1800), days_of_month=[-1]),
        kind="goods"),
     "兑换", (700, 1800), "700 分,值 ¥18", "月末价,今天最后一天(平时 900 分)"),
]  # fmt: skip


@pytest.mark.parametrize(("on", "document", "label", "costs", "cost", "line"), FIGURES)
async def test_the_figures_come_out_in_the_chat(
    database: Database, on: str, document: Offer, label: str, costs: tuple[int, int], cost: str, line: str | None
) -> None:
    async with bot_then(database, now=noon(on), setup=shop) as world:
        ming, page = await looks(world, document, points=costs[0])
        confirm = await has(world, ming, label)
        assert cost in confirm.split("\n")
        if line is None:
            assert "平时" not in page + confirm and "现在" not in page
        else:
            assert line in page.split("\n") and line in confirm.split("\n")
        struck = [e for message in ming.messages for e in message.entities if e["type"] == "strikethrough"]
        assert not struck or "平时" in (line or "")
        [row] = await world.sql("SELECT points, value_minor FROM redemption")
        assert tuple(row) == costs


async def test_the_usual_price_is_struck_out_where_it_is_one(database: Database) -> None:
    async with bot_then(database, now=noon("2026-09-22"), setup=shop) as world:
        ming, _ = await looks(world, MONEY)
        struck = [e for e in ming.last.entities if e["type"] == "strikethrough"]
        assert [ming.last.shown[e["offset"] : e["offset"] + e["length"]] for e in struck] == ["¥20"]


@pytest.mark.parametrize(
    ("on", "document", "line"),
    [
        ("2026-09-22", MONEY, "1,000 pts, worth ¥30\nMid-Autumn, to 27 Sep (usually worth ¥20)"),
        ("2026-09-27", MONEY, "1,000 pts, worth ¥30\nMid-Autumn, last day today (usually worth ¥20)"),
        ("2026-11-22", JEWEL, "¥800–¥5,000, 10 pts per ¥1\nThanks: now from 8,000 pts, to 31 Dec"),
        ("2026-12-31", JEWEL, "¥800–¥5,000, 10 pts per ¥1\nThanks: now from 8,000 pts, last day today"),
    ],
)
async def test_prices_and_their_windows_in_english(database: Database, on: str, document: Offer, line: str) -> None:
    async with bot_then(database, now=noon(on), setup=shop) as world:
        _, page = await looks(world, document, points=100, language="en")
        assert line in page


async def test_a_price_per_yuan_shows_the_usual_rate(database: Database) -> None:
    more = PerMoney(points=100, per_minor=300, least_minor=3000, step_minor=300, most_minor=30000)
    document = of(
        "超市券",
        per_yuan(50, 20, 2, 200),
        priced("中秋价", "Mid-Autumn", more, from_on="2026-09-21", until="2026-09-27"),
    )
    async with bot_then(database, now=noon("2026-09-22"), setup=shop) as world:
        ming, page = await looks(world, document, points=1000)
        assert "¥30–¥300,每 ¥3 要 100 分\n中秋价,到 9月27日(平时每 ¥1 要 50 分)" in page
        assert "1,000 分\n中秋价,到 9月27日(平时 1,500 分)" in await has(world, ming, "¥30")


async def test_a_price_that_ends_at_midnight_is_shown_again_and_not_charged(database: Database) -> None:
    async with bot_then(database, now=noon("2026-09-27", "23:58"), setup=shop) as world:
        ming, page = await looks(world, MONEY, points=2000)
        assert "值 ¥30" in page
        await ming.taps("兑换", message=ming.last)
        await world.settled()
        world.wall_offset += dt.timedelta(minutes=3)
        await ming.taps("确认兑换", message=ming.last)
        shown = (await ming.sees("价格或内容刚刚变了,还没有扣分。")).shown
        assert "1,000 分,值 ¥20" in shown and "中秋" not in shown and await spent(world) == (0, 0)
        await ming.taps("确认兑换", message=ming.last)
        await ming.sees("换好了")
        [row] = await world.sql("SELECT points, value_minor FROM redemption")
        assert tuple(row) == (1000, 2000)


async def test_a_step_that_is_closed_at_midnight_leads_to_those_that_are_open(database: Database) -> None:
    async with bot_then(database, now=noon("2026-12-31", "23:58"), setup=shop) as world:
        ming, _ = await looks(world, JEWEL, points=12_000)
        await ming.taps("¥800", message=ming.last)
        await world.settled()
        world.wall_offset += dt.timedelta(minutes=3)
        await ming.taps("确认兑换", message=ming.last)
        shown = (await ming.sees("价格或内容刚刚变了,还没有扣分。")).shown
        assert "从 ¥1,000 起" in shown and await spent(world) == (0, 0)
        await ming.says("1000")
        await ming.sees("10,000 分")


async def test_the_history_names_the_special_price_and_the_voucher_its_value(database: Database) -> None:
    async with bot_then(database, now=noon("2026-09-22"), setup=shop) as world:
        ming, _ = await looks(world, MONEY, points=1000)
        await has(world, ming)
        assert "抵用券 ¥30" in ming.last.shown
        await ming.says("/history")
        await ming.sees("明细", fresh=True)
        assert "-1,000 分 · 抵用券 · 中秋价 · 云山超市 · 今天" in ming.last.labels


async def raised(world: World, ming: Person, tier: str = "gold") -> None:
    await world.sql(
        "UPDATE member SET tier = :tier WHERE id = :id RETURNING id", tier=tier, id=await member_id(world, ming)
    )


async def test_a_tier_has_its_price_and_others_read_of_it(database: Database) -> None:
    document = of("围巾", per_unit(3400, 6800), priced("金卡价", "Gold price", per_unit(2800, 6800), who={"tiers": ["gold"]}),
                  kind="goods")  # fmt: skip
    async with bot_then(database, now=noon("2026-11-22"), setup=with_tiers) as world:
        ming, page = await looks(world, document, points=3000)
        assert "3,400 分,值 ¥68" in page and "金卡价:2,800 分" in page and "还差 400 分" in page
        await raised(world, ming)
        page = await opened(world, ming, document)
        assert "2,800 分,值 ¥68\n金卡价(平时 3,400 分)" in page
        await has(world, ming)
        assert await spent(world) == (1, 2800)


async def test_a_standing_that_the_member_lets_be_used_lowers_the_threshold(database: Database) -> None:
    document = of("健身", per_unit(1500, 3000), priced("信用价", "Credit", per_unit(1200, 3000), who={"standing": 650}),
                  kind="service")  # fmt: skip
    async with bot_then(database, now=noon("2026-11-22"), setup=shop) as world:
        ming, page = await looks(world, document, points=1300)
        assert "还差 200 分" in page and "信用价:1,200 分,信用评级 650 以上" in page
        who = await member_id(world, ming)
        async with world.database.engine.begin() as tx:
            await credit_standing.agree(tx, who, now=world.now())
        await world.sql(
            "INSERT INTO credit_standing (member_id, standing, source, valid_until, entered_by, entered_at)"
            " VALUES (:id, 700, 'test', '2026-12-31', 'test', now()) RETURNING member_id", id=who,
        )  # fmt: skip
        assert "1,200 分,值 ¥30\n信用价(平时 1,500 分)" in await opened(world, ming, document)
        async with world.database.engine.begin() as tx:
            await credit_standing.refuse(tx, who, now=world.now())
        assert "还差 200 分" in await opened(world, ming, document)


async def test_gold_has_a_limited_thing_first_and_everybody_from_its_day(database: Database) -> None:
    document = of(
        "外套", per_unit(600, 12000), kind="goods", on_shelf={"from_on": "2026-11-28", "until": "2027-01-20"},
        early=[{"who": {"tiers": ["gold"]}, "from_on": "2026-11-22"}],
    )  # fmt: skip
    async with bot_then(database, now=noon("2026-11-22"), setup=with_tiers) as world:
        ming, page = await looks(world, document, points=1300)
        assert "11月28日起可以换\n金卡会员 今天起就可以换。" in page and "金卡可提前兑换,11月28日起人人可换" in page
        assert "看怎么升级" in ming.last.labels and "确认" not in "".join(ming.last.labels)
        await raised(world, ming)
        assert "换后剩 700 分" in await opened(world, ming, document)
        await has(world, ming)
        await raised(world, ming, "plain")
        world.wall_offset += dt.timedelta(days=6)
        page = await opened(world, ming, document)
        assert "换后剩 100 分" in page and "可换的日子:今天—2027年1月20日" in page


async def test_early_access_in_english(database: Database) -> None:
    document = of(
        "外套", per_unit(600, 12000), kind="goods", on_shelf={"from_on": "2026-11-28", "until": "2027-01-20"},
        early=[{"who": {"tiers": ["gold"]}, "from_on": "2026-11-22"}],
    )  # fmt: skip
    async with bot_then(database, now=noon("2026-11-22"), setup=with_tiers) as world:
        _, page = await looks(world, document, points=1300, language="en")
        assert (
            "Open from 28 Nov\nGold members can from today." in page and "Early for Gold; for all from 28 Nov" in page
        )


async def test_closed_days_are_told_with_the_day_after_them(database: Database) -> None:
    document = of("电影票", per_unit(200, 4000), blackout=[{"from_on": "2026-12-25", "until": "2027-01-03"}])
    async with bot_then(database, now=noon("2026-12-24", "23:58"), setup=shop) as world:
        ming, page = await looks(world, document, points=500)
        assert "明天—2027年1月3日不能换" in page
        await ming.taps("兑换", message=ming.last)
        await world.settled()
        world.wall_offset += dt.timedelta(minutes=3)
        await ming.taps("确认兑换", message=ming.last)
        shown = (await ming.sees("这几天不能换")).shown
        assert "到 2027年1月3日为止,2027年1月4日起又可以换。" in shown and await spent(world) == (0, 0)


async def test_what_holds_in_one_region_is_for_who_lives_there(database: Database) -> None:
    document = of("湖畔电影", per_unit(200, 4000), region="hz")
    async with bot_then(database, now=noon("2026-11-22"), setup=shop) as world:
        ming, page = await looks(world, document, points=500)
        assert "限杭州的会员\n您还没填地区,住在那里就能换。" in page
        await ming.taps("填地区", message=ming.last)
        await world.settled()
        await ming.taps("杭州", message=ming.last)
        await world.settled()
        assert "换后剩 300 分" in await opened(world, ming, document)


async def test_the_redemption_day_is_told_beforehand(database: Database) -> None:
    day28 = priced("兑换日价", "Redemption day", per_unit(700, 1800), days_of_month=[28])
    goods = of("饭盒", per_unit(500, 1500), kind="goods", on_shelf={"days_of_month": [28]}, limits={"day": 30})
    async with bot_then(database, now=noon("2026-11-27", "23:58"), setup=shop) as world:
        ming, page = await looks(world, of("爆米花", per_unit(900, 1800), day28, kind="goods"), points=1300)
        assert "900 分,值 ¥18" in page and "兑换日价:700 分,每月 28 日" in page
        await shelve(world, goods.model_copy(update={"code": "lunchbox"}))
        assert "明天起可以换" in await opened(world, ming, goods)
        world.wall_offset += dt.timedelta(minutes=3)
        page = await opened(world, ming, goods)
        assert "换后剩 800 分" in page and "可换的日子:每月 28 日" in page
        await has(world, ming)


async def test_higher_tiers_see_more_of_the_catalog(database: Database) -> None:
    document = of("金卡下午茶", per_unit(600, 4800), kind="service", who={"tiers": ["gold"]}, category="drinks")
    async with bot_then(database, now=noon("2026-11-22"), setup=with_tiers) as world:
        await shelve(world, document)
        ming = await world.member()
        await gives(world, ming, 1000)
        await ming.says("/redeem 金卡下午茶")
        await ming.sees("没有找到「金卡下午茶」", fresh=True)
        await ming.says("/redeem")
        await world.settled()
        await ming.taps("分类", message=ming.last)
        await world.settled()
        assert not [label for label in ming.last.labels if "茶饮" in label]
        await raised(world, ming)
        await ming.says("/redeem")
        await world.settled()
        await ming.taps("分类", message=ming.last)
        await world.settled()
        await ming.taps("茶饮咖啡 1", message=ming.last)
        await ming.sees("金卡下午茶 · 云山超市")


async def test_an_old_button_of_what_is_for_others_says_for_whom(database: Database) -> None:
    document = of("金卡下午茶", per_unit(600, 4800), kind="service", who={"tiers": ["gold"]})
    async with bot_then(database, now=noon("2026-11-22"), setup=with_tiers) as world:
        await shelve(world, document)
        ming = await world.member()
        await raised(world, ming)
        await opened(world, ming, document)
        page = ming.last
        await raised(world, ming, "plain")
        [[kept]] = [
            [b for b in row if b.text == "加入收藏"] for row in page.buttons if "加入收藏" in [b.text for b in row]
        ]
        ming.presses(page, kept)
        shown = (await ming.sees("金卡专享")).shown
        assert "升到金卡就能换。" in shown and "看怎么升级" in ming.last.labels


async def test_lists_show_the_price_of_today(database: Database) -> None:
    async with bot_then(database, now=noon("2026-09-22"), setup=shop) as world:
        await shelve(world, MONEY)
        ming = await world.member()
        await gives(world, ming, 1000)
        await ming.says("/redeem 抵用券")
        shown = (await ming.sees("抵用券 · 云山超市", fresh=True)).shown
        assert "1,000 分,值 ¥30\n中秋价,到 9月27日(平时值 ¥20)" in shown


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("crowded", [True, False])
async def test_a_page_with_every_rule_and_the_longest_texts_is_said(
    database: Database, language: str, crowded: bool
) -> None:
    long, line = "长" * 240 if crowded else "好", "条" * 60
    document = of(
        "名" * 60, per_unit(9_999_999, 2500, 99),
        *(priced("价" * 24, f"{n}" * 24, per_unit(9_000_000, 2500, 99), until="2026-12-31", days_of_month=[*range(1, 11)],
                 who={} if n == 0 else {"tiers": ["gold"]}) for n in range(8)),
        kind="goods", about={"zh": long, "en": long}, photo="box",
        conditions=[{"zh": line, "en": line}] * 4 if crowded else [],
        on_shelf={"from_on": "2026-11-28", "until": "2027-01-20", "weekdays": [1, 2, 3], "days_of_month": [1, 2, 3, -1]},
        early=[{"who": {"tiers": ["gold"]}, "from_on": "2026-11-25"}, {"who": {"standing": 700}, "from_on": "2026-11-26"}],
        blackout=[{"from_on": "2026-12-25", "until": "2027-01-03"}], region="hz",
        limits={"member_day": 1, "member_month": 2, "member_ever": 3, "day": 9, "stock": 99},
    )  # fmt: skip
    name = {"zh": "名" * 60, "en": "The thing " * 6} if crowded else {"zh": "名名名名名名名名名", "en": "The thing"}
    document = Offer.model_validate({**document.model_dump(), "name": name})
    async with bot_then(database, now=noon("2026-11-22"), setup=with_tiers) as world:
        [number] = await shelve(world, document)
        ming = await world.member(language=language)
        await ming.says("/favourites")
        await world.settled()
        await world.sql("INSERT INTO favourite (member_id, offer_id, kept_at) VALUES (:m, :o, now()) RETURNING offer_id",
                        m=await member_id(world, ming), o=number)  # fmt: skip
        await ming.says("/favourites")
        await world.settled()
        await ming.taps(document.name.zh[:9] if language != "en" else "The thing", message=ming.last)
        await world.settled()
        shown = ming.last.shown
        assert shown.count("限杭州的会员" if language != "en" else "For members in Hangzhou") == 1
        assert (ming.last.photo is None) == crowded
