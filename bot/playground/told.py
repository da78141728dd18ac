"""The world as the pages were told it is, compared with how it is now.

What changed is found by looking, not by reading events, so no kind of event can be forgotten here, and a burst of events
becomes one change per message.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from datetime import date
from typing import Any

from bot.double.calls import ApiCall
from bot.double.double import Double
from bot.playground.people import PersonSpec
from bot.playground.views import bot_view, call_view, faults_view, message_view, person_view

MESSAGES_MAX = 200
CALLS_MAX = 300

Change = dict[str, Any]


class Told:
    """Compares and tells.

    Args:
        specs: how the people who came with the page are described, by Telegram id.
        tell: takes each change, `{"type": …}`.
    """

    def __init__(self, double: Double, specs: dict[int, PersonSpec], tell: Callable[[Change], None]) -> None:
        self._double = double
        self._specs = specs
        self._tell = tell
        self._wires: dict[int, dict[int, dict[str, Any]]] = {}
        self._messages: dict[int, dict[int, Change]] = {}
        self._people: dict[int, Change] = {}
        self._facts: dict[str, Any] = {}
        self._calls: deque[Change] = deque(maxlen=CALLS_MAX)
        self._call_numbers = itertools.count(1)

    def call(self, call: ApiCall) -> None:
        """Tells one API call."""
        view = call_view(next(self._call_numbers), call, self._double)
        self._calls.append(view)
        self._tell({"type": "call", "call": view})

    def world(self) -> None:
        """Tells what people, messages, faults and the bot's profile look like by now."""
        for person in list(self._double.people.values()):
            view = person_view(person, self._specs.get(person.id), self._double)
            if self._people.get(person.id) != view:
                self._people[person.id] = view
                self._tell({"type": "person", "person": view})
            self._chat(person.id)
        self._fact("bot", bot_view(self._double))
        self._fact("faults", faults_view(self._double))

    def today(self, today: date) -> None:
        """Tells the programme's date."""
        self._fact("clock", {"date": today.isoformat()})

    def snapshot(self) -> Change:
        """Everything told so far, as one change."""
        return {
            "type": "snapshot",
            **self._facts,
            "people": list(self._people.values()),
            "chats": {number: list(views.values()) for number, views in self._messages.items()},
            "calls": list(self._calls),
        }

    def _fact(self, name: str, view: Any) -> None:
        if self._facts.get(name) != view:
            self._facts[name] = view
            self._tell({"type": name, name: view})

    def _chat(self, person_id: int) -> None:
        """A message's wire object is replaced, never altered, so its identity tells whether the message changed."""
        person = self._double.people[person_id]
        now = {message.id: message for message in person.messages[-MESSAGES_MAX:]}
        told = self._wires.get(person_id, {})
        changed = {number: message for number, message in now.items() if told.get(number) is not message.wire}
        gone = [number for number in told if number not in now]
        if not changed and not gone:
            return
        self._wires[person_id] = {number: message.wire for number, message in now.items()}
        fresh = {number: message_view(message, person) for number, message in changed.items()}
        views = self._messages.setdefault(person_id, {})
        for number in gone:
            del views[number]
        views.update(fresh)
        self._tell({"type": "messages", "chat": person_id, "changed": list(fresh.values()), "gone": gone})
