"""The playground over a double with the scripted bot; `python -m tests.bot.playground.demo [PORT]` serves it by itself."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from aiohttp import web

from bot.double.double import Double
from bot.double.limits import Limits
from bot.playground.app import playground_app
from bot.playground.people import CAST, PersonSpec
from tests.bot.playground.scripted import Api, ScriptedBot


class DemoClock:
    """A programme's date that moves by itself never, and by hand at once; `moves` lists where to."""

    def __init__(self, today: date = date(2026, 11, 22)) -> None:
        self._today = today
        self.moves: list[date] = []
        self.seconds = 0.0

    async def today(self) -> date:
        return self._today

    async def advance_to(self, day: date) -> None:
        await asyncio.sleep(self.seconds)
        self.moves.append(day)
        self._today = day


@dataclass
class Demo:
    """A running playground; `url` is the page's address, with its slash."""

    url: str
    double: Double
    clock: DemoClock
    api: Api
    bot: ScriptedBot | None


@contextlib.asynccontextmanager
async def demo(
    *,
    people: list[PersonSpec] = CAST,
    port: int = 0,
    with_bot: bool = True,
    changes_max: int = 500,
    limits: Limits | None = None,
    delay_seconds: float = 0.0,
) -> AsyncIterator[Demo]:
    """Starts a double, the scripted bot and the playground under `/playground`; stops them on leaving."""
    double = Double(limits=limits or Limits.telegram())
    clock = DemoClock()
    async with contextlib.AsyncExitStack() as stack:
        await double.start()
        stack.push_async_callback(double.stop)
        api = await stack.enter_async_context(Api(double.url, double.token))
        bot = None
        if with_bot:
            bot = await stack.enter_async_context(ScriptedBot(api, delay_seconds=delay_seconds))
        root = web.Application()
        root.add_subapp("/playground", playground_app(double, people=people, clock=clock, changes_max=changes_max))
        runner = web.AppRunner(root, access_log=None, shutdown_timeout=2)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/playground/"
        yield Demo(url, double, clock, api, bot)


async def main(port: int) -> None:
    """Serves until interrupted."""
    async with demo(port=port, delay_seconds=0.4) as running:
        print(running.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
