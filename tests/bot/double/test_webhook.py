"""Delivery to a webhook: its order, its retries, what getWebhookInfo tells, and what a reply may ask for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import RetryAfter

from bot.double.double import Clock, Double, Limits
from bot.double.people import Person

from .conftest import client

Answer = Callable[[dict[str, Any]], Awaitable[web.Response]]


class Worker:
    """The bot's side of a webhook: notes what came, and answers as told."""

    def __init__(self) -> None:
        self.came: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = self.fine
        self.url = ""

    async def fine(self, update: dict[str, Any]) -> web.Response:
        return web.Response()

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        update = json.loads(await request.read())
        self.came.append(update)
        self.headers.append(dict(request.headers))
        return await self.answer(update)

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.came if "message" in update]


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    """A webhook on loopback."""
    hook = Worker()
    runner = web.ServerRunner(web.Server(hook))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()


async def until(check: Callable[[], bool], seconds: float = 3.0) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


async def test_updates_arrive_with_the_secret_and_are_confirmed_by_a_200(
    double: Double, bot: Bot, person: Person, worker: Worker
) -> None:
    await person.says("waiting since before")
    await bot.set_webhook(worker.url, secret_token="s-3cret", max_connections=5)
    await person.says("好")
    await double.settled()
    assert worker.texts == ["waiting since before", "好"]
    assert worker.headers[0]["X-Telegram-Bot-Api-Secret-Token"] == "s-3cret"
    assert worker.headers[0]["Content-Type"] == "application/json"
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count, info.max_connections) == (worker.url, 0, 5)
    assert info.last_error_message is None


async def test_one_chat_is_served_in_order_and_others_do_not_wait_for_it(
    double: Double, bot: Bot, person: Person, worker: Worker
) -> None:
    neighbour = double.person("邻居")
    free = asyncio.Event()

    async def slow_for_one(update: dict[str, Any]) -> web.Response:
        if update["message"]["chat"]["id"] == person.id:
            await free.wait()
        return web.Response()

    worker.answer = slow_for_one
    await bot.set_webhook(worker.url)
    for text in ("1", "2", "3"):
        await person.says(text)
    await neighbour.says("n")
    await until(lambda: len(worker.came) == 2)
    await asyncio.sleep(0.05)
    assert worker.texts == ["1", "n"], "2 waits for the answer to 1"
    free.set()
    await double.settled()
    assert worker.texts == ["1", "n", "2", "3"]


async def test_a_press_overtakes_a_message_of_the_same_person(
    double: Double, bot: Bot, person: Person, worker: Worker
) -> None:
    free = asyncio.Event()

    async def slow_for_messages(update: dict[str, Any]) -> web.Response:
        if "message" in update:
            await free.wait()
        return web.Response()

    worker.answer = slow_for_messages
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("b", callback_data="x")]])
    await bot.send_message(person.id, "x", reply_markup=markup)
    await bot.set_webhook(worker.url)
    await person.says("slow")
    await person.taps("b")
    await until(lambda: len(worker.came) == 2)
    assert "callback_query" in worker.came[1]
    free.set()
    await double.settled()


async def test_a_failed_delivery_is_repeated_at_once_then_ever_later(worker: Worker) -> None:
    clock = Clock(running=False)
    async with Double(limits=Limits.off(), clock=clock) as double, client(double) as bot:
        person = double.person("小明")

        async def fail(update: dict[str, Any]) -> web.Response:
            return web.Response(status=500)

        worker.answer = fail
        await bot.set_webhook(worker.url)
        update_id = await person.says("x")
        await until(lambda: len(worker.came) == 2)
        info = await bot.get_webhook_info()
        assert info.pending_update_count == 1
        assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"
        attempts = 2
        for delay in (2, 4, 8, 16, 32, 60, 60):
            clock.advance(delay - 0.5)
            await asyncio.sleep(0.02)
            assert len(worker.came) == attempts, f"earlier than {delay} s"
            clock.advance(0.6)
            attempts += 1
            await until(lambda expected=attempts: len(worker.came) == expected)  # type: ignore[misc]
            # The answer must be back before time moves again.
            await until(lambda: clock.waited_for > 0)
        worker.answer = worker.fine
        clock.advance(60)
        await double.settled()
        assert {update["update_id"] for update in worker.came} == {update_id}


async def test_a_server_that_was_away_delivers_when_it_is_back(
    double: Double, bot: Bot, person: Person, worker: Worker
) -> None:
    port = int(double.url.rpartition(":")[2])
    await double.stop()
    await person.says("x")
    await double.start(port=port)
    await bot.set_webhook(worker.url)
    await double.settled()
    assert worker.texts == ["x"]


async def test_retry_after_is_honoured(double: Double, bot: Bot, person: Person, worker: Worker) -> None:
    async def busy(update: dict[str, Any]) -> web.Response:
        worker.answer = worker.fine
        return web.Response(status=503, headers={"Retry-After": "600"})

    worker.answer = busy
    await bot.set_webhook(worker.url)
    await person.says("x")
    await until(lambda: len(worker.came) == 1)
    await asyncio.sleep(0.1)
    assert len(worker.came) == 1
    double.clock.advance(600)
    await double.settled()
    assert len(worker.came) == 2


async def test_a_refused_connection_is_a_failure_too(double: Double, bot: Bot, person: Person, worker: Worker) -> None:
    await bot.set_webhook("http://127.0.0.1:9/nobody")
    await person.says("x")
    await until(lambda: double.world.webhook.info().get("last_error_message") == "Connection refused")
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1, "nothing is lost by going back to polling"


async def test_lapsed_updates_are_dropped_instead_of_retried(
    double: Double, bot: Bot, person: Person, worker: Worker
) -> None:
    async def fail(update: dict[str, Any]) -> web.Response:
        return web.Response(status=500, headers={"Retry-After": "60"})

    worker.answer = fail
    await bot.set_webhook(worker.url)
    await person.says("x")
    await until(lambda: len(worker.came) == 1)
    double.clock.advance(86_400)
    await double.settled()
    assert double.world.updates.lapsed == 1


async def test_a_reply_may_name_a_method_whose_result_nobody_learns(
    double: Double, bot: Bot, person: Person, worker: Worker
) -> None:
    async def reply(update: dict[str, Any]) -> web.Response:
        method = "deleteWebhook" if update["message"]["text"] == "trick" else "sendMessage"
        return web.json_response({"method": method, "chat_id": person.id, "text": "收到"})

    worker.answer = reply
    await bot.set_webhook(worker.url)
    await person.says("x")
    await person.sees("收到")
    assert double.calls[-1].method == "sendMessage"
    await person.says("trick")
    await double.settled()
    assert (await bot.get_webhook_info()).url == worker.url, "methods about the webhook are not run from a reply"


async def test_the_same_update_can_be_delivered_again(double: Double, bot: Bot, person: Person, worker: Worker) -> None:
    await bot.set_webhook(worker.url)
    update_id = await person.says("x")
    await double.settled()
    assert update_id is not None
    await double.redeliver(update_id)
    await double.settled()
    assert [update["update_id"] for update in worker.came] == [update_id, update_id]


async def test_pending_updates_can_be_dropped(double: Double, bot: Bot, person: Person, worker: Worker) -> None:
    await person.says("old")
    await bot.set_webhook(worker.url, drop_pending_updates=True)
    await person.says("new")
    await double.settled()
    assert worker.texts == ["new"]


async def test_setting_a_webhook_twice_within_a_second_is_too_often() -> None:
    async with Double(limits=Limits.telegram()) as double, client(double) as bot:
        await bot.set_webhook("https://127.0.0.1:8443/a")
        with pytest.raises(RetryAfter):
            await bot.set_webhook("https://127.0.0.1:8443/b")
        double.clock.advance(1)
        assert await bot.set_webhook("https://127.0.0.1:8443/b")


async def test_a_webhook_gone_for_23_hours_is_removed(double: Double, bot: Bot, person: Person, worker: Worker) -> None:
    async def gone(update: dict[str, Any]) -> web.Response:
        return web.Response(status=410, headers={"Retry-After": "60"})

    worker.answer = gone
    await bot.set_webhook(worker.url)
    await person.says("x")
    await until(lambda: len(worker.came) == 1)
    double.clock.advance(23 * 3600 + 1)
    await until(lambda: double.world.webhook.info()["url"] == "")
    assert len(await bot.get_updates()) == 1
