"""Bringing a database up to this version's tables, and telling whether it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

# Two processes that start together must not migrate together; the number only has to be nobody else's.
_ADVISORY_LOCK = 0x6A6966656E  # "jifen"
_ANSWERS_OTHERWISE = "42P13"


def functions() -> dict[str, str]:
    """The SQL of every function the database must have, as this version writes them, by name."""
    from chat.functions import CREATE
    from ledger.earning import situation
    from ledger.merchants import merchant
    from ledger.points import engine, expiry

    return {
        "points_load": engine.LOAD_FUNCTION,
        "points_expire": expiry.EXPIRE_FUNCTION,
        "certified_until": merchant.CERTIFIED_FUNCTION,
        "intake_load": situation.LOAD_FUNCTION,
        **CREATE,
    }


def config() -> Config:
    """Alembic's configuration: the revisions are package data of the ledger, so no ini file is needed."""
    from alembic.config import Config

    import chat.tables  # noqa: F401  (its tables join the metadata)
    import ledger.tables
    from ledger.metadata import metadata

    made = Config()
    made.attributes["metadata"] = metadata
    made.set_main_option("script_location", str(Path(ledger.__path__[0]) / "migrations").replace("%", "%%"))
    return made


async def upgrade(url: str, revision: str = "head") -> None:
    """Upgrade the database at `url` (SQLAlchemy form) in one transaction; tables only when they are not current.

    SQL functions are code: at the newest revision they are replaced by this version's each time, so a revision is about data.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})
            if await revision_of(connection) != await asyncio.to_thread(head) or revision != "head":
                await connection.run_sync(_upgrade, revision)
            if revision == "head":
                for name, sql in functions().items():
                    await _create(connection, name, sql)
    finally:
        await engine.dispose()


async def _create(connection: AsyncConnection, name: str, sql: str) -> None:
    """Create or replace a function; drop it first only where it answers otherwise than before, which replacing can't do."""
    try:
        async with connection.begin_nested():
            await connection.exec_driver_sql(sql)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _ANSWERS_OTHERWISE:
            raise
        await connection.execute(text(f"DROP FUNCTION {name}"))
        await connection.exec_driver_sql(sql)


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command

    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, revision)


async def revision_of(connection: AsyncConnection) -> str | None:
    """The revision a database is at; None when it has never been migrated."""
    if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    return await connection.scalar(text("SELECT version_num FROM alembic_version"))


def head() -> str | None:
    """The newest revision this version knows."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config()).get_current_head()
