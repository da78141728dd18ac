"""A tap's answer goes out in the webhook's response: one call fewer, and never two answers."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from aiohttp import ClientSession

from bot.double.double import Person
from bot.drawing import Drawn
from bot.reply import Reply, answer, replying, without_answer
from bot.webhook import SECRET_HEADER
from tests.conftest import Database
from tests.driver import SECRET, World, bot_running, coalition


async def home(world: World, person: Person) -> None:
    await person.says("/start")
    await person.sees("可用")
    await world.settled()


@pytest.mark.parametrize("webhook", [True, False])
async def test_a_tap_is_answered_once_however_updates_arrive(database: Database, webhook: bool) -> None:
    async with bot_running(database, setup=coalition, webhook=webhook) as world:
        ming = await world.member()
        await home(world, ming)
        world.double.calls.clear()
        for label in ("明细", "主菜单"):
            await ming.taps(label, message=ming.last)
            await world.settled()
        calls = Counter(call.method for call in world.double.calls)
        assert calls["answerCallbackQuery"] == 2 and all(call.status == 200 for call in world.double.calls), calls


async def test_the_response_to_a_tap_carries_its_answer_and_that_to_words_nothing(database: Database) -> None:
    async with bot_running(database, setup=coalition, webhook=True) as world:
        ming = await world.member()
        await home(world, ming)
        shown = ming.last
        pressed = next(button for row in shown.buttons for button in row if "明细" in button.text)
        tap = {"id": "77", "from": ming.user, "message": shown.wire, "chat_instance": "1", "data": pressed.data}
        answered = {"method": "answerCallbackQuery", "callback_query_id": "77"}
        assert await said(world, {"update_id": 5, "callback_query": tap}) == answered
        words = {key: value for key, value in shown.wire.items() if key != "reply_markup"}
        assert await said(world, {"update_id": 6, "message": words | {"from": ming.user, "text": "积分"}}) is None


async def said(world: World, update: dict[str, object]) -> object:
    """What the first worker's own door says to one update."""
    address = world._balancer._servers[world.worker][1]
    headers = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}
    async with ClientSession() as session, session.post(address, data=json.dumps(update), headers=headers) as answer:
        assert answer.status == 200
        return await answer.json() if answer.content_type == "application/json" else None


TAP: Drawn = {"query": "7", "text": "<b>…</b>"}


@pytest.mark.parametrize(
    ("drawn", "parameters"),
    [
        (TAP, {"callback_query_id": "7"}),
        (TAP | {"alert": "好了"}, {"callback_query_id": "7", "text": "好了"}),
        ({"query": "7", "alert": "好了"}, {"callback_query_id": "7", "text": "好了", "show_alert": True}),
        ({"query": "7"}, {"callback_query_id": "7"}),
    ],
)
def test_what_an_answer_says(drawn: Drawn, parameters: dict[str, object]) -> None:
    assert answer(drawn) == parameters


def test_a_response_carries_one_answer_and_no_other_call() -> None:
    assert without_answer(TAP) == TAP, "nobody waits for a response"
    token = replying.set(reply := Reply())
    try:
        assert without_answer({"text": "…"}) == {"text": "…"} and reply.call is None
        assert without_answer(TAP | {"alert": "好了"}) == {"text": "<b>…</b>"}
        assert without_answer(TAP | {"query": "8"}) == TAP | {"query": "8"}
        assert reply.call == {"method": "answerCallbackQuery", "callback_query_id": "7", "text": "好了"}
    finally:
        replying.reset(token)
