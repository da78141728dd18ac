"""A worker that ends between any two steps of a booking, and two workers at once: a place, points and a code once or not at all,
and whoever has to hear, hears. How a deed is stopped everywhere is in `kills.py`.
"""

from __future__ import annotations

import asyncio

import pytest

from bot.double.double import Person
from jobs import booking_reminders, bookings
from tests.bot.test_kills import what_waits_is_said_to
from tests.conftest import Database
from tests.handlers import kills
from tests.handlers.kills import Deed, handing_over, notices
from tests.handlers.shop import member_id
from tests.handlers.test_booking import MORNING, WASH, Scene, another, rule, scene, service
from tests.handlers.test_booking_outlets import chain

MANY = service("wash", "洗衣一次", "One wash", 300, rule("09:00", "12:00", at_once=40), unused="return")


async def stands(at: Scene, who: Person) -> list[tuple[str, str, int, int]]:
    """Each place of somebody: when, state, how often points were spent on it and how often given back."""
    rows = await at.world.sql(
        "SELECT b.starts_at, b.state,"
        " (SELECT count(*) FROM entry e WHERE e.kind = 'burn' AND e.owner_id = b.member_id) AS burnt,"
        " (SELECT count(*) FROM entry e WHERE e.kind = 'reinstate' AND e.owner_id = b.member_id) AS back"
        " FROM booking b WHERE b.member_id = :who ORDER BY b.id",
        who=await member_id(at.world, who),
    )
    return [(f"{row.starts_at.astimezone(MORNING.tzinfo):%d %H:%M}", row.state, row.burnt, row.back) for row in rows]


async def reaches(at: Scene, who: Person, *labels: str) -> None:
    """From the catalog through these buttons."""
    await who.says("/redeem 洗衣一次")
    for label in ("洗衣一次", "选时间", *labels):
        await who.taps(label)


HOURS = ("明天 周一",)
HELD = (*HOURS, "10:00")
BOOKED = (*HELD, "确认预约")
DAY = (*BOOKED, "改时间", "周二")

DEEDS: dict[str, tuple[tuple[str, ...], str, str, list[tuple[str, str, int, int]]]] = {
    "hold": (HOURS, "10:00", "位子给您留", [("23 10:00", "held", 0, 0)]),
    "confirm": (HELD, "确认预约", "约好了", [("23 10:00", "booked", 1, 0)]),
    "cancel": ((*BOOKED, "取消预约"), "确认取消", "300 分已原样退回", [("23 10:00", "freed", 1, 1)]),
    "hold to move": (DAY, "09:00", "改到", [("23 10:00", "booked", 1, 0), ("24 09:00", "held", 1, 0)]),
    "move": ((*DAY, "09:00"), "确认改", "改好了", [("24 09:00", "booked", 1, 0)]),
}


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_booking_stopped_at_any_await_is_done_once_by_the_next_worker(database: Database, deed: str) -> None:
    before, label, sees, then = DEEDS[deed]
    async with scene(database, offers=[MANY], by_hand=True, workers=2) as at, handing_over(at.world) as hands:

        async def prepare() -> Deed:
            who = await another(at)
            await reaches(at, who, *before)

            async def holds() -> None:
                await who.sees(sees, fresh=True)
                assert await stands(at, who) == then

            return kills.update(at.world, await kills.tap(hands, who, label), [who], holds)

        await kills.stopped_everywhere(at.world, prepare)


async def test_closing_a_day_stopped_at_any_await_tells_and_gives_back_once(database: Database) -> None:
    async with scene(database, offers=[MANY], by_hand=True, workers=2) as at, handing_over(at.world) as hands:

        async def prepare() -> Deed:
            who = await another(at)
            await at.world.sql("DELETE FROM booking_closure")
            await reaches(at, who, *BOOKED)
            await who.sees("约好了")
            await at.manager.says("/merchant")
            await at.manager.sees("正常", fresh=True)
            for label in ("预约日历", "明天 周一", "关掉这一天"):
                await at.manager.taps(label)

            async def holds() -> None:
                await at.manager.sees("1 位会员已收到通知", fresh=True)
                await who.sees("300 分")
                assert await stands(at, who) == [("23 10:00", "freed", 1, 1)]
                assert await notices(at.world, who, "booking-closed:%") == 1

            closing = await kills.tap(hands, at.manager, "确认关掉")
            return kills.update(at.world, closing, [at.manager, who], holds)

        await kills.stopped_everywhere(at.world, prepare)


async def test_the_duty_of_who_did_not_come_stopped_at_any_await_ends_and_tells_once(database: Database) -> None:
    async with scene(database, offers=[MANY], by_hand=True, workers=2) as at, handing_over(at.world):

        async def prepare() -> Deed:
            who = await another(at)
            await reaches(at, who, "明天", "10:00", "确认预约")
            await who.sees("约好了")
            at.passes(hours=25, minutes=1)

            async def holds() -> None:
                await who.sees("没等到您")
                [(_, state, burnt, back)] = await stands(at, who)
                assert (state, burnt, back) == ("missed", 1, 1)
                assert await notices(at.world, who, "voucher-ended:%") == 1
                at.passes(hours=23)

            return await kills.duty(at.world, bookings.duty, [who], holds)

        await kills.stopped_everywhere(at.world, prepare)


async def test_the_duty_of_reminders_stopped_at_any_await_reminds_once(database: Database) -> None:
    async with scene(database, offers=[MANY], by_hand=True, workers=2) as at, handing_over(at.world):
        at.passes(hours=8)  # half past six in the evening

        async def prepare() -> Deed:
            who = await another(at)
            await reaches(at, who, *BOOKED)
            await who.sees("约好了")
            await at.world.sql("UPDATE booking SET chosen_at = chosen_at - interval '4 hours'")
            at.passes(minutes=5)

            async def holds() -> None:
                await who.sees("明天 10:00 有预约")
                assert await notices(at.world, who, "booking-evening:%") == 1

            return await kills.duty(at.world, booking_reminders.duty, [who], holds)

        await kills.stopped_everywhere(at.world, prepare)


# -- at outlets


TO_SOUTH = ("江北店", *BOOKED, "改时间", "换门店", "江南店", "明天 周一")
AT_OUTLETS: dict[str, tuple[tuple[str, ...], str, str, list[tuple[str, str]]]] = {
    "hold": (("江北店", *HOURS), "10:00", "位子给您留", [("江北店", "held")]),
    "confirm": (("江北店", *HELD), "确认预约", "约好了", [("江北店", "booked")]),
    "hold to move": (TO_SOUTH, "10:00", "改到", [("江北店", "booked"), ("江南店", "held")]),
    "move": ((*TO_SOUTH, "10:00"), "确认改", "改好了", [("江南店", "booked")]),
}


async def there(at: Scene, who: Person) -> list[tuple[str, str]]:
    rows = await at.world.sql(
        "SELECT o.name, b.state FROM booking b JOIN outlet o ON o.id = b.outlet_id WHERE b.member_id = :who ORDER BY b.id",
        who=await member_id(at.world, who),
    )
    return [(row.name, row.state) for row in rows]


@pytest.mark.parametrize("deed", AT_OUTLETS)
async def test_a_booking_at_an_outlet_stopped_at_any_await_is_done_once(database: Database, deed: str) -> None:
    before, label, sees, then = AT_OUTLETS[deed]
    async with chain(database, at_once=40, by_hand=True, workers=2) as at, handing_over(at.world) as hands:

        async def prepare() -> Deed:
            who = await another(at)
            await reaches(at, who, *before)

            async def holds() -> None:
                await who.sees(sees, fresh=True)
                assert await there(at, who) == then

            return kills.update(at.world, await kills.tap(hands, who, label), [who], holds)

        await kills.stopped_everywhere(at.world, prepare)


async def test_closing_a_day_at_an_outlet_stopped_at_any_await_gives_back_there_alone(database: Database) -> None:
    async with chain(database, at_once=40, by_hand=True, workers=2) as at, handing_over(at.world) as hands:

        async def prepare() -> Deed:
            here, elsewhere = await another(at), await another(at)
            await at.world.sql("DELETE FROM booking_closure")
            for who, outlet in ((here, "江北店"), (elsewhere, "江南店")):
                await reaches(at, who, outlet, *BOOKED)
                await who.sees("约好了")
            await at.manager.says("/merchant")
            await at.manager.sees("正常", fresh=True)
            for label in ("预约日历", "换门店", "江北店", "明天 周一", "关掉这一天"):
                await at.manager.taps(label)

            async def holds() -> None:
                await at.manager.sees("1 位会员已收到通知", fresh=True)
                await here.sees("300 分")
                assert await there(at, here) == [("江北店", "freed")]
                assert await there(at, elsewhere) == [("江南店", "booked")]
                assert await notices(at.world, here, "booking-closed:%") == 1
                assert await notices(at.world, elsewhere, "booking-closed:%") == 0

            closing = await kills.tap(hands, at.manager, "确认关掉")
            return kills.update(at.world, closing, [at.manager, here], holds)

        await kills.stopped_everywhere(at.world, prepare)


async def test_of_two_who_confirm_the_last_hour_of_an_outlet_in_two_workers_one_has_it(database: Database) -> None:
    async with chain(database, by_hand=True, workers=2) as at, handing_over(at.world) as hands:
        people = [await another(at), await another(at)]
        await reaches(at, people[0], "江北店", *HELD)
        await people[0].sees("位子给您留")
        at.passes(minutes=11)
        await reaches(at, people[1], "江北店", *HELD)
        await at_once(at, *[await kills.tap(hands, who, "确认预约") for who in people])
        for who in people:
            await what_waits_is_said_to(at.world, who.id)
        assert sorted("约好了" in who.last.shown for who in people) == [False, True]
        third = await another(at)
        await reaches(at, third, "江南店", *BOOKED)
        await third.sees("约好了")
        assert await there(at, third) == [("江南店", "booked")]


# -- two workers at the same time


async def at_once(at: Scene, *taps: int) -> None:
    """Each tap in a worker of its own."""
    await asyncio.gather(*(at.world.feed(worker, tap) for worker, tap in zip(at.world.workers, taps, strict=True)))


async def test_of_two_who_confirm_the_last_hour_in_two_workers_one_has_it(database: Database) -> None:
    async with scene(database, offers=[WASH], by_hand=True, workers=2) as at, handing_over(at.world) as hands:
        for day in ("明天 周一", "周二"):
            people = [await another(at), await another(at)]
            await reaches(at, people[0], day, "10:00")
            await people[0].sees("位子给您留")
            at.passes(minutes=11)
            await reaches(at, people[1], day, "10:00")
            await at_once(at, *[await kills.tap(hands, who, "确认预约") for who in people])
            for who in people:
                await what_waits_is_said_to(at.world, who.id)
            won = [who for who in people if "约好了" in who.last.shown]
            lost = [who for who in people if "约不上了" in who.last.shown and "没有扣分" in who.last.shown]
            assert len(won) == len(lost) == 1
            [(_, state, burnt, back)] = await stands(at, won[0])
            assert (state, burnt, back) == ("booked", 1, 0) and await stands(at, lost[0]) == []


async def test_of_two_who_choose_the_last_hour_in_two_workers_one_holds_it(database: Database) -> None:
    async with scene(database, offers=[WASH], by_hand=True, workers=2) as at, handing_over(at.world) as hands:
        people = [await another(at), await another(at)]
        for who in people:
            await reaches(at, who, "明天 周一")
        await at_once(at, *[await kills.tap(hands, who, "10:00") for who in people])
        for who in people:
            await what_waits_is_said_to(at.world, who.id)
        assert sorted("位子给您留" in who.last.shown for who in people) == [False, True]
        assert sorted("约不上了" in who.last.shown for who in people) == [False, True]
        assert await at.places() == [("23 10:00", "held")]


async def test_a_day_that_is_closed_while_somebody_confirms_has_nobody_on_it(database: Database) -> None:
    async with scene(database, offers=[WASH], by_hand=True, workers=2) as at, handing_over(at.world) as hands:
        for first in (0, 1):
            await at.world.sql("DELETE FROM booking_closure")
            who = await another(at)
            await reaches(at, who, *HELD)
            await who.sees("位子给您留")
            await at.manager.says("/merchant")
            await at.manager.sees("正常", fresh=True)
            for label in ("预约日历", "明天 周一", "关掉这一天"):
                await at.manager.taps(label)
            await at.manager.sees("还没有预约", fresh=True)
            taps = [await kills.tap(hands, who, "确认预约"), await kills.tap(hands, at.manager, "确认关掉")]
            await at_once(at, *(taps if first == 0 else reversed(taps)))
            for each in (who, at.manager):
                await what_waits_is_said_to(at.world, each.id)
            closed = await at.world.sql("SELECT 1 FROM booking_closure")
            if closed:
                assert await stands(at, who) == [] and "约好了" not in who.last.shown
                assert "关了" in at.manager.last.shown
            else:  # it was booked first: whoever closes is told, and nothing is closed unseen
                assert [each[1:] for each in await stands(at, who)] == [("booked", 1, 0)]
                assert "刚刚又有人约了" in at.manager.last.shown
            await at.world.sql("DELETE FROM booking WHERE state = 'held'")
