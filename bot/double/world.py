"""Everything there is on this side of the wire: the bot, users, chats, messages, files, queries."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from bot.double.calls import ApiCall, Feed
from bot.double.chats import Chat
from bot.double.clock import Clock
from bot.double.errors import bad
from bot.double.faults import Faults
from bot.double.files import FileStore, StoredFile
from bot.double.limits import FloodGate, Limits
from bot.double.messages import Message
from bot.double.profile import Profile
from bot.double.updates import UpdateQueue
from bot.double.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of the past is kept in memory."""

    messages_per_chat: int = 500
    calls: int = 5_000
    updates: int = 5_000
    queries: int = 20_000
    file_bytes: int = 100_000_000


class Query:
    """A button press (or another question) waiting for the bot's answer."""

    __slots__ = ("answer", "asked_at", "chat", "id", "kind", "message", "user_id", "wire")

    def __init__(
        self, kind: str, wire: dict[str, Any], asked_at: float, chat: Chat | None, message: Message | None
    ) -> None:
        self.kind = kind
        self.id = str(wire["id"])
        self.wire = wire
        self.user_id = int(wire["from"]["id"])
        self.asked_at = asked_at
        self.chat = chat
        self.message = message
        self.answer: dict[str, Any] | None = None


class World:
    """The server's memory. One bot, many people; everything is looked up by id here."""

    def __init__(self, token: str, username: str, limits: Limits, clock: Clock, keep: Keep, *, strict: bool) -> None:
        bot_id = int(token.partition(":")[0])
        self.token = token
        self.strict = strict
        self.clock = clock
        self.limits = limits
        self.keep = keep
        self.flood = FloodGate(limits)
        self.feed = Feed()
        self.faults = Faults()
        self.files = FileStore(keep.file_bytes)
        self.calls: deque[ApiCall] = deque(maxlen=keep.calls)
        self.calls_in_flight = 0
        self.updates = UpdateQueue(self)
        self.webhook = Webhook(self)
        self.bot: dict[str, Any] = {"id": bot_id, "is_bot": True, "first_name": username, "username": username}
        self.profile = Profile(username)
        self.users: dict[int, dict[str, Any]] = {}
        self.chats: dict[int, Chat] = {}
        self.usernames: dict[str, int] = {}
        self.inline_mode = True  # BotFather's /setinline
        self.queries: OrderedDict[str, Query] = OrderedDict()
        self._last_message_id = 0
        self._last_supergroup_ids: dict[int, int] = {}
        self._last_query_id = 4_000_000_000_000_000_000
        self._touches = 0
        self._watchers: set[asyncio.Future[None]] = set()

    # Looking up

    def chat(self, chat_id: int | str) -> Chat:
        """The chat with this id or @username.

        Raises:
            ApiError 400: there is none the bot ever saw.
        """
        if isinstance(chat_id, str):
            chat_id = self.usernames.get(chat_id.lstrip("@").lower(), 0)
        chat = self.chats.get(chat_id)
        if chat is None:
            raise bad("chat not found")
        return chat

    def writable(self, chat_id: int | str) -> Chat:
        """The chat, when the bot may write there.

        Raises:
            ApiError: 400 not found or migrated; 403 blocked, deactivated, kicked, never started.
        """
        chat = self.chat(chat_id)
        chat.check_writable()
        return chat

    # Messages

    def next_message_id(self, chat: Chat) -> int:
        """Private chats and small groups share one count, as they do for a real bot; a supergroup has its own."""
        if chat.type == "supergroup":
            self._last_supergroup_ids[chat.id] = number = self._last_supergroup_ids.get(chat.id, 0) + 1
            return number
        self._last_message_id += 1
        return self._last_message_id

    def touch(self) -> int:
        """A number that grows with every send and edit."""
        self._touches += 1
        return self._touches

    def post(
        self,
        chat: Chat,
        sender: dict[str, Any],
        content: dict[str, Any],
        *,
        file: StoredFile | None = None,
        keyboard: dict[str, Any] | None = None,
    ) -> Message:
        """Puts a message into a chat and returns it; `content` is the rest of the Message object."""
        now = self.clock.now()
        wire = {
            "message_id": self.next_message_id(chat),
            "from": sender,
            "chat": chat.wire,
            "date": int(now),
            **content,
        }
        message = Message(chat, wire, now, self.touch())
        message.file, message.keyboard = file, keyboard
        chat.keep(message, self.keep.messages_per_chat)
        self.changed()
        if self.feed.active:
            self.feed.publish("message", chat_id=chat.id, message=wire)
        return message

    def edit(
        self,
        message: Message,
        content: dict[str, Any],
        drop: tuple[str, ...] = (),
        *,
        file: StoredFile | None = None,
    ) -> Message:
        """Replaces parts of a message's wire object; keys in `drop` go away; `file` is its new picture or document."""
        wire = {key: value for key, value in message.wire.items() if key not in drop}
        wire.update(content)
        wire["edit_date"] = int(self.clock.now())
        message.wire = wire
        message.file = file or message.file
        message.edited += 1
        message.touched = self.touch()
        self.changed()
        if self.feed.active:
            self.feed.publish("edited", chat_id=message.chat.id, message=wire)
        return message

    def delete(self, message: Message) -> None:
        """Takes a message out of its chat."""
        message.chat.messages.pop(message.id, None)
        message.deleted = True
        self.changed()
        if self.feed.active:
            self.feed.publish("deleted", chat_id=message.chat.id, message_id=message.id)

    def charge(self, chat: Chat, count: int = 1, *, paid: bool = False) -> None:
        """Counts messages of the bot against the flood limits; paid ones and replies are not the whole bot's business.

        Raises:
            ApiError 429: too many.
        """
        now = self.clock.now()
        reply = paid or now - chat.handed_at <= self.limits.reply_grace_seconds
        self.flood.message(chat.bucket, now, group=chat.is_group, reply=reply, count=count)

    # Queries

    def ask(self, kind: str, wire: dict[str, Any], chat: Chat | None, message: Message | None) -> Query:
        """Opens a query under a new id, which is put into `wire`."""
        self._last_query_id += 7919
        wire["id"] = str(self._last_query_id)
        query = Query(kind, wire, self.clock.now(), chat, message)
        self.queries[query.id] = query
        if len(self.queries) > self.keep.queries:
            self.queries.popitem(last=False)
        return query

    def answer(self, kind: str, query_id: str, answer: dict[str, Any], within_seconds: float) -> Query:
        """Closes a query.

        Raises:
            ApiError 400: unknown, answered before, or too late.
        """
        query = self.queries.get(query_id)
        late = query is None or query.kind != kind or query.answer is not None
        if query is None or late or self.clock.now() - query.asked_at > within_seconds:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        query.answer = answer
        self.changed()
        self.feed.publish(f"{kind}_answered", query_id=query_id, user_id=query.user_id, answer=answer)
        return query

    # Watching

    def changed(self) -> None:
        """Wakes everyone who waits for something to be seen."""
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)

    async def change(self, timeout: float) -> bool:
        """Waits (in real seconds) for the next change; False when none came."""
        watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.add(watcher)
        try:
            done, _ = await asyncio.wait({watcher}, timeout=timeout)
            return bool(done)
        finally:
            self._watchers.discard(watcher)
