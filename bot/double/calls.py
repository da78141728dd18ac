"""The record: API calls the bot made, and the feed of everything that happens, for tests and the playground."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One finished call: the method's official name, what came and what was answered.

    `params` are as read from the wire (files as `<name, n bytes>`); `status` is the HTTP status, or 0 when a fault cut the
    connection; `result` is the answer's `result`, or its `description` when refused; `at` unix seconds; `unknown` names
    parameters the method does not take.
    """

    method: str
    params: dict[str, Any]
    status: int
    result: Any
    at: float
    seconds: float
    unknown: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the bot was told it worked."""
        return self.status == 200


class Feed:
    """Sends every happening to whoever listens now; costs nothing while nobody does.

    A listener that falls more than `backlog` events behind loses the oldest ones and is told so by a `skipped` event.
    """

    def __init__(self, backlog: int = 2000) -> None:
        self._listeners: list[deque[dict[str, Any]]] = []
        self._wake: dict[int, asyncio.Event] = {}
        self._backlog = backlog

    @property
    def active(self) -> bool:
        """Whether anyone listens; check before building an expensive event."""
        return bool(self._listeners)

    def publish(self, kind: str, **facts: Any) -> None:
        """Hands `{"kind": kind, **facts}` to every listener."""
        if not self._listeners:
            return
        event = {"kind": kind, **facts}
        for listener in self._listeners:
            if len(listener) >= self._backlog:
                listener.popleft()
                listener[0] = {"kind": "skipped"}
            listener.append(event)
            self._wake[id(listener)].set()

    async def listen(self) -> AsyncIterator[dict[str, Any]]:
        """Yields events from now on, until the consumer stops."""
        mine: deque[dict[str, Any]] = deque()
        wake = asyncio.Event()
        self._listeners.append(mine)
        self._wake[id(mine)] = wake
        try:
            while True:
                while mine:
                    yield mine.popleft()
                wake.clear()
                await wake.wait()
        finally:
            self._listeners = [listener for listener in self._listeners if listener is not mine]
            del self._wake[id(mine)]
