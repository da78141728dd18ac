"""Answers to what people asked: button presses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.double.errors import bad
from bot.double.methods.registry import method

if TYPE_CHECKING:
    from bot.double.requests import Call
    from bot.double.world import World


@method("answerCallbackQuery")
async def answer_callback_query(world: World, call: Call) -> Any:
    """Stops the button's spinner, with an optional toast or alert."""
    text = call.get("text", "")
    if len(text) > 200:
        raise bad("MESSAGE_TOO_LONG")
    answer = {"text": text, "show_alert": call.get("show_alert", False), "url": call.get("url")}
    world.answer("callback", call["callback_query_id"], answer, world.limits.callback_answer_seconds)
    return True
