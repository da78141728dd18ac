"""The night that moves tiers, through the timetable: page by page, told once, warned before, run again and late."""

from __future__ import annotations

import datetime as dt

import pytest

from jobs import tiers
from ledger.members import operators
from tests import turns
from tests.conftest import Database
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
