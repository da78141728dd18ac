"""What people send in chat is fetched outside of turns: a loop of the leader beside the timetable, because somebody waits for the
answer and a long file must not hold up the night's duties. What is done with a file, a subclass says.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken

from bot import failures
from bot.addressees import say
from bot.clock import Clock
from bot.leads import Lease, LostLead
from jobs.duty import Chunk
from ledger.imports.reading import BYTES_MOST, ImportTooLarge
from ledger.members.vault import Vault
from ledger.programme import Programme

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
FETCH_SECONDS_MAX = 60.0

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


class SentFiles(ABC):
    """Works on what was sent, step by step; each transaction checks the lease.

    Args:
        fetch: gets a file's content by Telegram's id.
        hurry: looks after a chat's messages now.
    """

    name: str
    """Of the work, in logs and in the keys of what it tells."""

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

    @abstractmethod
    async def step(self, lease: Lease | None = None) -> bool:
        """Do some of it. False: there was nothing."""

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
                failures.log_round(log, f"{self.name}_wait", error)
            await asyncio.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def _chunk(self, lease: Lease | None) -> AsyncIterator[Chunk]:
        """A transaction, what it tells included."""
        async with self._engine.begin() as tx:
            if lease is not None:
                await lease.check(tx)
            at = await self._clock.moment(tx)
            chunk = Chunk(tx, self.name, at, Programme.model_validate(await tx.scalar(_PROGRAMME)))
            yield chunk
            told = await say(tx, self._vault, chunk.tells, today=at.today, zone=self._clock.zone)
        for message in told:
            self._hurry(message["chat_id"], message["policy"])
