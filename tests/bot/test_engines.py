"""The readers' connections: kept between turns, as few as allowed, unable to write, replaced when anything is wrong with one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.engines import Engines, engines
from tests.conftest import Database

ALLOWED = 2


@pytest.fixture
async def pools(database: Database) -> AsyncIterator[Engines]:
    made = engines(database.url, ALLOWED * 2)
    yield made
    await made.dispose()


async def _who(pools: Engines) -> int:
    async with pools.reads.connect() as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def test_the_next_reader_has_the_same_connection(pools: Engines) -> None:
    assert len({await _who(pools) for _ in range(5)}) == 1


async def test_a_read_that_never_ends_is_ended(pools: Engines) -> None:
    async with pools.reads.connect() as connection:
        assert (await connection.execute(text("SHOW statement_timeout"))).scalar_one() == "30s"
        await connection.execute(text("SET statement_timeout = '50ms'"))
        with pytest.raises(DBAPIError, match="statement timeout"):
            await connection.execute(
                text("SELECT count(*) FROM generate_series(DATE '2026-01-01', 'infinity', '1 day')")
            )


async def test_no_more_read_at_once_than_are_allowed_and_the_others_wait(pools: Engines) -> None:
    inside, most = 0, 0

    async def read() -> int:
        nonlocal inside, most
        async with pools.reads.connect() as connection:
            inside += 1
            most = max(most, inside)
            found = (await connection.execute(text("SELECT pg_backend_pid() FROM pg_sleep(0.01)"))).scalar_one()
            inside -= 1
        return int(found)

    backends = await asyncio.gather(*[read() for _ in range(12)])
    assert most == ALLOWED and len(set(backends)) == ALLOWED


async def test_a_reader_sees_what_was_committed_a_moment_ago(pools: Engines) -> None:
    async with pools.reads.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM turn_key")) == 0
    async with pools.turns.begin() as tx:
        await tx.execute(text("INSERT INTO turn_key (key) VALUES ('update:1')"))
    async with pools.reads.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM turn_key")) == 1


async def test_a_reader_cannot_write(pools: Engines) -> None:
    with pytest.raises(DBAPIError, match="read-only"):
        async with pools.reads.connect() as connection:
            await connection.execute(text("INSERT INTO turn_key (key) VALUES ('update:1')"))


async def test_a_connection_on_which_anything_was_raised_is_not_lent_again(pools: Engines) -> None:
    before = await _who(pools)
    with pytest.raises(RuntimeError):
        async with pools.reads.connect():
            raise RuntimeError
    after = {await _who(pools) for _ in range(ALLOWED + 1)}
    assert before not in after and len(after) == 1


async def test_a_reader_that_is_cancelled_leaves_room_for_the_next(pools: Engines) -> None:
    for _ in range(ALLOWED + 1):

        async def sleep() -> None:
            async with pools.reads.connect() as connection:
                await connection.execute(text("SELECT pg_sleep(60)"))

        task = asyncio.create_task(sleep())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await asyncio.wait_for(_who(pools), 5) > 0


async def test_connections_that_the_server_closed_are_replaced_unnoticed(pools: Engines, database: Database) -> None:
    before = await _who(pools)
    admin = await asyncpg.connect(database.dsn)
    await admin.execute("SELECT pg_terminate_backend($1)", before)
    await admin.close()
    await asyncio.sleep(0.2)
    assert await _who(pools) != before
