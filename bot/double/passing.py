"""Inline mode: typing after the bot's name in some chat, what the bot offers there, and sending one of it as one's own message."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.double.chats import Chat
from bot.double.messages import Button, Message

if TYPE_CHECKING:
    from bot.double.world import Query, World

INLINE_QUEUE = 5 << 33  # what a person types is serial in itself, not with their messages
NOT_ANSWERED = "the bot offered nothing in time"


@dataclass(frozen=True, slots=True)
class Passed:
    """One thing that the bot offers to be sent: as the list shows it, and the message that it becomes."""

    id: str
    title: str
    description: str
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """The message's words."""
        return str(self.body["text"])

    @property
    def buttons(self) -> list[list[Button]]:
        """The message's inline keyboard."""
        rows = self.body.get("reply_markup", {}).get("inline_keyboard", [])
        return [[Button.of(raw) for raw in row] for row in rows]


@dataclass(frozen=True, slots=True)
class Offered:
    """What the bot answered: its list, and the button above it, which leads into its private chat: its words and parameter."""

    choices: tuple[Passed, ...]
    button: tuple[str, str] | None


async def type_inline(world: World, user: dict[str, Any], chat: Chat, said: str, kind: str) -> Offered:
    """Types «@bot said» in a chat of `kind` (sender: one's chat with the bot, private, group) and waits for the list.

    Raises:
        AssertionError: the bot has no inline mode, or offered nothing while anybody would wait.
    """
    assert world.inline_mode, "the bot has no inline mode"
    wire = {"id": "", "from": user, "query": said, "offset": "", "chat_type": kind}
    query = world.ask("inline", wire, chat, None)
    seconds = world.limits.inline_update_seconds
    world.updates.push("inline_query", wire, queue=query.user_id + INLINE_QUEUE, seconds=seconds, chat=chat)
    await _answered(world, query)
    if query.answer is None:
        raise AssertionError(NOT_ANSWERED)
    choices = tuple(Passed(**each) for each in query.answer["results"])
    return Offered(choices, query.answer["button"])


async def _answered(world: World, query: Query) -> None:
    deadline = time.monotonic() + world.limits.inline_update_seconds
    while query.answer is None and (left := deadline - time.monotonic()) > 0:
        await world.change(left)


def send(world: World, user: dict[str, Any], chat: Chat, passed: Passed) -> Message:
    """Sends it to a group as one's own message, «via» the bot, which is told of it."""
    message = world.post(chat, user, {**passed.body, "via_bot": world.bot})
    world.updates.push(
        "message", message.wire, queue=chat.id, seconds=world.limits.update_seconds, chat=chat
    )  # a bot hears of what was sent via itself, privacy mode or not
    return message
