"""What the page is told: one snapshot, then every change, to any number of readers, however slow."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque

from aiohttp import web

from bot.double.calls import ApiCall
from bot.double.double import Double
from bot.playground.people import PersonSpec
from bot.playground.ports import ClockPort
from bot.playground.told import CALLS_MAX, Change, Told

CHANGES_MAX = 500
GATHER_SECONDS = 0.02
HEARTBEAT_SECONDS = 10.0
STALLED_SECONDS = 60.0

log = logging.getLogger(__name__)


class Reader:
    """One open page: changes waiting to be written, or `behind`, the note that it needs a snapshot instead."""

    def __init__(self, changes_max: int) -> None:
        self._changes: deque[Change] = deque()
        self._changes_max = changes_max
        self._wake = asyncio.Event()
        self.behind = True

    def put(self, change: Change) -> None:
        """Queues a change; a full queue is thrown away for a snapshot."""
        if self.behind:
            return
        if len(self._changes) >= self._changes_max:
            self._changes.clear()
            self.behind = True
        else:
            self._changes.append(change)
        self.wake()

    def wake(self) -> None:
        """Ends the wait in `take`."""
        self._wake.set()

    async def take(self, timeout: float) -> list[Change]:
        """Everything queued, waiting up to `timeout` seconds for the first; empty when none came or it is behind."""
        if not self._changes and not self.behind:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
        taken = list(self._changes)
        self._changes.clear()
        return taken


class Stream:
    """Follows the double and keeps the open pages current.

    Args:
        specs: how the people who came with the page are described, by Telegram id.
        changes_max: how far a reader may fall behind before it gets a snapshot instead.
    """

    def __init__(
        self, double: Double, clock: ClockPort, specs: dict[int, PersonSpec], *, changes_max: int = CHANGES_MAX
    ) -> None:
        self._double = double
        self._clock = clock
        self._told = Told(double, specs, self._tell)
        self._changes_max = changes_max
        self._readers: set[Reader] = set()
        self._woken = asyncio.Event()
        self._new_calls: deque[ApiCall] = deque(maxlen=CALLS_MAX)
        self._closing = False

    async def run(self) -> None:
        """Follows the double until cancelled; looks by itself every few seconds for what its feed does not tell."""
        self._new_calls.extend(list(self._double.calls)[-CALLS_MAX:])
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await self._woken.wait()
                    await asyncio.sleep(GATHER_SECONDS)  # one change for what comes in a burst
                self._woken.clear()
                try:
                    await self.refresh()
                except Exception:  # one thing that can't be shown must not freeze every page
                    log.exception("what changed could not be told")
        finally:
            listener.cancel()

    async def _listen(self) -> None:
        async for event in self._double.events():
            call = event.get("call")
            if isinstance(call, ApiCall):
                self._new_calls.append(call)
            self._woken.set()

    def nudge(self) -> None:
        """Looks for changes soon; for what the double's feed does not tell."""
        self._woken.set()

    async def refresh(self) -> None:
        """Tells every reader what changed since last time."""
        while self._new_calls:
            self._told.call(self._new_calls.popleft())
        self._told.world()
        try:
            self._told.today(await self._clock.today())
        except Exception:  # the chats go on while the programme cannot be asked for its date
            log.exception("the programme's date could not be read")

    def _tell(self, change: Change) -> None:
        for reader in self._readers:
            reader.put(change)

    def snapshot(self) -> Change:
        """Everything the pages were told so far."""
        return self._told.snapshot()

    def close(self) -> None:
        """Ends every open stream."""
        self._closing = True
        for reader in self._readers:
            reader.wake()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answers one page with server-sent events until it leaves, stalls for a minute, or the playground closes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        reader = Reader(self._changes_max)
        self._readers.add(reader)
        try:
            await response.write(b"retry: 700\n\n")
            while not self._closing:
                changes = await reader.take(HEARTBEAT_SECONDS)
                if reader.behind:
                    reader.behind = False  # nothing may be awaited between this and the snapshot
                    changes = [self.snapshot()]
                body = b"".join(_event(change) for change in changes) or b": still here\n\n"
                async with asyncio.timeout(STALLED_SECONDS):
                    await response.write(body)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._readers.discard(reader)
        return response


def _event(change: Change) -> bytes:
    return b"data: " + json.dumps(change, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
