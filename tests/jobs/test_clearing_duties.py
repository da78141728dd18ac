"""The weekly close and the count of cover through the timetable: late, twice, by two workers; who is told, and once."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members.member import Member
from ledger.merchants import guarantee, staff
from ledger.merchants import merchant as merchants
from ledger.points.commands import Burn, Moment
from ledger.points.engine import post
from tests import turns
from tests.conftest import Database
from tests.jobs.duties import Office


@pytest.fixture
async def office(database: Database) -> Office:
    made = Office(database)
    await made.set_up()
    return made


async def owned(tx: AsyncConnection, code: str, telegram_id: int) -> Member:
    """An owner of a merchant."""
    owner = await turns.joined(tx, telegram_id, f"店主{telegram_id}")
    place = await merchants.by_code(tx, code)
    await staff.add(tx, merchant_id=place.id, member_id=owner.id, role="owner", label="店主", by="test", now=turns.NOW)
    return owner


async def spend(tx: AsyncConnection, who: Member, points: int, key: str, days: int = 0) -> None:
    """The market's points, spent at the railway."""
    rail = await merchants.by_code(tx, "rail")
    at = Moment(turns.NOW, turns.TODAY + dt.timedelta(days=days), days)
    await post(tx, Burn(key=key, owner=who.owner, currency=1, at=at, actor="test", merchant_id=rail.id, points=points))


async def told(office: Office, member: Member) -> list[str]:
    rows = await office.sql("SELECT params->>'text' FROM outbox WHERE member_id = :id ORDER BY id", id=member.id)
    return [str(row[0]) for row in rows]


async def test_mondays_close_tells_both_sides_once_and_missed_weeks_follow(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming = await turns.joined(tx)
        market, rail = await owned(tx, "market", 701), await owned(tx, "rail", 702)
        await turns.earn(tx, ming, await merchants.by_code(tx, "market"), 900)
        await spend(tx, ming, 500, "first")
    await office.catch_up()
    assert await office.sql("SELECT count(*) FROM clearing_close") == [(0,)], "it is Sunday"
    async with office.database.engine.begin() as tx:
        await spend(tx, ming, 100, "later", days=8)
    await office.days_pass(15)
    await office.catch_up()
    await office.catch_up()
    assert await office.sql("SELECT week, line_count FROM clearing_close ORDER BY 1") == [
        (dt.date(2026, 11, 16), 1), (dt.date(2026, 11, 23), 0), (dt.date(2026, 11, 30), 1),
    ]  # fmt: skip
    notes = await told(office, market)
    assert [note.splitlines()[0] for note in notes] == ["<b>应付 ¥2</b>"], "the week three weeks ago is old news"
    assert (await told(office, rail))[0].startswith("<b>应收 ¥2</b>\n江南铁路")
    assert await office.outcomes("clearing_close") == [("done", {"chunks": 1}), ("done", {"chunks": 4})]


async def test_two_workers_at_once_close_each_week_once(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming = await turns.joined(tx)
        await owned(tx, "market", 701)
        await turns.earn(tx, ming, await merchants.by_code(tx, "market"), 900)
        await spend(tx, ming, 500, "first")
    await office.days_pass(1)
    first = await office.lead("one")
    twin = Office(office.database)
    await asyncio.gather(office.catch_up(first), twin.timetable.catch_up(first))
    assert await office.sql("SELECT week, line_count FROM clearing_close") == [(dt.date(2026, 11, 16), 1)]
    assert await office.sql("SELECT count(*) FROM outbox") == [(1,)]


@pytest.mark.parametrize(
    ("more", "says"),
    [(900, "<b>云山超市的保证金用完了,发分已暂停</b>"), (880, "<b>云山超市的保证金已用 99%,放不下的消费会被拒</b>")],
)
async def test_nearing_the_end_of_a_cover_is_told_to_owner_and_operator_once(
    office: Office, more: int, says: str
) -> None:
    from ledger.members import operators

    async with office.database.engine.begin() as tx:
        ming, owner = await turns.joined(tx), await owned(tx, "market", 701)
        lin = await turns.joined(tx, 703, "林运营")
        await operators.add(tx, lin.id, "finance", now=turns.NOW)
        market = await merchants.by_code(tx, "market")
        await guarantee.pay(tx, market.id, 10_000, "回单", actor="test", at=Moment(turns.NOW, turns.TODAY))
        await turns.earn(tx, ming, market, 4_100)
    await office.catch_up()
    office.now += dt.timedelta(minutes=5)
    await office.catch_up()
    for member in (owner, lin):
        assert [note.splitlines()[0] for note in await told(office, member)] == ["<b>云山超市的保证金已用 82%</b>"]
    async with office.database.engine.begin() as tx:
        await turns.earn(tx, ming, market, more)
    office.now += dt.timedelta(minutes=5)
    await office.catch_up()
    assert (await told(office, owner))[1].startswith(says)
