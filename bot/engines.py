"""The turn's connections: plans pinned, waits bounded, and a second set that can't write.

A prepared plan made while a table was empty would cost most of the speed later, so the planner is told to use indexes: every
statement of a turn finds its rows by one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.points.engine import PINNED_PLANS
from ledger.points.reading import driver

LOCK_TIMEOUT_MS = 5_000
IDLE_TIMEOUT_MS = 30_000
READ_TIMEOUT_MS = 30_000
"""Nobody waits longer for a screen; what takes so long is a mistake, and would take the machine with it."""
POOL_SECONDS = 10
"""So long a turn waits for a connection when all are in use."""

_PINNED = PINNED_PLANS | {
    "application_name": "jifen",
    "timezone": "UTC",
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    # A process that was stopped in mid-transaction must not keep its locks for ever.
    "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
}

_READING = {"default_transaction_read_only": "on", "statement_timeout": str(READ_TIMEOUT_MS)}


class Connects(Protocol):
    """What lends connections: an engine, or `Readers`."""

    def connect(self) -> contextlib.AbstractAsyncContextManager[AsyncConnection]:
        """A connection for the time of a block."""
        ...


class Readers:
    """Connections for reading, kept in hand between turns: autocommit, and the database refuses writes on them.

    An engine's pool takes longer to lend a connection and to take it back than a turn's statements take; between two
    readers in autocommit there is nothing to be undone. One that was closed meanwhile, or on which anything was raised, is
    replaced.
    """

    def __init__(self, engine: AsyncEngine, connections: int) -> None:
        self._engine = engine
        self._free: list[AsyncConnection] = []
        self._gate = asyncio.Semaphore(connections)

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection for the time of a block.

        Raises:
            TimeoutError: all have been in use for `POOL_SECONDS`.
        """
        if self._gate.locked():
            async with asyncio.timeout(POOL_SECONDS):
                await self._gate.acquire()
        else:
            await self._gate.acquire()
        try:
            connection = await self._take()
            try:
                yield connection
            except BaseException:
                await asyncio.shield(_drop(connection))
                raise
            self._free.append(connection)
        finally:
            self._gate.release()

    async def _take(self) -> AsyncConnection:
        while self._free:
            connection = self._free.pop()
            if not connection.invalidated and not driver(connection).is_closed():
                return connection
            await _drop(connection)
        return await self._engine.connect()

    async def dispose(self) -> None:
        """Close all connections."""
        while self._free:
            await self._free.pop().close()
        await self._engine.dispose()


async def _drop(connection: AsyncConnection) -> None:
    # Whatever is wrong with it, it is on its way out.
    with contextlib.suppress(Exception):
        await connection.invalidate()
    with contextlib.suppress(Exception):
        await connection.close()


@dataclass(frozen=True)
class Engines:
    """`turns` writes; `reads` is for turns that only read."""

    turns: AsyncEngine
    reads: Readers

    async def dispose(self) -> None:
        """Close all connections."""
        await self.turns.dispose()
        await self.reads.dispose()


def engines(url: str, connections: int) -> Engines:
    """Writing and reading, which share `connections` (at least 2) between them."""
    for_reads = connections // 2
    writing = create_async_engine(
        url,
        pool_size=connections - for_reads,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,  # what people wrote belongs in no log
        connect_args={"server_settings": _PINNED},
    )
    reading = create_async_engine(
        url,
        pool_size=for_reads,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,  # what people wrote belongs in no log
        isolation_level="AUTOCOMMIT",
        connect_args={"server_settings": _PINNED | _READING},
    )
    return Engines(writing, Readers(reading, for_reads))
