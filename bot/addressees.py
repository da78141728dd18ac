"""Where a message to a member goes, and in which language: read once for all messages of a turn or a duty's chunk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.drawing import draw
from chat.turn import Tell
from chat.words import Speaker
from ledger.members import person
from ledger.members.vault import Vault

DEFAULT_LANGUAGE = "zh"

_LANGUAGES = text(
    "SELECT id, coalesce(language, telegram_language) AS language FROM member"
    " WHERE id = ANY (CAST(:members AS bigint[])) AND unreachable_since IS NULL"
)


async def messages_of(
    tx: AsyncConnection, vault: Vault, tells: Sequence[Tell], *, today: dt.date, zone: dt.tzinfo
) -> list[dict[str, Any]]:
    """Outbox rows (as `turn_close` takes them) for what members are to be told.

    Members who can't be reached, never joined by Telegram or were forgotten are left out.
    """
    if not tells:
        return []
    members = list({tell.member_id for tell in tells})
    people = await person.load_many(tx, vault, members)
    languages = {row.id: row.language for row in await tx.execute(_LANGUAGES, {"members": members})}
    messages = []
    for tell in tells:
        if tell.member_id not in people or tell.member_id not in languages:
            continue
        speaker = Speaker(languages[tell.member_id] or DEFAULT_LANGUAGE, today, zone)
        for drawn in draw([tell.screen], speaker):
            messages.append(
                {
                    "chat_id": people[tell.member_id].chat_id,
                    "member_id": tell.member_id,
                    "method": "say",
                    "params": drawn,
                    "policy": tell.policy,
                    "key": tell.key,
                    "not_after": tell.not_after.isoformat() if tell.not_after else None,
                }
            )
    return messages
