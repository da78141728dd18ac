"""Flood control by the clock: how much fits, what does not count, and how long a 429 asks to wait."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from telegram import Bot
from telegram.error import RetryAfter

from bot.double.double import Clock, Double, Limits
from bot.double.people import Person

from .conftest import client


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    """Telegram's limits, and a clock that stands still unless moved."""
    async with Double(limits=Limits.telegram(), clock=Clock(running=False)) as running:
        yield running


@pytest.fixture
async def bot(double: Double) -> AsyncIterator[Bot]:
    async with client(double) as connected:
        yield connected


async def sent(bot: Bot, chat_id: int, tries: int) -> int:
    """How many of `tries` messages went through before the first 429."""
    for number in range(tries):
        try:
            await bot.send_message(chat_id, f"{number}")
        except RetryAfter:
            return number
    return tries


async def strangers(double: Double, count: int) -> list[Person]:
    """People who started the bot long ago."""
    people = [double.person(f"p{number}") for number in range(count)]
    for person in people:
        await person.says("/start")
    double.world.updates.clear()
    double.clock.advance(1000)
    return people


async def test_a_chat_takes_five_at_once_and_then_one_a_second(double: Double, bot: Bot) -> None:
    (person,) = await strangers(double, 1)
    assert await sent(bot, person.id, 10) == 5
    double.clock.advance(1)
    assert await sent(bot, person.id, 10) == 1
    double.clock.advance(3)
    assert await sent(bot, person.id, 10) == 3
    double.clock.advance(3600)
    assert await sent(bot, person.id, 10) == 5, "saved up is at most a burst"


async def test_a_429_names_the_wait_in_body_and_header(double: Double, bot: Bot) -> None:
    (person,) = await strangers(double, 1)
    await sent(bot, person.id, 5)
    url = f"{double.url}/bot{double.token}/sendMessage"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json={"chat_id": person.id, "text": "x"}) as response,
    ):
        assert response.status == 429
        assert response.headers["Retry-After"] == "1"
        assert await response.json() == {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 1",
            "parameters": {"retry_after": 1},
        }


async def test_refused_messages_cost_nothing(double: Double, bot: Bot) -> None:
    (person,) = await strangers(double, 1)
    await sent(bot, person.id, 5)
    for _ in range(20):
        assert await sent(bot, person.id, 1) == 0
    double.clock.advance(1)
    assert await sent(bot, person.id, 1) == 1


async def test_a_group_takes_twenty_a_minute(double: Double, bot: Bot) -> None:
    group = double.group("门店", *await strangers(double, 1))
    assert await sent(bot, group.id, 30) == 20
    double.clock.advance(2.9)
    assert await sent(bot, group.id, 30) == 0
    double.clock.advance(0.2)
    assert await sent(bot, group.id, 30) == 1


async def test_the_whole_bot_sends_thirty_unsolicited_a_second(double: Double, bot: Bot) -> None:
    people = await strangers(double, 45)
    delivered = [await sent(bot, person.id, 1) for person in people]
    assert sum(delivered) == 30
    double.clock.advance(0.5)
    assert sum([await sent(bot, person.id, 1) for person in people]) == 15


async def test_replies_edits_and_paid_broadcasts_are_not_the_thirtys_business(double: Double, bot: Bot) -> None:
    people = await strangers(double, 40)
    first = await bot.send_message(people[0].id, "x")
    for person in people[1:30]:
        await bot.send_message(person.id, "x")
    with pytest.raises(RetryAfter):
        await bot.send_message(people[30].id, "x")
    assert await first.edit_text("y")
    assert await bot.send_message(people[30].id, "x", allow_paid_broadcast=True)
    await people[31].says("hello")
    with pytest.raises(RetryAfter):
        await bot.send_message(people[31].id, "an answer to what was not read yet")
    await bot.get_updates()
    assert await bot.send_message(people[31].id, "an answer")
    double.clock.advance(0.0)
    assert await sent(bot, people[32].id, 1) == 0


async def test_an_album_counts_as_many_messages(double: Double, bot: Bot) -> None:
    from telegram import InputMediaPhoto

    from .conftest import png

    (person,) = await strangers(double, 1)
    picture = png(9, 9)
    assert len(await bot.send_media_group(person.id, [InputMediaPhoto(picture) for _ in range(4)])) == 4
    assert await sent(bot, person.id, 5) == 1


async def test_without_limits_nothing_is_held(bot: Bot) -> None:
    async with Double(limits=Limits.off()) as free, client(free) as unbound:
        person = free.person("小明")
        await person.says("/start")
        assert await sent(unbound, person.id, 60) == 60
