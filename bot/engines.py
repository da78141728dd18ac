"""The turn's connections: plans pinned, waits bounded, and a second pool that can't write.

A prepared plan made while a table was empty would cost most of the speed later, so the planner is told to use indexes: every
statement of a turn finds its rows by one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ledger.points.engine import PINNED_PLANS

LOCK_TIMEOUT_MS = 5_000
IDLE_TIMEOUT_MS = 30_000

_PINNED = PINNED_PLANS | {
    "application_name": "jifen",
    "timezone": "UTC",
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    # A process that was stopped in mid-transaction must not keep its locks for ever.
    "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
}


@dataclass(frozen=True)
class Engines:
    """`turns` writes; `reads` is for turns that only read: autocommit, and the database refuses writes on it."""

    turns: AsyncEngine
    reads: AsyncEngine

    async def dispose(self) -> None:
        """Close all connections."""
        await self.turns.dispose()
        await self.reads.dispose()


def engines(url: str, connections: int) -> Engines:
    """Two pools that share `connections` (at least 2) between them."""
    for_reads = max(1, connections // 3)
    writing = create_async_engine(
        url,
        pool_size=connections - for_reads,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # what people wrote belongs in no log
        connect_args={"server_settings": _PINNED},
    )
    reading = create_async_engine(
        url,
        pool_size=for_reads,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # what people wrote belongs in no log
        isolation_level="AUTOCOMMIT",
        connect_args={"server_settings": _PINNED | {"default_transaction_read_only": "on"}},
    )
    return Engines(writing, reading)
