"""Expired points on the operator's desk: by month and issuer, in both languages, for operators alone."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.double.double import Person
from ledger.points import expiry
from ledger.points.commands import Moment, Reverse
from ledger.points.engine import post
from tests.conftest import Database
from tests.driver import ZONE, World
from tests.handlers import shop
from tests.handlers.at import bot_then
from tests.handlers.settled import opens, runs_the_programme


async def some_expired(world: World) -> None:
    """Two people let points of three issuers run out today; of the supermarket's, some are restored."""
    ming, hong = await world.member("小明"), await world.member("小红")
    await shop.gives(world, ming, 1200, days=0)
    await shop.gives(world, ming, 30, merchant="fruit", days=0)
    await shop.gives(world, hong, 200, days=0)
    await shop.gives(world, hong, 70, merchant="rail", days=0)
    await world.clock.move(1)
    at = Moment(world.now(), world.now().astimezone(ZONE).date() + dt.timedelta(days=1), 1)
    async with world.database.engine.begin() as tx:
        ended, _ = await expiry.page(tx, key="night", actor="job:expire", at=at)
        (hongs,) = [each for each in ended if each.points == 200]
        about = {"owner": hongs.owner, "currency": hongs.currency, "entry_id": hongs.entry_id}
        await post(tx, Reverse(key="back", at=at, actor="test", reason="deadline moved", grace_days=30, **about))


async def desk(world: World, who: Person) -> str:
    """The screen, from the desk on."""
    await who.says("/operator")
    await world.settled()
    await opens(who, "breakage:open:0:0")
    await world.settled()
    return who.last.shown


async def test_the_desk_leads_to_this_month_and_back_month_by_month(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        await some_expired(world)
        lin = await world.member("林运营")
        await runs_the_programme(world, lin)
        await lin.says("/operator")
        await lin.sees("运营台")
        await lin.taps("过期积分")
        shown = (await lin.sees("2026 年 11 月")).shown.split("\n")
        assert shown == [
            "过期积分 · 2026 年 11 月",
            "共值 ¥25.30",
            "",
            "云山超市:1,200 分",
            "到期 1,400;恢复 200",
            "",
            "江南铁路:70 铁路积分",
            "",
            "鲜果時光:30 分",
        ]
        assert not any("12 月" in label for label in lin.last.labels)
        await lin.taps("2026 年 10 月")
        await lin.sees("这个月没有积分过期")
        await lin.taps("2026 年 11 月")
        await lin.sees("云山超市:1,200 分")


async def test_in_english(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        await some_expired(world)
        ada = await world.member("Ada", "en")
        await runs_the_programme(world, ada, "auditor")
        shown = await desk(world, ada)
        assert "Expired points · 11/2026\nWorth ¥25.30 in all\n\nYunshan Market: 1,200 pts\n" in shown
        assert "Expired 1,400; restored 200" in shown


@pytest.mark.parametrize(
    "said", ["breakage:open:0:0", "breakage:open:209912:0", "breakage:open:99:7", "breakage:open:x"]
)
async def test_a_button_that_says_nothing_good_shows_this_month(database: Database, said: str) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        lin = await world.member("林运营")
        await runs_the_programme(world, lin)
        await lin.says("/operator")
        await world.settled()
        await opens(lin, said)
        await lin.sees("2026 年 11 月")


async def test_nobody_else_sees_it(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        ming = await world.member("小明")
        await ming.says("/start")
        await world.settled()
        await opens(ming, "breakage:open:0:0")
        await world.settled()
        assert "过期积分 ·" not in ming.last.shown
