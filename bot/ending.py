"""Ending a task that may not take the first cancellation for an end."""

from __future__ import annotations

import asyncio

AGAIN_SECONDS = 30.0
"""Longer than anything takes to finish what it has begun: a second cancellation would cut that short."""


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has ended; again and again, since a loop that lives through its errors may have met the
    cancellation as one of them: a driver that is cancelled in the middle of a statement can answer with a broken connection.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_SECONDS)
    if task is not None and not task.cancelled():
        task.exception()  # looked at: it is over, and whoever ends it has no use for why
