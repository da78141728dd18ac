"""The nightly end of unused vouchers: once, page by page, each member told once of all of theirs."""

from __future__ import annotations

import datetime as dt

import pytest

from chat.turn import Tell
from jobs import expire_vouchers
from jobs.duty import Chunk, Slot
from ledger.redeeming.offers import Offer
from tests.conftest import Database
from tests.ledger.redeeming.stage import NOW, Stage, at, offer, per_unit
from tests.turns import PROGRAMME, shown

CUP = offer("cup", "马克杯", "Mug", "market", per_unit(100))
CLASS = offer("class", "体验课", "Trial class", "market", per_unit(200), unused="forfeit")


async def night(stage: Stage, days: int) -> list[Tell]:
    """One slot, all its chunks; what is told."""
    slot = Slot("expire_vouchers", NOW + dt.timedelta(days=days))
    tells, progress = [], {}
    while True:
        async with stage.engine.begin() as tx:
            chunk = Chunk(tx, f"{slot.key}:1", at(days=days), PROGRAMME, progress)
            then = await expire_vouchers.run(chunk, slot)
            tells += chunk.tells
        if then is None:
            return tells
        progress = then


async def with_vouchers(stage: Stage, *offers: Offer, life: str = "-") -> int:
    """A member who has redeemed each of these."""
    who = await stage.member((1000, life))
    for each in await stage.publish(*offers):
        await stage.redeem(who, each)
    return who.id


async def test_a_member_hears_once_of_everything_that_ended(database: Database) -> None:
    stage = await Stage(database.engine).set_up()
    who = await with_vouchers(stage, CUP, CLASS)
    assert await night(stage, 30) == []
    [told] = await night(stage, 31)
    assert told.member_id == who and told.key
    assert shown(told.screen) == "\n".join(
        [
            "券到期了:马克杯 · 云山超市",
            "100 分已退回您的账户。",
            "券到期了:体验课 · 云山超市",
            "按约定,200 分不退回。",
            "[我的券]  [现在能换的]",
        ]
    )
    assert "100 pts are back in your account." in shown(told.screen, "en")
    assert await night(stage, 31) == [] and await night(stage, 32) == []


async def test_points_whose_own_time_is_over_live_on_for_the_grace_and_it_is_said(database: Database) -> None:
    stage = await Stage(database.engine).set_up()
    await with_vouchers(stage, CUP, life="2026-11-30")
    [told] = await night(stage, 31)
    assert "其中 100 分本来已到期,延到 2027年1月22日" in shown(told.screen, today=at(days=31).today)


async def test_many_vouchers_end_page_by_page(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expire_vouchers, "VOUCHERS_PER_CHUNK", 2)
    stage = await Stage(database.engine).set_up()
    people = [await with_vouchers(stage, CUP) for _ in range(5)]
    assert sorted(told.member_id for told in await night(stage, 31)) == people
