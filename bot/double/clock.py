"""Time for the double: runs like the real one, and can be moved forward or held still."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Unix seconds that run with the system, plus whatever `advance` added; waits end early when time is moved.

    Args:
        start: unix seconds to start at; the present when None.
        running: False holds the clock still, so that only `advance` moves it.
    """

    def __init__(self, start: float | None = None, *, running: bool = True) -> None:
        self._running = running
        self._base = time.time() if start is None else start
        self._origin = time.monotonic()
        self._waiting: set[asyncio.Future[None]] = set()

    def now(self) -> float:
        """Unix seconds."""
        return self._base + (time.monotonic() - self._origin if self._running else 0.0)

    def advance(self, seconds: float) -> None:
        """Moves time forward and lets every wait look at it again."""
        self._base += seconds
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    @property
    def waited_for(self) -> int:
        """How many waits this clock holds now; a test that moves time may need one to have begun."""
        return len(self._waiting)

    async def wait(self, future: asyncio.Future[None], deadline: float) -> bool:
        """Waits until `future` is done or the clock reaches `deadline` (unix seconds); True when the future is done."""
        while not future.done():
            left = deadline - self.now()
            if left <= 0:
                return False
            moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(moved)
            try:
                await asyncio.wait(
                    {future, moved}, timeout=left if self._running else None, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                self._waiting.discard(moved)
                moved.cancel()
        return True

    async def sleep(self, seconds: float) -> None:
        """Waits `seconds` of this clock."""
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            await self.wait(never, self.now() + seconds)
        finally:
            never.cancel()
