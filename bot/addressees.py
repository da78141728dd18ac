"""Where a message to a member goes, and in which language: read once for all messages of a turn or a duty's chunk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.drawing import draw
from bot.request import compact
from chat.turn import Tell
from chat.words import Speaker, t
from ledger.members import business, person
from ledger.members.vault import Vault

DEFAULT_LANGUAGE = "zh"

_LANGUAGES = text(
    "SELECT id, coalesce(language, telegram_language) AS language FROM member"
    " WHERE id = ANY (CAST(:members AS bigint[])) AND unreachable_since IS NULL"
)


_SAY = text("SELECT 1 FROM turn_close(0, NULL, NULL, CAST(:messages AS jsonb), CAST('{}' AS bigint[]))")


async def say(
    tx: AsyncConnection, vault: Vault, tells: Sequence[Tell], *, today: dt.date, zone: dt.tzinfo
) -> list[dict[str, Any]]:
    """Write what members are to be told into the outbox, outside of anybody's turn. The rows, as `messages_of` has them."""
    messages = await messages_of(tx, vault, tells, today=today, zone=zone)
    if messages:
        await tx.execute(_SAY, {"messages": compact(messages)})
    return messages


async def messages_of(
    tx: AsyncConnection, vault: Vault, tells: Sequence[Tell], *, today: dt.date, zone: dt.tzinfo
) -> list[dict[str, Any]]:
    """Outbox rows (as `turn_close` takes them) for what members are to be told.

    Members who can't be reached, never joined by Telegram or were forgotten are left out. What a company is to be told goes to
    each of its people, under the company's name.
    """
    if not tells:
        return []
    members = list({tell.member_id for tell in tells})
    people = await person.load_many(tx, vault, members)
    if any(each.chat_id < 0 for each in people.values()):  # a company, which has no chat
        tells = await _to_people(tx, tells)
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


async def _to_people(tx: AsyncConnection, tells: Sequence[Tell]) -> list[Tell]:
    companies = await business.told(tx, {tell.member_id for tell in tells})
    found = []
    for tell in tells:
        if tell.member_id not in companies:
            found.append(tell)
            continue
        name, people = companies[tell.member_id]
        shown = replace(tell.screen, lines=(t("<b>{company}</b>", company=name), *tell.screen.lines))
        for member_id in people:
            key = f"{tell.key}:{member_id}" if tell.key else None
            found.append(replace(tell, member_id=member_id, screen=shown, key=key))
    return found
