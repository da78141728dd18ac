"""Declined purchases and the duties: those who run the merchant hear when cover is back; records go after their days."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.earning import declined
from ledger.earning.intake import Intended
from ledger.earning.rules.bill import Bill, Part
from ledger.merchants import guarantee
from ledger.merchants import merchant as merchants
from ledger.points.commands import Burn, Moment
from ledger.points.engine import post
from tests import turns
from tests.conftest import Database
from tests.jobs.duties import Office
from tests.jobs.test_clearing_duties import owned, told


@pytest.fixture
async def office(database: Database) -> Office:
    made = Office(database)
    await made.set_up()
    return made


async def decline(office: Office, member_id: int, document: str, at: dt.datetime) -> None:
    """A purchase of ¥300 that cover did not reach for."""
    async with office.database.engine.begin() as tx:
        one = Intended(
            merchant=await merchants.by_code(tx, "market"), document=document, member_id=member_id,
            bill=Bill((Part(30_000),), "CNY"), bought_on=turns.TODAY, occurred_at=at, actor="test",
        )  # fmt: skip
        await declined.note(tx, [one], Moment(at, turns.TODAY))


async def test_when_cover_is_back_those_who_run_the_merchant_hear_of_what_can_be_booked_once(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming, owner = await turns.joined(tx), await owned(tx, "market", 701)
        market = await merchants.by_code(tx, "market")
        await guarantee.set_limit(tx, market.id, 2_000, actor="test", at=Moment(turns.NOW, turns.TODAY))
        await turns.earn(tx, ming, market, 1_000)
    await office.catch_up()
    await decline(office, ming.id, "a", turns.NOW)
    assert ["发分已暂停" in note for note in await told(office, owner)] == [True]
    async with office.database.engine.begin() as tx:
        rail = await merchants.by_code(tx, "rail")
        await post(
            tx,
            Burn(
                key="spent", owner=ming.owner, currency=1, at=Moment(turns.NOW, turns.TODAY), actor="test",
                merchant_id=rail.id, points=900,
            ),
        )  # fmt: skip
    for _ in range(2):
        office.now += dt.timedelta(minutes=5)
        await office.catch_up()
    _, again = await told(office, owner)
    assert again.splitlines() == ["<b>云山超市又能发分了</b>", "未发放 1 笔 · ¥300", "还能发 ¥18"]


async def test_records_go_ninety_days_after_they_were_last_declined(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming = await turns.joined(tx)
    for document, days in (("old", 91), ("again", 91), ("young", 89)):
        await decline(office, ming.id, document, office.now - dt.timedelta(days=days))
    await decline(office, ming.id, "again", office.now - dt.timedelta(days=5))
    await office.catch_up()
    assert await office.sql("SELECT document FROM declined_purchase ORDER BY 1") == [("again",), ("young",)]
