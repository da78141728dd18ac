"""A worker that ends between any two steps of what people of a family do with points, and two workers at once: everything once, and
whoever it concerns hears of it once. How a deed is stopped everywhere is in `kills.py`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from bot.double.double import Person
from jobs import gifts as duty_of_gifts
from jobs import pool_morning
from ledger.redeeming.offers import PerUnit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers import kills
from tests.handlers.kills import Deed, handing_over, notices
from tests.handlers.shop import gives, member_id, offer, shelve, shop
from tests.handlers.test_family import founds, invites, joins, says_rules
from tests.handlers.test_gift import asks, proven, says_gifts
from tests.handlers.test_pool import opens_pool, pooled

DEAR = offer("dear", "大礼盒", "Large box", "fruit", PerUnit(points=700, value_minor=4000))
_names = itertools.count(1)


@dataclass
class Home:
    """A family of two: its head, who has 1,000 points, and the other."""

    head: Person
    other: Person


async def home(world: World) -> Home:
    n = next(_names)
    head, other = await world.member(f"家长{n}"), await world.member(f"家人{n}")
    await founds(head)
    await joins(other, await invites(head))
    await gives(world, head, 1000)
    return Home(head, other)


async def ready(world: World) -> None:
    """What families and gifts need of the programme, and something on the shelf."""
    await says_rules(world, join_delay_days=0)
    await says_gifts(world)
    await shelve(world, DEAR)


async def pool_of(world: World, who: Person) -> int:
    """What lies in the pool of somebody's family."""
    rows = await world.sql(
        "SELECT a.balance FROM account a JOIN family_place p ON a.owner_kind = 'pool' AND a.owner_id = p.family_id"
        " WHERE a.purpose = 'available' AND p.member_id = :member",
        member=await member_id(world, who),
    )
    return sum(row.balance for row in rows)


async def own(world: World, who: Person) -> int:
    """What somebody has available."""
    [row] = await world.sql(
        "SELECT coalesce(sum(balance), 0) FROM account WHERE owner_kind = 'member' AND owner_id = :member"
        " AND purpose = 'available'",
        member=await member_id(world, who),
    )
    return int(row[0])


async def test_offering_stopped_at_any_await_offers_once(database: Database) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world) as hands:
        await ready(world)

        async def prepare() -> Deed:
            here = await home(world)
            await asks(here.head, "家人", 300)

            async def holds() -> None:
                assert await own(world, here.head) == 700
                assert await notices(world, here.other, "gift:%:offered") == 1
                await proven(world)

            return kills.update(world, await kills.tap(hands, here.head, "确认送出"), [here.head, here.other], holds)

        await kills.stopped_everywhere(world, prepare)


async def test_accepting_stopped_at_any_await_gives_once(database: Database) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world) as hands:
        await ready(world)

        async def prepare() -> Deed:
            here = await home(world)
            await asks(here.head, "家人", 300)
            await here.head.taps("确认送出")
            await here.other.sees("送您 300 分")

            async def holds() -> None:
                assert (await own(world, here.head), await own(world, here.other)) == (700, 300)
                assert await notices(world, here.head, "gift:%:accepted") == 1
                await proven(world)

            return kills.update(world, await kills.tap(hands, here.other, "收下"), [here.head, here.other], holds)

        await kills.stopped_everywhere(world, prepare)


async def test_paying_from_the_pool_stopped_at_any_await_pays_once(database: Database) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world) as hands:
        await ready(world)

        async def prepare() -> Deed:
            here = await home(world)
            await pooled(here.head, 1000)
            await opens_pool(here.other, "大礼盒")
            await here.other.taps("问家长", message=await here.other.sees("要先问家长同不同意", fresh=True))
            await here.head.taps("同意", message=await here.head.sees("想用家庭池换"))
            await here.other.taps("去换", message=await here.other.sees("家长同意了"))
            await here.other.sees("家庭池将用掉 700 分", fresh=True)

            async def holds() -> None:
                assert await pool_of(world, here.other) == 300
                facts = {"member": await member_id(world, here.other)}
                rows = await world.sql(
                    "SELECT state, redemption_id FROM pool_request WHERE member_id = :member", **facts
                )
                made = await world.sql("SELECT id FROM redemption WHERE member_id = :member", **facts)
                assert [(row.state, row.redemption_id) for row in rows] == [("used", made[0].id)] and len(made) == 1
                await proven(world)

            return kills.update(world, await kills.tap(hands, here.other, "确认兑换"), [here.other], holds)

        await kills.stopped_everywhere(world, prepare)


async def test_leaving_stopped_at_any_await_takes_home_what_is_theirs_once(database: Database) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world) as hands:
        await ready(world)

        async def prepare() -> Deed:
            here = await home(world)
            await gives(world, here.other, 500)
            await pooled(here.head, 1000)
            await pooled(here.other, 400)
            await here.other.says("/family")
            await here.other.taps("离开", message=await here.other.sees("的家庭", fresh=True))
            await here.other.sees("家庭池里您的 400 分 回到您这里", fresh=True)

            async def holds() -> None:
                assert (await own(world, here.other), await pool_of(world, here.head)) == (500, 1000)
                assert await notices(world, here.head, "family-left:%") == 1
                await proven(world)

            return kills.update(world, await kills.tap(hands, here.other, "确认离开"), [here.head, here.other], holds)

        await kills.stopped_everywhere(world, prepare)


async def test_gifts_that_nobody_accepted_return_once_wherever_the_duty_stops(database: Database) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world):
        await ready(world)

        async def prepare() -> Deed:
            here = await home(world)
            await asks(here.head, "家人", 300)
            await here.head.taps("确认送出")
            await here.head.sees("等对方收下", fresh=True)
            await world.clock.move(4)

            async def holds() -> None:
                assert await own(world, here.head) == 1000
                assert await notices(world, here.head, "gift:%:returned") == 1
                await proven(world)

            return await kills.duty(world, duty_of_gifts.duty, [here.head], holds)

        await kills.stopped_everywhere(world, prepare)


async def test_the_morning_puts_in_once_wherever_it_stops(database: Database) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world):
        await ready(world)

        async def prepare() -> Deed:
            here = await home(world)
            await here.head.says("/pool")
            await here.head.taps("每天自动放", message=await here.head.sees("家庭池", fresh=True))
            await here.head.taps("全部", message=await here.head.sees("每天早上自动放多少", fresh=True))
            await here.head.sees("记下了", fresh=True)
            await world.clock.move(1)

            async def holds() -> None:
                assert (await own(world, here.head), await pool_of(world, here.head)) == (0, 1000)
                await proven(world)

            return await kills.duty(world, pool_morning.duty, [], holds)

        await kills.stopped_everywhere(world, prepare)
