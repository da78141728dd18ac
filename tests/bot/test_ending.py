"""A stop ends everything, also what took the first cancellation for one error among others."""

from __future__ import annotations

import asyncio

import pytest

from bot import ending


async def test_a_loop_that_swallows_a_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_SECONDS", 0.05)
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                if swallowed == 2:
                    raise
                swallowed += 1  # as a driver's broken connection would have it

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await ending.end(task)
    assert task.cancelled() and swallowed == 2


async def test_what_is_over_or_was_never_begun_is_left_alone() -> None:
    async def fails() -> None:
        raise ValueError("over")

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    async with asyncio.timeout(5):
        await ending.end(task)
        await ending.end(None)
    assert isinstance(task.exception(), ValueError)
