"""One update, one transaction: the turn processor, hung into python-telegram-bot where it offers a place for it.

    lane in this process → chat's lock, key, who and where (one round trip) → the feature → dialogue and messages (one
    round trip) → commit → said at once

A Refusal rolls the transaction back; then key and worded screen are committed in a new one, so a feature that goes through
pays for no savepoint. What only reads has neither key nor transaction: a kill before its answer means Telegram delivers it again.
Anything else that is raised rolls everything back and is judged by `failures`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from telegram import Update
from telegram.ext import Application, BaseUpdateProcessor

from bot import failures, manners
from bot.dispatch import Dispatcher
from bot.drawing import Asked, Checkout, Drawn, Inline, Tapped, draw
from bot.engines import Engines
from bot.failures import NotNow
from bot.logs import name_member, turn_context
from bot.metrics import Metrics
from bot.opening import Caller, Closed, Opened, Opener, close, language_of
from bot.outbox import Outbox
from bot.reply import without_answer
from bot.running import Running, running
from bot.telling import Teller
from bot.transport import Later, Moved, Refused, Uncertain, Unreachable
from chat.screen import Screen
from ledger.errors import Refusal
from ledger.members.profile import hear_language
from ledger.members.vault import Vault

log = structlog.get_logger(__name__)

TRANSIENT_TRIES_MAX = 6
ERROR_CHARACTERS_MAX = 2000


class TurnProcessor(BaseUpdateProcessor):
    """Runs each update as a turn. `at_once`: how many updates may be in work; more wait their turn.

    `application` is asked for a new run of the handlers whenever a turn has to be tried again.
    """

    def __init__(
        self,
        *,
        engines: Engines,
        opener: Opener,
        dispatcher: Dispatcher,
        outbox: Outbox,
        teller: Teller,
        vault: Vault,
        metrics: Metrics,
        redact: Callable[[str], str],
        application: Callable[[], Application[Any, Any, Any, Any, Any, Any]],
        at_once: int = 64,
    ) -> None:
        super().__init__(at_once)
        self._engines = engines
        self._opener = opener
        self._dispatcher = dispatcher
        self._outbox = outbox
        self._teller = teller
        self._vault = vault
        self._metrics = metrics
        self._redact = redact
        self._application = application
        self._lanes: dict[int, tuple[asyncio.Lock, list[None]]] = {}

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Work on one update; returns when it is committed (or read and answered), or was before.

        Raises:
            NotNow: the update is untouched and shall come again.
        """
        runs = _Runs(coroutine, lambda: self._application().process_update(update))
        try:
            caller = caller_of(update) if isinstance(update, Update) else None
            if caller is None or not isinstance(update, Update):
                return  # nobody to answer: a channel's post, an edited message
            key = f"update:{update.get_bot().id}:{update.update_id}"
            async with self.lane(caller.chat_id):
                with turn_context(key):
                    await self._work(update, key, caller, runs)
        finally:
            runs.close()

    async def _work(self, update: Update, key: str, caller: Caller, runs: _Runs) -> None:
        began = time.monotonic()
        aim, outcome = self._dispatcher.aim_of(update), "done"
        transient = 0
        while True:
            try:
                if not (aim.reads_only and await self._read(update, key, caller, runs)):
                    outcome = await self._write(update, key, caller, runs)
                break
            except Exception as error:
                means = failures.meaning(error)
                if means == "again" and (transient := transient + 1) < TRANSIENT_TRIES_MAX:
                    self._metrics.retries.labels("turn", failures.sqlstate(error) or "").inc()  # type: ignore[arg-type]
                    await asyncio.sleep(random.uniform(0, 0.01 * 2**transient))
                    continue
                if means == "not now":
                    self._metrics.turns.labels(aim.name, "not_now").inc()
                    log.warning("turn_not_now", error=type(error).__name__)
                    raise NotNow(type(error).__name__) from error
                if await self._failed(update, key, caller, error):
                    outcome = "set_aside"
                    break
        self._metrics.turns.labels(aim.name, outcome).inc()
        self._metrics.turn_seconds.labels(aim.name).observe(time.monotonic() - began)

    # -- a turn that writes

    async def _write(self, update: Update, key: str, caller: Caller, runs: _Runs) -> str:
        async with self._engines.turns.connect() as tx:
            opened = await self._opener.open(tx, key, caller)
            if opened is None:
                return "repeated"
            now = await self._begin(tx, update, opened)
            outcome = "done"
            await self._run(now, runs)
            if isinstance(now.error, Refusal):
                refusal, left = now.error, now.left
                await tx.rollback()
                opened = await self._opener.open(tx, key, caller)
                if opened is None:
                    return "repeated"  # another worker was given the same update in between
                now = await self._begin(tx, update, opened)
                if left:
                    now.leave()
                now.answer = [manners.refused(refusal)]
                outcome = "refused"
                log.info("refused", code=refusal.code)
            elif now.error is not None:
                raise now.error
            closed = await self._close(opened, now, caller)
            await tx.commit()
        closed.hand_over(self._outbox)
        return outcome

    async def _begin(self, tx: AsyncConnection, update: Update, opened: Opened) -> Running:
        now = Running(opened.turn, update, tapped_in(update), opened.turn.dialogue.data.get("link"))
        if opened.unreachable and update.my_chat_member is None and opened.turn.member is not None:
            await self._dispatcher.reachable_again(opened.turn)
        return now

    @staticmethod
    async def _run(now: Running, runs: _Runs) -> None:
        token = running.set(now)
        try:
            if now.turn.member is not None:
                name_member(now.turn.member.id)
            await runs.next()
        finally:
            running.reset(token)

    async def _close(self, opened: Opened, now: Running, caller: Caller) -> Closed:
        now.carry_link()
        if now.turn.member is not None and caller.says_otherwise(opened.heard):
            await hear_language(now.turn.tx, now.turn.member.id, language_of(caller.language_code))
        drawn = draw(now.answer, now.turn.speaker, now.tapped)
        return await close(opened, drawn, self._outbox, self._vault)

    # -- a turn that reads

    async def _read(self, update: Update, key: str, caller: Caller, runs: _Runs) -> bool:
        """Read and answer. False: it turns out that something must be written; nothing was done."""
        async with self._engines.reads.connect() as connection:
            opened = await self._opener.look(connection, key, caller)
            if opened.turn.dialogue.state or opened.turn.member is None or opened.unreachable:
                return False
            if caller.says_otherwise(opened.heard):
                return False
            if opened.backlog and not await self._outbox.clear(caller.chat_id):
                return False
            now = Running(opened.turn, update, tapped_in(update))
            await self._run(now, runs)
            if isinstance(now.error, Refusal):
                now.answer = [manners.refused(now.error)]
            elif now.error is not None:
                raise now.error
        drawn = draw(now.answer, now.turn.speaker, now.tapped)
        await self._say(key, caller, now, drawn)
        return True

    async def _say(self, key: str, caller: Caller, now: Running, drawn: Sequence[Drawn]) -> None:
        for number, each in enumerate(drawn):
            try:
                await self._teller.say(caller.chat_id, without_answer(each))
            except (Later, Uncertain, Moved):
                # What can't be said now is written down after all, under the update's key, and said by the outbox.
                await self._answer_with(key, caller, list(drawn[number:]))
                return
            except Unreachable:
                return
            except Refused as no:
                log.error("telegram_refused", why=str(no))

    async def _answer_with(self, key: str, caller: Caller, drawn: list[Drawn]) -> None:
        async with self._engines.turns.connect() as tx:
            opened = await self._opener.open(tx, key, caller)
            if opened is None:
                return
            closed = await close(opened, drawn, self._outbox, self._vault)
            await tx.commit()
        closed.hand_over(self._outbox)

    # -- a turn that fails

    async def _failed(self, update: Update, key: str, caller: Caller, error: Exception) -> bool:
        """Count a failure; after the last try set the update aside and tell the person. True when that is done."""
        said = self._redact(f"{type(error).__name__}: {error}")[:ERROR_CHARACTERS_MAX]
        log.error("turn_failed", code=failures.code_of(key), error=said, exc_info=error)
        try:
            tries = await failures.count(self._engines.turns, key, caller.chat_id, said)
            if tries < failures.TRIES_MAX:
                await asyncio.sleep(failures.PAUSES[min(tries, len(failures.PAUSES)) - 1])
                return False
            async with self._engines.turns.connect() as tx:
                opened = await self._opener.open(tx, key, caller)
                if opened is not None:
                    opened.turn.finish()
                    await failures.set_aside(tx, key, caller.chat_id, update.to_dict(), said, tries)
                    screens: list[Screen] = [manners.broken(failures.code_of(key))]
                    drawn = draw(screens, opened.turn.speaker, tapped_in(update))
                    closed = await close(opened, drawn, self._outbox, self._vault)
                    await tx.commit()
                    closed.hand_over(self._outbox)
        except Exception as another:
            raise NotNow(type(another).__name__) from another
        self._metrics.dead_letters.inc()
        log.error("set_aside", code=failures.code_of(key), tries=tries)
        return True

    # -- order

    @asynccontextmanager
    async def lane(self, chat_id: int) -> AsyncIterator[None]:
        """One chat's updates one after the other, in order of arrival, before they ask the database for its lock."""
        lock, users = self._lanes.setdefault(chat_id, (asyncio.Lock(), []))
        users.append(None)
        try:
            async with lock:
                yield
        finally:
            users.pop()
            if not users:
                del self._lanes[chat_id]


class _Runs:
    """The runs of the handlers over one update: the one python-telegram-bot made, and fresh ones for every further try."""

    def __init__(self, first: Awaitable[Any], again: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._first: Any = first
        self._again = again

    async def next(self) -> None:
        """Run the handlers once."""
        now, self._first = self._first, None
        await (now if now is not None else self._again())

    def close(self) -> None:
        """The first run may never have been needed: no «was never awaited»."""
        if self._first is not None and hasattr(self._first, "close"):
            self._first.close()


def caller_of(update: Update) -> Caller | None:
    """Who sent an update, and into which chat an answer goes; None for what has no person behind it."""
    user, chat = update.effective_user, update.effective_chat
    spoken = update.message or update.callback_query or update.my_chat_member
    if user is None or (spoken or update.pre_checkout_query or update.inline_query) is None:
        return None
    return Caller(chat.id if chat is not None else user.id, user.id, user.full_name, user.language_code)


def tapped_in(update: Update) -> Asked | None:
    """The tap that an update is, or the question before a payment, or what was typed after the bot's name, if it is one."""
    if update.pre_checkout_query is not None:
        return Checkout(update.pre_checkout_query.id)
    if update.inline_query is not None:
        return Inline(update.inline_query.id)
    query = update.callback_query
    if query is None:
        return None
    message = query.message
    if message is None or not message.is_accessible:
        return Tapped(query.id, 0)
    return Tapped(
        query.id,
        message.message_id,
        picture=bool(getattr(message, "photo", None) or getattr(message, "document", None)),
        protected=bool(getattr(message, "has_protected_content", False)),
    )
