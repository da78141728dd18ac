"""People who use the bot: what a test, or the playground, does as one of them."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from bot.double.chats import Chat
from bot.double.entities import detect
from bot.double.messages import Button, Message

if TYPE_CHECKING:
    from bot.double.world import Query, World

CALLBACK_QUEUE = 3 << 33
START_LINK = re.compile(r"(?:https?://)?(?:t|telegram)\.me/(\w+)\?start=([A-Za-z0-9_-]{1,64})$")


class Tap:
    """A pressed button; `data` as in the button, `update_id` of the update it made (None when it made none)."""

    def __init__(self, world: World, query: Query, update_id: int | None) -> None:
        self._world = world
        self._query = query
        self.id = query.id
        self.data: str = query.wire.get("data", "")
        self.update_id = update_id

    @property
    def answered(self) -> dict[str, Any] | None:
        """The bot's answer so far: `text`, `show_alert`, `url`; None while the button still spins."""
        return self._query.answer

    async def answer(self, timeout: float = 5.0) -> dict[str, Any]:
        """Waits for the bot's answer.

        Raises:
            AssertionError: none came in time.
        """
        deadline = time.monotonic() + timeout
        while self._query.answer is None:
            left = deadline - time.monotonic()
            if left <= 0 or not await self._world.change(left):
                break
        if self._query.answer is None:
            raise AssertionError(f"the press of {self.data!r} was not answered within {timeout} s")
        return self._query.answer


class Person:
    """One user and their private chat with the bot."""

    def __init__(self, world: World, user: dict[str, Any], chat: Chat) -> None:
        self._world = world
        self.user = user
        self.chat = chat
        self._acted_at = 0

    @property
    def id(self) -> int:
        """User id, which is also the private chat's."""
        return int(self.user["id"])

    @property
    def name(self) -> str:
        """First name."""
        return str(self.user["first_name"])

    @property
    def language_code(self) -> str | None:
        """IETF tag the client reports."""
        return self.user.get("language_code")

    # What they see

    @property
    def messages(self) -> list[Message]:
        """Everything in the chat, oldest first."""
        return list(self.chat.messages.values())

    @property
    def last(self) -> Message:
        """The newest message of the bot.

        Raises:
            AssertionError: the bot has not written yet.
        """
        for message in reversed(self.chat.messages.values()):
            if message.from_bot:
                return message
        raise AssertionError(f"the bot has not written to {self.name}\n{self.transcript()}")

    @property
    def screen(self) -> Message | None:
        """The bot's message that was sent or edited last."""
        mine = [message for message in self.chat.messages.values() if message.from_bot]
        return max(mine, key=lambda message: message.touched, default=None)

    def transcript(self) -> str:
        """The chat as readable text."""
        lines = [message.line() for message in self.chat.messages.values()]
        return f"chat with {self.name} ({self.id}):\n" + ("\n".join(lines) or "  (empty)")

    async def sees(self, text: str, timeout: float = 5.0, *, fresh: bool = False) -> Message:
        """Waits until the bot's newest or last edited message contains `text`, and returns it.

        Args:
            fresh: only what was sent or edited after this person's last action counts.
        Raises:
            AssertionError: it did not within `timeout` seconds; carries the transcript.
        """
        found = await self._until(lambda: self._showing(text, fresh), timeout)
        if found is None:
            raise AssertionError(f"{self.name} does not see {text!r} within {timeout} s\n{self.transcript()}")
        return found

    async def does_not_see(self, text: str, seconds: float = 0.3) -> None:
        """Watches for `seconds` that no bot message in the chat contains `text`.

        Raises:
            AssertionError: one does; carries the transcript.
        """
        found = await self._until(lambda: self._anywhere(text), seconds)
        if found is not None:
            raise AssertionError(f"{self.name} sees {text!r}\n{self.transcript()}")

    def _showing(self, text: str, fresh: bool) -> Message | None:
        mine = [message for message in self.chat.messages.values() if message.from_bot]
        if not mine:
            return None
        for message in (mine[-1], max(mine, key=lambda message: message.touched)):
            if text in message.shown and (not fresh or message.touched > self._acted_at):
                return message
        return None

    def _anywhere(self, text: str) -> Message | None:
        return next((m for m in self.chat.messages.values() if m.from_bot and text in m.shown), None)

    async def _until(self, look: Any, timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        while (found := look()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not await self._world.change(left):
                return look()
        return found

    # What they do

    async def says(self, text: str) -> int | None:
        """Sends a text; the update's id (None when the bot gets no messages)."""
        found = detect(text)
        return self._send({"text": text, "entities": found} if found else {"text": text})

    async def opens(self, link: str) -> int | None:
        """Follows a t.me link of this bot and presses Start.

        Raises:
            AssertionError: the link is not one, names another bot, or its parameter is not 1-64 of A-Za-z0-9_-.
        """
        hit = START_LINK.match(link)
        if hit is None:
            raise AssertionError(f"not a start link Telegram accepts: {link}")
        if hit[1].lower() != str(self._world.bot["username"]).lower():
            raise AssertionError(f"the link opens another bot: {link}")
        return await self.says(f"/start {hit[2]}")

    async def taps(self, label: str, *, message: Message | None = None, timeout: float = 5.0) -> Tap:
        """Presses the first button containing `label` in the newest message that has one (or in `message`).

        Raises:
            AssertionError: no such button appears within `timeout`, or it is not a callback button.
        """
        found = await self._until(lambda: self._find_button(label, message), timeout)
        if found is None:
            raise AssertionError(f"{self.name} finds no button {label!r} within {timeout} s\n{self.transcript()}")
        where, button = found
        return self.presses(where, button)

    def presses(self, message: Message, button: Button) -> Tap:
        """Presses exactly this button."""
        if button.data is None:
            raise AssertionError(f"the button {button.text!r} is not answered by the bot: {button.raw}")
        wire = {
            "id": "",
            "from": self.user,
            "chat_instance": str(message.chat.id * 31 + 7),
            "message": message.wire,
            "data": button.data,
        }
        self._acted_at = self._world.touch()
        query = self._world.ask("callback", wire, message.chat, message)
        update_id = self._world.updates.push(
            "callback_query",
            wire,
            queue=self.id + CALLBACK_QUEUE,
            seconds=self._world.limits.callback_update_seconds,
            chat=message.chat,
        )
        return Tap(self._world, query, update_id)

    def _find_button(self, label: str, message: Message | None) -> tuple[Message, Button] | None:
        places = [message] if message is not None else [m for m in reversed(self.chat.messages.values()) if m.from_bot]
        for place in places:
            button = place.button(label)
            if button is not None:
                return place, button
        return None

    def _send(self, body: dict[str, Any]) -> int | None:
        world = self._world
        self.chat.started = True
        self._acted_at = world.touch()
        message = world.post(self.chat, self.user, body)
        return world.updates.push(
            "message", message.wire, queue=self.id, seconds=world.limits.update_seconds, chat=self.chat
        )

    def block(self) -> None:
        """Blocks the bot."""
        self.chat.blocked = True

    def unblock(self) -> None:
        """Unblocks the bot."""
        self.chat.blocked = False
