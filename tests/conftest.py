"""What all tests share: one real PostgreSQL for the session, and a fresh database for each test that asks.

The tables are made once, in a template; a test's database is a copy of it and is dropped afterwards. Tests that commit, race
and kill therefore need no clean-up and can't disturb each other.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot import migrate
from bot.postgres import EmbeddedPostgres

_numbers = itertools.count(1)

MEMORY_BYTES_MIN = 3_000_000_000


@dataclass(frozen=True)
class Database:
    """One test's own database: `url` for SQLAlchemy, `dsn` for asyncpg and libpq, and an engine on it."""

    name: str
    url: str
    dsn: str
    engine: AsyncEngine


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's server: no fsync, in memory where there is room, gone with the session however that ends."""
    memory = _roomy_memory()
    if memory is not None:
        _sweep(memory)
    with tempfile.TemporaryDirectory(prefix="jifen-tests-", dir=memory) as folder:
        Path(folder).chmod(0o711)  # root's server runs as another user, who passes through
        server = EmbeddedPostgres(Path(folder) / "data", explicit=True, fast=True)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _roomy_memory() -> Path | None:
    """A folder in memory, where copying a database takes 15 ms in place of 300; None where there is none."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN
    return memory if roomy else None


def _sweep(memory: Path) -> None:
    """Give back what killed sessions left: their servers ended with them, so nobody holds the lock."""
    import fcntl

    for lock in memory.glob("jifen-tests-*/data/postgres/lock"):
        with suppress(OSError), lock.open("ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parents[2], ignore_errors=True)


@pytest.fixture(scope="session")
async def maintenance(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection from which databases are made and dropped."""
    connection = await asyncpg.connect(postgres.dsn_of("postgres"))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres, maintenance: asyncpg.Connection) -> str:
    """The name of a migrated database without rows, to copy from."""
    await maintenance.execute("CREATE DATABASE template_migrated")
    await migrate.upgrade(postgres.url_of("template_migrated"))
    return "template_migrated"


@pytest.fixture
async def database(
    postgres: EmbeddedPostgres, maintenance: asyncpg.Connection, template: str
) -> AsyncIterator[Database]:
    """A fresh, migrated, empty database; dropped afterwards whoever is still connected."""
    name = f"test_{next(_numbers)}"
    await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    engine = create_async_engine(postgres.url_of(name), pool_size=20, max_overflow=80)
    try:
        yield Database(name, postgres.url_of(name), postgres.dsn_of(name), engine)
    finally:
        await engine.dispose()
        await maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def demo_template(postgres: EmbeddedPostgres, maintenance: asyncpg.Connection, template: str) -> str:
    """The name of a database with the demo programme as it is on the morning of 22 November 2026, to copy from."""
    from bot.demo.load import load
    from tests.turns import NOW, vault

    await maintenance.execute(f"CREATE DATABASE template_demo TEMPLATE {template}")
    engine = create_async_engine(postgres.url_of("template_demo"))
    await load(engine, vault(), now=NOW)
    await engine.dispose()
    return "template_demo"


@pytest.fixture
async def demo_database(
    postgres: EmbeddedPostgres, maintenance: asyncpg.Connection, demo_template: str
) -> AsyncIterator[Database]:
    """A fresh copy of the demo programme; dropped afterwards."""
    name = f"test_{next(_numbers)}"
    await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {demo_template} STRATEGY FILE_COPY")
    engine = create_async_engine(postgres.url_of(name), pool_size=20, max_overflow=80)
    try:
        yield Database(name, postgres.url_of(name), postgres.dsn_of(name), engine)
    finally:
        await engine.dispose()
        await maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database(postgres: EmbeddedPostgres, maintenance: asyncpg.Connection) -> AsyncIterator[Database]:
    """A fresh database that was never migrated."""
    name = f"test_{next(_numbers)}"
    await maintenance.execute(f"CREATE DATABASE {name}")
    engine = create_async_engine(postgres.url_of(name))
    try:
        yield Database(name, postgres.url_of(name), postgres.dsn_of(name), engine)
    finally:
        await engine.dispose()
        await maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")
