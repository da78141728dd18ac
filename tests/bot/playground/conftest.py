"""The playground's fixtures: the scripted demo, once with and once without its bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import aiohttp
import pytest
from playwright.async_api import Browser

from tests.bot.playground.browser import Playground, launched, page_of
from tests.bot.playground.demo import Demo, demo

Opener = Callable[..., AbstractAsyncContextManager[Playground]]


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


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests here; each page has its own storage."""
    async with launched() as started:
        yield started


@pytest.fixture
def opened(browser: Browser) -> Opener:
    """`page_of` in the shared browser."""
    return partial(page_of, browser=browser)
