"""Several workers on one port: the parent owns the database server, children take updates; a child that ends is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import structlog

from bot.settings import Settings

log = structlog.get_logger(__name__)

PAUSE_SECONDS_MAX = 30.0


async def supervise(settings: Settings, url: str, stop: asyncio.Event) -> int:
    """Run `settings.workers` children until `stop`, then let them finish."""
    children = [asyncio.create_task(_keep_running(number, url, stop)) for number in range(settings.workers)]
    await stop.wait()
    # A child that doesn't end by itself in time is killed; what it left, the next start picks up.
    await asyncio.wait(children, timeout=settings.shutdown_seconds + 10)
    for child in children:
        child.cancel()
    await asyncio.gather(*children, return_exceptions=True)
    return 0


async def _keep_running(number: int, url: str, stop: asyncio.Event) -> None:
    pause = 1.0
    environ = os.environ | {"DATABASE_URL": url}
    while not stop.is_set():
        # A session of its own: Ctrl-C reaches the parent alone, which tells each child once.
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.main", str(number), env=environ, start_new_session=True
        )
        began = asyncio.get_running_loop().time()
        ended, asked = asyncio.create_task(child.wait()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                if child.returncode is None:
                    child.send_signal(signal.SIGTERM)
                await ended
                return
        finally:
            asked.cancel()
            if child.returncode is None:
                child.kill()
                await child.wait()
        lived = asyncio.get_running_loop().time() - began
        pause = 1.0 if lived > 60 else min(pause * 2, PAUSE_SECONDS_MAX)
        log.error("worker_ended", worker=number, code=child.returncode, again_in_seconds=pause)
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            continue
