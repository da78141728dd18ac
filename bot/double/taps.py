"""A pressed button and the bot's answer to it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bot.double.messages import Button, Message

if TYPE_CHECKING:
    from bot.double.world import Query, World

CALLBACK_QUEUE = 3 << 33  # presses of a person are serial among themselves, not with their messages


class Tap:
    """A press; `data` as in the button, `update_id` of the update it made (None when the bot asked for none)."""

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

    async def answer(self, timeout: float = 20.0) -> dict[str, Any]:
        """Waits for the bot's answer: `{"text": str, "show_alert": bool, "url": str | None}`.

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


def press(world: World, user: dict[str, Any], message: Message, button: Button) -> Tap:
    """Opens a callback query for a button and queues its update.

    Raises:
        AssertionError: the button is not one the bot hears of.
    """
    if button.data is None:
        raise AssertionError(f"the bot is not told of presses of {button.text!r}: {button.raw}")
    wire = {
        "id": "",
        "from": user,
        "message": message.wire,
        "chat_instance": str(message.chat.id * 31 + 7),
        "data": button.data,
    }
    query = world.ask("callback", wire, message.chat, message)
    world.feed.publish("pressed", query_id=query.id, user_id=query.user_id, message_id=message.id, data=button.data)
    update_id = world.updates.push(
        "callback_query",
        wire,
        queue=query.user_id + CALLBACK_QUEUE,
        seconds=world.limits.callback_update_seconds,
        chat=message.chat,
    )
    return Tap(world, query, update_id)
