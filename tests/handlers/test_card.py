"""The member card: shown at once, renewed on tap, its picture a link that opens the till."""

from __future__ import annotations

import re

from bot.double.messages import Message
from tests.conftest import Database
from tests.handlers.at import bot_then

CODE = re.compile(r"\d{4} \d{4}")


def code_of(page: Message) -> str:
    found = CODE.search(page.shown)
    assert found is not None
    return found[0].replace(" ", "")


async def test_the_card_shows_a_code_and_a_picture_of_it(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/card")
        page = await ming.sees("会员码")
        assert "30 秒内有效,只能用一次" in page.shown
        assert await world.sql("SELECT code, used_at FROM card_code") == [(code_of(page), None)]
        await world.worker.teller.finish(5.0)
        page = await ming.sees("会员码")
        assert page.photo is not None


async def test_a_tap_gives_another_code_in_the_same_message(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/start")
        await ming.taps("会员码")
        first = code_of(await ming.sees("会员码", fresh=True))
        await world.settled()
        await ming.taps("换一个码")
        await world.settled()
        page = await ming.sees("会员码")
        assert code_of(page) != first
        codes = await world.sql("SELECT code FROM card_code ORDER BY expires_at")
        assert {row[0] for row in codes} == {first, code_of(page)}


async def test_the_card_in_english(database: Database) -> None:
    async with bot_then(database) as world:
        tom = await world.member("Tom", language="en")
        await tom.says("/card")
        page = await tom.sees("My card")
        assert "Good for 30 seconds and one use." in page.shown


async def test_the_code_leads_back_to_the_main_screen(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/card")
        await ming.sees("会员码")
        await ming.taps("主菜单")
        page = await ming.sees("可用 0 分", fresh=True)
        assert page.photo is None
