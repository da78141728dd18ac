"""Holds that nobody paid in time: page by page, each member told once, once whatever is run again."""

from __future__ import annotations

import datetime as dt

import pytest

from chat.turn import Tell
from jobs import lapse_unpaid
from jobs.duty import Chunk, Slot
from ledger.redeeming.offers import Limits, PerUnit
from tests.conftest import Database
from tests.ledger.redeeming.stage import NOW, Stage, at, offer
from tests.turns import PROGRAMME, shown

BOX = offer("box", "当季鲜橙", "Fresh oranges", "fruit", PerUnit(points=400, cash_minor=1000), limits=Limits(stock=9))


async def minute(stage: Stage, days: int) -> list[Tell]:
    """One slot, all its chunks; what is told."""
    slot = Slot("lapse_unpaid", NOW + dt.timedelta(days=days))
    tells, progress = [], {}
    while True:
        async with stage.engine.begin() as tx:
            chunk = Chunk(tx, f"{slot.key}:1", at(days=days), PROGRAMME, progress)
            then = await lapse_unpaid.run(chunk, slot)
            tells += chunk.tells
        if then is None:
            return tells
        progress = then


async def test_each_member_hears_once_and_has_everything_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lapse_unpaid, "HELD_PER_CHUNK", 2)
    stage = await Stage(database.engine).set_up()
    [box] = await stage.publish(BOX)
    people = [await stage.member((500, "-")) for _ in range(5)]
    for who in people:
        await stage.redeem(who, box)
    assert await stage.taken(box) == {"0001-01-01": 5} and await minute(stage, 1) == []
    told = await minute(stage, 2)
    assert sorted(each.member_id for each in told) == sorted(who.id for who in people)
    assert len({each.key for each in told}) == 5
    assert shown(told[0].screen) == "没付 ¥10,已取消:当季鲜橙\n400 分已退回您的账户。\n[再看看这项]  [主菜单]"
    assert "¥10 was not paid, let go: Fresh oranges" in shown(told[0].screen, "en")
    assert await minute(stage, 2) == [] and await minute(stage, 3) == []
    assert await stage.taken(box) == {"0001-01-01": 0}
    assert [await stage.available(who) for who in people] == [500] * 5
