"""Health: alive is not ready, and ready means database, tables and updates."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.health import Health
from bot.metrics import Metrics
from tests.conftest import Database


async def test_ready_needs_database_tables_and_updates(database: Database, empty_database: Database) -> None:
    receiving = [True]
    async with _client(database.engine, receiving) as client:
        answer = await client.get("/readyz")
        assert (answer.status, await answer.json()) == (
            200,
            {"database": True, "migrations": True, "receiving": True},
        )
        receiving[0] = False
        answer = await client.get("/readyz")
        assert answer.status == 503 and (await answer.json())["receiving"] is False
    async with _client(empty_database.engine, [True]) as client:
        answer = await client.get("/readyz")
        assert answer.status == 503
        assert await answer.json() == {"database": True, "migrations": False, "receiving": True}


async def test_a_process_without_its_database_is_alive_but_not_ready() -> None:
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:9/nothing")
    async with _client(engine, [True]) as client:
        assert (await client.get("/healthz")).status == 200
        answer = await client.get("/readyz")
        assert answer.status == 503
        assert await answer.json() == {"database": False, "migrations": False, "receiving": True}


async def test_metrics_are_served_as_prometheus_text(database: Database) -> None:
    async with _client(database.engine, [True]) as client:
        answer = await client.get("/metrics")
        assert answer.status == 200 and answer.content_type == "text/plain"
        assert "jifen_turn" in await answer.text()


def _client(engine: AsyncEngine, receiving: list[bool]) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    Health(engine, Metrics(), lambda: receiving[0]).add_to(app)
    return TestClient(TestServer(app))
