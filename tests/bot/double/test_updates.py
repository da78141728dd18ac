"""Long polling: what an offset confirms, who loses when two poll, and how long updates live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import Conflict

from bot.double.double import Clock, Double, Limits
from bot.double.people import Person

from .conftest import client


@pytest.fixture
async def other(double: Double) -> AsyncIterator[Bot]:
    """A second process of the same bot."""
    async with client(double) as connected:
        yield connected


async def say(person: Person, count: int) -> list[int]:
    ids = [await person.says(f"{number}") for number in range(count)]
    return [update_id for update_id in ids if update_id is not None]


async def texts(bot: Bot, offset: int | None = None, limit: int | None = None) -> list[str | None]:
    return [update.message.text for update in await bot.get_updates(offset, limit) if update.message]


async def test_updates_stay_until_an_offset_above_them_is_asked_for(bot: Bot, person: Person) -> None:
    first, second, third = await say(person, 3)
    assert await texts(bot) == ["0", "1", "2"]
    assert await texts(bot) == ["0", "1", "2"], "nothing was confirmed"
    assert await texts(bot, second) == ["1", "2"]
    assert await texts(bot, first) == ["1", "2"], "what was confirmed does not come back"
    assert await texts(bot, third + 1) == []


async def test_a_negative_offset_keeps_the_newest_only(bot: Bot, person: Person) -> None:
    await say(person, 5)
    assert await texts(bot, -2) == ["3", "4"]
    assert await texts(bot) == ["3", "4"]


async def test_an_offset_from_the_future_confirms_nothing(bot: Bot, person: Person) -> None:
    ids = await say(person, 2)
    assert await texts(bot, ids[-1] + 1000) == ["0", "1"]


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-5, 1), (1, 1), (7, 7), (1000, 100)])
async def test_limits_are_clamped(bot: Bot, person: Person, asked: int, given: int) -> None:
    await say(person, 120)
    assert len(await bot.get_updates(limit=asked)) == given


async def test_a_long_poll_ends_when_something_comes(bot: Bot, person: Person) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await person.says("好")
    assert [update.message.text for update in await poll if update.message] == ["好"]
    assert time.monotonic() - began < 1


async def test_a_long_poll_ends_empty_when_its_time_is_over(double: Double, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    assert not poll.done()
    double.clock.advance(21)
    assert await poll == ()


async def test_the_older_of_two_polls_loses(double: Double, bot: Bot, other: Bot, person: Person) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    newer = asyncio.create_task(other.get_updates(timeout=20))
    with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
        await older
    await person.says("x")
    assert len(await newer) == 1


async def test_repeated_conflicts_are_held_for_three_seconds(person: Person) -> None:
    async with Double(limits=Limits.telegram()) as double, client(double) as bot:
        await bot.set_webhook("https://127.0.0.1:8443/")
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
            await bot.get_updates()
        again = asyncio.create_task(bot.get_updates())
        await asyncio.sleep(0.1)
        assert not again.done()
        double.clock.advance(3)
        with pytest.raises(Conflict):
            await again


async def test_asking_again_at_once_gets_one_update_and_waits() -> None:
    async with Double(limits=Limits.telegram()) as double, client(double) as bot:
        person = double.person("小明")
        await say(person, 3)
        assert len(await bot.get_updates()) == 3
        assert len(await bot.get_updates()) == 1, "the same offset within half a second"
        double.world.updates.clear()
        patient = asyncio.create_task(bot.get_updates())
        await asyncio.sleep(0.1)
        assert not patient.done(), "an empty answer is held back"
        double.clock.advance(3)
        assert await patient == ()


@pytest.mark.parametrize(("kind", "seconds"), [("message", 86_400), ("callback", 150)])
async def test_undelivered_updates_lapse(double: Double, bot: Bot, person: Person, kind: str, seconds: int) -> None:
    if kind == "message":
        await person.says("x")
    else:
        markup = InlineKeyboardMarkup([[InlineKeyboardButton("b", callback_data="x")]])
        await bot.send_message(person.id, "x", reply_markup=markup)
        await person.taps("b")
    double.clock.advance(seconds - 1)
    assert len(await bot.get_updates()) == 1
    double.clock.advance(2)
    assert await bot.get_updates() == ()
    assert double.world.updates.lapsed == 1


async def test_kinds_not_asked_for_do_not_come(double: Double, bot: Bot, person: Person) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    assert await person.says("x") is None
    await bot.get_updates(allowed_updates=[])
    assert await person.says("y") is not None


async def test_a_redelivered_update_comes_again_under_its_number(double: Double, bot: Bot, person: Person) -> None:
    (update_id,) = await say(person, 1)
    await bot.get_updates(update_id + 1)
    await double.redeliver(update_id)
    assert [update.update_id for update in await bot.get_updates()] == [update_id]


async def test_settled_waits_for_confirmation(double: Double, bot: Bot, person: Person) -> None:
    (update_id,) = await say(person, 1)
    with pytest.raises(AssertionError, match="1 updates pending"):
        await double.settled(timeout=0.1)
    waiting = asyncio.create_task(double.settled(timeout=5))
    await bot.get_updates(update_id + 1)
    await waiting


async def test_memory_is_bounded() -> None:
    from bot.double.double import Keep

    keep = Keep(messages_per_chat=10, calls=20, updates=30, queries=5, file_bytes=100)
    async with Double(limits=Limits.off(), keep=keep, clock=Clock()) as double, client(double) as bot:
        person = double.person("小明")
        await say(person, 50)
        for number in range(25):
            await bot.send_message(person.id, f"{number}")
        assert (len(person.messages), len(double.calls), len(double.updates)) == (10, 20, 30)
        assert person.last.text == "24"


async def test_answers_are_http_with_the_right_type(double: Double) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{double.url}/bot{double.token}/getUpdates") as response,
    ):
        assert response.content_type == "application/json"
        assert await response.json() == {"ok": True, "result": []}
