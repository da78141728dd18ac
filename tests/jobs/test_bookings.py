"""The duties of booking: what was missed ends page by page, reminders go out once, counters hear in the morning."""

from __future__ import annotations

from types import ModuleType

import pytest
from sqlalchemy import text

from chat.turn import Tell
from jobs import booking_reminders, bookings, bookings_today, expire_vouchers
from jobs.duty import Chunk, Progress, Slot
from ledger.members.member import Member
from ledger.points.commands import Moment
from ledger.redeeming import bookings as places
from tests.conftest import Database
from tests.ledger.redeeming.booking_scene import a_case, on, rule, wash, when
from tests.ledger.redeeming.stage import Stage
from tests.turns import PROGRAMME, shown


async def slot(stage: Stage, duty: ModuleType, now: Moment) -> list[Tell]:
    """One slot, all its chunks; what is told."""
    due = Slot(duty.__name__, now.programme_now)
    tells: list[Tell] = []
    progress: Progress = {}
    while True:
        async with stage.engine.begin() as tx:
            chunk = Chunk(tx, f"{due.key}:1", now, PROGRAMME, progress)
            then = await duty.run(chunk, due)
            tells += chunk.tells
        if then is None:
            return tells
        progress = then


async def booked(database: Database, count: int, **more: object) -> tuple[Stage, int, list[Member]]:
    """So many members booked for tomorrow at ten."""
    stage = await Stage(database.engine).set_up()
    [id_] = await stage.publish(wash(booking=rule(at_once=count), **more))
    people = [await stage.member((500, "-")) for _ in range(count)]
    for who in people:
        await stage.redeem(who, id_, slot=on(1, 10))
    return stage, id_, people


@pytest.mark.parametrize(("unused", "left"), [("return", 500), ("forfeit", 200)])
async def test_each_who_did_not_come_hears_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, unused: str, left: int
) -> None:
    monkeypatch.setattr(bookings, "MISSED_PER_CHUNK", 2)
    stage, _, people = await booked(database, 5, unused=unused)
    assert await slot(stage, bookings, when(1, 11, 29)) == []
    told = await slot(stage, bookings, when(1, 11, 30))
    assert sorted(each.member_id for each in told) == sorted(who.id for who in people)
    assert len({each.key for each in told}) == 5
    assert await slot(stage, bookings, when(1, 11, 31)) == []
    assert [await stage.available(who, when=when(1, 12)) for who in people] == [left] * 5
    said = shown(told[0].screen, today=when(1, 12).today)
    assert said.startswith("没等到您:洗衣 · 云山超市\n约的是 今天 10:00。")
    assert ("300 分已退回您的账户。" if unused == "return" else "下次来不了,提前取消,积分全退。") in said


async def test_the_night_ends_what_the_minutes_missed(database: Database) -> None:

    stage, id_, _ = await booked(database, 2)
    assert len(await slot(stage, expire_vouchers, when(2, 0, 10))) == 2
    assert await slot(stage, bookings, when(2, 0, 11)) == []
    async with stage.engine.begin() as tx:
        states = await tx.scalars(text("SELECT state FROM booking WHERE offer_id = :id"), {"id": id_})
        assert list(states) == ["missed", "missed"]


async def test_holds_that_are_over_are_forgotten(database: Database) -> None:
    stage = await Stage(database.engine).set_up()
    case = await a_case(stage, booked=False)
    await slot(stage, bookings, when(0, 12, 9))
    async with stage.engine.begin() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM booking")) == 1
        assert await places.held(tx, case.who.id, case.offer_id, at=when(0, 12, 9)) is not None
    await slot(stage, bookings, when(0, 12, 10))
    async with stage.engine.begin() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM booking")) == 0


async def test_reminders_go_out_once_each_and_not_after_the_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking_reminders, "PER_CHUNK", 2)
    stage, _, people = await booked(database, 5)
    evening = await slot(stage, booking_reminders, when(0, 18))
    assert sorted(each.member_id for each in evening) == sorted(who.id for who in people)
    assert evening[0].not_after == on(1, 10)
    assert shown(evening[0].screen) == (
        "明天 10:00 有预约\n洗衣 · 云山超市\n明天 08:00 前可以取消或改时间\n[看这张券]  [改时间]\n[主菜单]"
    )
    assert await slot(stage, booking_reminders, when(0, 18, 5)) == []
    soon = await slot(stage, booking_reminders, when(1, 8, 5))
    assert len(soon) == 5 and len({each.key for each in evening + soon}) == 10
    assert "改时间" not in shown(soon[0].screen), "it is too late for that"
    assert await slot(stage, booking_reminders, when(1, 9)) == []


async def test_a_moved_clock_keeps_reminders_of_tomorrow(database: Database) -> None:
    stage = await Stage(database.engine).set_up()
    [id_] = await stage.publish(wash())
    ahead = Moment(when(0, 12).now, when(5, 12).today, 5)
    await stage.redeem(await stage.member((500, "-")), id_, slot=on(6, 10), when=ahead)
    evening = Moment(when(0, 18).now, when(5, 18).today, 5)
    [told] = await slot(stage, booking_reminders, evening)
    assert told.not_after == on(1, 10), "messages leave by the wall's clock"


async def test_everybody_at_a_counter_hears_of_its_day(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookings_today, "MERCHANTS_PER_CHUNK", 1)
    stage, _, _ = await booked(database, 2)
    cashier, other = await stage.staff("market"), await stage.staff("fruit")
    told = await slot(stage, bookings_today, when(1, 8))
    assert [each.member_id for each in told] == [cashier.member_id] and other.member_id != cashier.member_id
    assert shown(told[0].screen, today=when(1, 8).today) == (
        "今天有 2 个预约 · 云山超市\n第一个 今天 10:00\n[今天的预约]  [主菜单]"
    )
    assert await slot(stage, bookings_today, when(0, 8)) == []
