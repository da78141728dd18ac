"""Favourites watched, morning by morning: told once when one comes within reach or is back, and not again for a month."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from jobs import favourites as duty
from ledger.members.member import Member
from ledger.merchants import merchant as merchants
from ledger.points.commands import Moment
from ledger.redeeming import favourites, watching
from ledger.redeeming.offers import Limits, Names, Offer, PerUnit
from ledger.redeeming.publish import publish, set_active
from tests import turns
from tests.conftest import Database
from tests.jobs.duties import Office


class Shelf:
    """小明 keeps a box for 500 points, and a limited one for 100 of which none is left."""

    def __init__(self, database: Database) -> None:
        self.office = Office(database, [duty.duty])
        self.ming: Member
        self.box = self.few = 0

    async def opens(self) -> Shelf:
        await self.office.set_up()
        async with self.office.database.engine.begin() as tx:
            self.ming = await turns.joined(tx)
            self.box = await self.publish(tx, "box", 500)
            self.few = await self.publish(tx, "few", 100, stock=3)
            await tx.execute(text("UPDATE offer_stock SET taken = 3, handed = 3"))
            for each in (self.box, self.few):
                await favourites.keep(tx, self.ming.id, each, now=turns.NOW)
                await watching.look(tx, self.ming, at=Moment(turns.NOW, turns.TODAY), only=each)
        return self

    async def publish(self, tx, code: str, points: int, stock: int | None = None) -> int:  # type: ignore[no-untyped-def]
        names = Names(zh=f"礼盒{code}", en=f"Box {code}")
        made = Offer(
            code=code, kind="goods", name=names, merchant="market", category="gifts",
            price=PerUnit(points=points, value_minor=points * 2), limits=Limits(stock=stock),
        )  # fmt: skip
        return await publish(tx, made, now=turns.NOW, today=turns.TODAY)

    async def earns(self, points: int) -> None:
        async with self.office.database.engine.begin() as tx:
            await turns.earn(tx, self.ming, await merchants.by_code(tx, "market"), points)

    async def left(self, pieces: int) -> None:
        await self.office.sql(
            "UPDATE offer_stock SET taken = 3 - :left WHERE day = :whole", left=pieces, whole=dt.date.min
        )

    async def morning(self, days: int = 1) -> list[list[str]]:
        """So many days later, past ten: what was said since the last time."""
        await self.office.days_pass(days)
        await self.office.sql("DELETE FROM outbox")
        await self.office.catch_up()
        return [
            str(said).splitlines()
            for (said,) in await self.office.sql("SELECT params->>'text' FROM outbox ORDER BY id")
        ]


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    return await Shelf(database).opens()


async def test_what_comes_within_reach_is_told_once(shelf: Shelf) -> None:
    assert await shelf.morning() == []
    await shelf.earns(499)
    assert await shelf.morning() == []
    await shelf.earns(1)
    assert await shelf.morning() == [["收藏里有 <b>1 样</b>现在能换", "礼盒box · 500 分"]]
    assert await shelf.morning() == []


async def test_what_is_back_is_told_with_what_is_lacking(shelf: Shelf) -> None:
    await shelf.left(1)
    assert await shelf.morning() == [["收藏里有 <b>1 样</b>又有货了", "礼盒few · 100 分 · 还差 100 分"]]


async def test_both_on_one_message(shelf: Shelf) -> None:
    await shelf.earns(500)
    await shelf.left(2)
    [said] = await shelf.morning()
    assert said == ["收藏里有 <b>2 样</b>现在能换", "礼盒few · 100 分", "礼盒box · 500 分"]


async def test_up_and_down_within_a_month_is_told_once(shelf: Shelf) -> None:
    await shelf.left(1)
    assert len(await shelf.morning()) == 1
    for _ in range(2):
        await shelf.left(0)
        assert await shelf.morning() == []
        await shelf.left(1)
        assert await shelf.morning() == []
    await shelf.left(0)
    assert await shelf.morning(31) == []
    await shelf.left(1)
    assert len(await shelf.morning()) == 1


async def test_a_paused_offer_that_comes_back_is_told(shelf: Shelf) -> None:
    async with shelf.office.database.engine.begin() as tx:
        await set_active(tx, shelf.box, False)
    assert await shelf.morning() == []
    async with shelf.office.database.engine.begin() as tx:
        await set_active(tx, shelf.box, True)
    assert await shelf.morning() == [["收藏里有 <b>1 样</b>又有货了", "礼盒box · 500 分 · 还差 500 分"]]


async def test_who_wants_no_notices_gets_none_and_what_they_keep_later_is_so_too(shelf: Shelf) -> None:
    async with shelf.office.database.engine.begin() as tx:
        await watching.watch(tx, shelf.ming.id, on=False)
        other = await shelf.publish(tx, "other", 50)
        await favourites.keep(tx, shelf.ming.id, other, now=turns.NOW)
        assert not await watching.watches(tx, shelf.ming.id)
    await shelf.earns(500)
    assert await shelf.morning() == []


async def test_what_could_be_had_when_it_was_kept_is_no_news(shelf: Shelf) -> None:
    await shelf.earns(60)
    async with shelf.office.database.engine.begin() as tx:
        cheap = await shelf.publish(tx, "cheap", 50)
        await favourites.keep(tx, shelf.ming.id, cheap, now=turns.NOW)
        await watching.look(tx, shelf.ming, at=Moment(turns.NOW, turns.TODAY), only=cheap)
    assert await shelf.morning() == []


async def test_a_frozen_member_hears_nothing_and_many_are_looked_at_page_by_page(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "MEMBERS_PER_CHUNK", 2)
    async with shelf.office.database.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        for number in range(5):
            who = await turns.joined(tx, 600 + number, f"会员{number}")
            await favourites.keep(tx, who.id, shelf.box, now=turns.NOW)
            await watching.look(tx, who, at=Moment(turns.NOW, turns.TODAY))
            await turns.earn(tx, who, market, 500)
            if number == 3:
                await tx.execute(text("UPDATE member SET status = 'frozen' WHERE id = :id"), {"id": who.id})
    assert await shelf.morning() == [["收藏里有 <b>1 样</b>现在能换", "礼盒box · 500 分"]] * 4
