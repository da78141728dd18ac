"""The operator's desk: a failure found by the code that a member was told."""

from __future__ import annotations

from chat.feature import Feature
from chat.screen import Screen
from chat.turn import Turn
from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.till_scene import make_operator

from bot.features import discover  # isort: skip

broken = Feature("broken")


@broken.command("broken", audience="member")
async def fail(turn: Turn, words: str = "") -> Screen:
    """Fails like a fault would."""
    raise ValueError("an <odd> reason & more")


async def test_the_code_that_a_member_was_told_leads_to_the_error(database: Database) -> None:
    async with bot_running(database, features=[*discover(), broken]) as world:
        operator, member = await world.member("运营"), await world.member("小明")
        await make_operator(world, operator, "support")
        await member.says("/broken")
        shown = (await member.sees("没办成")).shown
        code = shown.partition("编号 ")[2][:4]
        await operator.says("/operator")
        await operator.sees("客服")
        await operator.says("ZZZZZZ")
        await operator.sees("没有编号是 ZZZZZZ 的故障")
        await operator.says(f" {code.lower()} ")
        shown = (await operator.sees("已放进死信")).shown
        assert "an <odd> reason & more" in shown
        assert "试了 3 次" in shown
        await operator.says(f"/operator {code}")
        await operator.sees("已放进死信", fresh=True)


async def test_the_desk_is_not_for_others_and_ends_with_the_role(database: Database) -> None:
    async with bot_running(database) as world:
        operator = await world.member("运营")
        await operator.says("/operator")
        await operator.sees("这是运营人员用的")
        await make_operator(world, operator, "support")
        await operator.says("/operator")
        await operator.sees("客服")
        await world.sql("UPDATE operator SET removed_at = now()")
        await operator.says("K7Q2")
        await operator.sees("这是运营人员用的", fresh=True)


async def test_a_programme_without_merchants_says_so_in_both_languages(database: Database) -> None:
    async with bot_running(database) as world:
        operator = await world.member("Op", "en")
        await make_operator(world, operator, "admin", "auditor")
        await world.sql("DELETE FROM merchant")
        await operator.says("/operator")
        await operator.sees("Administrator")
        await operator.taps("Merchants")
        await operator.sees("None yet.", fresh=True)
