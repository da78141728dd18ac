"""The one call that Telegram takes out of a webhook's response: it stops the tapped button's spinner, which so needs no request.

Whoever receives an update by webhook opens a `Reply`; whoever says what it led to, in the same task, lets it carry the answer to
the tap. An update that was polled has none. What Telegram makes of it nobody learns: an answer is worth one try.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from bot.drawing import Drawn


class Reply:
    """What the response to one update says: `call` is a method and its parameters, None as long as nobody gave it one."""

    def __init__(self) -> None:
        self.call: dict[str, Any] | None = None


replying: ContextVar[Reply | None] = ContextVar("replying", default=None)


def answer(drawn: Drawn) -> dict[str, Any]:
    """The parameters of `answerCallbackQuery`. What `alert` says beside a screen passes by itself; alone it waits to be read."""
    said: dict[str, Any] = {"callback_query_id": drawn["query"]}
    if (alert := drawn.get("alert")) is not None:
        said["text"] = alert
        if "text" not in drawn:
            said["show_alert"] = True
    return said


def without_answer(drawn: Drawn) -> Drawn:
    """What is left to be said of a message once the response carries its tap's answer; all of it where there is no response."""
    reply = replying.get()
    if reply is None or reply.call is not None or "query" not in drawn:
        return drawn
    reply.call = {"method": "answerCallbackQuery", **answer(drawn)}
    return {name: value for name, value in drawn.items() if name not in ("query", "alert")}
