"""Webhook delivery: one request in flight per queue, retries that back off, until a 2xx.

The queue of a message is its chat; of a button press, its user, shifted: so a press and a message of one person may
arrive at the same time, on different workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from bot.double.updates import Update
    from bot.double.world import World

RETRY_AFTER_MAX = 3600
GONE_SECONDS = 23 * 3600
JSON = "application/json"
NEVER_IN_REPLIES = frozenset({"setwebhook", "deletewebhook", "close", "logout"})


class Webhook:
    """Delivers pending updates to the bot's address, `connections` at once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.url = ""
        self._secret = ""
        self._connections = 40
        self._session: aiohttp.ClientSession | None = None
        self._queues: dict[int, deque[Update]] = {}
        self._known: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(40)
        self._last_error: tuple[int, str] | None = None
        self._gone_since: float | None = None
        self.execute: Callable[[str, dict[str, Any]], Awaitable[None]] | None = None
        world.updates.on_push = self._take

    async def point_at(self, url: str, secret: str, connections: int) -> bool:
        """Starts delivering to `url`; an empty one stops. False when this changes nothing."""
        if (url, secret, connections) == (self.url, self._secret, self._connections) or not (url or self.url):
            return False
        await self._halt()
        self.url, self._secret, self._connections = url, secret, connections
        self._world.updates.webhook_active = bool(url)
        self._last_error = None
        if url:
            self._slots = asyncio.Semaphore(connections)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=connections, ssl=False),
                timeout=aiohttp.ClientTimeout(total=self._world.limits.webhook_timeout_seconds),
            )
            self._world.updates.end_poll("terminated by setWebhook request")
            for update in self._world.updates.pending.values():
                self._take(update)
        return True

    async def stop(self) -> None:
        """Ends delivery and closes connections."""
        await self._halt()

    def info(self) -> dict[str, Any]:
        """The WebhookInfo object."""
        info: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._world.updates.pending),
        }
        if self.url:
            if self._last_error is not None:
                info["last_error_date"], info["last_error_message"] = self._last_error
            info["max_connections"] = self._connections
            info["ip_address"] = "127.0.0.1"
        if self._world.updates.allowed:
            info["allowed_updates"] = self._world.updates.allowed
        return info

    async def _halt(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._queues.clear()
        self._known.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _take(self, update: Update) -> None:
        """Puts an update into its queue and starts a courier when the queue has none."""
        if not self.url or update.id in self._known:
            return
        self._known.add(update.id)
        queue = self._queues.get(update.queue)
        if queue is None:
            queue = self._queues[update.queue] = deque()
            task = asyncio.get_running_loop().create_task(self._courier(update.queue, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        queue.append(update)

    async def _courier(self, key: int, queue: deque[Update]) -> None:
        """Delivers one queue in order, then goes home."""
        while queue:
            update = queue[0]
            await self._deliver(update)
            queue.popleft()
            self._known.discard(update.id)
        del self._queues[key]

    async def _deliver(self, update: Update) -> None:
        """Tries until a 2xx: the first retry at once, later ones after a doubling delay or the Retry-After asked for."""
        clock, limits, updates = self._world.clock, self._world.limits, self._world.updates
        delay, failures = limits.webhook_retry_seconds, 0
        while update.id in updates.pending and self.url:
            async with self._slots:
                taken, retry_after = await self._post(update)
            if taken:
                updates.confirm(update)
                return
            wait = min(retry_after, RETRY_AFTER_MAX)
            if not wait and failures:
                delay = wait = min(delay * 2, limits.webhook_retry_seconds_max)
            failures += 1
            if clock.now() + wait > update.lapses_at:
                updates.drop(update)
                return
            if wait:
                await clock.sleep(wait)

    async def _post(self, update: Update) -> tuple[bool, float]:
        """One attempt: whether it was taken, and the Retry-After seconds if it was not."""
        assert self._session is not None
        headers = {"Content-Type": JSON}
        if self._secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self._secret
        self._world.updates.handed_out(update)
        try:
            async with self._session.post(self.url, data=update.json, headers=headers) as response:
                if 200 <= response.status < 300:
                    self._gone_since = None
                    await self._obey(response)
                    return True, 0.0
                self._note(f"Wrong response from the webhook: {response.status} {response.reason}")
                self._watch_gone(response.status)
                with contextlib.suppress(ValueError):
                    return False, max(0.0, float(response.headers.get("Retry-After", 0)))
        except TimeoutError:
            self._note("Read timeout expired")
        except aiohttp.ClientConnectorError:
            self._note("Connection refused")
        except aiohttp.ClientError:
            self._note("Webhook connection closed")
        return False, 0.0

    async def _obey(self, response: aiohttp.ClientResponse) -> None:
        """Runs the method a reply names; the bot never learns its result."""
        if response.content_type != JSON or self.execute is None:
            return
        with contextlib.suppress(ValueError, UnicodeDecodeError):
            asked = json.loads(await response.read() or b"null")
            if isinstance(asked, dict) and isinstance(asked.get("method"), str):
                name = asked.pop("method").lower()
                if name not in NEVER_IN_REPLIES and not name.startswith("get"):
                    await self.execute(name, asked)

    def _watch_gone(self, status: int) -> None:
        """A webhook that says 410 for 23 hours is removed."""
        if status != 410:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = self._world.clock.now()
        elif self._world.clock.now() > self._gone_since + GONE_SECONDS:
            self.url = ""
            self._world.updates.webhook_active = False

    def _note(self, problem: str) -> None:
        self._last_error = (int(self._world.clock.now()), problem)
