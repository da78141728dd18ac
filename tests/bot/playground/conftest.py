"""The playground's fixtures: the scripted demo, once with and once without its bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.bot.playground.demo import Demo, demo


@pytest.fixture
async def running() -> AsyncIterator[Demo]:
    """A playground with the scripted bot."""
    async with demo() as started:
        yield started


@pytest.fixture
async def quiet() -> AsyncIterator[Demo]:
    """A playground whose bot says nothing by itself."""
    async with demo(with_bot=False) as started:
        yield started


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session
