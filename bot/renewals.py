"""Screens that renew themselves (`chat.screen.Renew`): a timer for each, and a turn of its own when it is due.

    said in message 7, due at 12:00:25 ──▶ timer ──▶ lane, chat's lock, key ──▶ the feature ──▶ outbox ──▶ message 7 edited

The timers live in the process that said the screen and end with it: a kill, a restart, a failure end the renewals, and the
screen's button renews it from then on. A renewal that finds its person elsewhere changes nothing, whichever process they tapped
in: dialogue and key are looked at under the chat's lock. One timer a chat: what is said later replaces it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import structlog

from bot import failures
from bot.dispatch import Dispatcher
from bot.drawing import Drawn, Tapped, draw
from bot.engines import Engines
from bot.logs import name_member, turn_context
from bot.opening import Caller, Closed, Opener, close
from bot.outbox import Outbox
from ledger.members.vault import Vault

log = structlog.get_logger(__name__)

TIMERS_MAX = 20_000
"""Screens waiting in one process; what comes beyond renews on tap only."""
AT_ONCE = 4
"""Renewals in work; people who tap shall find a connection free."""
SECONDS_MIN = 1.0
"""Between saying a screen and renewing it, however late it was said."""


class Renewals:
    """Hears what was said (`said`) and renews it. `sleep` waits so many seconds; `lane` is the chat's in this process."""

    def __init__(
        self,
        *,
        engines: Engines,
        opener: Opener,
        dispatcher: Dispatcher,
        outbox: Outbox,
        vault: Vault,
        lane: Callable[[int], AbstractAsyncContextManager[None]],
        now: Callable[[], dt.datetime],
        sleep: Callable[[float], Awaitable[None]],
        bot_id: Callable[[], int],
    ) -> None:
        self._engines = engines
        self._opener = opener
        self._dispatcher = dispatcher
        self._outbox = outbox
        self._vault = vault
        self._lane = lane
        self._now = now
        self._sleep = sleep
        self._bot_id = bot_id
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._timers: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def said(self, chat_id: int, message_id: int, drawn: Drawn) -> None:
        """A screen that is to renew itself stands in this message now."""
        if (earlier := self._timers.pop(chat_id, None)) is not None:
            earlier.cancel()
        if self._stopping or len(self._timers) >= TIMERS_MAX:
            return
        task = asyncio.create_task(self._renew_when_due(chat_id, message_id, drawn))
        self._timers[chat_id] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """No more renewals. One that was committed just now is said by the outbox."""
        self._stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._timers.clear()

    async def _renew_when_due(self, chat_id: int, message_id: int, drawn: Drawn) -> None:
        due = dt.datetime.fromisoformat(drawn["renew"]["at"])
        await self._sleep(max(SECONDS_MIN, (due - self._now()).total_seconds()))
        del self._timers[chat_id]  # from here on it is no timer any more but a turn, which nobody cuts short
        key = f"renew:{self._bot_id()}:{chat_id}:{message_id}:{drawn['renew']['data']}"
        try:
            async with self._at_once, self._lane(chat_id):
                with turn_context(key):
                    closed = await self._turn(key, chat_id, message_id, drawn)
                    if closed is not None:
                        closed.hand_over(self._outbox)
        except Exception as error:
            failures.log_round(log, "not_renewed", error)

    async def _turn(self, key: str, chat_id: int, message_id: int, drawn: Drawn) -> Closed | None:
        """What was written; None where nothing is to be renewed any more, and nothing was written."""
        # A private chat has its person's id. What they are called is for those who join.
        caller = Caller(chat_id, chat_id, "", drawn["renew"]["language"])
        async with self._engines.turns.connect() as tx:
            opened = await self._opener.open(tx, key, caller)
            if opened is None or opened.unreachable or opened.turn.member is None:
                return None
            name_member(opened.turn.member.id)
            screens = await self._dispatcher.renewed(opened.turn, drawn["renew"]["data"])
            if not screens:
                return None
            place = Tapped(None, message_id, picture="picture" in drawn, protected=drawn.get("protect", False))
            closed = await close(opened, draw(screens, opened.turn.speaker, place), self._outbox, self._vault)
            await tx.commit()
        return closed
