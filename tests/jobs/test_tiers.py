"""The night that moves tiers, through the timetable: page by page, told once, warned before, run again and late."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from jobs import tiers
from ledger.members import operators
from ledger.redeeming.offers import Membership, PerUnit
from ledger.redeeming.publish import publish
from tests import turns
from tests.conftest import Database
from tests.handlers.shop import offer
from tests.jobs.duties import PROGRAMME, Office
from tests.ledger.earning.test_qualifying import buys
from tests.ledger.members.test_tiers import PROG


@pytest.fixture
async def office(database: Database) -> Office:
    made = Office(database, [tiers.duty])
    async with database.engine.begin() as tx:
        await turns.coalition(tx)
        await tx.execute(PROGRAMME, {"document": PROG.model_dump_json()})
    return made


async def told(office: Office) -> list[str]:
    """What was said, first lines only, in order."""
    rows = await office.sql("SELECT params->>'text' FROM outbox ORDER BY id")
    return [str(said).splitlines()[0] for (said,) in rows]


async def member_with(office: Office, number: int, yuan: int, times: int, ago: int = 40) -> int:
    async with office.database.engine.begin() as tx:
        who = await turns.joined(tx, 600 + number, f"会员{number}")
        await buys(tx, who.id, ago, yuan, times=times)
    return who.id


async def test_everybody_who_is_due_moves_and_hears_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "MEMBERS_PER_CHUNK", 2)
    silver = [await member_with(office, number, 400, 6) for number in range(3)]
    await member_with(office, 3, 9, 2)
    gold = await member_with(office, 4, 400, 30)
    await office.catch_up()
    await office.catch_up()
    rows = await office.sql("SELECT id, tier FROM member WHERE tier IS NOT NULL ORDER BY id")
    assert rows == [*((who, "silver") for who in silver), (gold, "gold")]
    assert await told(office) == ["升级了:<b>银卡</b>"] * 3 + ["升级了:<b>金卡</b>"]
    assert await office.outcomes("tiers") == [("done", {"chunks": 3})]


async def test_a_year_of_nights_warns_once_and_lands_one_step(office: Office) -> None:
    gold = await member_with(office, 1, 400, 24)
    await office.catch_up()
    to_the_end = (dt.date(2027, 11, 30) - turns.TODAY).days
    passed = 0
    for days in (to_the_end - 31, to_the_end - 30, to_the_end - 7, to_the_end):
        await office.days_pass(days - passed)
        passed = days
        await office.catch_up()
        warned = days >= to_the_end - 30
        assert (await told(office))[1:] == (["金卡到 11月30日为止"] if warned else [])
    await office.days_pass(1)
    await office.catch_up()
    assert (await told(office))[2:] == ["金卡到期了,现在是 <b>银卡</b>"]
    assert await office.sql("SELECT tier FROM member WHERE id = :who", who=gold) == [("silver",)]


async def test_nights_missed_are_made_good_by_one(office: Office) -> None:
    await member_with(office, 1, 400, 24)
    await office.catch_up()
    await office.days_pass(500)
    await office.catch_up()
    assert await told(office) == ["升级了:<b>金卡</b>", "金卡到期了,现在是 <b>银卡</b>"]
    assert len(await office.outcomes("tiers")) == 2


async def test_the_operator_hears_once_a_night_how_many_upgrades_are_proposed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "MEMBERS_PER_CHUNK", 2)
    async with office.database.engine.begin() as tx:
        admin = await turns.joined(tx, 700, "运营")
        await operators.add(tx, admin.id, "admin", now=office.now)
        for number in range(3):
            who = await turns.joined(tx, 701 + number, f"会员{number}")
            await buys(tx, who.id, 110, 30, times=3, every=25)
            await buys(tx, who.id, 20, 30, times=6, every=3)
    await office.catch_up()
    await office.days_pass(1)
    await office.catch_up()
    assert await told(office) == ["3 位会员最近来得勤多了,建议送他们升级。"]


async def grants(office: Office, who: int, tier: str, days: int, *, key: str) -> None:
    """A tier that was bought today, for so many days."""
    facts = {"key": key, "who": who, "tier": tier, "today": turns.TODAY}
    await office.sql(
        "INSERT INTO tier_grant (key, member_id, tier, granted_on, until, reason, actor)"
        " VALUES (:key, :who, :tier, :today, :until, 'bought', 'test')",
        **facts,
        until=turns.TODAY + dt.timedelta(days=days),
    )
    await office.sql("UPDATE member SET tier = :tier WHERE id = :who", tier=tier, who=who)


async def test_a_bought_tier_is_spoken_of_a_week_and_a_day_before_it_ends_once_each(office: Office) -> None:
    who = await member_with(office, 1, 9, 1)
    await grants(office, who, "silver", 40, key="b")
    await grants(office, who, "gold", 30, key="a")
    passed, heard = 0, []
    for days in (22, 23, 23, 24, 28, 29, 29, 30):
        await office.days_pass(days - passed)
        passed = days
        await office.catch_up()
        heard.append(len(await told(office)))
    assert heard == [0, 1, 1, 1, 1, 2, 2, 2]
    rows = await office.sql("SELECT params->>'text' FROM outbox ORDER BY id")
    assert [said.splitlines()[1] for (said,) in rows] == ["还有 7 天,之后是银卡。", "还有 1 天,之后是银卡。"]
    await office.days_pass(1)
    await office.catch_up()
    assert (await told(office))[2:] == ["金卡到期了,现在是 <b>银卡</b>"]


async def test_what_goes_on_is_not_spoken_of_and_a_night_missed_is_made_good(office: Office) -> None:
    longer, short, late, earned = [await member_with(office, number, 9, 1) for number in range(4)]
    await grants(office, longer, "gold", 30, key="a")
    await grants(office, longer, "gold", 60, key="b")
    await grants(office, short, "gold", 5, key="c")
    await grants(office, late, "gold", 30, key="d")
    await grants(office, earned, "silver", 30, key="e")
    await office.sql(
        "INSERT INTO tier_standing (member_id, tier, since, until) VALUES (:who, 'silver', :on, '2028-01-31')",
        who=earned,
        on=turns.TODAY,
    )
    await office.catch_up()
    assert await told(office) == []
    await office.days_pass(30)
    await office.catch_up()
    said = await office.sql(
        "SELECT params->>'chat_id', params->>'text' FROM outbox WHERE params->>'text' LIKE '%最后一天%'"
    )
    assert len(said) == 1 and "今天最后一天,之后是普卡。" in said[0][1]


async def test_where_more_of_its_days_are_had_is_a_tap_away(office: Office) -> None:
    who = await member_with(office, 1, 9, 1)
    await grants(office, who, "gold", 30, key="a")
    async with office.database.engine.begin() as tx:
        sold = PROG.model_copy(update={"tier_seller": "market"}).model_dump_json()
        await tx.execute(text("UPDATE programme SET document = CAST(:document AS jsonb)"), {"document": sold})
        for days, points in ((365, 3600), (30, 400)):
            document = offer(
                f"gold-{days}", "金卡", "Gold", "market", PerUnit(points=points), kind="membership",
                membership=Membership(tier="gold", days=days),
            )  # fmt: skip
            await publish(tx, document, now=turns.NOW, today=turns.TODAY)
    await office.days_pass(29)
    await office.catch_up()
    [(drawn,)] = await office.sql("SELECT outbox::text FROM outbox WHERE params->>'text' LIKE '%为止%'")
    assert "再换 30 天 · 400 分" in drawn
