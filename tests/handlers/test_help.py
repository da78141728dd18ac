"""Help lists what features declare, to whom it is of use; /cancel leaves whatever there was."""

from __future__ import annotations

from chat.feature import discover
from tests.conftest import Database
from tests.handlers.at import as_it_is, bot_then
from tests.handlers.till_scene import open_shop, second_post


async def test_help_lists_every_command_that_is_for_members(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/help")
        page = await ming.sees("能做什么")
        for feature in discover():
            for command in feature.commands:
                listed = f"/{command.name} " in page.shown
                assert listed == (command.description is not None and command.audience in ("anyone", "member"))


async def test_staff_see_the_commands_that_their_role_allows(database: Database) -> None:
    async with bot_then(database) as world:
        shop = await open_shop(world, language="en")
        everything = {c.name for f in discover() for c in f.commands if c.audience == "staff" and c.description}
        for who, missing in (
            (shop.owner, set[str]()),
            (shop.manager, set[str]()),
            (shop.cashier, {"staff", "merchant", "shelf"}),
        ):
            await who.says("/help")
            page = await who.sees("What I can do")
            assert {name for name in everything if f"/{name} " in page.shown} == everything - missing


async def test_a_cashier_who_owns_a_shop_elsewhere_sees_an_owners_commands(database: Database) -> None:
    async with bot_then(database) as world:
        shop = await open_shop(world)
        await second_post(world, shop.cashier, "rail", "1号台")
        await world.sql("UPDATE staff SET role = 'owner' WHERE label = '1号台'")
        await shop.cashier.says("/help")
        page = await shop.cashier.sees("能做什么")
        assert "/staff " in page.shown and "/merchant " in page.shown


async def test_a_newcomer_may_ask_for_help_and_is_shown_the_entrance(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        await ming.says("/help")
        page = await ming.sees("能做什么")
        assert "/start" in page.shown
        assert "/balance" not in page.shown
        await ming.taps("加入")
        await ming.sees("加入后保存什么")


async def test_cancel_leaves_a_question_open_to_nobody(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/claim")
        await ming.sees("请发过来")
        await ming.says("/cancel")
        await ming.sees("没有进行中的操作了", fresh=True)
        await ming.says("ABCD-EFGH")
        await ming.sees("这句话我没看懂", fresh=True)
        assert await world.sql("SELECT count(*) FROM claim_attempt") == [(0,)]
