"""Without a token: a Bot API double in this process, a demo programme, and people one can be on the playground's page."""

from __future__ import annotations

import datetime as dt
import time

from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.clock import Clock
from bot.demo.load import load
from bot.double.double import Double
from bot.playground.app import playground_app
from bot.playground.people import CAST
from bot.timetable import Timetable
from ledger.members import person
from ledger.members.vault import Vault


class Sandbox:
    """The double and its people, on a database with the demo in it."""

    def __init__(self, double: Double, engine: AsyncEngine, clock: Clock) -> None:
        self._double = double
        self._engine = engine
        self._clock = clock
        self.token = double.token
        self.url = double.url
        self.provider_token = "1:TEST:PLAYGROUND"

    @classmethod
    async def open(cls, engine: AsyncEngine, vault: Vault, clock: Clock) -> Sandbox:
        """Load the demo where the database is empty, start the double, and let the demo's members have met the bot."""
        await load(engine, vault, now=clock.now())
        # A double forgets everything with its process and numbers anew. To the database it is another bot each time, so
        # that no update of now passes for one done before, and no file of before is named.
        double = Double(f"{time.time_ns() // 1_000_000}:PLAYGROUND")
        await double.start()
        for spec in CAST:
            spec.join(double)
        async with engine.connect() as tx:
            members = (await tx.scalars(text("SELECT member_id FROM person"))).all()
            people = await person.load_many(tx, vault, members)
        for known in people.values():
            met = double.people.get(known.telegram_id) or double.person(known.name, id=known.telegram_id)
            met.chat.started = True
        return cls(double, engine, clock)

    def page(self, timetable: Timetable) -> web.Application:
        """The playground's page, whose clock moves this programme's."""
        return playground_app(self._double, people=CAST, clock=Days(self._engine, self._clock, timetable))

    async def close(self) -> None:
        """End the double."""
        await self._double.stop()


class Days:
    """The programme's date for the page: moving it runs what falls due (`playground.ports.ClockPort`)."""

    def __init__(self, engine: AsyncEngine, clock: Clock, timetable: Timetable) -> None:
        self._engine = engine
        self._clock = clock
        self._timetable = timetable

    async def today(self) -> dt.date:
        """The programme's date now."""
        async with self._engine.connect() as tx:
            return self._clock.today(await self._clock.ahead(tx))

    async def advance_to(self, day: dt.date) -> None:
        """Move the date to `day` and wait for what falls due.

        Raises:
            ValueError: `day` is not later than today.
        """
        async with self._engine.begin() as tx:
            days = (day - self._clock.today(await self._clock.ahead(tx))).days
            if days <= 0:
                raise ValueError("the programme's clock only moves forward")
            await self._clock.move(tx, days)
        await self._timetable.nudge()
