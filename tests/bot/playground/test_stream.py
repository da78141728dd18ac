"""What the page is told, read over HTTP as the page reads it."""

from __future__ import annotations

import asyncio
import socket
import time
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.double.limits import Limits
from bot.playground.stream import Reader, Stream
from tests.bot.playground.demo import Demo, DemoClock, demo
from tests.bot.playground.events import events_of

MING = 1001
MESSAGES = 700  # far more than the sockets' buffers and the queue hold


async def test_a_page_is_told_everything_at_once_and_then_each_change(
    running: Demo, client: aiohttp.ClientSession
) -> None:
    async with events_of(client, running.url) as events:
        first = await events.next()
        assert first["type"] == "snapshot"
        assert [person["name"] for person in first["people"]][:2] == ["小明", "小红"]
        assert first["clock"] == {"date": "2026-11-22"}
        assert first["bot"]["username"] == "jifen_demo_bot"
        await running.double.people[MING].says("/start")
        said = await events.text(MING, "/start")
        answered = await events.text(MING, "1,180")
    assert said["mine"] and not answered["mine"]
    assert answered["entities"][0] == {"type": "bold", "offset": 3, "length": 7}
    assert [[key["text"] for key in row] for row in answered["keyboard"]] == [["兑换", "会员码"], ["明细", "邀请好友"]]


@pytest.mark.parametrize("steps", range(6))
async def test_it_ends_even_where_something_happens_at_that_moment(quiet: Demo, steps: int) -> None:
    stream = Stream(quiet.double, DemoClock(), {})
    following = asyncio.create_task(stream.run())
    await asyncio.sleep(0.05)
    stream.nudge()
    for _ in range(steps):
        await asyncio.sleep(0)
    following.cancel()
    done, _ = await asyncio.wait([following], timeout=2)
    assert done and following.cancelled()


async def test_an_edit_is_told_as_the_same_message_and_a_deletion_as_gone(
    quiet: Demo, client: aiohttp.ClientSession
) -> None:
    await quiet.double.people[MING].says("hello")
    sent = await quiet.api.call("sendMessage", chat_id=MING, text="before")
    async with events_of(client, quiet.url) as events:
        await events.next()
        await quiet.api.call("editMessageText", chat_id=MING, message_id=sent["message_id"], text="after")
        edited = await events.text(MING, "after")
        assert edited["id"] == sent["message_id"]
        assert edited["edited_at"] is not None
        await quiet.api.call("deleteMessage", chat_id=MING, message_id=sent["message_id"])
        gone = await events.until(lambda change: change["type"] == "messages")
        assert gone["gone"] == [sent["message_id"]]


async def test_a_page_that_opens_later_or_again_finds_the_same_world(
    running: Demo, client: aiohttp.ClientSession
) -> None:
    async with events_of(client, running.url) as events:
        await events.next()
        await running.double.people[MING].says("/start")
        await events.text(MING, "1,180")
    async with events_of(client, running.url) as events:
        snapshot = await events.next()
    texts = [message["text"] for message in snapshot["chats"][str(MING)]]
    assert texts[0] == "/start" and "1,180" in texts[1]
    assert any(call["method"] == "sendMessage" and call["person"] == MING for call in snapshot["calls"])


async def test_calls_are_told_with_parameters_that_can_be_read_and_without_secrets(
    quiet: Demo, client: aiohttp.ClientSession
) -> None:
    await quiet.double.people[MING].says("hello")
    async with events_of(client, quiet.url) as events:
        await events.next()
        keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
        await quiet.api.call("sendMessage", chat_id=MING, text="x" * 20_000)
        await quiet.api.call("sendMessage", chat_id=MING, text="y", reply_markup=keyboard)
        await quiet.api.call("setWebhook", url="https://example.org/hook", secret_token="topsecret")
        refused = (await events.until(lambda change: change["type"] == "call"))["call"]
        sent = (await events.until(lambda change: change["type"] == "call"))["call"]
        hook = (await events.until(lambda change: change["type"] == "call"))["call"]
    assert refused["status"] == 400 and "too long" in refused["result"]
    assert len(refused["params"]["text"]) < 10_000
    assert sent["params"]["reply_markup"] == keyboard
    assert sent["status"] == 200 and sent["ms"] >= 0
    assert hook["method"] == "setWebhook"
    assert "topsecret" not in str(events.seen)


async def test_a_reader_that_stops_reading_holds_up_nobody_and_later_gets_a_fresh_snapshot(
    client: aiohttp.ClientSession,
) -> None:
    async with demo(with_bot=False, changes_max=10, limits=Limits.off()) as running:
        person = running.double.people[MING]
        await person.says("hello")
        address = urlsplit(running.url)
        started = time.monotonic()
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.settimeout(10)
            stalled.connect((address.hostname, address.port))
            stalled.sendall(f"GET {address.path}api/events HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
            async with events_of(client, running.url) as events:
                await events.next()
                for number in range(MESSAGES):
                    await running.api.call("sendMessage", chat_id=MING, text=f"{number} " + "长" * 3000)
                    if number % 10 == 0:
                        await asyncio.sleep(0.03)  # so that changes are told in many pieces
                await events.text(MING, f"{MESSAGES - 1} ")
            assert time.monotonic() - started < 20
            received = await asyncio.to_thread(_read_until, stalled, f"{MESSAGES - 1} ".encode())
    told = [line for line in received.split(b"\n") if line.startswith(b"data: ")]
    assert sum(b'"type":"snapshot"' in line for line in told) >= 2
    assert len(received) > 100_000


def _read_until(stream: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received[-20_000:]:
        piece = stream.recv(65_536)
        assert piece, "the stream ended"
        received += piece
    return received


async def test_a_full_queue_is_thrown_away_and_only_a_snapshot_is_due() -> None:
    reader = Reader(changes_max=2)
    assert reader.behind
    assert await reader.take(0.01) == []
    reader.behind = False
    reader.put({"type": "a"})
    reader.put({"type": "b"})
    reader.put({"type": "c"})
    assert reader.behind
    assert await reader.take(0.01) == []
    reader.put({"type": "d"})
    assert await reader.take(0.01) == [], "what the snapshot will hold anyway is not queued"


async def test_closing_ends_the_open_streams_at_once() -> None:
    async with aiohttp.ClientSession() as client:
        async with demo(with_bot=False) as running:
            response = await client.get(f"{running.url}api/events")
            await response.content.readline()
            started = time.monotonic()
        assert time.monotonic() - started < 1.5
        response.close()
