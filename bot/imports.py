"""Imports at work: fetches files that Telegram has, reads them beside the event loop, and does piece after piece of what they say.

Only the leader works, and each transaction checks its lease. A piece that fails is tried again; after a few tries its file stops,
its sender is told, and the others go on.
"""

from __future__ import annotations

import asyncio
import secrets

import structlog
from telegram.error import TelegramError

from bot import failures
from bot.leads import Lease, LostLead
from bot.sent_files import Gone, SentFiles
from chat import imports as words
from jobs import imports as duty
from ledger.imports import progress
from ledger.imports.files import Trouble
from ledger.imports.reading import ImportTooLarge

log = structlog.get_logger(__name__)

FETCH_TRIES_MAX = 5


class Imports(SentFiles):
    """Works on imported files."""

    name = "imports"

    async def step(self, lease: Lease | None = None) -> bool:
        """Fetch a file, read a file, do a piece of one, whatever of it there is. False: there was nothing."""
        async with self._engine.connect() as tx:
            if not await progress.any_under_way(tx):
                return False
        fetched, read = await self._fetch_one(lease), await self._read_one(lease)
        worked = await self._work(lease)
        return fetched or read or worked

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
