"""An update as Telegram sent it, made into the library's object — or set aside where the library can't read it.

Refused, an unreadable update would come again and again and hold up everything behind it, by webhook and by polling alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram import Bot, Update

from bot import failures

log = structlog.get_logger(__name__)

Sent = dict[str, Any]
"""An update's JSON; `update_id` is in it, whatever else is."""


class Incoming:
    """Reads updates one by one, so that a bad one stands for itself alone."""

    def __init__(self, bot: Bot, engine: AsyncEngine, redact: Callable[[str], str]) -> None:
        self._bot = bot
        self._engine = engine
        self._redact = redact

    def read(self, sent: Sent) -> Update | Exception:
        """The update, or why it can't be read."""
        try:
            return Update.de_json(sent, self._bot)
        except Exception as error:
            return error

    async def set_aside(self, sent: Sent, error: Exception) -> None:
        """Keep what can't be read in the dead letters, once.

        Raises:
            NotNow: the database can't keep it at the moment.
        """
        key = f"update:{self._bot.id}:{sent['update_id']}"
        why = self._redact(f"{type(error).__name__}: {error}")
        log.error("unreadable_update", code=failures.code_of(key), error=type(error).__name__)
        try:
            async with self._engine.begin() as tx:
                await failures.set_aside(tx, key, None, sent, why, tries=1)
        except Exception as another:
            raise failures.NotNow(type(another).__name__) from another
