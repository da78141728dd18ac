"""People who use the bot: what a test, or the playground, does as one of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from bot.double import pictures
from bot.double.chats import Chat
from bot.double.entities import detect
from bot.double.messages import Button, Message
from bot.double.passing import Offered, type_inline
from bot.double.payments import Checkout, check_out
from bot.double.taps import Tap, press

if TYPE_CHECKING:
    from bot.double.world import World

START_LINK = re.compile(r"(?:https?://)?(?:t|telegram)\.me/(\w+)\?start=([A-Za-z0-9_-]{1,64})$")
Found = TypeVar("Found")


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
        return [message for message in self.chat.messages.values() if not message.hidden]

    @property
    def last(self) -> Message:
        """The newest message of the bot.

        Raises:
            AssertionError: the bot has not written yet.
        """
        for message in reversed(self.messages):
            if message.from_bot:
                return message
        raise AssertionError(f"the bot has not written to {self.name}\n{self.transcript()}")

    @property
    def screen(self) -> Message | None:
        """The bot's message that was sent or edited last."""
        return max(self._from_bot(), key=lambda message: message.touched, default=None)

    @property
    def commands(self) -> list[dict[str, str]]:
        """The command menu as this person's client shows it."""
        return self._world.profile.commands_for(self.chat.id, self.id, self.language_code, role=None)

    def transcript(self) -> str:
        """The chat as readable text."""
        lines = [message.line() for message in self.messages]
        return f"chat with {self.name} ({self.id}):\n" + ("\n".join(lines) or "  (empty)")

    async def sees(self, text: str, timeout: float = 20.0, *, fresh: bool = False) -> Message:
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
        found = await self._until(
            lambda: next((message for message in self._from_bot() if text in message.shown), None), seconds
        )
        if found is not None:
            raise AssertionError(f"{self.name} sees {text!r}\n{self.transcript()}")

    def _from_bot(self) -> list[Message]:
        return [message for message in self.messages if message.from_bot]

    def _showing(self, text: str, fresh: bool) -> Message | None:
        mine = self._from_bot()
        if not mine:
            return None
        for message in (mine[-1], max(mine, key=lambda message: message.touched)):
            if text in message.shown and (not fresh or message.touched > self._acted_at):
                return message
        return None

    async def _until(self, look: Callable[[], Found | None], timeout: float) -> Found | None:
        deadline = time.monotonic() + timeout
        while (found := look()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not await self._world.change(left):
                return look()
        return found

    # What they do

    async def says(self, text: str, *, reply_to: Message | None = None) -> int | None:
        """Sends a text; the update's id (None when the bot asked for no messages).

        Raises:
            AssertionError: they blocked the bot, and this is not the /start that lifts it.
        """
        if self.chat.blocked and text.startswith("/start"):
            self.unblock()
        body = _text(text)
        if reply_to is not None:
            body["reply_to_message"] = reply_to.wire
        return self._send(body)

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

    async def taps(self, label: str, *, message: Message | None = None, timeout: float = 20.0) -> Tap:
        """Presses the first button containing `label` in the newest message that has one (or in `message`).

        Raises:
            AssertionError: no such button appears within `timeout`, or it is not a callback button.
        """
        found = await self._until(lambda: self._find_button(label, message), timeout)
        if found is None:
            raise AssertionError(f"{self.name} finds no button {label!r} within {timeout} s\n{self.transcript()}")
        return self.presses(*found)

    async def types_inline(self, said: str = "", kind: str = "private") -> Offered:
        """Types «@bot said» in another chat and waits for what the bot offers to send there.

        Raises:
            AssertionError: the bot has no inline mode, or offered nothing.
        """
        self._acted_at = self._world.touch()
        return await type_inline(self._world, self.user, self.chat, said, kind)

    async def checks_out(self, message: Message) -> Checkout:
        """Presses Pay under an invoice and waits for the bot to let it be paid, as long as Telegram does.

        Raises:
            AssertionError: it is no invoice, or has been paid, or they blocked the bot.
        """
        self._check_not_blocked()
        self._acted_at = self._world.touch()
        return await check_out(self._world, self.user, message)

    async def pays(self, message: Message) -> Checkout:
        """Pays an invoice, where the bot lets them."""
        checkout = await self.checks_out(message)
        if checkout.ok:
            checkout.completes()
        return checkout

    def presses(self, message: Message, button: Button) -> Tap:
        """Presses exactly this button, as often as asked.

        Raises:
            AssertionError: it is not a callback button, or they blocked the bot.
        """
        self._check_not_blocked()
        self._acted_at = self._world.touch()
        return press(self._world, self.user, message, button)

    async def types_key(self, label: str) -> int | None:
        """Presses a key of the reply keyboard, which sends its text (or shares the contact it asks for).

        Raises:
            AssertionError: no key's label contains `label`.
        """
        rows = (self.chat.reply_keyboard or {}).get("keyboard", [])
        for key in (key for row in rows for key in row):
            if label in key["text"]:
                return await (self.shares_contact() if key.get("request_contact") else self.says(key["text"]))
        raise AssertionError(f"{self.name} has no key {label!r}: {rows}\n{self.transcript()}")

    async def sends_photo(self, content: bytes, caption: str = "") -> int | None:
        """Sends a picture (PNG or JPEG)."""
        return self._photo(content, caption)

    def _photo(self, content: bytes, caption: str, album: str | None = None) -> int | None:
        width, height = pictures.check(content)
        stored = self._world.files.put(content, folder="photos", name="photo.jpg", mime="image/jpeg")
        size = {"width": width, "height": height, "file_size": stored.size}
        body: dict[str, Any] = {"photo": [{"file_id": stored.file_id, "file_unique_id": stored.unique_id, **size}]}
        together = {"media_group_id": album} if album is not None else {}
        return self._send({**body, **_caption(caption), **together}, file=stored)

    async def sends_album(self, *contents: bytes, caption: str = "") -> list[int | None]:
        """Sends pictures together, as clients do with several that are chosen at once: a message and an update for each, the
        caption with the first."""
        album = str(self._world.touch())
        return [self._photo(each, caption if n == 0 else "", album) for n, each in enumerate(contents)]

    async def sends_document(
        self, content: bytes, name: str, mime: str = "text/plain", caption: str = ""
    ) -> int | None:
        """Sends a file."""
        stored = self._world.files.put(content, folder="documents", name=name, mime=mime)
        document = {"file_name": name, "mime_type": mime, "file_size": stored.size}
        body = {"document": {"file_id": stored.file_id, "file_unique_id": stored.unique_id, **document}}
        return self._send({**body, **_caption(caption)}, file=stored)

    async def shares_contact(self, phone: str = "+8613800000000", *, of: Person | None = None) -> int | None:
        """Shares their own phone number, or somebody else's card."""
        whose = of or self
        contact = {"phone_number": phone, "first_name": whose.name, "user_id": whose.id}
        return self._send({"contact": contact})

    async def edits(self, message: Message, text: str) -> int | None:
        """Changes a text of their own, which the bot hears of as an `edited_message`."""
        self._world.edit(message, _text(text), ("entities",))
        return self._push("edited_message", message.wire)

    # Leaving and coming back

    def block(self) -> int | None:
        """Blocks the bot, which is told so."""
        return self._membership("member", "kicked")

    def unblock(self) -> int | None:
        """Unblocks the bot, which is told so."""
        return self._membership("kicked", "member")

    def deletes_chat(self) -> None:
        """Clears the chat on their side; the bot is not told and may still write."""
        for message in self.chat.messages.values():
            message.hidden = True
        self._world.changed()

    def deletes_account(self) -> None:
        """Is gone; the bot meets `user is deactivated`."""
        self.chat.deactivated = True

    def _membership(self, old: str, new: str) -> int | None:
        if self.chat.blocked == (new == "kicked"):
            return None
        self.chat.blocked = new == "kicked"
        states: dict[str, dict[str, Any]] = {
            "member": {"status": "member"},
            "kicked": {"status": "kicked", "until_date": 0},
        }
        change = {
            "chat": self.chat.wire,
            "from": self.user,
            "date": int(self._world.clock.now()),
            "old_chat_member": {"user": self._world.bot, **states[old]},
            "new_chat_member": {"user": self._world.bot, **states[new]},
        }
        self._world.feed.publish("membership", chat_id=self.chat.id, status=new)
        return self._push("my_chat_member", change)

    def _find_button(self, label: str, message: Message | None) -> tuple[Message, Button] | None:
        for place in [message] if message is not None else reversed(self._from_bot()):
            button = place.button(label)
            if button is not None:
                return place, button
        return None

    def _check_not_blocked(self) -> None:
        if self.chat.blocked:
            raise AssertionError(f"{self.name} blocked the bot and cannot write to it\n{self.transcript()}")

    def _send(self, body: dict[str, Any], **kept: Any) -> int | None:
        self._check_not_blocked()
        self.chat.started = True
        self._acted_at = self._world.touch()
        return self._push("message", self._world.post(self.chat, self.user, body, **kept).wire)

    def _push(self, kind: str, body: dict[str, Any]) -> int | None:
        seconds = self._world.limits.update_seconds
        return self._world.updates.push(kind, body, queue=self.chat.id, seconds=seconds, chat=self.chat)


def _text(text: str) -> dict[str, Any]:
    found = detect(text)
    return {"text": text, "entities": found} if found else {"text": text}


def _caption(text: str) -> dict[str, Any]:
    if not text:
        return {}
    found = detect(text)
    return {"caption": text, "caption_entities": found} if found else {"caption": text}
