"""The queue of updates: what the bot has not confirmed yet, and long polling over it.

Telegram keeps an update until an offset above it was asked for, a webhook took it with a 2xx, or its lifetime ends.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.double.errors import conflict

if TYPE_CHECKING:
    from bot.double.chats import Chat
    from bot.double.world import World

NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
POLL_SECONDS_MAX = 50
OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class Update:
    """One update; `queue` names what it is delivered in order with under a webhook; `json` is made once, when first sent."""

    __slots__ = ("_json", "chat", "handed", "id", "kind", "lapses_at", "queue", "wire")

    def __init__(
        self, update_id: int, kind: str, body: dict[str, Any], queue: int, lapses_at: float, chat: Chat | None
    ) -> None:
        self.id = update_id
        self.kind = kind
        self.wire = {"update_id": update_id, kind: body}
        self.queue = queue
        self.lapses_at = lapses_at
        self.chat = chat
        self.handed = 0
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        """The update as sent."""
        if self._json is None:
            self._json = json.dumps(self.wire, ensure_ascii=False, separators=(",", ":")).encode()
        return self._json


class UpdateQueue:
    """Pending updates in order of arrival, and `history`, all that were made (within `Keep.updates`)."""

    def __init__(self, world: World, first_id: int = 700_000_001) -> None:
        self._world = world
        self.next_id = first_id
        self.pending: OrderedDict[int, Update] = OrderedDict()
        self.history: OrderedDict[int, Update] = OrderedDict()
        self.allowed: list[str] | None = None
        self.lapsed = 0
        self.webhook_active = False
        self.on_push: Callable[[Update], None] | None = None
        self._poll: asyncio.Future[None] | None = None
        self._poll_ended = ""
        self._news: asyncio.Future[None] | None = None
        self._last_poll: tuple[int, float] = (-1, float("-inf"))
        self._next_conflict_at = float("-inf")
        self._next_lapse_at = float("inf")

    def push(self, kind: str, body: dict[str, Any], *, queue: int, seconds: float, chat: Chat | None) -> int | None:
        """Queues an update; None when the bot asked not to get this kind.

        Args:
            queue: serialisation key under webhooks.
            seconds: how long it is kept undelivered.
        """
        if not self.is_allowed(kind):
            return None
        update = Update(self.next_id, kind, body, queue, self._world.clock.now() + seconds, chat)
        self.next_id += 1
        self.history[update.id] = update
        if len(self.history) > self._world.keep.updates:
            self.history.popitem(last=False)
        self._enqueue(update)
        if self._world.feed.active:
            self._world.feed.publish("update", update=update.wire)
        return update.id

    def repeat(self, update_id: int) -> None:
        """Queues an update again under its old number, as Telegram does when it did not learn of the success.

        Raises:
            KeyError: it was never made, or `Keep` let it go.
        """
        update = self.history[update_id]
        update.lapses_at = self._world.clock.now() + self._world.limits.update_seconds
        self._enqueue(update)
        self.pending.move_to_end(update_id, last=False)

    def is_allowed(self, kind: str) -> bool:
        """Whether the bot's `allowed_updates` let this kind through."""
        return kind not in NOT_BY_DEFAULT if not self.allowed else kind in self.allowed

    def set_allowed(self, kinds: list[str] | None) -> None:
        """Takes `allowed_updates` of getUpdates or setWebhook; None leaves things as they are."""
        if kinds is not None:
            self.allowed = [kind.lower() for kind in kinds]

    def confirm(self, update: Update) -> None:
        """The bot has it; forget it."""
        if self.pending.pop(update.id, None) is not None:
            self._world.changed()

    def drop(self, update: Update) -> None:
        """Its lifetime is over; nobody will get it any more."""
        if self.pending.pop(update.id, None) is not None:
            self.lapsed += 1
            self._world.changed()

    def handed_out(self, update: Update) -> None:
        """Notes that the bot is being given it now; what it sends to that chat soon is a reply."""
        update.handed += 1
        if update.chat is not None:
            update.chat.handed_at = self._world.clock.now()

    def drop_lapsed(self) -> None:
        """Lets go of updates whose lifetime is over."""
        now = self._world.clock.now()
        if now < self._next_lapse_at:
            return
        for update in [update for update in self.pending.values() if update.lapses_at <= now]:
            del self.pending[update.id]
            self.lapsed += 1
        self._next_lapse_at = min((update.lapses_at for update in self.pending.values()), default=float("inf"))

    def clear(self) -> None:
        """Drops everything pending (`drop_pending_updates`)."""
        self.pending.clear()
        self._next_lapse_at = float("inf")
        self._world.changed()

    def end_poll(self, reason: str) -> None:
        """Makes the open long poll fail with a 409, if there is one."""
        if self._poll is not None and not self._poll.done():
            self._poll_ended = reason
            self._poll.set_result(None)
        self._wake()

    async def poll(self, offset: int, limit: int, timeout: float) -> bytes:
        """Answers getUpdates: a JSON array of updates as bytes.

        Raises:
            ApiError 409: a webhook is active, or a newer poll took over; repeats within 3 s are held for 3 s.
        """
        if self.webhook_active:
            raise await self._conflict(WEBHOOK_ACTIVE)
        clock, limits = self._world.clock, self._world.limits
        limit = max(1, min(100, limit))
        timeout = max(0, min(POLL_SECONDS_MAX, timeout))
        now = clock.now()
        last_offset, last_at = self._last_poll
        if (
            offset == last_offset
            and timeout < limits.poll_repeat_seconds
            and now < last_at + limits.poll_repeat_seconds
        ):
            timeout = limits.poll_repeat_seconds
        if offset == last_offset and now < last_at + min(0.5, limits.poll_repeat_seconds):
            limit = 1
        self._last_poll = (offset, now)
        self._forget_below(offset)
        ready = self._ready(limit)
        if not ready and timeout:
            ready = await self._long_poll(limit, now + timeout)
        for update in ready:
            self.handed_out(update)
        return b"[" + b",".join(update.json for update in ready) + b"]"

    async def _long_poll(self, limit: int, deadline: float) -> list[Update]:
        self.end_poll(OTHER_POLL)
        mine = self._poll = asyncio.get_running_loop().create_future()
        ready: list[Update] = []
        try:
            while not ready:
                self._news = asyncio.get_running_loop().create_future()
                in_time = await self._world.clock.wait(self._news, deadline)
                if mine.done():
                    raise await self._conflict(self._poll_ended)
                ready = self._ready(limit)
                if not in_time:
                    break
        finally:
            mine.cancel()
        return ready

    def _forget_below(self, offset: int) -> None:
        if not offset or not self.pending or offset > self.next_id:
            return  # an offset of the future confirms nothing
        if offset > 0:
            while self.pending and next(iter(self.pending)) < offset:
                self.pending.popitem(last=False)
        else:
            while len(self.pending) > -offset:
                self.pending.popitem(last=False)
        self._world.changed()

    def _ready(self, limit: int) -> list[Update]:
        self.drop_lapsed()
        ready: list[Update] = []
        for update in self.pending.values():
            ready.append(update)
            if len(ready) == limit:
                break
        return ready

    async def _conflict(self, reason: str) -> Exception:
        clock = self._world.clock
        if clock.now() < self._next_conflict_at:
            await clock.sleep(self._world.limits.poll_repeat_seconds)
        else:
            self._next_conflict_at = clock.now() + self._world.limits.poll_repeat_seconds
        return conflict(reason)

    def _enqueue(self, update: Update) -> None:
        self.pending[update.id] = update
        self._next_lapse_at = min(self._next_lapse_at, update.lapses_at)
        self._wake()
        if self.on_push is not None:
            self.on_push(update)

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
