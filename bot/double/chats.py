"""Chats and what the bot may do in them."""

from __future__ import annotations

import itertools
from typing import Any

from bot.double.errors import ApiError, bad, forbidden
from bot.double.limits import Bucket
from bot.double.messages import Message


class Chat:
    """A private chat or a group, its newest messages (oldest first) and its standing towards the bot.

    `person` is the User object of a private chat; `members` says what each user id is in a group.
    """

    __slots__ = (
        "actions", "blocked", "bucket", "deactivated", "handed_at", "id", "kicked", "members", "menu_button", "messages",
        "migrated_to", "person", "reply_keyboard", "started", "title", "type", "wire",
    )  # fmt: skip

    def __init__(self, wire: dict[str, Any], person: dict[str, Any] | None = None) -> None:
        self.id = int(wire["id"])
        self.type = str(wire["type"])
        self.wire = wire
        self.person = person
        self.title = str(wire.get("title") or wire.get("first_name", ""))
        self.messages: dict[int, Message] = {}
        self.members: dict[int, str] = {}
        self.started = self.type != "private"
        self.blocked = False
        self.deactivated = False
        self.kicked = False
        self.migrated_to: int | None = None
        self.handed_at = float("-inf")
        self.bucket = Bucket()
        self.reply_keyboard: dict[str, Any] | None = None
        self.menu_button: dict[str, Any] | None = None
        self.actions: list[str] = []

    @property
    def is_group(self) -> bool:
        """Whether this is a group or supergroup."""
        return self.type != "private"

    def check_writable(self) -> None:
        """Refuses what the bot may not write to, in Telegram's words.

        Raises:
            ApiError: migrated, kicked, deactivated, blocked, or never started, in this order.
        """
        if self.migrated_to is not None:
            raise ApiError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.migrated_to,
            )
        if self.kicked:
            raise forbidden(f"bot was kicked from the {self.type} chat")
        if self.deactivated:
            raise forbidden("user is deactivated")
        if self.blocked:
            raise forbidden("bot was blocked by the user")
        if not self.started:
            raise forbidden("bot can't initiate conversation with a user")

    def find(self, message_id: int, missing: str) -> Message:
        """The message with this number.

        Raises:
            ApiError 400: `missing`, when there is none.
        """
        message = self.messages.get(message_id)
        if message is None:
            raise bad(missing)
        return message

    def keep(self, message: Message, messages_max: int) -> None:
        """Adds a message and lets the oldest go past `messages_max`."""
        self.messages[message.id] = message
        if len(self.messages) > messages_max:
            for old in list(itertools.islice(self.messages, len(self.messages) - messages_max)):
                del self.messages[old]
