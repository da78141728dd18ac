"""The demo is lived through the ledger's own verbs, and its figures come out as the programme promises."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.demo import story
from bot.demo.load import load
from bot.demo.photos import FOLDER, photo
from chat.wallet import main_screen
from ledger.members import person
from ledger.members.member import Member
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import member
from ledger.programme import Programme
from ledger.redeeming import shelf
from ledger.redeeming.offers import Offer
from tests.conftest import Database
from tests.turns import NOW, TODAY, shown, turn, vault

ZONE = ZoneInfo("Asia/Shanghai")
JUST_AFTER_MIDNIGHT = dt.datetime(2026, 11, 21, 16, 4, tzinfo=dt.UTC)


async def ming(tx: AsyncConnection) -> Member:
    found = await person.find(tx, vault(), 1001)
    assert found is not None
    return Member(found, "active")


async def test_xiaoming_holds_what_the_demo_tells_also_just_after_midnight(database: Database) -> None:
    now = JUST_AFTER_MIDNIGHT
    assert await load(database.engine, vault(), now=now)
    await holds_what_the_demo_tells(database, now.astimezone(ZONE).date())


async def test_xiaoming_holds_what_the_demo_tells(demo_database: Database) -> None:
    await holds_what_the_demo_tells(demo_database, TODAY)


async def holds_what_the_demo_tells(database: Database, today: dt.date) -> None:
    async with database.engine.connect() as tx:
        me = await ming(tx)
        common, rail, fuzhu = await statements.wallet(tx, me.owner, today=today)
        assert (common.available, common.pending, common.held) == (1180, 100, 60)
        assert common.next_expiry == (today + dt.timedelta(days=8), 320)
        assert common.next_release == (today + dt.timedelta(days=7), 100)
        assert (rail.available, rail.currency.worth(rail.available)) == (15_000, 15_000)
        assert fuzhu.available == 1288
        assert (await audit(tx)).holds


async def test_everything_happened_before_now_and_in_order(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        rows = (await tx.execute(text("SELECT id, occurred_at, posted_at FROM entry ORDER BY owner_id, id"))).all()
        assert all(row.posted_at <= NOW and row.occurred_at <= row.posted_at for row in rows)
        assert len(rows) > 200
        assert await tx.scalar(text("SELECT count(*) FROM entry WHERE kind = 'claw_back'")) == 1
        assert await tx.scalar(text("SELECT count(*) FROM redemption WHERE state = 'used'")) == 3


async def test_loading_again_changes_nothing(demo_database: Database) -> None:
    database = demo_database
    async with database.engine.connect() as tx:
        before = await tx.scalar(text("SELECT count(*) FROM entry"))
    assert not await load(database.engine, vault(), now=NOW + dt.timedelta(days=3))
    async with database.engine.connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM entry")) == before


async def test_a_programme_that_is_there_already_is_left_alone(database: Database) -> None:
    async with database.engine.begin() as tx:
        await tx.execute(text("INSERT INTO programme (one, version, document) VALUES (1, 7, '{}')"))
    assert not await load(database.engine, vault(), now=NOW)
    async with database.engine.connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM merchant")) == 0


async def test_people_may_be_given_other_telegram_ids(database: Database) -> None:
    await load(database.engine, vault(), now=NOW, double_people={"ming": 77})
    async with database.engine.connect() as tx:
        assert await person.find(tx, vault(), 77) is not None
        assert await person.find(tx, vault(), 1001) is None
        assert await person.find(tx, vault(), 1002) is None, "小红 has not joined"


async def test_the_main_screen_of_the_demo_reads_well(demo_database: Database) -> None:
    async with demo_database.engine.begin() as tx:
        programme = Programme.model_validate(await tx.scalar(text("SELECT document FROM programme")))
        screen = await main_screen(turn(tx, await ming(tx), programme=programme))
        assert shown(screen).splitlines()[:7] == [
            "可用 1,180 分  ≈ ¥23.60",
            "待生效 100(11月29日起可用)",
            "预留中 60",
            "铁路积分 15,000  ≈ ¥150",
            "福珠积分 1,288  ≈ ¥128.80",
            "",
            "最近到期:320 分,11月30日(还有 8 天)",
        ]


@pytest.mark.parametrize(
    ("code", "amount", "costs", "worth"),
    [
        ("market-voucher", 2000, 1000, 2000),
        ("market-voucher", 2400, 1200, 2400),
        ("fruit-box", 1, 500, 2500),
        ("fruit-voucher", 1, 1000, 5000),
        ("jeweller-voucher", 1, 10_000, 100_000),
        ("jeweller-cleaning", 1, 20_000, 50_000),
        ("rail-ticket", 15_000, 15_000, 15_000),
        ("market-phone", 1, 100_000, 200_000),
    ],
)
def test_the_promised_prices_come_out(code: str, amount: int, costs: int, worth: int) -> None:
    offer = next(o for o in story.read("offers", Offer, "offers") if o.code == code)
    quote = offer.price.quote(amount)
    assert (quote.points, quote.value_minor) == (costs, worth)


async def test_four_weeks_of_300_yuan_became_a_24_yuan_voucher(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        me = await ming(tx)
        market = (await tx.execute(text("SELECT id FROM merchant WHERE code = 'market'"))).scalar_one()
        lines = await statements.history(tx, member(me.id), limit=100, merchant_id=market)
        weekly = [line for line in lines if line.kind == "accrue" and line.facts.get("amount_minor") == 30_000]
        assert [line.points for line in weekly] == [300] * 4
        voucher = next(line for line in lines if line.kind == "burn")
        assert (voucher.points, voucher.facts["value_minor"]) == (-1200, 2400)


async def test_what_xiaoming_can_afford_is_shown(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        me = await ming(tx)
        held = await shelf.purse(tx, me, today=TODAY)
        affordable = await shelf.affordable(tx, me, today=TODAY, held=held)
        names = {seen.listed.offer.name.zh for seen in affordable}
        assert {"进口水果礼盒", "热拿铁一杯", "车票抵用券", "¥6 图书券"} <= names
        assert "智能手机 X" not in names


def test_every_offer_has_a_picture_as_its_drawing_says() -> None:
    for offer in story.read("offers", Offer, "offers"):
        assert offer.photo is not None
        assert photo(offer.photo).startswith(b"\x89PNG")
    with pytest.raises(KeyError):
        photo("../programme")
    drawings = {path.stem for path in FOLDER.glob("*.svg")}
    assert drawings == {path.stem for path in FOLDER.glob("*.png")}
