"""The way to the database for every command: DATABASE_URL, or the embedded server for as long as it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot import migrate
from bot.postgres import EmbeddedPostgres
from bot.settings import Settings


def embedded(settings: Settings, say: Callable[[str], None] = print) -> EmbeddedPostgres:
    """The embedded server of these settings, not started."""
    return EmbeddedPostgres(settings.data_dir, explicit=settings.data_dir_is_chosen, say=say)


@asynccontextmanager
async def serving(settings: Settings, say: Callable[[str], None] = print) -> AsyncIterator[str]:
    """Yields SQLAlchemy's URL; starts the embedded server before and stops it after, where this process owns it."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    server = embedded(settings, say)
    await asyncio.to_thread(server.start)
    try:
        yield server.url
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def connected(settings: Settings, say: Callable[[str], None] = print) -> AsyncIterator[AsyncEngine]:
    """An engine on a database that is up to date."""
    async with serving(settings, say) as url:
        await migrate.upgrade(url)
        engine = engine_of(url, settings)
        try:
            yield engine
        finally:
            await engine.dispose()


def engine_of(url: str, settings: Settings) -> AsyncEngine:
    """An engine with this process's share of connections, each checked before use: a restarted database is no error."""
    return create_async_engine(
        url,
        pool_size=settings.database_connections,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,  # what people wrote belongs in no log
        connect_args={"server_settings": {"application_name": "jifen", "timezone": "UTC"}},
    )
