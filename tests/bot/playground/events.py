"""Reading the playground's event stream as the page does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp


class Events:
    """One open stream; `seen` is everything it told so far, oldest first."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = response.content
        self.seen: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        """The next change."""
        while True:
            line = await self._lines.readline()
            assert line, f"the stream ended after {self.seen[-3:]}"
            if line.startswith(b"data: "):
                change: dict[str, Any] = json.loads(line[6:])
                self.seen.append(change)
                return change

    async def until(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next change that `fits`; the test's own timeout is the limit."""
        while True:
            change = await self.next()
            if fits(change):
                return change

    async def text(self, chat: int, part: str) -> dict[str, Any]:
        """The next message told in `chat` whose text contains `part`."""
        change = await self.until(
            lambda told: (
                told["type"] == "messages"
                and told["chat"] == chat
                and any(part in message["text"] for message in told["changed"])
            )
        )
        found: dict[str, Any] = next(message for message in change["changed"] if part in message["text"])
        return found


@contextlib.asynccontextmanager
async def events_of(client: aiohttp.ClientSession, url: str) -> AsyncIterator[Events]:
    """Opens the stream of the playground at `url`; lines may be as long as a snapshot is."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with client.get(f"{url}api/events", timeout=timeout, read_bufsize=2**22) as response:
        assert response.status == 200, await response.text()
        yield Events(response)
