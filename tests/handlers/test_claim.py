"""Claiming an account that a merchant kept before: asked, answered, slowed when guessed."""

from __future__ import annotations

from tests.conftest import Database
from tests.handlers.at import as_it_is, bot_then

CODE = "YS-8800-4126"


async def test_the_code_that_the_shop_gave_brings_the_points(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        hong = world.person("小红", id=1002)
        await hong.says("/start")
        await hong.taps("同意并加入")
        await hong.sees("可用 100 分")
        await hong.taps("设置")
        await hong.taps("认领原有积分")
        await hong.sees("商户会给您一个认领码")
        await hong.says("ys88004126")
        page = await hong.sees("云山超市的账户 8800412 归您了")
        assert "+260 分\n\n可用 360 分" in page.shown
        await hong.taps("明细")
        await hong.taps("认领 · 云山超市")
        await hong.sees("您自己操作的")


async def test_a_wrong_code_may_be_corrected_until_the_tries_are_used_up(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/claim")
        await ming.sees("请发过来")
        for left in (4, 3, 2, 1):
            await ming.says(f"WRONG-000{left}")
            await ming.sees(f"今天还能试 {left} 次", fresh=True)
        await ming.says("WRONG-0000")
        await ming.sees("今天不能再试了", fresh=True)
        await ming.says(f"/claim {CODE}")
        await ming.sees("认领码试得太多了", fresh=True)
        assert {row.claimed_by for row in await world.sql("SELECT claimed_by FROM external_account")} == {None}


async def test_a_code_told_twice_is_claimed_once(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        update = await ming.says(f"/claim {CODE}")
        await ming.sees("归您了")
        assert update is not None
        await world.double.redeliver(update)
        await world.settled()
        await ming.says("/balance")
        await ming.sees("可用 1,440 分", fresh=True)
        await ming.says(f"/claim {CODE}")
        await ming.sees("认领码不对", fresh=True)


async def test_a_restart_between_question_and_code_loses_nothing(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        anna = world.person("Anna", language="en", id=2003)
        await anna.says("/claim")
        await anna.sees("Send it here")
        await world.restart()
        await anna.says(CODE)
        await anna.sees("Yunshan Supermarket account 8800412 is now yours")


async def test_leaving_the_question_makes_what_is_typed_next_no_code(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/claim")
        await ming.taps("返回")
        await ming.sees("可用 1,180", fresh=True)
        await ming.says(CODE)
        await ming.sees("这句话我没看懂", fresh=True)
