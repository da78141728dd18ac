"""Groups the bot is in: people talking, joining, leaving, and the group growing into a supergroup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.double.chats import Chat
from bot.double.entities import detect
from bot.double.messages import Button, Message
from bot.double.passing import Passed, send
from bot.double.people import Person
from bot.double.taps import Tap, press

if TYPE_CHECKING:
    from bot.double.world import World

SUPERGROUP_BASE = -1_000_000_000_000


class Group:
    """One group; `privacy` (as BotFather sets it by default) hides from the bot what is not meant for it."""

    def __init__(self, world: World, chat: Chat, *, privacy: bool = True) -> None:
        self._world = world
        self.chat = chat
        self.privacy = privacy

    @property
    def id(self) -> int:
        """Chat id; another one after `grows`."""
        return self.chat.id

    @property
    def messages(self) -> list[Message]:
        """Everything in the group, oldest first."""
        return list(self.chat.messages.values())

    async def hears(self, person: Person, text: str, *, reply_to: Message | None = None) -> int | None:
        """Lets a member say something; the update's id, or None when the bot is not told of it."""
        assert person.id in self.chat.members, f"{person.name} is not in {self.chat.title}"
        body: dict[str, Any] = {"text": text}
        found = detect(text)
        if found:
            body["entities"] = found
        if reply_to is not None:
            body["reply_to_message"] = reply_to.wire
        message = self._world.post(self.chat, person.user, body)
        meant = text.startswith("/") or f"@{self._world.bot['username']}" in text
        if self.privacy and not meant and not (reply_to is not None and reply_to.from_bot):
            return None
        return self._push("message", message.wire)

    def receives(self, person: Person, passed: Passed) -> Message:
        """Lets a member send what they picked of the bot's list."""
        return send(self._world, person.user, self.chat, passed)

    def presses(self, person: Person, message: Message, button: Button) -> Tap:
        """Lets a member press a button under the bot's message."""
        return press(self._world, person.user, message, button)

    def removes_bot(self, by: Person) -> int | None:
        """Throws the bot out, which is told so."""
        self.chat.kicked = True
        change = {
            "chat": self.chat.wire,
            "from": by.user,
            "date": int(self._world.clock.now()),
            "old_chat_member": {"user": self._world.bot, "status": "member"},
            "new_chat_member": {"user": self._world.bot, "status": "kicked", "until_date": 0},
        }
        return self._push("my_chat_member", change)

    def grows(self, by: Person) -> int:
        """Becomes a supergroup with a new id, which is returned; sending to the old one is refused from now on."""
        old = self.chat
        new = Chat({"id": SUPERGROUP_BASE + old.id, "type": "supergroup", "title": old.title})
        new.members = dict(old.members)
        self._world.chats[new.id] = new
        moved = self._world.post(old, by.user, {"migrate_to_chat_id": new.id})
        self._push("message", moved.wire)
        old.migrated_to = new.id
        self.chat = new
        arrived = self._world.post(new, by.user, {"migrate_from_chat_id": old.id})
        self._push("message", arrived.wire)
        return new.id

    def _push(self, kind: str, body: dict[str, Any]) -> int | None:
        seconds = self._world.limits.update_seconds
        return self._world.updates.push(kind, body, queue=self.chat.id, seconds=seconds, chat=self.chat)
