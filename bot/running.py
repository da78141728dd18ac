"""The turn in progress, as the pieces of the edge share it: who opened it, who runs the feature, who closes it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from telegram import Update

from bot.drawing import Asked
from chat.screen import Screen
from chat.turn import Turn


@dataclass(slots=True)
class Running:
    """One update being worked on.

    `link` is the deep link («purpose_token») a person followed before joining; it waits in their dialogue until they have.
    `left` tells that this update ends the conversation it came into, whatever else happens. `error` is what a feature raised.
    """

    turn: Turn
    update: Update
    tapped: Asked | None = None
    link: str | None = None
    left: bool = False
    answer: list[Screen] = field(default_factory=list)
    error: Exception | None = None

    def leave(self) -> None:
        """This update ends the conversation it came into."""
        self.left = True
        self.turn.finish()
        self.carry_link()

    def carry_link(self) -> None:
        """Keep the link of somebody who has not joined, wherever their conversation goes."""
        if self.link is not None and self.turn.member is None:
            self.turn.dialogue.data = {**self.turn.dialogue.data, "link": self.link}


running: ContextVar[Running] = ContextVar("running")
"""Set by the turn processor around each update; python-telegram-bot's handlers find their turn here."""
