"""Reading straight through the driver, for the few statements that every screen asks.

SQLAlchemy's way to a row costs several times what the driver's does: a greenlet, a compiled statement, a result object. Only reads
may come this way: where nothing was executed on `tx` before, SQLAlchemy has not yet begun the transaction that it stands for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection


def driver(tx: AsyncConnection) -> Any:
    """The asyncpg connection under `tx`, which must be open."""
    assert tx.sync_connection is not None
    return tx.sync_connection.connection.driver_connection


async def fetch(tx: AsyncConnection, sql: str, *values: Any) -> list[Any]:
    """The rows of a query with `$1` placeholders, as asyncpg's records: columns by place and by name."""
    found: list[Any] = await driver(tx).fetch(sql, *values)
    return found
