"""The demo is lived through the ledger's own verbs, and its figures come out as the programme promises."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.demo import offers
from bot.demo.load import has_playable_people, load
from bot.demo.photos import FOLDER, photo
from chat import arithmetic
from chat.wallet import main_screen
from chat.words import Speaker
from ledger.clearing import close, disputes, file, positions
from ledger.earning import activities, rulebook
from ledger.members import business, person
from ledger.members.member import Member
from ledger.merchants import guarantee
from ledger.merchants import merchant as merchants
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import member
from ledger.programme import Programme
from ledger.redeeming import may_use, privileges, shelf
from ledger.redeeming.browse import browse
from ledger.redeeming.in_force import in_force
from ledger.redeeming.who import Traits
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
        assert await tx.scalar(text("SELECT count(*) FROM redemption WHERE state = 'used'")) == 8


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


async def test_for_a_bot_with_a_token_nobody_on_telegram_is_one_of_the_people(database: Database) -> None:
    await load(database.engine, vault(), now=NOW, playable=False)
    async with database.engine.connect() as tx:
        members = (await tx.scalars(text("SELECT member_id FROM person"))).all()
        people = await person.load_many(tx, vault(), members)
        assert len(people) > 5 and not [one for one in people.values() if 0 < one.telegram_id < 2**52]
        assert not await has_playable_people(tx, vault())


async def test_a_playable_demo_is_known(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        assert await person.find(tx, vault(), 1001) is not None
        assert await person.find(tx, vault(), 1002) is None, "小红 has not joined"
        assert await has_playable_people(tx, vault())


async def test_the_main_screen_of_the_demo_reads_well(demo_database: Database) -> None:
    async with demo_database.engine.begin() as tx:
        programme = Programme.model_validate(await tx.scalar(text("SELECT document FROM programme")))
        screen = await main_screen(turn(tx, await ming(tx), programme=programme))
        assert shown(screen).splitlines()[:8] == [
            "可用 1,180 分  ≈ ¥23.60",
            "待生效 100(11月29日起可用)",
            "预留中 60",
            "家庭池里另有 2,000 分",
            "铁路积分 15,000  ≈ ¥150",
            "福珠积分 1,288  ≈ ¥128.80",
            "",
            "最近到期:320 分,11月30日(还有 8 天)",
        ]


PLAIN = Traits(tier="plain", region="sh")


@pytest.mark.parametrize(
    ("code", "who", "day", "amount", "costs", "worth", "usually"),
    [
        ("market-voucher", PLAIN, TODAY, 2000, 1000, 2000, None),
        ("market-voucher", PLAIN, TODAY, 2400, 1200, 2400, None),
        ("market-washing", PLAIN, TODAY, 1, 300, 1500, None),
        ("fruit-box", PLAIN, TODAY, 1, 400, 2500, (500, 2500)),
        ("fruit-box", PLAIN, TODAY + dt.timedelta(days=40), 1, 500, 2500, None),
        ("fruit-voucher", PLAIN, TODAY, 1, 1000, 5000, None),
        ("tea-voucher", PLAIN, TODAY, 1, 1000, 3000, (1000, 2000)),
        ("tea-voucher", PLAIN, TODAY + dt.timedelta(days=13), 1, 1000, 2000, None),
        ("baby-voucher", PLAIN, TODAY, 1, 1000, 2400, (1000, 2000)),
        ("jeweller-voucher", PLAIN, TODAY, 80_000, 8000, 80_000, None),
        ("jeweller-voucher", PLAIN, TODAY, 100_000, 10_000, 100_000, None),
        ("jeweller-voucher", PLAIN, TODAY + dt.timedelta(days=40), 100_000, 10_000, 100_000, None),
        ("jeweller-cleaning", PLAIN, TODAY, 1, 20_000, 50_000, None),
        ("rail-ticket", PLAIN, TODAY, 15_000, 15_000, 15_000, None),
        ("market-phone", PLAIN, TODAY, 1, 100_000, 200_000, None),
        ("clothes-scarf", PLAIN, TODAY, 1, 3400, 6800, None),
        ("clothes-scarf", Traits(tier="gold"), TODAY, 1, 2800, 6800, (3400, 6800)),
        ("gym-visit", PLAIN, TODAY, 1, 1500, 3000, None),
        ("gym-visit", Traits(standing=650), TODAY, 1, 1200, 3000, (1500, 3000)),
        ("cinema-popcorn", PLAIN, TODAY, 1, 900, 1800, None),
        ("cinema-popcorn", PLAIN, dt.date(2026, 11, 28), 1, 700, 1800, (900, 1800)),
    ],
)
def test_the_promised_prices_come_out(
    code: str, who: Traits, day: dt.date, amount: int, costs: int, worth: int, usually: tuple[int, int] | None
) -> None:
    priced = in_force(next(o for o in offers.read(TODAY) if o.code == code), who, day)
    quote, usual = priced.price.quote(amount), priced.usually(priced.price.quote(amount))
    assert (quote.points, quote.value_minor) == (costs, worth)
    assert (usual and (usual.points, usual.value_minor)) == usually


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
        found = await browse(tx, me, today=TODAY, held=held, now=NOW)
        names = {each.listed.offer.name.zh for each in found.affordable()}
        assert {"进口水果礼盒", "热拿铁一杯", "车票抵用券", "¥6 图书券"} <= names
        assert "智能手机 X" not in names


def test_every_offer_has_a_picture_as_its_drawing_says() -> None:
    for offer in offers.read(TODAY):
        assert offer.photo is not None
        assert photo(offer.photo).startswith(b"\x89PNG")
    with pytest.raises(KeyError):
        photo("../programme")
    drawings = {path.stem for path in FOLDER.glob("*.svg")}
    assert drawings == {path.stem for path in FOLDER.glob("*.png")}


async def privileged(tx: AsyncConnection, telegram_id: int) -> dict[str, privileges.Seen]:
    found = await person.find(tx, vault(), telegram_id)
    assert found is not None
    seen = await privileges.judged(tx, found, await privileges.everywhere(tx), today=TODAY)
    return {each.listed.privilege.code: each for each in seen}


async def test_who_holds_enough_pays_less_and_the_promised_figures_come_out(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        ming, li = await privileged(tx, 1001), await privileged(tx, 2001)
    assert [code for code, each in ming.items() if isinstance(each.verdict, may_use.Yes)] == ["pots", "stylist"]
    assert {"fresh", "pots", "parking"} <= {code for code, each in li.items() if isinstance(each.verdict, may_use.Yes)}
    for code, held, before, after in (("fresh", 5_000, 10_000, 9_000), ("custom", 50_000, 1_000_000, 900_000)):
        one = li[code].listed
        for points, expected in ((held, after), (held - 1, None)):
            facts = may_use.Facts(available=points)
            verdict = may_use.may_use(one, facts, today=TODAY, amount_minor=before)
            assert (verdict.after_minor if isinstance(verdict, may_use.Yes) else None) == expected
    elsewhere = ming["popcorn"].verdict
    assert isinstance(elsewhere, may_use.No)
    assert [each.code for each in elsewhere.reasons] == ["region_needed"]
    no = ming["fresh"].verdict
    assert isinstance(no, may_use.No) and no.reasons[0].facts["available"] == 1_180


async def test_weeks_are_settled_and_one_cover_is_near_its_end(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        covers = {one.merchant_id: one for one in await guarantee.everyone(tx)}
        fruit = await merchants.by_code(tx, "fruit")
        assert covers[fruit.id].used_percent == 82 and len(covers) == 6
        assert max(one.used_percent for one in covers.values() if one.merchant_id != fruit.id) < 80
        weeks = await positions.weeks(tx, limit=30)
        assert weeks[0] == dt.date(2026, 11, 9) and len(weeks) > 20
        for week in weeks:
            made, lines = await close.one(tx, week), await close.lines_of(tx, week)
            assert file.digest(await close.rebuilt(tx, week)) == file.digest(lines) == made.digest
        assert all([await positions.count(tx, fruit.id, week) for week in weeks[:2]])
        waiting, count = await disputes.waiting(tx)
        assert count == 1 and waiting[0].place.week in weeks[:2]


async def test_members_stand_on_all_three_tiers_and_one_is_proposed_for_more(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        tiers = dict(
            (await tx.execute(text("SELECT tier, count(*)::int FROM member WHERE tier IS NOT NULL GROUP BY 1"))).all()
        )
        assert tiers.keys() == {"silver", "gold"}
        proposed = (await tx.execute(text("SELECT member_id, tier FROM tier_proposal WHERE state = 'open'"))).all()
        names = await person.load_many(tx, vault(), [row.member_id for row in proposed])
        assert [(names[row.member_id].name, row.tier) for row in proposed] == [("郑一凡", "silver")]


async def test_there_is_a_company_and_something_to_take_part_in(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        [place] = await business.places(tx, (await ming(tx)).id)
        assert (place.company, place.role) == ("云帆科技", "buyer")
        running = await activities.running(tx, now=NOW)
        assert sorted(each.kind for each in running) == ["suggestions", "survey"]


async def test_whys_of_the_demo_show_its_rules(demo_database: Database) -> None:
    def said(entry: statements.Explained) -> list[str]:
        return [Speaker("zh", TODAY).plain(step) for step in arithmetic.steps(entry.trace)]

    async def why(tx: AsyncConnection, telegram_id: int, merchant: str, points: int) -> list[str]:
        who = await person.find(tx, vault(), telegram_id)
        assert who is not None
        shop = await merchants.by_code(tx, merchant)
        lines = await statements.history(tx, member(who), limit=200, merchant_id=shop.id)
        line = next(line for line in lines if line.kind == "accrue" and line.points == points)
        return said(await statements.explain(tx, member(who), line.entry_id))

    async with demo_database.engine.connect() as tx:
        assert await why(tx, 1001, "market", 300) == [
            "¥150 × 1 分/元  = 150 分",
            "店庆双倍(到 11月4日)  ×2  +150 分",
            "店庆双倍,每月上限 2,000 分:还可多得 1,850 分",
            "合计 300 分",
        ]
        assert (await why(tx, 2001, "rail", 15_000))[:2] == [
            "¥1,000 × 15 分/元  = 15,000 分 · 敬老出行",
            "敬老出行,每月上限 30,000 分:还可多得 15,000 分",
        ]
        assert "自带杯:1 件 × 2 分  +2 分 · 约少排 61 克 二氧化碳" in (await why(tx, 2003, "tea", 28))[1]
        assert "首次观影礼  +60 分" in await why(tx, 2002, "cinema", 156)
        assert [each.version.code for each in await rulebook.proposals(tx)] == ["tea-rainy"]
