"""Merchants' sandboxes: a database for each, made when a test key first comes, from this version's migrations.

A connection to a database can't so much as name another one's tables, and locks, sequences and clocks are each database's own: so
nothing that is done with a test key can reach what is live, however wrong it is. A sandbox's secrets follow from the programme's,
the merchant and the moment of its filling: whatever was given out before a reset is good for nothing after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import structlog
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot import failures, leads, migrate, timetable
from bot.clock import Clock
from bot.engines import Connects, Engines, engines
from bot.merchant_api import problems, sandbox_copy
from bot.merchant_api.hooks import Hooks
from bot.merchant_api.limits import AtOnce
from bot.merchant_api.world import World
from bot.timetable import Timetable
from ledger.members.vault import Vault
from ledger.merchants.api_keys import ApiKey

log = structlog.get_logger(__name__)

CONNECTIONS = 4
OPEN_MOST = 4
IDLE_SECONDS = 600.0
SIZE_MOST = 300_000_000
SIZE_SECONDS = 30.0
SETTLE_SECONDS = 120.0

_NO_DATABASE, _NOT_PERMITTED = "3D000", "42501"
_DATABASE_THERE = ("42P04", "23505")
_THERE = text("SELECT 1 FROM pg_database WHERE datname = :name")

_SAME_KEY = text(
    "INSERT INTO api_key OVERRIDING SYSTEM VALUE"
    " SELECT * FROM jsonb_populate_record(NULL::api_key, CAST(:key AS jsonb)) ON CONFLICT DO NOTHING"
)
_LIVE_KEY = text("SELECT CAST(to_jsonb(k) AS text) FROM api_key k WHERE id = :id")
_FILLED = text("SELECT created_at FROM merchant LIMIT 1")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('sandbox', 0))")


@dataclass
class _Open:
    """A sandbox in use by this process. `filled` names the filling that `world` was made for; `past` are worlds of fillings
    before it, which may still be finishing something."""

    merchant_id: int
    engines: Engines
    filled: str
    world: World
    hooks: asyncio.Task[None]
    past: list[World] = field(default_factory=list)
    keys: set[int] = field(default_factory=set)
    users: int = 0
    used_at: float = 0.0
    measured_at: float = float("-inf")
    full: bool = False


def name_of(live: URL, merchant_id: int) -> str:
    """The database of a merchant's sandbox."""
    return f"{(live.database or '')[:40]}_sandbox_{merchant_id}"


async def drop(live: URL, merchant_id: int) -> bool:
    """Drop a merchant's sandbox with everything in it, whoever is using it; whether there was one."""
    async with _maintenance(live) as connection:
        name = name_of(live, merchant_id)
        there = await connection.scalar(_THERE, {"name": name})
        if there is not None:
            await connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    return there is not None


async def _make(live: URL, merchant_id: int) -> None:
    """Make the database where there is none; of two processes at once one does."""
    async with _maintenance(live) as connection:
        name = name_of(live, merchant_id)
        if await connection.scalar(_THERE, {"name": name}):
            return
        try:
            await connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        except DBAPIError as error:
            state = failures.sqlstate(error)
            if state == _NOT_PERMITTED:
                raise problems.no_sandbox() from error
            if state not in _DATABASE_THERE:
                raise
            return
    log.info("sandbox_made", merchant_id=merchant_id)


@contextlib.asynccontextmanager
async def _maintenance(live: URL) -> AsyncIterator[AsyncConnection]:
    """A connection outside of transactions: databases are made and dropped on such."""
    engine = create_async_engine(live, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


class Sandboxes:
    """Opens sandboxes as their keys come, and closes those that nobody asks any more.

    Args:
        live, reads: the programme's own database; nothing is written to it.
        holder: names this process where one of many may run a sandbox's duties.
        inside: see `Hooks`.
    """

    def __init__(
        self, live: AsyncEngine, reads: Connects, vault: Vault, clock: Clock, *, holder: str, inside: bool
    ) -> None:
        self._url: URL = live.url
        self._reads = reads
        self._vault = vault
        self._clock = clock
        self._holder = holder
        self._inside = inside
        self._open: dict[int, _Open] = {}
        self._opening = asyncio.Lock()
        self._settling = asyncio.Lock()
        self._batches = asyncio.Semaphore(1)
        self._sweeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sandboxes:
        self._sweeping = asyncio.create_task(self._sweep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        for merchant_id in list(self._open):
            await self._close(self._open.pop(merchant_id))

    @contextlib.asynccontextmanager
    async def world(self, key: ApiKey) -> AsyncIterator[World]:
        """The sandbox of a test key's merchant, for the time of a block; made where there is none.

        Raises:
            Problem 503: the database's role makes no databases, or too many sandboxes are in use.
        """
        opened = self._open.get(key.merchant_id) or await self._reach(key.merchant_id)
        opened.users += 1
        try:
            await self._look(opened, key)
            yield opened.world
        except DBAPIError as error:
            if failures.sqlstate(error) == _NO_DATABASE:  # it was dropped under us; whoever comes next finds a new one
                if self._open.get(key.merchant_id) is opened:
                    await self._close(self._open.pop(key.merchant_id))
                raise problems.not_now() from error
            raise
        finally:
            opened.users -= 1
            opened.used_at = time.monotonic()

    async def must_have_room(self, world: World) -> None:
        """`Problem` 409 where a sandbox has grown too large to be written to."""
        opened = next((each for each in self._open.values() if each.world is world), None)
        if opened is None:
            return
        if time.monotonic() - opened.measured_at > SIZE_SECONDS:
            async with world.engines.reads.connect() as connection:
                size = await connection.scalar(text("SELECT pg_database_size(current_database())"))
            opened.full, opened.measured_at = (size or 0) > SIZE_MOST, time.monotonic()
        if opened.full:
            raise problems.sandbox_full(SIZE_MOST // 1_000_000)

    async def settle(self, world: World) -> None:
        """Run what falls due by the sandbox's clock. `Problem` 503 while another process does.

        A process that died half-way left slots that the next one runs to their end.
        """
        engine = world.engines.turns
        async with self._settling:
            async with engine.begin() as tx:
                lease = await leads.take(tx, "jobs", self._holder, SETTLE_SECONDS)
            if lease is None:
                raise problems.not_now()
            try:
                await Timetable(engine, world.vault, world.clock, timetable.discover()).catch_up(lease)
            finally:
                async with engine.begin() as tx:
                    await leads.give_up(tx, lease)

    # -- opening and closing

    async def _reach(self, merchant_id: int) -> _Open:
        async with self._opening:
            if (opened := self._open.get(merchant_id)) is not None:
                return opened
            while len(self._open) >= OPEN_MOST:
                idle = sorted((each for each in self._open.values() if not each.users), key=lambda each: each.used_at)
                if not idle:
                    raise problems.not_now()
                await self._close(self._open.pop(idle[0].merchant_id))
            url = self._url.set(database=name_of(self._url, merchant_id)).render_as_string(hide_password=False)
            await _make(self._url, merchant_id)
            await migrate.upgrade(url)
            pools = engines(url, CONNECTIONS)
            try:
                filled = await self._fill_new(pools.turns, merchant_id)
            except BaseException:
                await pools.dispose()
                raise
            world, hooks = await self._begun(pools, merchant_id, filled)
            opened = self._open[merchant_id] = _Open(merchant_id, pools, filled, world, hooks)
            return opened

    async def _begun(self, pools: Engines, merchant_id: int, filled: str) -> tuple[World, asyncio.Task[None]]:
        secret = self._vault.blind("sandbox", f"{merchant_id}:{filled}").hex()
        vault = Vault(secret, secrets.token_bytes)

        async def refill(tx: AsyncConnection) -> None:
            await self._refill(tx, merchant_id)

        world = World(pools, vault, self._clock, at_once=AtOnce(), batches=self._batches, refill=refill)
        await world.__aenter__()
        return world, asyncio.create_task(Hooks(pools.turns, vault, self._clock, inside=self._inside).run())

    async def _look(self, opened: _Open, key: ApiKey) -> None:
        """See to it that the sandbox knows the key, and that we know its filling: another process may have reset it."""
        if key.id not in opened.keys:
            async with self._reads.connect() as live:
                row = await live.scalar(_LIVE_KEY, {"id": key.id})
            async with opened.engines.turns.begin() as tx:
                await tx.execute(_SAME_KEY, {"key": row})
            opened.keys.add(key.id)
        async with opened.engines.reads.connect() as connection:
            filled = str(await connection.scalar(_FILLED))
        if filled == opened.filled:
            return
        async with self._opening:
            if filled != opened.filled:
                opened.hooks.cancel()
                opened.past.append(opened.world)
                while opened.users == 1 and opened.past:  # nobody but us: they have nothing to finish
                    await opened.past.pop().__aexit__()
                opened.world, opened.hooks = await self._begun(opened.engines, opened.merchant_id, filled)
                opened.filled = filled

    async def _sweep(self) -> None:
        """Close what nobody has asked for a while."""
        while True:
            await asyncio.sleep(IDLE_SECONDS / 10)
            for opened in list(self._open.values()):
                if not opened.users and time.monotonic() - opened.used_at > IDLE_SECONDS:
                    try:
                        await self._close(self._open.pop(opened.merchant_id))
                    except Exception as error:
                        failures.log_round(log, "sandbox_not_closed", error, merchant_id=opened.merchant_id)

    async def _close(self, opened: _Open) -> None:
        opened.hooks.cancel()
        await asyncio.gather(opened.hooks, return_exceptions=True)
        for world in (*opened.past, opened.world):
            await world.__aexit__()
        await opened.engines.dispose()

    async def _fill_new(self, engine: AsyncEngine, merchant_id: int) -> str:
        """Fill the sandbox if nobody has; which filling it has."""
        async with engine.begin() as tx:
            await tx.execute(_ALONE)
            if (filled := await tx.scalar(_FILLED)) is None:
                await self._refill(tx, merchant_id)
                filled = await tx.scalar(_FILLED)
        return str(filled)

    async def _refill(self, tx: AsyncConnection, merchant_id: int) -> None:
        async with self._reads.connect() as live:
            rows = await sandbox_copy.read(live, merchant_id)
        await sandbox_copy.fill(tx, rows, now=self._clock.now())
        for opened in self._open.values():
            if opened.merchant_id == merchant_id:
                opened.measured_at = float("-inf")
