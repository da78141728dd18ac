"""The one place that knows Telegram's limits and what its errors mean.

Limits: one message a second in a chat with bursts of five; about 25 *unsolicited* messages a second for the whole bot, shared
by all workers through one row of the database (`pace`); replies, edits and callback answers are not its business. A
`retry_after` is always honoured: for its chat, for everything unsolicited when the message was, and for all calls when several
chats were refused at once.

Errors, in this order: `RetryAfter` waits, `Forbidden` and an unknown chat make a member unreachable, `ChatMigrated` names the
new chat, any other `BadRequest` is our bug, any other `NetworkError` may or may not have been carried out.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)

from bot.request import NotConnected

log = structlog.get_logger(__name__)

UNSOLICITED_PER_SECOND = 25.0
CHAT_BURST = 5
CHAT_PER_SECOND = 1.0
PATIENCE_SECONDS = 2.0
"""A wait up to this long is waited for in place; a longer one goes back to the outbox."""
OVERSLEPT_SECONDS = 0.5
"""A place in the queue for unsolicited messages is good for this long."""
PLACES_TAKEN = 5
CHATS_REMEMBERED = 20_000
FLOODED_CHATS = 3
FLOOD_WINDOW_SECONDS = 5.0

T = TypeVar("T")


class Later(Exception):
    """Not sent, and known not to be: try again after `seconds`. `flood`: Telegram itself asked for the pause."""

    def __init__(self, seconds: float, *, flood: bool = False) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.flood = flood


class Unreachable(Exception):
    """The person blocked the bot, left, or never started it."""


class Moved(Exception):
    """The chat has a new id."""

    def __init__(self, chat_id: int) -> None:
        super().__init__(chat_id)
        self.chat_id = chat_id


class Refused(Exception):
    """Telegram says that the request is wrong; its words are the text, in lower case."""


class Uncertain(Exception):
    """It may have been carried out; nobody knows."""


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram wants to be left alone; the library's type for it is changing."""
    wait: Any = error.retry_after
    return wait.total_seconds() if isinstance(wait, dt.timedelta) else float(wait)


_TAKE = text(
    "INSERT INTO pace AS p (name, full_at) VALUES ('unsolicited', clock_timestamp() + make_interval(secs => :cost))"
    " ON CONFLICT (name) DO UPDATE SET"
    " full_at = greatest(p.full_at, clock_timestamp()) + make_interval(secs => :cost)"
    " WHERE p.full_at < clock_timestamp() + make_interval(secs => :patience)"
    " RETURNING extract(epoch FROM full_at - clock_timestamp())::float8"
)
_PAUSE = text(
    "INSERT INTO pace AS p (name, full_at) VALUES ('unsolicited', clock_timestamp() + make_interval(secs => :seconds))"
    " ON CONFLICT (name) DO UPDATE SET"
    " full_at = greatest(p.full_at, clock_timestamp() + make_interval(secs => :seconds))"
)


class Transport:
    """Paces calls and translates errors. One per process; the unsolicited budget is everyone's."""

    def __init__(self, engine: AsyncEngine, *, per_second: float = UNSOLICITED_PER_SECOND) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._cost = 1.0 / per_second
        self._chats: OrderedDict[int, float] = OrderedDict()
        self._closed_until = 0.0
        self._floods: dict[int, float] = {}
        self._turnstile = asyncio.Lock()

    async def message(self, chat_id: int, call: Callable[[], Awaitable[T]], *, unsolicited: bool) -> T:
        """A message to a chat, when its turn has come.

        Raises:
            Later, Unreachable, Moved, Refused, Uncertain: see there.
        """
        await self._chat_turn(chat_id)
        if unsolicited:
            await self._budget()
        try:
            return await self.call(call)
        except Later as wait:
            if wait.flood:
                self._flooded(chat_id, wait.seconds)
                if unsolicited:
                    await self.pause(wait.seconds)
            raise

    async def call(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call that no rate is kept for: edits, answers, deletions.

        Raises:
            Later, Unreachable, Moved, Refused, Uncertain: see there.
        """
        wait = self._closed_until - time.monotonic()
        if wait > 0:
            await self._wait(wait)
        try:
            return await call()
        except RetryAfter as error:
            raise Later(seconds_of(error), flood=True) from None
        except Forbidden as error:
            raise Unreachable(str(error)) from None
        except ChatMigrated as error:
            raise Moved(error.new_chat_id) from None
        except BadRequest as error:
            said = str(error).lower()
            if said == "chat not found":  # whoever is it never wrote to this bot, or is gone
                raise Unreachable(said) from None
            raise Refused(said) from None
        except NotConnected:
            raise Later(1.0) from None
        except (InvalidToken, Conflict) as error:
            raise Refused(str(error).lower()) from None
        except NetworkError as error:
            raise Uncertain(str(error)) from None

    async def pause(self, seconds: float) -> None:
        """Nothing unsolicited leaves any worker for `seconds`."""
        async with self._engine.connect() as connection:
            await connection.execute(_PAUSE, {"seconds": seconds})

    async def _chat_turn(self, chat_id: int) -> None:
        """Waits for this chat's own rate (bursts of five, then one a second)."""
        now = time.monotonic()
        full_at = self._chats.get(chat_id, 0.0)
        wait = full_at - now - (CHAT_BURST - 1) / CHAT_PER_SECOND
        if wait > 0:
            await self._wait(wait)
        self._chats[chat_id] = max(full_at, now) + 1 / CHAT_PER_SECOND
        self._chats.move_to_end(chat_id)
        if len(self._chats) > CHATS_REMEMBERED:
            self._chats.popitem(last=False)

    def _flooded(self, chat_id: int, seconds: float) -> None:
        """Leave a chat alone; and, where several were refused at about the same time, everything: then it is the bot's limit."""
        now = time.monotonic()
        self._chats[chat_id] = now + seconds + (CHAT_BURST - 1) / CHAT_PER_SECOND
        self._chats.move_to_end(chat_id)
        self._floods = {chat: at for chat, at in self._floods.items() if now - at < FLOOD_WINDOW_SECONDS} | {
            chat_id: now
        }
        if len(self._floods) >= FLOODED_CHATS:
            self._closed_until = max(self._closed_until, now + seconds)

    async def _budget(self) -> None:
        """Takes one of the bot's unsolicited messages: a place in the common queue, then the wait until it comes up.

        Whoever wakes too late for their place (the machine stood still) takes another: else all that slept through would leave
        at once, and Telegram would refuse them.
        """
        for _ in range(PLACES_TAKEN):
            async with self._turnstile, self._engine.connect() as connection:
                asked = time.monotonic()
                until_next = await connection.scalar(_TAKE, {"cost": self._cost, "patience": PATIENCE_SECONDS})
            if until_next is None:
                break  # the queue is long: no place was taken in it
            due = asked + float(until_next) - self._cost
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() - due < OVERSLEPT_SECONDS:
                return
        raise Later(PATIENCE_SECONDS)

    async def _wait(self, seconds: float) -> None:
        if seconds > PATIENCE_SECONDS:
            raise Later(seconds)
        await asyncio.sleep(seconds)
