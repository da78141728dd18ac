"""The command menu and the bot's descriptions, per language and role, from what features declare.

Everybody sees what is for everybody; staff and operators, in their own chat, what is theirs as well. Menus are a courtesy: who
may really do a thing is checked where it is done. Telegram is asked first and told only what differs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram import Bot, BotCommand, BotCommandScope, BotCommandScopeAllPrivateChats, BotCommandScopeChat
from telegram.error import TelegramError

from bot.features import Registry
from chat.feature import Audience
from chat.words import LANGUAGES, Both, Speaker, t
from ledger.members import person
from ledger.members.vault import Vault
from ledger.programme import Programme

log = structlog.get_logger(__name__)

# What Telegram calls a language; the one without a name is for everybody whose language has no menu of its own.
_CODES = {"zh": "zh", "en": None}

_ROLES = text(
    "SELECT m.id, m.language, bool_or(r.post IS NULL) AS operator, array_remove(array_agg(DISTINCT r.post), NULL) AS posts FROM ("
    " SELECT member_id, role AS post FROM staff WHERE removed_at IS NULL"
    " UNION ALL SELECT member_id, NULL FROM operator WHERE removed_at IS NULL"
    ") r JOIN member m ON m.id = r.member_id WHERE m.unreachable_since IS NULL GROUP BY m.id, m.language"
)
_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


def menu(
    registry: Registry, language: str, audiences: Collection[Audience], roles: Collection[str] = ()
) -> list[BotCommand]:
    """The menu of one language for people of these audiences and roles at counters, in the features' order."""
    speaker = Speaker(language, dt.date.min)
    return [
        BotCommand(command.name, speaker.plain(command.description))
        for feature in registry.features
        for command in feature.commands
        if command.shown_to(audiences, roles)
    ]


class Menus:
    """Keeps Telegram's menus as the registry and the roles have them."""

    def __init__(self, bot: Bot, registry: Registry, engine: AsyncEngine, vault: Vault) -> None:
        self._bot = bot
        self._registry = registry
        self._engine = engine
        self._vault = vault
        self._of_chats: dict[int, list[BotCommand]] = {}

    async def publish(self) -> None:
        """Bring menus and descriptions up to date. What Telegram refuses is logged: a menu is no reason not to run."""
        try:
            for language in LANGUAGES:
                wanted = menu(self._registry, language, ("anyone", "member"))
                await self._set(wanted, BotCommandScopeAllPrivateChats(), _CODES[language])
            await self._describe()
        except TelegramError as error:
            log.warning("menus_not_set", error=str(error))
        await self.publish_roles()

    async def publish_roles(self) -> None:
        """Menus of staff and operators, each in their own chat; of those who are it no more, the common one again."""
        wanted: dict[int, list[BotCommand]] = {}
        async with self._engine.connect() as tx:
            rows = (await tx.execute(_ROLES)).all()
            people = await person.load_many(tx, self._vault, [row.id for row in rows])
        for row in rows:
            if row.id in people:
                audiences: list[Audience] = ["anyone", "member"]
                audiences += ["staff"] if row.posts else []
                audiences += ["operator"] if row.operator else []
                wanted[people[row.id].chat_id] = menu(self._registry, row.language or "zh", audiences, row.posts)
        for chat_id in self._of_chats.keys() | wanted.keys():
            if self._of_chats.get(chat_id) == wanted.get(chat_id):
                continue
            try:
                scope = BotCommandScopeChat(chat_id)
                if chat_id in wanted:
                    await self._set(wanted[chat_id], scope, None)
                    self._of_chats[chat_id] = wanted[chat_id]
                else:
                    await self._bot.delete_my_commands(scope)
                    del self._of_chats[chat_id]
            except TelegramError as error:
                log.info("role_menu_not_set", error=str(error))

    async def _set(self, wanted: list[BotCommand], scope: BotCommandScope, code: str | None) -> None:
        if list(await self._bot.get_my_commands(scope, code)) != wanted:
            await self._bot.set_my_commands(wanted, scope, code)

    async def _describe(self) -> None:
        async with self._engine.connect() as tx:
            document = await tx.scalar(_PROGRAMME)
        if document is None:
            return
        programme = Programme.model_validate(document)
        name = Both(programme.name_zh, programme.name_en)
        for language in LANGUAGES:
            speaker, code = Speaker(language, dt.date.min), _CODES[language]
            long = speaker.plain(
                t("{programme}的会员助手:查积分、看到期、兑换、出示会员码。点「开始」就能用。", programme=name)
            )
            short = speaker.plain(t("{programme}的积分助手", programme=name))
            if (await self._bot.get_my_description(code)).description != long:
                await self._bot.set_my_description(long, code)
            if (await self._bot.get_my_short_description(code)).short_description != short:
                await self._bot.set_my_short_description(short, code)
