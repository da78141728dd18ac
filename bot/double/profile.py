"""What people see of the bot outside chats: names, descriptions, command menus, the menu button."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Scope = tuple[str, int, int]  # type, chat id, user id; zeros where they do not apply
DEFAULT: Scope = ("default", 0, 0)


class Profile:
    """The bot's settings per language; the empty language is everyone's."""

    def __init__(self, name: str) -> None:
        self.commands: dict[tuple[Scope, str], list[dict[str, str]]] = {}
        self.names: dict[str, str] = {"": name}
        self.descriptions: dict[str, str] = {}
        self.short_descriptions: dict[str, str] = {}
        self.menu_button: dict[str, Any] = {"type": "commands"}

    def commands_for(
        self, chat_id: int, user_id: int, language: str | None, *, role: str | None
    ) -> list[dict[str, str]]:
        """The menu a person sees: the narrowest scope that has one, their language before everyone's.

        Args:
            role: None in a private chat; in a group the person's status there.
        """
        for scope in _scopes(chat_id, user_id, role):
            for code in ((language or "")[:2].lower(), ""):
                commands = self.commands.get((scope, code))
                if commands:
                    return commands
        return []


def _scopes(chat_id: int, user_id: int, role: str | None) -> Iterator[Scope]:
    """Scopes from narrow to wide, in the order Telegram documents."""
    if role is None:
        yield ("chat", chat_id, 0)
        yield ("all_private_chats", 0, 0)
    else:
        yield ("chat_member", chat_id, user_id)
        if role in {"creator", "administrator"}:
            yield ("chat_administrators", chat_id, 0)
        yield ("chat", chat_id, 0)
        if role in {"creator", "administrator"}:
            yield ("all_chat_administrators", 0, 0)
        yield ("all_group_chats", 0, 0)
    yield DEFAULT
