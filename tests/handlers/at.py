"""A running bot on a given day, for dialogues that speak of dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tests.conftest import Database
from tests.driver import Setup, World, bot_running, coalition
from tests.turns import NOW


async def as_it_is(tx: AsyncConnection) -> None:
    """Nothing to set up: the database is full already."""


@asynccontextmanager
async def bot_then(
    database: Database, *, now: dt.datetime = NOW, setup: Setup = coalition, **running: Any
) -> AsyncIterator[World]:
    """A world in which it is `now` and runs on from there; `running` as `bot_running` takes it."""
    async with bot_running(database, setup=setup, **running) as world:
        world.wall_offset = now - dt.datetime.now(dt.UTC)
        yield world
