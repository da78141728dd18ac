"""A worker that ends between any two steps: each effect exactly once, each reply at least once, nothing out of order.

In one process an update is cancelled at its n-th suspension, for every n there is, and then delivered to another worker. After that
real processes, killed with SIGKILL under load and started again.
"""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import sys
from collections.abc import Coroutine, Generator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web
from sqlalchemy import text

from bot.webhook import PATH, register
from bot.worker import Worker
from tests.bot.test_turns import effects, feature
from tests.conftest import Database
from tests.driver import SECRET, World, bot_running


class StopAt:
    """Awaits a coroutine and cancels its task as it suspends for the n-th time; `count` says how often it did."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], suspension: int) -> None:
        self._coroutine = coroutine
        self._suspension = suspension
        self.count = 0

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self._coroutine.__await__()
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits = steps.send(value) if error is None else steps.throw(error)
            except StopIteration:
                return
            if self.count == self._suspension:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            self.count += 1
            value = error = None
            try:
                value = yield waits
            except BaseException as raised:
                error = raised


async def stopped(coroutine: Coroutine[Any, Any, None], suspension: int) -> bool:
    """Whether the coroutine was stopped at that suspension; False when it ended before."""

    async def run() -> None:
        await StopAt(coroutine, suspension)

    try:
        await asyncio.create_task(run())
    except asyncio.CancelledError:
        return True
    return False


async def nothing_prepared(worker: Worker) -> None:
    """New connections in place of those that lie ready: each try then waits for the same things in the same order."""
    turns = worker.parts.engines.turns
    async with AsyncExitStack() as held:
        ready = [await held.enter_async_context(turns.connect()) for _ in range(max(1, turns.pool.checkedin()))]  # type: ignore[attr-defined]
        for connection in ready:
            await connection.invalidate()
            await connection.execute(text("SELECT 1"))


@pytest.mark.parametrize("what", ["/add 苹果", "/ask 苹果", "50", "加一"])
async def test_an_update_stopped_at_any_await_is_done_once_by_the_next_worker(database: Database, what: str) -> None:
    """A command, one that begins a conversation, a refusal in it, a tap: stopped everywhere, done by another worker."""
    async with bot_running(database, features=[feature], setup=effects, by_hand=True, workers=2) as world:
        first, second = world.workers
        for suspension in range(200):
            ming = world.person(f"第{suspension}位")
            if what == "50":
                await world.feed(second, await ming.says("/ask 苹果"))
            if what == "加一":
                await world.feed(second, await ming.says("/start"))
            tap = await ming.taps("加一") if what == "加一" else None
            update = tap.update_id if tap is not None else await ming.says(what)
            await nothing_prepared(first)
            was_stopped = await stopped(world.feed(first, update), suspension)
            await asyncio.gather(world.feed(second, update), world.feed(second, update))
            await what_waits_is_said_to(world, ming.id)
            await ming.sees({"/add 苹果": "记下", "/ask 苹果": "要几个", "50": "最多 10 个", "加一": "加好了"}[what])
            done = await world.sql("SELECT count(*) FROM effect WHERE chat_id = :chat", chat=ming.id)
            assert done[0][0] == {"/add 苹果": 1, "/ask 苹果": 0, "50": 0, "加一": 1}[what]
            state = await world.sql("SELECT state FROM dialogue WHERE chat_id = :chat", chat=ming.id)
            assert [row.state for row in state] == ([] if what in ("/add 苹果", "加一") else ["try.amount"])
            if not was_stopped:
                assert suspension > 5, "the update was never really stopped"
                break
        else:
            raise AssertionError("the update never ended by itself")


async def what_waits_is_said_to(world: World, chat: int) -> None:
    """Leases of a stopped worker run out at once, and what waits for this chat is said."""
    for _ in range(400):
        waiting = await world.sql(
            "UPDATE outbox SET lease_until = least(lease_until, clock_timestamp() + interval '0.3 seconds')"
            " WHERE chat_id = :chat AND state = 'waiting' RETURNING id",
            chat=chat,
        )
        if not waiting:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("something is never said")


class Processes:
    """Worker processes behind one address; a post goes to one at random, as a load balancer would have it."""

    def __init__(self, world: World, count: int) -> None:
        self._world = world
        self._ports = [_free_port() for _ in range(count)]
        self._running: list[asyncio.subprocess.Process] = []
        self._random = random.Random(7)
        self.url = ""

    async def start(self) -> None:
        self._running = list(await asyncio.gather(*map(self._spawn, self._ports)))
        app = web.Application()
        app.router.add_post(PATH, self._pass_on)
        self._session = ClientSession()
        self._front = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._front.setup()
        await web.TCPSite(self._front, "127.0.0.1", 0).start()
        host, port = self._front.addresses[0]
        self.url = f"http://{host}:{port}"

    async def _spawn(self, port: int) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.worker_process",
            self._world.database.url,
            self._world.double.url,
            str(port),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"READY\n"
        return process

    async def kill_one(self) -> None:
        """SIGKILL, and a new one in its place."""
        number = self._random.randrange(len(self._running))
        self._running[number].send_signal(signal.SIGKILL)
        await self._running[number].wait()
        self._running[number] = await self._spawn(self._ports[number])

    async def _pass_on(self, request: web.Request) -> web.Response:
        port = self._random.choice(self._ports)
        try:
            body = await request.read()
            address = f"http://127.0.0.1:{port}{PATH}"
            async with self._session.post(address, data=body, headers=request.headers) as answer:
                # Now and then Telegram does not learn of a success and delivers again.
                status = answer.status if answer.status != 200 or self._random.random() > 0.05 else 502
                return web.Response(status=status)
        except (ClientError, OSError):
            return web.Response(status=502)

    async def stop(self) -> None:
        for process in self._running:
            process.kill()
            await process.wait()
        await self._session.close()
        await self._front.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
async def test_processes_killed_under_load_lose_nothing_double_nothing_and_keep_order(database: Database) -> None:
    people_count, each, kills = 8, 12, 6
    async with bot_running(database, features=[feature], setup=effects, by_hand=True, workers=1) as world:
        processes = Processes(world, 2)
        await processes.start()
        try:
            await register(world.worker.bot, processes.url, SECRET)
            people = [world.person(f"会员{number}") for number in range(people_count)]

            async def talk(person: Any) -> None:
                for number in range(each):
                    await person.says(f"/add {number}")
                    await asyncio.sleep(random.uniform(0.0, 0.4))

            async def kill() -> None:
                for _ in range(kills):
                    await asyncio.sleep(random.uniform(0.05, 0.3))
                    await processes.kill_one()

            await asyncio.gather(kill(), *map(talk, people))
            await world.settled(timeout=60)
            for person in people:
                written = await world.sql("SELECT what FROM effect WHERE chat_id = :chat ORDER BY id", chat=person.id)
                assert [row.what for row in written] == [str(number) for number in range(each)]
                said = [message.text for message in person.messages if message.from_bot]
                first_said = list(dict.fromkeys(said))
                assert first_said == [f"记下 {number}" for number in range(each)]
        finally:
            await processes.stop()
