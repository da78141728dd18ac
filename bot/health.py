"""What a supervisor, a load balancer and Prometheus ask: `/healthz`, `/readyz`, `/metrics`.

`/healthz` answers 200 as long as the event loop turns: restart the process when it doesn't. `/readyz` says whether
updates can be worked on: database reachable, tables of this version, updates arriving. Neither names anything secret.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot import migrate
from bot.engines import Connects
from bot.metrics import Metrics

DATABASE_SECONDS_MAX = 3.0


class Health:
    """The three routes over this process's engine and metrics.

    Args:
        receiving: asked at each `/readyz`: is the poller or the webhook alive.
    """

    def __init__(self, engine: Connects, metrics: Metrics, receiving: Callable[[], bool]) -> None:
        self._engine = engine
        self._metrics = metrics
        self._receiving = receiving
        self._head: str | None = None

    def add_to(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._render_metrics)

    async def ready(self) -> dict[str, bool]:
        """Each thing that must hold, and whether it does."""
        state = {"database": False, "migrations": False, "receiving": self._receiving()}
        with contextlib.suppress(OSError, SQLAlchemyError, TimeoutError):
            async with asyncio.timeout(DATABASE_SECONDS_MAX), self._engine.connect() as connection:
                at = await migrate.revision_of(connection)
                if self._head is None:
                    self._head = await asyncio.to_thread(migrate.head)
                state |= {"database": True, "migrations": at == self._head}
        return state

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        state = await self.ready()
        return web.json_response(state, status=200 if all(state.values()) else 503)

    async def _render_metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(), headers={"Content-Type": self._metrics.content_type})
