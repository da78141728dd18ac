"""Webhook delivery: one request in flight per queue, retries that back off, until a 2xx.

The queue of a message is its chat; of a button press, its user, shifted: so a press and a message of one person may
arrive at the same time, on different workers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from bot.double.updates import Update
    from bot.double.world import World

RETRY_AFTER_MAX = 3600


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
        world.updates.on_push.append(self._take)

    async def point_at(self, url: str, secret: str, connections: int) -> None:
        """Starts delivering to `url`; an empty one stops."""
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
            self._take()

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
            info["max_connections"] = self._connections
            info["ip_address"] = "127.0.0.1"
            if self._last_error is not None:
                info["last_error_date"], info["last_error_message"] = self._last_error
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

    def _take(self) -> None:
        """Moves new pending updates into their queues and starts a courier for each queue without one."""
        if not self.url:
            return
        for update in reversed(self._world.updates.pending.values()):
            if update.id in self._known:
                break
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
        clock, limits = self._world.clock, self._world.limits
        delay = 0.0
        while update.id in self._world.updates.pending:
            if update.lapses_at <= clock.now():
                self._world.updates.drop_lapsed()
                return
            async with self._slots:
                delivered, retry_after = await self._post(update)
            if delivered:
                self._world.updates.confirm(update)
                return
            if retry_after:
                await clock.sleep(min(retry_after, RETRY_AFTER_MAX))
            elif delay:
                await clock.sleep(delay)
            delay = min(delay * 2 if delay else limits.webhook_retry_seconds, limits.webhook_retry_seconds_max)

    async def _post(self, update: Update) -> tuple[bool, float]:
        """One attempt: whether it was taken, and the Retry-After seconds if it was not."""
        assert self._session is not None
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self._secret
        if update.chat is not None:
            update.chat.handed_at = self._world.clock.now()
        update.handed += 1
        try:
            async with self._session.post(self.url, data=update.json, headers=headers) as response:
                if 200 <= response.status < 300:
                    return True, 0.0
                self._note(f"Wrong response from the webhook: {response.status} {response.reason}")
                with contextlib.suppress(ValueError):
                    return False, float(response.headers.get("Retry-After", 0))
        except TimeoutError:
            self._note("Read timeout expired")
        except aiohttp.ClientConnectorError:
            self._note("Connection refused")
        except aiohttp.ClientError as error:
            self._note(f"Connection closed: {type(error).__name__}")
        return False, 0.0

    def _note(self, problem: str) -> None:
        self._last_error = (int(self._world.clock.now()), problem)
