"""Stopping one deed at every await there is: an update that a worker is given, or what a duty does.

While nothing has come of it, the same deed is tried again by the other worker and stopped one await later; so all the awaits
before the commit need one scene. Each that was stopped after it needs a fresh one, and what happens there is said and marked as
said, by the same code for every deed: every fourth of these is stopped at (`JIFEN_DEEP=1`: each). In the end both workers are
given the deed at once, and whatever came of it has to be there exactly once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bot.clock import Clock
from bot.double.double import Person
from bot.leads import LostLead, take
from bot.timetable import Timetable
from jobs.duty import Duty
from tests.bot.test_kills import nothing_prepared, stopped, what_waits_is_said_to
from tests.driver import ZONE, World

AWAITS_MOST = 400
AFTERWARDS = 1 if os.environ.get("JIFEN_DEEP") else 4
"""One of so many awaits after the commit is stopped at."""


@dataclass
class Deed:
    """Something that is about to be done.

    Attributes:
        by: does it in the worker of that number, 0 or 1.
        happened: whether anything came of it.
        hear: who has something to hear of it.
        holds: asserts that everything came of it once.
    """

    by: Callable[[int], Coroutine[Any, Any, None]]
    happened: Callable[[], Awaitable[bool]]
    hear: Sequence[Person]
    holds: Callable[[], Awaitable[None]]


async def stopped_everywhere(world: World, prepare: Callable[[], Awaitable[Deed]]) -> None:
    """Stop a deed at its first await, its second, and so on until it ends before; `prepare` sets a fresh scene."""
    awaits, ended = 0, False
    while not ended:
        deed, happened = await prepare(), False
        while not happened and not ended:
            await nothing_prepared(world.workers[awaits % 2])
            ended = not await stopped(deed.by(awaits % 2), awaits)
            happened = await deed.happened()
            awaits += AFTERWARDS if happened else 1
            assert awaits < AWAITS_MOST, "it never ends by itself"
        await asyncio.gather(deed.by(0), deed.by(1))
        for who in deed.hear:
            await what_waits_is_said_to(world, who.id)
        await deed.holds()
    assert awaits > 5, "it was never really stopped"


def update(world: World, id_: int | None, hear: Sequence[Person], holds: Callable[[], Awaitable[None]]) -> Deed:
    """An update that is handed to workers."""

    async def happened() -> bool:
        return bool(await world.sql("SELECT 1 FROM turn_key WHERE key LIKE :key", key=f"update:%:{id_}"))

    return Deed(lambda number: world.feed(world.workers[number], id_), happened, hear, holds)


async def duty(world: World, what: Duty, hear: Sequence[Person], holds: Callable[[], Awaitable[None]]) -> Deed:
    """A duty whose next slot is due now. Whoever works has just taken the lead from the one before."""
    clock = Clock(ZONE, world.now)
    async with world.database.engine.begin() as tx:
        due = what.last_due(await clock.moment(tx), ZONE)

    async def by(number: int) -> None:
        timetable = Timetable(world.workers[number].parts.engines.turns, world.vault, clock, [what])
        await world.sql("UPDATE lead SET until = clock_timestamp() - interval '1 second'")
        async with world.database.engine.begin() as tx:
            lease = await take(tx, "jobs", f"worker {number}")
        with suppress(LostLead):
            if lease is not None:
                await timetable.catch_up(lease)

    async def happened() -> bool:
        asked = {"job": what.name, "due": due}
        return bool(
            await world.sql("SELECT 1 FROM slot WHERE job = :job AND due_at >= :due AND state = 'done'", **asked)
        )

    return Deed(by, happened, hear, holds)


class Hands:
    """Hands every update to the second worker as it is made, so that scenes can be set in a world where updates don't come by
    themselves; none while `off`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._given = 0
        self._done = 0
        self._off = False

    @asynccontextmanager
    async def off(self) -> AsyncIterator[None]:
        """What is made now is the test's to hand over; whatever was made before is worked on first."""
        while self._done < len(self._world.double.updates):
            await asyncio.sleep(0.002)
        self._off = True
        yield
        self._given = self._done = len(self._world.double.updates)
        self._off = False

    async def work(self) -> None:
        """Until cancelled."""
        while True:
            made = self._world.double.updates
            while not self._off and self._given < len(made):
                self._given += 1
                await self._world.feed(self._world.workers[1], made[self._given - 1].id)
                self._done = self._given
            await asyncio.sleep(0.002)


@asynccontextmanager
async def handing_over(world: World) -> AsyncIterator[Hands]:
    """Updates come as they are made."""
    hands = Hands(world)
    working = asyncio.create_task(hands.work())
    try:
        yield hands
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def tap(hands: Hands, who: Person, label: str) -> int:
    """Presses a button for the test to hand over; its update."""
    async with hands.off():
        return (await who.taps(label)).update_id


async def notices(world: World, who: Person, key: str) -> int:
    """How many notices with such a key were written for somebody."""
    [row] = await world.sql("SELECT count(*) FROM outbox WHERE chat_id = :chat AND key LIKE :key", chat=who.id, key=key)
    return int(row[0])
