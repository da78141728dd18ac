"""A worker that ends at any await of a booking: one place, one voucher, one move, one return of points; all of it heard."""

from __future__ import annotations

from ledger.members import person
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.points.audit import audit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.kills import Stopped, told_at_every_await
from tests.handlers.shop import gives, member_id, shelve, shop
from tests.handlers.test_booking import rule, service

WASH = service("wash", "洗衣一次", "One wash", 300, rule("09:00", "12:00", at_once=200))


BOOKS = (
    ("洗衣一次", "您可用"),
    ("选时间", "哪天来"),
    ("明天", "几点"),
    ("10:00", "位子给您留"),
    ("确认预约", "约好了"),
)
"""Taps, each with what is seen then."""


async def stands(world: World, member: int) -> tuple[list[tuple[str, int]], list[str], int]:
    """A member's places (state, hour), vouchers (state), and points."""
    places = await world.sql(
        "SELECT state, extract(hour FROM starts_at AT TIME ZONE 'Asia/Shanghai')::int AS hour FROM booking"
        " WHERE member_id = :id ORDER BY id",
        id=member,
    )
    vouchers = await world.sql("SELECT state FROM redemption WHERE member_id = :id ORDER BY id", id=member)
    [points] = await world.sql(
        "SELECT sum(balance)::int FROM account WHERE owner_kind = 'member' AND owner_id = :id AND purpose = 'available'",
        id=member,
    )
    return [(row.state, row.hour) for row in places], [row.state for row in vouchers], points[0]


async def whole(world: World) -> None:
    """The books add up, and no update failed."""
    async with world.database.engine.begin() as tx:
        assert (await audit(tx)).violations == ()
    assert await world.sql("SELECT key FROM failure") == []


async def test_holding_booking_moving_and_cancelling_stopped_at_any_await_are_each_done_once(
    database: Database,
) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world:
        await shelve(world, WASH)

        async def tell(story: Stopped) -> None:
            ming = await world.member(f"第{story.at}位")
            await gives(world, ming, 500)
            who = await member_id(world, ming)
            await story.says(ming, "/redeem 洗衣", "洗衣一次")
            for label, sees in BOOKS[:-1]:
                await story.taps(ming, label, sees)
            assert await stands(world, who) == ([("held", 10)], [], 500)
            await story.taps(ming, *BOOKS[-1])
            assert await stands(world, who) == ([("booked", 10)], ["issued"], 200)
            await story.taps(ming, "改时间", "哪天")
            await story.taps(ming, "明天", "几点")
            await story.taps(ming, "11:00", "改到")
            await story.taps(ming, "确认改", "改好了")
            assert await stands(world, who) == ([("booked", 11)], ["issued"], 200)
            await story.taps(ming, "取消预约", "预约?")
            await story.taps(ming, "确认取消", "300 分已原样退回")
            assert await stands(world, who) == ([("freed", 11)], ["taken_back"], 500)

        await told_at_every_await(world, tell)
        await whole(world)


async def test_a_day_closed_by_a_worker_that_ends_anywhere_gives_back_once_and_tells_once(database: Database) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world:
        await shelve(world, WASH)
        manager = await world.member("店长小山")
        async with world.database.engine.begin() as tx:
            market, who_runs = await merchants.by_code(tx, "market"), await person.find(tx, world.vault, manager.id)
            assert who_runs is not None
            await staff.add(
                tx, merchant_id=market.id, member_id=who_runs, role="manager", label="店长", by="test", now=world.now()
            )
        unhurried = Stopped(world, 10_000)

        async def tell(story: Stopped) -> None:
            ming = await world.member(f"第{story.at}位")
            await gives(world, ming, 500)
            who = await member_id(world, ming)
            await unhurried.says(ming, "/redeem 洗衣", "洗衣一次")
            for label, sees in BOOKS:
                await unhurried.taps(ming, label, sees)
            await unhurried.says(manager, "/merchant", "云山")
            await unhurried.taps(manager, "预约日历", "点一天")
            await unhurried.taps(manager, "明天", f"第{story.at}位")
            await unhurried.taps(manager, "关掉这一天", "1 个")
            await story.taps(manager, "确认关掉", "1 位会员")
            await story.hears(ming, "商户取消了")
            assert len([each for each in ming.messages if "商户取消了" in each.shown]) == 1
            assert await stands(world, who) == ([("freed", 10)], ["taken_back"], 500)
            await story.taps(manager, "重新开放", "重新开放了")
            assert await world.sql("SELECT day FROM booking_closure") == []

        await told_at_every_await(world, tell)
        await whole(world)
