"""Merchants for members: by region and trade, what each gives and takes, and its green rating with how it is computed."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs import green_ratings
from jobs.duty import Chunk, Slot
from ledger.earning import rulebook
from ledger.earning.rules.documents import Base
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from ledger.points.commands import Moment
from tests import turns
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running, coalition


async def town(tx: AsyncConnection) -> None:
    """The coalition, a fruit shop in Shanghai, a bookshop in Hangzhou."""
    await coalition(tx)
    for code, zh, en, trade, region in (
        ("fruit", "鲜果時光", "Fresh Fruit Time", "fruit", "sh"),
        ("books", "拾页书店", "Shiye Books", "books", "hz"),
    ):
        await merchants.create(tx, code=code, name_zh=zh, name_en=en, category=trade, region=region, terms=Terms())
    fruit = await merchants.by_code(tx, "fruit")
    await rulebook.publish(
        tx,
        code="fruit-base",
        merchant_id=fruit.id,
        rule=Base(name_zh="基本", name_en="Basic", rate=Decimal("1.5")),
        valid_from=dt.date(2020, 1, 1),
        made_by="test",
        at=turns.NOW,
    )


async def sold(world: World, code: str, organic: int, plain: int, *, purchases: int = 20) -> None:
    """Purchases of today, each with an organic part and another; counted as the night does."""
    parts = [[organic, None, "organic"], [plain]] if organic else [[plain]]
    bill = json.dumps({"parts": parts, "paid_otherwise_minor": 0})
    today = world.now().astimezone(ZONE).date()
    await world.sql(
        "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, bill, occurred_at,"
        " bought_on)"
        " SELECT m.id, 'd' || n, 1, :amount, 'CNY', 0, 0, CAST(:bill AS jsonb), :at, :today"
        " FROM merchant m, generate_series(1, :n) n WHERE m.code = :code RETURNING 1",
        amount=organic + plain, bill=bill, at=world.now(), today=today, n=purchases, code=code,
    )  # fmt: skip
    at = Moment(world.now(), today)
    async with world.database.engine.begin() as tx:
        slot = Slot("green_ratings", at.now)
        assert await green_ratings.run(Chunk(tx, slot.key, at, turns.PROGRAMME), slot) is None


async def test_merchants_of_ones_region_and_those_that_are_everywhere(database: Database) -> None:
    async with bot_running(database, setup=town) as world:
        ming = await world.member()
        await world.sql("UPDATE member SET region = 'hz'")
        await ming.says("/shops")
        await ming.sees("商户 · 杭州 · 所有行业")
        shops = [label for label in ming.last.labels if " · " in label]
        assert shops == ["拾页书店 · 图书", "云山超市 · 超市", "江南铁路 · 出行"]
        await ming.taps("换行业")
        await ming.sees("看哪一行的", fresh=True)
        await ming.taps("图书 1")
        await ming.sees("商户 · 杭州 · 图书", fresh=True)
        await ming.taps("换地区")
        await ming.taps("上海")
        await ming.sees("这里还没有这一类的商户", fresh=True)
        await ming.taps("换行业")
        await ming.taps("所有行业")
        await ming.sees("商户 · 上海 · 所有行业", fresh=True)
        assert any("鲜果時光" in label for label in ming.last.labels)


async def test_a_merchant_says_what_it_gives_takes_and_how_green_it_is(database: Database) -> None:
    async with bot_running(database, setup=town) as world:
        ming = await world.member()
        await sold(world, "fruit", 600, 400)
        await ming.says("/redeem")
        await ming.taps("商户")
        await ming.taps("附近的商户")
        await ming.taps("鲜果時光 · 水果生鲜 · 绿色 A")
        shown = (await ming.sees("结账时出示会员码", fresh=True)).shown
        assert "基本:每元 1.5 分" in shown
        assert "收联盟积分" in shown and "绿色评级 A:绿色商品占 60%" in shown
        await ming.taps("绿色评级怎么算")
        shown = (await ming.sees("绿色商品的金额 ÷ 全部金额", fresh=True)).shown
        assert "organic:占 60%" in shown and "A ≥ 60% · B ≥ 40%" in shown and "按 20 笔消费算出" in shown


async def test_whose_tills_never_say_what_is_green_gets_no_letter(database: Database) -> None:
    async with bot_running(database, setup=town) as world:
        ming = await world.member()
        await sold(world, "fruit", 0, 400)
        await ming.says("/shops")
        await ming.taps("鲜果時光 · 水果生鲜")
        await ming.sees("绿色评级:还没有", fresh=True)
        await ming.taps("绿色评级怎么算")
        await ming.sees("收银还没有写明哪些是绿色商品", fresh=True)


async def test_too_few_purchases_are_not_rated_yet(database: Database) -> None:
    async with bot_running(database, setup=town) as world:
        hong = await world.member("Hong", "en")
        await sold(world, "fruit", 600, 400, purchases=3)
        await hong.says("/shops")
        await hong.taps("Fresh Fruit Time")
        await hong.sees("Green rating: not yet", fresh=True)
        await hong.taps("Green rating")
        await hong.sees("17 more", fresh=True)
