"""An operator extends a deadline in chat: the day, whose, until when, what it comes to; and everybody hears, in both languages."""

from __future__ import annotations

import asyncio
import datetime as dt

from bot.clock import Clock
from bot.double.double import Person
from bot.leads import take
from bot.timetable import Timetable
from jobs import extend
from ledger.points import expiry
from ledger.points.audit import audit
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.driver import ZONE, World
from tests.handlers import shop
from tests.handlers.at import bot_then
from tests.handlers.settled import opens, runs_the_programme, works


async def some_expired(world: World) -> tuple[Person, Person]:
    """小明's points of two shops and Hong's ran out three days ago, on 22 November; the supermarket has an owner."""
    ming, hong = await world.member("小明"), await world.member("Hong", "en")
    await shop.gives(world, ming, 1200, days=0)
    await shop.gives(world, ming, 30, merchant="fruit", days=0)
    await shop.gives(world, hong, 200, days=0)
    await world.clock.move(3)
    at = Moment(world.now(), world.now().astimezone(ZONE).date() + dt.timedelta(days=3), 3)
    async with world.database.engine.begin() as tx:
        await expiry.page(tx, key="night", actor="job:expire", at=at)
    return ming, hong


async def a_minute_later(world: World) -> None:
    """The duty has run."""
    timetable = Timetable(world.database.engine, world.vault, Clock(ZONE, world.now), [extend.duty])
    async with world.database.engine.begin() as tx:
        lease = await take(tx, "jobs", "test")
    assert lease is not None
    await timetable.catch_up(lease)
    await world.settled()


async def operator(world: World, language: str = "zh-hans", role: str = "admin") -> Person:
    """Somebody at the page of extensions."""
    lin = await world.member("林运营", language)
    await runs_the_programme(world, lin, role)
    await lin.says("/operator")
    await world.settled()
    await opens(lin, "extensions:list")
    await world.settled()
    return lin


async def asked_until(lin: Person, whose: str) -> None:
    await lin.taps("新的延期")
    await lin.sees("原来是哪一天到期的", fresh=True)
    await lin.taps("11月22日 · 2 人")
    await lin.sees("给谁延期", fresh=True)
    await lin.taps(whose)
    await lin.sees("延到哪一天", fresh=True)


async def test_an_issuers_points_come_back_and_everybody_hears(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        ming, hong = await some_expired(world)
        owner = await world.member("王店长")
        await works(world, owner, "market", "owner")
        lin = await operator(world)
        assert lin.last.shown.split("\n") == ["延期", "到期的积分,整批恢复到后面的一天。"]
        await asked_until(lin, "云山超市 · 1,400 分")
        await lin.says("2026-12-31")
        shown = (await lin.sees("共值", fresh=True)).shown.split("\n")
        assert shown == [
            "11月22日 → 12月31日",
            "云山超市发的",
            "",
            "云山超市:1,400 分,2 人",
            "共值 ¥28",
            "",
            "恢复后照常能用,会员和发分的商户都会收到通知。",
            "又算商户的负债,保证金会多用一些。",
        ]
        screen = lin.last
        taps = [await lin.taps("恢复这些积分", message=screen) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await lin.sees("几分钟内恢复")
        assert [row[0] for row in await world.sql("SELECT count(*) FROM expiry_extension")] == [1]
        said = (await owner.sees("延期了")).shown.split("\n")
        assert said == [
            "1,400 分延期了,2 位会员的",
            "11月22日到期的,现在到 12月31日",
            "云山超市 · 这些积分又算您的负债",
        ]
        await a_minute_later(world)
        said = (await ming.sees("恢复了")).shown.split("\n")
        assert said == ["+1,200 分 · 到期的恢复了", "11月22日到期的,现在有效至 12月31日", "可用 1,200 分"]
        said = (await hong.sees("back after expiring")).shown.split("\n")
        assert said == [
            "+200 pts · back after expiring",
            "Expired on 22 Nov; now good until 31 Dec",
            "200 pts available",
        ]
        await ming.taps("看来由")
        why = (await ming.sees("编号", fresh=True)).shown
        assert "+1,200 分 · 到期的恢复了" in why and "12月31日" in why
        await lin.taps("延期")
        shown = (await lin.sees("给 2 位", fresh=True)).shown
        assert "11月22日 → 12月31日 · 云山超市发的 · 1,400 分给 2 位" in shown
        async with world.database.engine.connect() as tx:
            assert (await audit(tx)).holds


async def test_what_cannot_be_is_asked_again_and_nothing_is_restored(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        await some_expired(world)
        lin = await operator(world)
        await asked_until(lin, "所有会员")
        await lin.says("明年吧")
        await lin.sees("没看懂", fresh=True)
        await lin.says("2026-11-01")
        await lin.sees("新的最后一天不对", fresh=True)
        await lin.says("2026-12-31")
        await lin.sees("共值", fresh=True)
        await lin.taps("不延了")
        await lin.sees("到期的积分,整批恢复", fresh=True)
        assert [row[0] for row in await world.sql("SELECT count(*) FROM expiry_extension")] == [0]


async def test_a_button_of_before_restores_nothing(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        await some_expired(world)
        lin = await operator(world)
        await asked_until(lin, "所有会员")
        await lin.says("2026-12-31")
        old = await lin.sees("共值", fresh=True)
        await lin.says("2027-01-15")
        await lin.sees("2027年1月15日", fresh=True)
        await lin.taps("恢复这些积分", message=old)
        await lin.sees("什么都没有恢复", fresh=True)
        assert [row[0] for row in await world.sql("SELECT count(*) FROM expiry_extension")] == [0]


async def test_it_goes_on_after_a_restart(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        ming, _ = await some_expired(world)
        lin = await operator(world)
        await asked_until(lin, "所有会员")
        await world.restart()
        await lin.says("2026-12-31")
        await lin.sees("共值", fresh=True)
        await world.restart()
        await lin.taps("恢复这些积分")
        await lin.sees("几分钟内恢复", fresh=True)
        await a_minute_later(world)
        await ming.sees("+1,230 分 · 到期的恢复了")


async def test_in_english(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        _, hong = await some_expired(world)
        lin = await operator(world, "en")
        assert lin.last.shown.split("\n") == [
            "Extensions",
            "Points that expired come back together, until a later day.",
        ]
        await lin.taps("Extend a deadline")
        await lin.sees("Which was their last day?", fresh=True)
        await lin.taps("22 Nov · 2 people")
        await lin.sees("Whose?", fresh=True)
        assert "Yunshan Market · 1,400 pts" in lin.last.labels and "All members" in lin.last.labels
        await lin.taps("All members")
        await lin.sees("Until when?", fresh=True)
        await lin.taps("25 Dec")
        shown = (await lin.sees("Worth", fresh=True)).shown.split("\n")
        assert shown == [
            "22 Nov → 25 Dec",
            "All members",
            "",
            "Yunshan Market: 1,400 pts, 2 people",
            "Fresh Fruit Time: 30 pts, 1 person",
            "Worth ¥28.60 in all",
            "",
            "They can be used as before. Members and issuers are told.",
            "Issuers owe them again, and use more of their cover.",
        ]
        await lin.taps("Restore them")
        await lin.sees("within minutes", fresh=True)
        await a_minute_later(world)
        await hong.sees("+200 pts · back after expiring")


async def test_where_nothing_expired_it_says_so_and_only_administrators_extend(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        lin = await operator(world)
        await lin.taps("新的延期")
        await lin.sees("最近 90 天没有到期的积分", fresh=True)
        hui = await world.member("审计")
        await runs_the_programme(world, hui, "auditor")
        await hui.says("/operator")
        await world.settled()
        await opens(hui, "extensions:list")
        await hui.sees("到期的积分,整批恢复")
        assert "新的延期" not in hui.last.labels
        for said in (
            "extensions:days",
            "extensions:whose:20261122",
            "extensions:yes:abcdefgh",
            "extensions:until:x:y:z",
        ):
            await opens(hui, said)
            await world.settled()
        assert [row[0] for row in await world.sql("SELECT count(*) FROM expiry_extension")] == [0]
