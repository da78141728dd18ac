"""What the page may do to the world: set faults in the bot's way and move the programme's date."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from bot.double.double import Double, Fault
from bot.playground.guard import Refused, form_of
from bot.playground.ports import ClockPort
from bot.playground.stream import Stream

DAYS_MAX = 3660


class NewFault(BaseModel):
    """A fault to set; `seconds` counts for flood and timeout only, `person` limits it to one chat."""

    kind: Literal["flood", "error", "timeout", "drop", "reset"]
    method: Annotated[str, StringConstraints(pattern=r"^(\*|[A-Za-z]{3,64})$")] = "*"
    times: Annotated[int, Field(ge=1, le=100)] = 1
    seconds: Annotated[int, Field(ge=1, le=120)] = 3
    person: int | None = None

    def fault(self) -> Fault:
        """As the double takes it."""
        match self.kind:
            case "flood":
                return Fault.flood(self.seconds)
            case "error":
                return Fault.status(500)
            case "timeout":
                return Fault.timeout(self.seconds)
            case "drop":
                return Fault.drop_reply()
            case "reset":
                return Fault.reset()


class Move(BaseModel):
    """How far to move the programme's date: a number of days, or to a day."""

    days: int | None = None
    day: date | None = None


class Controls:
    """The endpoints under `/api/faults` and `/api/clock`."""

    def __init__(self, double: Double, clock: ClockPort, stream: Stream) -> None:
        self._double = double
        self._clock = clock
        self._stream = stream
        self._moving = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.post("/api/faults", self.add_fault),
            web.delete("/api/faults", self.clear_faults),
            web.post("/api/clock", self.move),
        ]

    async def add_fault(self, request: web.Request) -> web.Response:
        """Sets a fault."""
        wanted = await form_of(request, NewFault)
        self._double.faults.on(wanted.method, wanted.fault(), times=wanted.times, chat=wanted.person)
        self._stream.nudge()
        return web.json_response({})

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Takes every fault away."""
        self._double.faults.clear()
        self._stream.nudge()
        return web.json_response({})

    async def move(self, request: web.Request) -> web.Response:
        """Moves the programme's date forward; answers with the date when what fell due has run. One move at a time."""
        wanted = await form_of(request, Move)
        async with self._moving:
            today = await self._clock.today()
            day = _target(wanted, today)
            if day <= today:
                raise Refused("backwards")
            if (day - today).days > DAYS_MAX:
                raise Refused("too_far")
            await self._clock.advance_to(day)
            reached = await self._clock.today()
        self._stream.nudge()
        return web.json_response({"clock": {"date": reached.isoformat()}})


def _target(wanted: Move, today: date) -> date:
    if (wanted.days is None) == (wanted.day is None):
        raise Refused("malformed")
    if wanted.day is not None:
        return wanted.day
    assert wanted.days is not None
    if wanted.days > DAYS_MAX:
        raise Refused("too_far")
    return today + timedelta(days=max(wanted.days, 0))
