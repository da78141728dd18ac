"""Failures on demand, as the library's Bot meets them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError, TimedOut

from bot.double.double import Double, Fault
from bot.double.people import Person


async def test_a_dropped_reply_took_effect(double: Double, bot: Bot, person: Person) -> None:
    double.faults.on("sendMessage", Fault.drop_reply())
    with pytest.raises(NetworkError) as lost:
        await bot.send_message(person.id, "x")
    assert not isinstance(lost.value, BadRequest)
    assert person.last.text == "x"
    assert (double.calls[-1].status, double.calls[-1].result["text"]) == (0, "x")
    assert await bot.send_message(person.id, "y"), "one fault strikes once"


async def test_a_reset_did_nothing(double: Double, bot: Bot, person: Person) -> None:
    double.faults.on("sendMessage", Fault.reset())
    with pytest.raises(NetworkError):
        await bot.send_message(person.id, "x")
    assert len(person.messages) == 1


async def test_a_timeout_did_nothing(double: Double, bot: Bot, person: Person) -> None:
    double.faults.on("sendMessage", Fault.timeout(5))
    with pytest.raises(TimedOut):
        await bot.send_message(person.id, "x", read_timeout=0.1)
    assert len(person.messages) == 1


async def test_a_slow_answer_took_effect_although_nobody_waited(double: Double, bot: Bot, person: Person) -> None:
    double.faults.on("sendMessage", Fault.slow(0.5))
    with pytest.raises(TimedOut):
        await bot.send_message(person.id, "x", read_timeout=0.1)
    assert person.last.text == "x"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault.status(500), "Internal Server Error"),
        (Fault.status(502), "Bad Gateway"),
        (Fault.status(502, "<html>Bad Gateway</html>"), "Bad Gateway|response"),
    ],
)
async def test_server_errors_with_and_without_json(
    double: Double, bot: Bot, person: Person, fault: Fault, says: str
) -> None:
    double.faults.on("sendMessage", fault)
    with pytest.raises(TelegramError, match=says):
        await bot.send_message(person.id, "x")
    assert len(person.messages) == 1


async def test_the_third_call_meets_a_flood_wait(double: Double, bot: Bot, person: Person) -> None:
    double.faults.on("sendMessage", Fault.flood(7), after=2)
    await bot.send_message(person.id, "1")
    await bot.send_message(person.id, "2")
    with pytest.raises(RetryAfter) as wait:
        await bot.send_message(person.id, "3")
    assert wait.value.retry_after == timedelta(seconds=7)
    await bot.send_message(person.id, "3")
    assert [message.text for message in person.messages[1:]] == ["1", "2", "3"]


async def test_faults_strike_by_method_and_chat_as_often_as_told(double: Double, bot: Bot, person: Person) -> None:
    other = double.person("他人")
    await other.says("/start")
    double.faults.on("*", Fault.status(500), times=2, chat=person.id)
    assert await bot.send_message(other.id, "x")
    assert await bot.get_me()
    for _ in range(2):
        with pytest.raises(NetworkError):
            await bot.send_chat_action(person.id, "typing")
    assert await bot.send_message(person.id, "x")


async def test_any_method_leaves_polling_alone(double: Double, bot: Bot, person: Person) -> None:
    double.faults.on("*", Fault.status(500))
    assert await bot.get_updates() == ()
    double.faults.on("getUpdates", Fault.status(502))
    with pytest.raises(NetworkError):
        await bot.get_updates()
    double.faults.clear()
    assert await bot.send_message(person.id, "x")


async def test_a_cut_connection_leaves_no_call_in_flight(double: Double, bot: Bot, person: Person) -> None:
    double.faults.on("sendMessage", Fault.timeout(0.2))
    with pytest.raises(TelegramError):
        await bot.send_message(person.id, "x", read_timeout=0.05)
    await asyncio.wait_for(double.settled(), 2)
    assert double.world.calls_in_flight == 0
