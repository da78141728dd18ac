"""The playground's door: an application to mount beside the double."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence

from aiohttp import web

from bot.double.double import Double
from bot.playground.actions import Actions
from bot.playground.controls import Controls
from bot.playground.guard import guard
from bot.playground.pages import Pages
from bot.playground.people import PersonSpec
from bot.playground.ports import ClockPort
from bot.playground.stream import CHANGES_MAX, Stream

__all__ = ["ClockPort", "PersonSpec", "playground_app"]


def playground_app(
    double: Double,
    *,
    people: Sequence[PersonSpec],
    clock: ClockPort,
    hosts: Collection[str] = (),
    changes_max: int = CHANGES_MAX,
) -> web.Application:
    """The playground over `double`, to be mounted with `add_subapp("/playground", …)` on an application bound to loopback.

    Args:
        people: who is there at first, in the order of the bar; those the double lacks are made now.
        hosts: names besides `localhost` under which the page may be reached.
        changes_max: how far a page may fall behind before it is told everything anew.
    """
    specs = {spec.join(double).id: spec for spec in people}
    stream = Stream(double, clock, specs, changes_max=changes_max)
    actions = Actions(double, stream)
    controls = Controls(double, clock, stream)
    app = web.Application(middlewares=[guard(hosts)])
    app.add_routes([*Pages().routes(), *actions.routes(), *controls.routes(), web.get("/api/events", stream.serve)])

    async def follow(_: web.Application) -> AsyncIterator[None]:
        await stream.refresh()  # the first page that opens finds the world complete
        following = asyncio.create_task(stream.run())
        yield
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    async def close(_: web.Application) -> None:
        stream.close()

    app.cleanup_ctx.append(follow)
    app.on_shutdown.append(close)
    return app
