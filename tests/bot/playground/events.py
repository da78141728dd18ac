"""Reading the playground's event stream as the page does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp


class Events:
    """One open stream; `seen` is everything it told so far, `chats` what it adds up to: messages by chat and id."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = response.content
        self.seen: list[dict[str, Any]] = []
        self.chats: dict[int, dict[int, dict[str, Any]]] = {}

    async def next(self) -> dict[str, Any]:
        """The next change."""
        while True:
            line = await self._lines.readline()
            assert line, f"the stream ended after {self.seen[-3:]}"
            if line.startswith(b"data: "):
                change: dict[str, Any] = json.loads(line[6:])
                self.seen.append(change)
                self._take(change)
                return change

    def _take(self, change: dict[str, Any]) -> None:
        if change["type"] == "snapshot":
            self.chats = {int(chat): {one["id"]: one for one in told} for chat, told in change["chats"].items()}
        elif change["type"] == "messages":
            chat = self.chats.setdefault(change["chat"], {})
            for number in change["gone"]:
                del chat[number]
            chat.update({one["id"]: one for one in change["changed"]})

    async def until(self, fits: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The next change that `fits`."""
        while True:
            change = await self.next()
            if fits(change):
                return change

    async def text(self, chat: int, part: str) -> dict[str, Any]:
        """The message in `chat` whose text contains `part`, as soon as it was told."""
        while True:
            for message in self.chats.get(chat, {}).values():
                if part in message["text"]:
                    return message
            await self.next()


@contextlib.asynccontextmanager
async def events_of(client: aiohttp.ClientSession, url: str) -> AsyncIterator[Events]:
    """Opens the stream of the playground at `url`; lines may be as long as a snapshot is."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with client.get(f"{url}api/events", timeout=timeout, read_bufsize=2**22) as response:
        assert response.status == 200, await response.text()
        yield Events(response)
