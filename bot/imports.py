"""Imports at work: fetches files that Telegram has, reads them beside the event loop, and does piece after piece of what they say.

Only the leader works, and each transaction checks its lease. A piece that fails is tried again; after a few tries its file stops,
its sender is told, and the others go on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bot import failures
from bot.addressees import say
from bot.clock import Clock
from bot.leads import Lease, LostLead
from chat import imports as words
from jobs import imports as duty
from jobs.duty import Chunk
from ledger.imports import progress
from ledger.imports.files import Trouble
from ledger.imports.reading import BYTES_MOST, ImportTooLarge
from ledger.members.vault import Vault
from ledger.programme import Programme

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
FETCH_SECONDS_MAX = 60.0
FETCH_TRIES_MAX = 5

_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


class Gone(Exception):
    """Telegram does not have the file any more, or will not give it."""


def from_telegram(bot: Bot) -> Callable[[str], Awaitable[bytes]]:
    """What fetches the content of a file by Telegram's id of it.

    Raises:
        Gone; ImportTooLarge; TelegramError where it may work later.
    """

    async def fetch(file_id: str) -> bytes:
        try:
            file = await bot.get_file(file_id)
            if (file.file_size or 0) > BYTES_MOST:
                raise ImportTooLarge(BYTES_MOST)
            return bytes(await file.download_as_bytearray(read_timeout=FETCH_SECONDS_MAX))
        except (BadRequest, Forbidden, InvalidToken) as error:
            raise Gone from error

    return fetch


class Imports:
    """Works on imported files. `fetch` gets a file's content by Telegram's id; `hurry` looks after a chat's messages now."""

    def __init__(
        self,
        engine: AsyncEngine,
        vault: Vault,
        clock: Clock,
        fetch: Callable[[str], Awaitable[bytes]],
        *,
        hurry: Callable[[int, str], None] = lambda chat_id, policy: None,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._fetch = fetch
        self._hurry = hurry

    async def run(self, lease: Lease | None = None) -> None:
        """Work on whatever there is, until cancelled.

        Raises:
            LostLead: somebody else leads.
        """
        while True:
            try:
                while await self.step(lease):
                    pass
            except LostLead:
                raise
            except Exception as error:
                failures.log_round(log, "imports_wait", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self, lease: Lease | None = None) -> bool:
        """Fetch a file, read a file, do a piece of one, whatever of it there is. False: there was nothing."""
        async with self._engine.connect() as tx:
            if not await progress.any_under_way(tx):
                return False
        fetched, read = await self._fetch_one(lease), await self._read_one(lease)
        worked = await self._work(lease)
        return fetched or read or worked

    @asynccontextmanager
    async def _chunk(self, lease: Lease | None) -> AsyncIterator[Chunk]:
        """A transaction, what it tells included."""
        async with self._engine.begin() as tx:
            if lease is not None:
                await lease.check(tx)
            at = await self._clock.moment(tx)
            chunk = Chunk(tx, "imports", at, Programme.model_validate(await tx.scalar(_PROGRAMME)))
            yield chunk
            told = await say(tx, self._vault, chunk.tells, today=at.today, zone=self._clock.zone)
        for message in told:
            self._hurry(message["chat_id"], message["policy"])

    async def _fetch_one(self, lease: Lease | None) -> bool:
        async with self._chunk(lease) as chunk:
            asked = await progress.to_fetch(chunk.tx, now=chunk.at.now)
        if asked is None:
            return False
        found: bytes | Trouble
        try:
            found = await self._fetch(asked.telegram_file)
        except ImportTooLarge as no:
            found = words.trouble(no, today=self._clock.today(), zone=self._clock.zone)
        except (Gone, TelegramError, OSError, TimeoutError) as error:
            log.warning("import_not_fetched", number=asked.id, error=type(error).__name__)
            if not isinstance(error, Gone) and asked.tries < FETCH_TRIES_MAX:
                return True  # a minute later again
            found = words.in_both("file_gone", words.GONE)
        async with self._chunk(lease) as chunk:
            if isinstance(found, bytes):
                await progress.arrived(chunk.tx, self._vault, asked.id, found)
            else:
                await duty.refuse(chunk, asked.id, asked.merchant_id, found)
        return True

    async def _read_one(self, lease: Lease | None) -> bool:
        async with self._chunk(lease) as chunk:
            waiting = await progress.to_read(chunk.tx, self._vault)
            at = chunk.at
        if waiting is None:
            return False
        file, content = waiting
        try:
            found = await asyncio.to_thread(duty.read, file, content, at=at, zone=self._clock.zone)
            async with self._chunk(lease) as chunk:
                await duty.keep(chunk, file, found, vault=self._vault)
        except LostLead:
            raise
        except Exception as error:
            await self._failed(lease, file.id, error)
        return True

    async def _work(self, lease: Lease | None) -> bool:
        try:
            async with self._chunk(lease) as chunk:
                return await duty.work_on(chunk, vault=self._vault, zone=self._clock.zone)
        except duty.PieceFailed as failed:
            await self._failed(lease, failed.import_id, failed.__cause__ or failed)
            return True

    async def _failed(self, lease: Lease | None, import_id: int, error: BaseException) -> None:
        """Count what came to nothing, unless the database was only busy; after a few times the file stops."""
        if failures.meaning(error) != "fails":
            log.warning("import_tried_again", number=import_id, error=type(error).__name__)
            await asyncio.sleep(0.1)
            return
        code = failures.code_of(secrets.token_hex(8))
        log.error("import_failed", number=import_id, code=code, error=type(error).__name__, exc_info=error)
        why = words.in_both("import_failed", words.broken(code))
        async with self._chunk(lease) as chunk:
            stopped = await progress.failed(chunk.tx, import_id, why, now=chunk.at.now)
            if stopped is not None:
                await duty.tell(chunk, stopped, await duty.standing(chunk.tx, stopped))
