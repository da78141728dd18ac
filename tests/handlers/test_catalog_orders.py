"""The orders of a list: one tap puts it in another one in place, and it stays so while somebody looks around."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from bot.double.double import Person
from ledger.redeeming.offers import Names, PerUnit, Special
from ledger.redeeming.windows import When
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import gives, member_id, moment, offer, shelve, shop


async def a_full_shelf(world: World, *, language: str = "zh-hans") -> Person:
    """A member with 800 points and a shelf of gifts: two end soon, one of them at its special price."""
    today = moment(world).today
    sale = Special(
        name=Names(zh="周年价", en="Anniversary"),
        when=When(until=today + dt.timedelta(days=3)),
        price=PerUnit(points=60),
    )
    await shelve(
        world,
        *(offer(f"gift-{n}", f"礼物 {n}", f"Gift {n}", "market", PerUnit(points=10 * n)) for n in range(1, 9)),
        offer("sale", "周年杯", "Jubilee cup", "fruit", PerUnit(points=90), specials=(sale,)),
        offer("last", "末日票", "Last ticket", "fruit", PerUnit(points=5000), on_shelf=When(until=today)),
    )
    person = await world.member(language=language)
    await gives(world, person, 800)
    await person.says("/redeem")
    await person.sees("可用 800" if language == "zh-hans" else "800 pts")
    return person


async def taps(world: World, person: Person, label: str, sees: str) -> str:
    """What is shown after a tap, in place of what was tapped."""
    await world.settled()
    at, count = person.last.id, len(person.messages)
    await person.taps(label, message=person.last)
    shown = await person.sees(sees, fresh=True)
    assert (shown.id, len(person.messages)) == (at, count), "edited in place"
    await world.settled()
    return person.last.shown


def offers_on(person: Person) -> list[str]:
    """The offers of a list, by their buttons."""
    return [label.partition(" · ")[0] for label in person.last.labels if " · " in label]


@pytest.mark.parametrize(
    ("language", "everything", "orders"),
    [
        (
            "zh-hans",
            "整个货架",
            [
                ("快结束", ["末日票", "周年杯"], "今天最后一天"),
                ("新上架", ["末日票", "周年杯", "礼物 8"], "周年价"),
                ("热门", ["礼物 3", "礼物 1", "礼物 2"], "30 天里换出 2 份"),
                ("绿色", ["礼物 1", "礼物 2", "礼物 3"], "绿色 A"),
            ],
        ),
        (
            "en",
            "Everything",
            [
                ("Ending", ["Last ticket", "Jubilee cup"], "Last day today"),
                ("New", ["Last ticket", "Jubilee cup", "Gift 8"], "Anniversary"),
                ("Popular", ["Gift 3", "Gift 1", "Gift 2"], "2 redeemed in 30 days"),
                ("Green", ["Gift 1", "Gift 2", "Gift 3"], "Green A"),
            ],
        ),
    ],
)
async def test_one_tap_puts_a_list_in_another_order(
    database: Database, language: str, everything: str, orders: list[tuple[str, list[str], str]]
) -> None:
    async with bot_running(database, setup=shop) as world:
        person = await a_full_shelf(world, language=language)
        now, on = world.now(), moment(world).today
        await world.sql(
            "INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, units, points,"
            " value_minor, code_index, state, entry_id, issued_at, used_at, issued_on, undo_until, valid_until)"
            " SELECT 0, code, id, 1, merchant_id, 1, 2, 30, 0, decode(md5(code), 'hex'), 'used', 0, :now, :now, :on, :now, :on"
            " FROM offer WHERE code = 'gift-3' RETURNING id",
            now=now,
            on=on,
        )
        await world.sql(
            "INSERT INTO green_rating (merchant_id, as_of, purchases, by_class)"
            " SELECT id, :on, 1000, CAST(:sold AS jsonb) FROM merchant WHERE code = 'market' RETURNING merchant_id",
            on=on,
            sold=json.dumps({"organic": 100_000}),
        )
        await taps(world, person, everything, "13")
        for label, first, why in orders:
            shown = await taps(world, person, label, f"{everything} · {label}")
            assert offers_on(person)[: len(first)] == first
            assert why in shown


async def test_the_order_stays_while_somebody_looks_around(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await a_full_shelf(world)
        await taps(world, ming, "整个货架", "第 1–6 样,共 13 样")
        assert [label for label in ming.last.labels if label in ("够换", "快结束", "新上架", "热门", "绿色")] == [
            "快结束", "新上架", "热门", "绿色",
        ]  # fmt: skip
        await taps(world, ming, "新上架", "整个货架 · 新上架 · 第 1–6 样,共 13 样")
        await taps(world, ming, "下一页", "整个货架 · 新上架 · 第 7–12 样")
        await taps(world, ming, "礼物 3", "换后剩 770")
        await taps(world, ming, "返回", "整个货架 · 新上架 · 第 7–12 样")
        await taps(world, ming, "兑换首页", "想找什么直接打字")
        await taps(world, ming, "分类", "分类")
        await taps(world, ming, "礼品 10", "礼品 · 新上架")
        assert offers_on(ming)[:2] == ["末日票", "周年杯"]
        await world.restart()
        await taps(world, ming, "够换", "礼品 · 第 1–6 样,共 10 样")
        assert offers_on(ming)[:2] == ["礼物 1", "礼物 2"]
        assert "够换" not in ming.last.labels


async def test_where_nothing_ends_soon_the_other_orders_are_a_tap_away(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await a_full_shelf(world)
        await taps(world, ming, "商户", "商户")
        await taps(world, ming, "云山超市 9", "云山超市")
        shown = await taps(world, ming, "快结束", "30 天内没有要结束的")
        assert shown.startswith("云山超市 · 快结束") and offers_on(ming) == []
        await taps(world, ming, "新上架", "云山超市 · 新上架")
        assert offers_on(ming)[0] == "礼物 8"


async def test_within_reach_is_dearest_first_until_another_order_is_chosen(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await a_full_shelf(world)
        await taps(world, ming, "全部 10 样", "现在能换的")
        assert offers_on(ming)[:2] == ["进口水果礼盒", "礼物 8"]
        await taps(world, ming, "新上架", "现在能换的 · 新上架")
        assert offers_on(ming)[:2] == ["周年杯", "礼物 8"]
        await taps(world, ming, "够换", "现在能换的")
        assert offers_on(ming)[:2] == ["进口水果礼盒", "礼物 8"]


async def test_two_taps_on_an_order_are_one_and_a_strange_one_is_the_usual(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await a_full_shelf(world)
        await taps(world, ming, "整个货架", "共 13 样")
        screen = ming.last
        await ming.taps("新上架", message=screen)
        await ming.taps("新上架", message=screen)
        await ming.sees("整个货架 · 新上架", fresh=True)
        await world.settled()
        assert offers_on(ming)[:1] == ["末日票"]
        assert await member_id(world, ming)
        [row] = await world.sql("SELECT data FROM dialogue WHERE state = 'catalog.search'")
        assert row[0] == {"order": "new"}
