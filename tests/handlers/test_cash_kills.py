"""A worker that ends between any two steps of a payment: the money captures once, or goes back once, and the member hears of it.

An update is cancelled at its n-th suspension, for every n there is, then delivered to another worker, twice at once.
"""

from __future__ import annotations

import asyncio

import pytest

from bot.double.double import Person
from ledger.redeeming.cash import lapse_unpaid
from tests.bot.test_kills import nothing_prepared, stopped, what_waits_is_said_to
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import gives, member_id, moment, shelve, shop
from tests.handlers.test_cash import ORANGES, PROVIDER


async def held(world: World, number: int) -> tuple[Person, int]:
    """Somebody new whose points are on hold, by way of the bot; and their redemption."""
    person = await world.member(f"第{number}位")
    await gives(world, person, 500)
    worker = world.workers[1]

    async def tap(label: str) -> None:
        pressed = await person.taps(label)
        await world.feed(worker, pressed.update_id)
        await what_waits_is_said_to(world, person.id)

    await world.feed(worker, await person.says("/redeem"))
    await what_waits_is_said_to(world, person.id)
    for label in ("当季鲜橙", "兑换", "确认预留"):
        await tap(label)
    who = await member_id(world, person)
    [row] = await world.sql("SELECT id FROM redemption WHERE member_id = :id", id=who)
    return person, int(row.id)


@pytest.mark.parametrize("late", [False, True])
async def test_a_payment_stopped_at_any_await_is_done_once_by_the_next_worker(database: Database, late: bool) -> None:
    async with bot_running(database, setup=shop, by_hand=True, workers=2, provider_token=PROVIDER) as world:
        await shelve(world, ORANGES)
        first, second = world.workers
        for suspension in range(200):
            person, redemption = await held(world, suspension)
            pressed = await person.taps("在线付")
            await world.feed(second, pressed.update_id)
            await what_waits_is_said_to(world, person.id)
            asking = asyncio.create_task(person.checks_out(person.last))
            await asyncio.sleep(0)
            await world.feed(second, world.double.updates[-1].id)
            checkout = await asking
            assert checkout.ok, checkout.error
            if late:
                await world.sql("UPDATE redemption SET held_until = '2000-01-01' WHERE id = :id", id=redemption)
                async with world.database.engine.begin() as tx:
                    assert len(await lapse_unpaid(tx, at=moment(world), grace_days=30)) == 1
            update = checkout.completes()
            await nothing_prepared(first)
            was_stopped = await stopped(world.feed(first, update), suspension)
            await asyncio.gather(world.feed(second, update), world.feed(second, update))
            await what_waits_is_said_to(world, person.id)
            await person.sees("会退给您" if late else "收到 ¥10,换好了")
            rows = await world.sql(
                "SELECT r.state, p.captured, c.why FROM redemption r JOIN cash_payment p ON p.redemption_id = r.id"
                " LEFT JOIN cash_refund c ON c.payment_id = p.id WHERE r.id = :id",
                id=redemption,
            )
            assert [tuple(row) for row in rows] == [("lapsed", False, "lapsed") if late else ("issued", True, None)]
            if not was_stopped:
                assert suspension > 5, "the update was never really stopped"
                break
        else:
            raise AssertionError("the update never ended by itself")
