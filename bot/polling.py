"""Long polling by one leased poller that confirms only what has been committed.

Updates run in lanes: one chat's in order, different chats side by side. Asking with an offset confirms everything before it, so
the offset is the end of the longest run of finished updates; what a kill leaves unfinished is delivered again, and what was
finished behind it is recognised by its key.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog
from telegram import Update
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application

from bot.api import BotApi
from bot.dispatch import ALLOWED_UPDATES
from bot.failures import NotNow
from bot.incoming import Incoming, Sent
from bot.leads import Lease
from bot.transport import seconds_of

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 25
BATCH_PATIENCE_SECONDS = 1.0
"""How long a batch may take before newer updates are fetched beside what is still running."""
REPEAT_SECONDS = 0.6
"""Telegram slows pollers that ask for the same offset again within half a second."""
AGAIN_SECONDS = 0.5


class Poller:
    """Fetches and runs updates for as long as it leads."""

    def __init__(self, application: Application[Any, Any, Any, Any, Any, Any], api: BotApi, incoming: Incoming) -> None:
        self._application = application
        self._api = api
        self._incoming = incoming
        self._work: OrderedDict[int, asyncio.Task[None]] = OrderedDict()
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._offset = 0
        self._confirmed = 0
        self.receiving = False

    async def run(self, lease: Lease) -> None:
        """Poll until cancelled. Updates in work are finished first; what was finished is confirmed."""
        self._work.clear()
        self._lanes.clear()
        self._offset = self._confirmed = 0
        log.info("polling", epoch=lease.epoch)
        await self._stop_webhook()
        try:
            while True:
                await self._round()
        finally:
            self.receiving = False
            await self._finish()

    async def _round(self) -> None:
        before = self._offset
        new = 0
        # The first request doesn't wait for an update: it tells at once that Telegram answers, and /readyz with it.
        for sent in await self._fetch(TIMEOUT_SECONDS if self.receiving else 0):
            if sent["update_id"] not in self._work:
                self._begin(sent)
                new += 1
        await self._some_finished(BATCH_PATIENCE_SECONDS)
        self._advance()
        if not new and self._work and self._offset == before:
            await asyncio.sleep(REPEAT_SECONDS)

    async def _fetch(self, timeout: int) -> Sequence[Sent]:
        self._confirmed = self._offset  # should this request be lost, its updates come again and are recognised
        try:
            updates: list[Sent] = await self._api.call(
                "getUpdates",
                None,
                timeout + 10.0,
                offset=self._offset or None,
                timeout=timeout,
                allowed_updates=ALLOWED_UPDATES,
            )
            self.receiving = True
            return updates
        except RetryAfter as error:
            await asyncio.sleep(seconds_of(error))
        except Conflict:
            # Another poller of the same token, ours or a stranger's. Ours ends when its lease does.
            log.warning("polling_conflict")
            await asyncio.sleep(2.0)
        except InvalidToken:
            self.receiving = False
            log.error("token_refused")
            await asyncio.sleep(10.0)
        except NetworkError as error:
            self.receiving = False
            log.warning("polling_failed", error=type(error).__name__)
            await asyncio.sleep(1.0)
        return ()

    def _begin(self, sent: Sent) -> None:
        update = self._incoming.read(sent)
        if isinstance(update, Exception):
            aside = partial(self._incoming.set_aside, sent, update)
            self._work[sent["update_id"]] = asyncio.create_task(self._until_done(aside, None))
            return
        chat = update.effective_chat or update.effective_user
        lane = chat.id if chat is not None else 0
        task = asyncio.create_task(self._until_done(partial(self._turn, update), self._lanes.get(lane)))
        self._work[update.update_id] = task
        self._lanes[lane] = task

        def leave(done: asyncio.Task[None]) -> None:
            if self._lanes.get(lane) is done:
                del self._lanes[lane]

        task.add_done_callback(leave)

    async def _turn(self, update: Update) -> None:
        processor = self._application.update_processor
        await processor.process_update(update, self._application.process_update(update))

    @staticmethod
    async def _until_done(work: Callable[[], Awaitable[None]], previous: asyncio.Task[None] | None) -> None:
        """Work on one update, after the one before it in its chat; again and again until it is committed or set aside."""
        if previous is not None:
            await asyncio.wait({previous})
        while True:
            try:
                await work()
                return
            except NotNow:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _some_finished(self, seconds: float) -> None:
        unfinished = [task for task in self._work.values() if not task.done()]
        if unfinished:
            await asyncio.wait(unfinished, timeout=seconds)

    def _advance(self) -> None:
        """Move the offset over the longest run of finished updates."""
        while self._work:
            update_id, task = next(iter(self._work.items()))
            if not task.done() or task.cancelled() or task.exception() is not None:
                break
            del self._work[update_id]
            self._offset = max(self._offset, update_id + 1)

    async def _finish(self) -> None:
        """Let running turns end, then confirm what is finished; what can't be confirmed is delivered again."""
        await self._some_finished(10.0)
        for task in self._work.values():
            task.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)
        self._advance()
        if self._offset > self._confirmed:
            try:
                await self._api.call("getUpdates", offset=self._offset, timeout=0, limit=1)
            except TelegramError as error:
                log.info("offset_not_confirmed", error=type(error).__name__)

    async def _stop_webhook(self) -> None:
        """A webhook set earlier would refuse every poll. What it has not delivered stays queued."""
        try:
            if (await self._application.bot.get_webhook_info()).url:
                await self._application.bot.delete_webhook()
        except TelegramError as error:
            log.warning("webhook_not_removed", error=type(error).__name__)
