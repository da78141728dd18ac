"""A worker that ends between any two steps of asking another merchant, or of its answer: asked, answered and told once."""

from __future__ import annotations

import itertools

from bot.double.people import Person
from ledger.redeeming.offers import PerUnit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers import kills
from tests.handlers.kills import Deed, handing_over, notices
from tests.handlers.shop import offer, shelve
from tests.handlers.test_fulfil import second_shop
from tests.handlers.till_scene import open_shop

_numbers = itertools.count(1)


async def published(world: World, *fulfillers: str) -> int:
    """Tea of the supermarket's."""
    number = next(_numbers)
    tea = offer(f"tea-{number}", f"绿茶{number}", f"Tea {number}", "market", PerUnit(points=300), fulfillers=fulfillers)
    return (await shelve(world, tea))[0]


async def states(world: World, offer_id: int) -> list[str]:
    return [row[0] for row in await world.sql("SELECT state FROM fulfilment WHERE offer_id = :id", id=offer_id)]


async def about_to_publish(world: World, boss: Person, offer_id: int) -> None:
    """Everything is written but for the tap."""
    [row] = await world.sql("SELECT document->'name'->>'zh' FROM offer WHERE id = :id", id=offer_id)
    await boss.says("/shelf")
    await boss.sees("货架", fresh=True)
    for label, shown in ((row[0], "第 1 版"), ("改", "还没有改动"), ("更多…", "还没有改动")):
        await boss.taps(label)
        await boss.sees(shown, fresh=True)
    await boss.taps("代兑商户")
    await boss.sees("点一家", fresh=True)
    await boss.taps("加 鲜果時光")
    await boss.sees("代兑商户:鲜果時光", fresh=True)


async def test_asking_stopped_at_any_await_asks_once(database: Database) -> None:
    async with bot_running(database, by_hand=True, workers=2) as world, handing_over(world) as hands:
        shop = await open_shop(world)
        owner, _ = await second_shop(world)

        async def prepare() -> Deed:
            id_ = await published(world)
            await about_to_publish(world, shop.manager, id_)

            async def holds() -> None:
                await shop.manager.sees("已去问代兑商户", fresh=True)
                assert await states(world, id_) == ["asked"]
                assert await notices(world, owner, f"fulfilment:{id_}:%") == 1

            return kills.update(world, await kills.tap(hands, shop.manager, "发布"), [shop.manager, owner], holds)

        await kills.stopped_everywhere(world, prepare)


async def opens(world: World, owner: Person, offer_id: int) -> None:
    """The page on which the answer is a tap."""
    [row] = await world.sql("SELECT document->'name'->>'zh' FROM offer WHERE id = :id", id=offer_id)
    await owner.says("/shelf")
    await owner.sees("货架", fresh=True)
    await owner.taps("代兑")
    await owner.sees("等答复", fresh=True)
    await owner.taps(row[0])
    await owner.sees("谁把东西给了会员", fresh=True)


async def test_an_answer_stopped_at_any_await_is_given_once(database: Database) -> None:
    async with bot_running(database, by_hand=True, workers=2) as world, handing_over(world) as hands:
        shop = await open_shop(world)
        owner, _ = await second_shop(world)

        async def prepare() -> Deed:
            id_ = await published(world, "fruit")
            await opens(world, owner, id_)
            [before] = await world.sql("SELECT count(*) FROM merchant_log WHERE what = 'fulfilment_agreed'")
            heard = await notices(world, shop.manager, "fulfilment-answered:%")

            async def holds() -> None:
                await owner.sees("说好了", fresh=True)
                assert await states(world, id_) == ["agreed"]
                [after] = await world.sql("SELECT count(*) FROM merchant_log WHERE what = 'fulfilment_agreed'")
                assert after[0] == before[0] + 1
                assert await notices(world, shop.manager, "fulfilment-answered:%") == heard + 1

            return kills.update(world, await kills.tap(hands, owner, "一起兑"), [owner, shop.manager], holds)

        await kills.stopped_everywhere(world, prepare)
