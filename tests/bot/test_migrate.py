"""Migrations: they make exactly the tables that the code declares, once, whoever else is migrating."""

from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

import chat.tables
import ledger.tables
from bot import migrate
from tests.conftest import Database

assert chat.tables.metadata is ledger.tables.metadata


async def test_a_migrated_database_differs_in_nothing_from_the_declared_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, ledger.tables.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await migrate.revision_of(connection) == migrate.head()


async def test_two_processes_that_migrate_at_once_migrate_once(empty_database: Database) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_database.url) for _ in range(3)))
    async with empty_database.engine.connect() as connection:
        assert await migrate.revision_of(connection) == migrate.head()
        assert await connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


async def test_a_database_never_migrated_has_no_revision(empty_database: Database) -> None:
    async with empty_database.engine.connect() as connection:
        assert await migrate.revision_of(connection) is None
