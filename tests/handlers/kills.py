"""Dialogues in which the worker ends at every step: each update is stopped at its n-th suspension, then delivered again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.double.double import Person
from tests.bot.test_kills import stopped, what_waits_is_said_to
from tests.driver import World

MOST = 200
"""No update has so many suspensions."""


@dataclass
class Stopped:
    """One telling of a dialogue, stopped everywhere at the same count of suspensions."""

    world: World
    at: int
    reached: int = 0
    """How many of its updates were really stopped there."""

    async def says(self, who: Person, words: str, sees: str) -> None:
        """A person says something, and sees that, however the worker ended."""
        await self._works(who, await who.says(words), sees)

    async def sends_photo(self, who: Person, content: bytes, sees: str) -> None:
        """The same of a photo."""
        await self._works(who, await who.sends_photo(content), sees)

    async def taps(self, who: Person, label: str, sees: str) -> None:
        """The same of a tap on the newest screen."""
        pressed = await who.taps(label, message=who.last)
        await self._works(who, pressed.update_id, sees)

    async def hears(self, who: Person, sees: str) -> None:
        """Somebody is told of it who did nothing, though the worker that was about to tell them ended."""
        await what_waits_is_said_to(self.world, who.id)
        await who.sees(sees)
        assert sees in who.last.shown

    async def _works(self, who: Person, update: int | None, sees: str) -> None:
        first, second = self.world.workers
        self.reached += await stopped(self.world.feed(first, update), self.at)
        await asyncio.gather(self.world.feed(second, update), self.world.feed(second, update))
        await what_waits_is_said_to(self.world, who.id)
        await who.sees(sees)


async def told_at_every_await(world: World, tell: Callable[[Stopped], Awaitable[None]]) -> None:
    """Tell a dialogue once for every suspension that any of its updates has; `tell` asserts what came of it."""
    for suspension in range(MOST):
        telling = Stopped(world, suspension)
        await tell(telling)
        if not telling.reached:
            assert suspension > 5, "no update was ever really stopped"
            return
    raise AssertionError("some update never ended by itself")
