"""Statements straight through the driver, for the few that everything waits for.

SQLAlchemy's way to a row costs several times what the driver's does: a greenlet, a compiled statement, a result object. The
transaction stays SQLAlchemy's: it begins and ends it, and `run` hands it the statement that is the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection


def driver(tx: AsyncConnection) -> Any:
    """The asyncpg connection under `tx`, which must be open."""
    assert tx.sync_connection is not None
    return tx.sync_connection.connection.driver_connection


async def fetch(tx: AsyncConnection, sql: str, *values: Any) -> list[Any]:
    """The rows of a query with `$1` placeholders, as asyncpg's records: columns by place and by name.

    For reads where nothing was executed on `tx` before: SQLAlchemy has not yet begun the transaction that it stands for.
    """
    found: list[Any] = await driver(tx).fetch(sql, *values)
    return found


def array(values: Iterable[object]) -> str:
    """Numbers, days and words of our own as PostgreSQL writes an array, for a parameter `$1::text::bigint[]`.

    Of each element of a list the driver asks whether it is a list itself, which takes it longer than all the rest.
    """
    return "{" + ",".join(["NULL" if each is None else str(each) for each in values]) + "}"


async def run(tx: AsyncConnection, sql: str, *values: Any) -> Sequence[Any]:
    """The rows of a statement within the transaction of `tx`, columns by place. Raises `DBAPIError`."""
    connection = driver(tx)
    if not connection.is_in_transaction():
        done = await tx.exec_driver_sql(sql, values)
        return done.all() if done.returns_rows else []
    try:
        found: Sequence[Any] = await connection.fetch(sql, *values)
    except Exception as error:
        if getattr(error, "sqlstate", None) is None:
            raise
        raise DBAPIError(
            sql, None, error, hide_parameters=True, connection_invalidated=connection.is_closed()
        ) from error
    return found
