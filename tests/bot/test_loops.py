"""Loops in the background: what nobody expected is logged with where it came from, no secret with it, and the loop goes on."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from sqlalchemy.ext.asyncio import create_async_engine

from bot.clock import Clock
from bot.imports import Imports
from bot.logs import configure
from bot.merchant_api.hooks import Hooks
from bot.merchant_api.receipts import Receipts
from bot.settings import load
from tests import turns
from tests.bot.importing import file_of, nothing, open_desk
from tests.bot.merchant_api.scene import shop
from tests.bot.merchant_api.test_hooks import emit, receiving
from tests.bot.test_imports import bought
from tests.conftest import Database

Log = Callable[[], list[dict[str, Any]]]
SECRET = "a-secret-key-of-forty-characters-at-least"


@pytest.fixture
def log() -> Iterator[Log]:
    """What a process logs, line by line."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure(load({"SECRET_KEY": SECRET, "LOG_FORMAT": "json"}, env_file=None), stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    logging.captureWarnings(False)


class Wall:
    """A clock on the wall that is broken once: whoever looks then stumbles."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._whole = False

    def __call__(self) -> dt.datetime:
        if self._whole:
            return self._now()
        self._whole = True
        raise ZeroDivisionError(f"the hand of {SECRET} came off")


@asynccontextmanager
async def running(loop: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """A loop at work."""
    task = asyncio.create_task(loop)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(done: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(10):
        while not await done():
            await asyncio.sleep(0.02)


async def none(rows: Coroutine[Any, Any, list[Any]]) -> bool:
    """Whether there is nothing."""
    return not await rows


async def logged(log: Log, event: str) -> bool:
    """Whether something was logged."""
    return any(line["event"] == event for line in log())


def shows_where(lines: list[dict[str, Any]], event: str, place: str) -> None:
    """One error is logged, with its traceback and without the secret in its words."""
    (line,) = [each for each in lines if each["event"] == event]
    assert line["level"] == "error"
    assert "Traceback" in line["exception"] and "ZeroDivisionError" in line["exception"] and place in line["exception"]
    assert "the hand of *** came off" in line["exception"] and SECRET not in json.dumps(lines)


async def test_receipts_go_on(database: Database, log: Log) -> None:
    async with shop(database) as scene:
        assert (await scene.buy()).status == 201
        await until(lambda: none(scene.sql("SELECT 1 FROM receipt_due")))
        await scene.sql("INSERT INTO receipt_due SELECT member_id, entry_id FROM purchase")
        clock = Clock(turns.ZONE, Wall(scene.now))
        telling = Receipts(database.engine, scene.vault, clock, lambda chat_id, policy: None)
        async with running(telling.run()):
            await until(lambda: logged(log, "receipts_wait"))
            telling.nudge()
            await until(lambda: none(scene.sql("SELECT 1 FROM receipt_due")))
    shows_where(log(), "receipts_wait", "in page")


async def test_events_go_on(database: Database, log: Log) -> None:
    async with shop(database) as scene, receiving(scene) as receiver:
        await emit(scene)
        clock = Clock(turns.ZONE, Wall(scene.now))
        async with running(Hooks(database.engine, scene.vault, clock, inside=True).run()):
            await until(lambda: none(scene.sql("SELECT 1 FROM webhook_event WHERE state <> 'sent'")))
        assert len(receiver.got) == 1
    shows_where(log(), "webhooks_wait", "in send_due")


async def test_imports_go_on(database: Database, log: Log) -> None:
    desk = await open_desk(database)
    await desk.send("purchases", file_of("purchases", bought("d1", "A", "120.00")))
    work = Imports(database.engine, desk.vault, Clock(turns.ZONE, Wall(desk.clock.now)), nothing)
    async with running(work.run()):
        await until(lambda: none(desk.sql("SELECT 1 FROM import_file WHERE state <> 'tried'")))
    shows_where(log(), "imports_wait", "in _fetch_one")


async def test_a_database_that_is_away_is_a_line_without_a_traceback(database: Database, log: Log) -> None:
    away = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    async with shop(database) as scene, running(Hooks(away, scene.vault, Clock(turns.ZONE, scene.now)).run()):
        await until(lambda: logged(log, "webhooks_wait"))
    await away.dispose()
    (line,) = [each for each in log() if each["event"] == "webhooks_wait"]
    assert (line["level"], line["error"], "exception" in line) == ("warning", "ConnectionRefusedError", False)
