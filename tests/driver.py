"""The dialogue driver: the real Application against the Bot API double, on a fresh database.

    async with bot_running(database) as world:
        ming = world.person("小明")
        await ming.says("/start")
        await ming.taps("同意并加入")
        await ming.sees("100")
        await world.restart()                # the process goes and another comes
        second = await world.another()       # one more worker on the same database (webhook mode spreads updates)
        await world.kill()                   # the process dies where it stands; `world.start()` brings the next

`world.person` gives the double's person: `says`, `taps`, `sees`, `messages`, `last`, `block` … (see `bot/double/people.py`).
`await world.settled()` waits until every update was worked on and everything committed was said. `world.sql("SELECT …")` looks
into the database. `world.clock.move(days)` moves the programme's business date. `await world.renewals_due()` lets screens that
renew themselves do so once; otherwise they never do. By default updates are polled; with `webhook=True` the double posts them to
every worker in turn; with `by_hand=True` nothing comes by itself and a test hands them over
(`world.feed`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from aiohttp import ClientSession, web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from telegram import Update

from bot.clock import Clock
from bot.double.double import Double, Person
from bot.double.limits import Limits
from bot.engines import engines
from bot.logs import with_turn
from bot.metrics import Metrics
from bot.opening import language_of
from bot.pictures import qr_png
from bot.webhook import PATH, register
from bot.worker import Parts, Worker
from chat.feature import Feature, discover
from ledger.members import joining, profile
from ledger.members.person import Person as Known
from ledger.members.vault import Vault
from ledger.points.commands import Moment
from tests import turns
from tests.conftest import Database

ZONE = ZoneInfo("Asia/Shanghai")
SECRET = "webhook-secret-of-the-tests"
CONNECTIONS = 12
PACE = Limits.telegram()
"""What the double enforces unless a test says otherwise."""

Setup = Callable[[AsyncConnection], Awaitable[Any]]

_PROGRAMME = text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))")


async def coalition(tx: AsyncConnection) -> None:
    """A small coalition and its programme (`tests/turns.py`): what a database holds unless a test says otherwise."""
    await turns.coalition(tx)
    await tx.execute(_PROGRAMME, {"document": turns.PROGRAMME.model_dump_json()})


async def programme_only(tx: AsyncConnection) -> None:
    """Just the programme's document, for tests that look at the edge alone."""
    await tx.execute(_PROGRAMME, {"document": turns.PROGRAMME.model_dump_json()})


@cache
def asset(name: str) -> bytes:
    """A picture for any asset's name."""
    return qr_png(name)


class World:
    """A double, its people, and the bot's workers on one database."""

    def __init__(
        self, database: Database, double: Double, features: Sequence[Feature], *, webhook: bool, by_hand: bool
    ) -> None:
        self.database = database
        self.double = double
        self.features = features
        self.vault = Vault("a secret for tests", lambda n: hashlib.sha256(str(next(_entropy)).encode()).digest()[:n])
        self.wall_offset = dt.timedelta(0)
        self.clock = ProgrammeClock(self)
        self.workers: list[Worker] = []
        self.metrics = Metrics()
        self.provider_token: str | None = None
        self._webhook = webhook
        self._by_hand = by_hand
        self._balancer = _Balancer()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    # -- people

    def person(self, name: str, language: str | None = "zh-hans", **user: Any) -> Person:
        """Somebody who uses the bot."""
        return self.double.person(name, language, **user)

    async def member(self, name: str = "小明", language: str | None = "zh-hans") -> Person:
        """Somebody who has joined already, without the bot having been asked."""
        person = self.person(name, language)
        person.chat.started = True
        async with self.database.engine.begin() as tx:
            who = Known(person.id, person.id, name)
            at = Moment(self.now(), self.now().astimezone(ZONE).date())
            joined = await joining.join(tx, self.vault, turns.PROGRAMME, who, welcome_issuer_id=None, at=at)
            if language is not None:
                await profile.hear_language(tx, joined.member.id, language_of(language))
        return person

    # -- the bot

    @property
    def worker(self) -> Worker:
        """The first worker."""
        return self.workers[0]

    async def start(self) -> Worker:
        """Start a worker, the first or one more."""
        worker = Worker(self.parts())
        await worker.start()
        self.workers.append(worker)
        if self._webhook:
            await self._balancer.add(worker)
            if len(self.workers) == 1:
                await register(worker.bot, self._balancer.url, SECRET)
        elif not self._by_hand:
            worker.poll()
        return worker

    another = start

    def parts(self) -> Parts:
        """What each worker is made of."""
        return Parts(
            engines=engines(self.database.url, CONNECTIONS),
            vault=self.vault,
            clock=Clock(ZONE, self.now),
            features=self.features,
            token=self.double.token,
            api_url=self.double.url,
            qr_png=qr_png,
            assets=asset,
            webhook_secret=SECRET,
            provider_token=self.provider_token,
            metrics=self.metrics,
            sleep=self._sleep,
        )

    def now(self) -> dt.datetime:
        """What the workers take for the present."""
        return dt.datetime.now(dt.UTC) + self.wall_offset

    async def _sleep(self, seconds: float) -> None:
        awake = asyncio.get_running_loop().create_future()
        self._sleepers.append((seconds, awake))
        await awake

    async def renewals_due(self) -> int:
        """Let the time pass until every screen that renews itself is due, and all of it be done. How many there were.

        Of themselves they don't: time stands still for them until this is called.
        """
        sleepers = [(seconds, awake) for seconds, awake in self._sleepers if not awake.done()]
        self._sleepers = []
        self.wall_offset += dt.timedelta(seconds=max((seconds for seconds, _ in sleepers), default=0.0))
        renewing = [task for worker in self.workers for task in worker.renewals._tasks]
        for _, awake in sleepers:
            awake.set_result(None)
        await asyncio.gather(*renewing, return_exceptions=True)
        await self.settled()
        return len(sleepers)

    async def feed(self, worker: Worker, update_id: int | None) -> None:
        """Hand an update the double made to a worker; returns when it is worked on."""
        (wire,) = [update.wire for update in self.double.updates if update.id == update_id]
        await self.feed_raw(worker, wire)

    async def feed_raw(self, worker: Worker, wire: dict[str, Any]) -> None:
        """The same for an update made up by the test."""
        update = Update.de_json(wire, worker.bot)
        await worker.application.update_processor.process_update(update, worker.application.process_update(update))

    async def stop(self, worker: Worker | None = None) -> None:
        """Stop a worker (the first) in an orderly way."""
        worker = worker or self.workers[0]
        self.workers.remove(worker)
        await self._balancer.remove(worker)
        await worker.stop(5.0)
        await worker.parts.engines.dispose()

    async def kill(self, worker: Worker | None = None) -> None:
        """End a worker where it stands: its tasks, its connections; nothing is finished, said or given up."""
        worker = worker or self.workers[0]
        self.workers.remove(worker)
        await self._balancer.remove(worker)
        await worker.bot.shutdown()  # from here on it can't say, ask or confirm anything
        ends = [*worker.poller._work.values(), *worker.outbox._tasks, *worker.outbox._senders]
        ends += worker.renewals._tasks
        ends += [worker._polling] if worker._polling is not None else []
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        await worker.application.shutdown()
        await worker.parts.engines.dispose()
        await self.sql("UPDATE lead SET until = clock_timestamp()")  # what waiting fifteen seconds would do
        await self.sql("UPDATE outbox SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")

    async def restart(self) -> None:
        """Stop every worker and start one."""
        while self.workers:
            await self.stop()
        await self.start()

    async def settled(self, timeout: float = 20.0) -> None:
        """Wait until every update was worked on and everything committed was said.

        Raises:
            AssertionError: it did not calm down within `timeout`.
        """
        deadline = time.monotonic() + timeout
        while True:
            if not self._by_hand or self.double.world.updates.webhook_active:
                await self.double.settled(max(0.1, deadline - time.monotonic()))
            waiting = await self.sql("SELECT count(*) FROM outbox WHERE state = 'waiting'")
            if not waiting[0][0]:
                return
            if time.monotonic() > deadline:
                rows = await self.sql("SELECT chat_id, id, policy, error FROM outbox WHERE state = 'waiting' LIMIT 5")
                raise AssertionError(f"messages still wait: {rows}")
            await asyncio.sleep(0.02)

    # -- the database

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run one statement, committed; its rows."""
        async with self.database.engine.begin() as tx:
            found = await tx.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    async def close(self) -> None:
        """Stop everything."""
        while self.workers:
            await self.stop()
        await self._balancer.close()


class ProgrammeClock:
    """The programme's business date, as a test moves it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def move(self, days: int) -> None:
        """Let `days` business days pass."""
        async with self._world.database.engine.begin() as tx:
            await Clock(ZONE, self._world.now).move(tx, days)


class _Balancer:
    """One address in front of several workers: each post goes to the next one."""

    def __init__(self) -> None:
        self.url = ""
        self._servers: dict[Worker, tuple[web.AppRunner, str]] = {}
        self._front: web.AppRunner | None = None
        self._session: ClientSession | None = None
        self._turn = itertools.count()

    async def add(self, worker: Worker) -> None:
        app = web.Application()
        worker.webhook.add_to(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        self._servers[worker] = (runner, f"http://{host}:{port}{PATH}")
        if self._front is None:
            front = web.Application()
            front.router.add_post(PATH, self._pass_on)
            self._session = ClientSession()
            self._front = web.AppRunner(front, access_log=None, shutdown_timeout=0.1)
            await self._front.setup()
            await web.TCPSite(self._front, "127.0.0.1", 0).start()
            host, port = self._front.addresses[0]
            self.url = f"http://{host}:{port}"

    async def remove(self, worker: Worker) -> None:
        if worker in self._servers:
            runner, _ = self._servers.pop(worker)
            await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        addresses = [address for _, address in self._servers.values()]
        if not addresses or self._session is None:
            return web.Response(status=502)
        address = addresses[next(self._turn) % len(addresses)]
        try:
            body = await request.read()
            async with self._session.post(address, data=body, headers=request.headers) as answer:
                said = {
                    name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers
                }
                return web.Response(status=answer.status, body=await answer.read(), headers=said)
        except OSError:
            return web.Response(status=502)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        for runner in [*(runner for runner, _ in self._servers.values()), *([self._front] if self._front else [])]:
            await runner.cleanup()


def _log_plainly() -> None:
    """structlog's own default draws tracebacks with every local variable, for seconds each."""
    if not structlog.is_configured():
        plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(processors=[with_turn, structlog.processors.add_log_level, plain])


@asynccontextmanager
async def bot_running(
    database: Database,
    *,
    features: Sequence[Feature] | None = None,
    setup: Setup = coalition,
    webhook: bool = False,
    by_hand: bool = False,
    limits: Limits | None = None,
    workers: int = 1,
    provider_token: str | None = None,
) -> AsyncIterator[World]:
    """A world with `workers` running.

    Args:
        features: instead of those in `handlers/`.
        setup: fills the fresh database.
        webhook: updates are posted rather than polled. by_hand: they stay where they are until `world.feed`.
        limits: of the double; `PACE` by default.
        provider_token: of a payment provider; none: no invoices.
    """
    _log_plainly()
    async with database.engine.begin() as tx:
        await setup(tx)
    double = Double(limits=limits or PACE)
    await double.start()
    world = World(database, double, discover() if features is None else features, webhook=webhook, by_hand=by_hand)
    world.provider_token = provider_token
    try:
        for _ in range(workers):
            await world.start()
        yield world
    finally:
        await world.close()
        await double.stop()


_entropy = itertools.count(1)
